"""`[[adapters.sms.accounts]]`: what it takes, and one clear reason for what it does not."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from adapters.contract import RejectClass
from adapters.rates import UNSHARED
from adapters.sms.esms.settings import EsmsAccount
from adapters.sms.settings import SmppAccount, SmsSettings
from adapters.sms.speedsms.settings import SpeedSmsAccount
from lanes.memory_rates import MemoryRates
from loa.settings_sections import ROOT, Adapters
from loa.wiring import SwitchedOn, _share, build_routes
from tests.contract.recording import MemoryState

LEAST: dict[str, Any] = {"name": "viettel", "host": "127.0.0.1", "system_id": "loa", "password": "secret"}


def test_the_least() -> None:
    account = SmppAccount(**LEAST)
    assert (account.kind, account.port, account.bind, account.window, account.tps) == ("smpp", 2775, "trx", 10, 0)
    assert (account.split, account.alphabet, account.tls, account.carriers) == ("udh", "gsm", False, ())
    assert "secret" not in repr(account)


def test_the_keys_of_the_contract() -> None:
    fields = set(SmppAccount.model_fields)
    assert {
        "name", "kind", "host", "port", "system_id", "password", "bind", "window", "tps", "carriers", "price", "sender",
        "dlr_ids", "split", "alphabet", "tls",
    } <= fields  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "Viettel HCM"), ("name", ""), ("port", 0), ("port", 70_000), ("window", 0), ("tps", -1),
        ("bind", "rx"), ("split", "none"), ("alphabet", "utf8"), ("dlr_ids", "hex"), ("system_id", "x" * 16),
        ("system_id", "tên"), ("sender", "PCTT Thanh Hoa"), ("sender", "Thanh Hóa"), ("sender", "8" * 21),
        ("vendor_codes", {"0x58": "recipient"}), ("vendor_codes", {"1104": "text"}),
        ("vendor_codes", {"0x450": "later"}), ("timers", {"response": 0}), ("timers", {"backoff_min": 90}),
        ("max_parts", 0), ("max_parts", 32), ("registered_delivery", 4), ("unheard_of", 1),
    ],
)  # fmt: skip
def test_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError) as wrong:
        SmppAccount(**{**LEAST, key: value})
    assert len(wrong.value.errors()) == 1


def test_vendor_codes() -> None:
    account = SmppAccount(**LEAST, vendor_codes={"0x450": "quota"})
    assert account.vendor_codes == {"0x450": RejectClass.QUOTA}


@pytest.mark.parametrize(
    ("fields", "numbering"),
    [
        ({"sender": "PCTT"}, (5, 0)),
        ({"sender": "8099"}, (3, 0)),
        ({"sender": "84900000000"}, (1, 1)),
        ({}, (0, 0)),
        ({"sender": "8099", "sender_ton": 6, "sender_npi": 1}, (6, 1)),
        ({"sender": "8099", "sender_ton": 0}, (0, 0)),
    ],
)
def test_sender_numbering(fields: dict[str, Any], numbering: tuple[int, int]) -> None:
    assert SmppAccount(**LEAST, **fields).sender_numbering() == numbering


def test_two_accounts_need_two_names() -> None:
    settings = SmsSettings(accounts=(SmppAccount(**LEAST), SmppAccount(**{**LEAST, "name": "vnpt"})))
    assert [account.name for account in settings.accounts] == ["viettel", "vnpt"]
    with pytest.raises(ValidationError, match="two accounts are called viettel"):
        SmsSettings(accounts=(SmppAccount(**LEAST), SmppAccount(**LEAST)))


ESMS: dict[str, Any] = {"name": "esms", "api_key": "khoa-mot", "secret_key": "khoa-hai"}
SPEED: dict[str, Any] = {"name": "speedsms", "access_token": "khoa-ba"}
TOKEN = "0123456789abcdef"


def test_the_least_of_the_others() -> None:
    esms, speed = EsmsAccount(**ESMS), SpeedSmsAccount(**SPEED)
    assert (esms.kind, esms.sms_type, esms.sandbox, esms.receipt_hook, esms.mo_hook) == ("esms", "2", False, "", "")
    assert (speed.kind, speed.sms_type, speed.tps, speed.hook) == ("speedsms", 2, 1, "")
    for secret in ("khoa-mot", "khoa-hai", "khoa-ba"):
        assert secret not in repr((esms, speed))


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        *((kind, key, value) for kind in (ESMS, SPEED) for key, value in (
            ("name", "e sms"), ("base_url", "rest.esms.vn"), ("tps", 0), ("concurrency", 1), ("max_parts", 0),
            ("hook_token", "short"), ("hook_token", "0123456789abcde/"), ("hook_ips", ("300.1.1.1",)),
            ("hook_ips", ("abc",)), ("sender", "Thanh Hóa"), ("sender", "a\nb"), ("answer_seconds", 0),
            ("carriers", ("viettell",)), ("price", -1), ("weight", -1), ("daily_budget", -1), ("host", "x"),
        )),
        (ESMS, "sms_type", "1"), (ESMS, "sender", "x" * 12), (ESMS, "public_url", "loa.example.vn"),
        (SPEED, "sms_type", 1), (SPEED, "sms_type", 3), (SPEED, "sms_type", 9),
    ],
)  # fmt: skip
def test_the_others_refuse(kind: dict[str, Any], key: str, value: Any) -> None:
    model = EsmsAccount if kind is ESMS else SpeedSmsAccount
    with pytest.raises(ValidationError) as wrong:
        model(**{**kind, key: value})
    assert len(wrong.value.errors()) == 1


def test_hooks_need_a_token_and_say_it_nowhere_else() -> None:
    esms = EsmsAccount(**ESMS, hook_token=TOKEN, public_url="https://loa.example.vn/", mo_private_key="khoa")
    assert esms.callback_url == f"https://loa.example.vn/hooks/sms.esms.dlr.{TOKEN}"
    assert esms.mo_hook == f"sms.esms.mo.{TOKEN}"
    assert EsmsAccount(**ESMS, hook_token=TOKEN).mo_hook == "", "without the key no message is taken"
    assert SpeedSmsAccount(**SPEED, hook_token=TOKEN).hook == f"sms.speedsms.{TOKEN}"
    assert TOKEN not in repr(esms)


def test_kinds_by_name_and_smpp_without_one() -> None:
    tables = [LEAST, {**ESMS, "kind": "esms"}, {**SPEED, "kind": "speedsms"}]
    read = SmsSettings.model_validate({"accounts": tables})
    assert [account.kind for account in read.accounts] == ["smpp", "esms", "speedsms"]
    for wrong in ({**LEAST, "kind": "pigeon"}, {**ESMS, "kind": "smpp"}, "smpp", None):
        with pytest.raises(ValidationError):
            SmsSettings.model_validate({"accounts": [wrong]})


@pytest.mark.parametrize(("kind", "model"), [("esms", EsmsAccount(**ESMS)), ("speedsms", SpeedSmsAccount(**SPEED))])
def test_config_toml_shows_every_key_with_its_default(kind: str, model: BaseModel) -> None:
    text = (ROOT / "config.toml").read_text("utf-8")
    lines = [match[1] if (match := re.match(r"# ((?:[a-z_]+ = |\[\[).*)", line)) else line for line in text.split("\n")]
    accounts = tomllib.loads("\n".join(lines))["adapters"]["sms"]["accounts"]
    shown = next(account for account in accounts if account["kind"] == kind)
    assert set(shown) == set(type(model).model_fields)
    for key, value in shown.items():
        own = getattr(model, key)
        if key not in ("api_key", "secret_key", "access_token"):
            assert value == (own.get_secret_value() if isinstance(own, SecretStr) else list(own) if own == () else own)


def test_the_wiring_makes_one_channel_of_all_accounts_and_each_beside_it() -> None:
    tables = [LEAST, {**ESMS, "kind": "esms", "hook_token": TOKEN}, {**SPEED, "kind": "speedsms", "enabled": False}]
    adapters = Adapters.model_validate({"sms": {"accounts": tables}})
    routes = build_routes(adapters, MemoryState())
    assert [(route.name, route.light) for route in routes.all] == [
        ("sms", True), ("sms.viettel", True), ("sms.esms", True),
    ]  # fmt: skip
    assert routes.direct("sms") is routes.for_numbers() is routes.by_name("sms")
    assert set(SwitchedOn(routes).hooks) == {f"sms.esms.dlr.{TOKEN}"}
    alone = build_routes(Adapters.model_validate({"sms": {"accounts": [LEAST]}}), MemoryState())
    assert [(route.name, route.light) for route in alone.all] == [("sms", False), ("sms.viettel", True)]
    assert build_routes(Adapters(), MemoryState()).all == ()


def test_accounts_of_one_contract_state_one_rate():
    first = LEAST | {"name": "a", "contract": "viettel", "tps": 50}
    SmsSettings.model_validate({"accounts": [first, first | {"name": "b"}]})
    for wrong in ({"tps": 40}, {"tps": 0}):
        with pytest.raises(ValidationError, match="viettel"):
            SmsSettings.model_validate({"accounts": [first, first | {"name": "b"} | wrong]})


def test_only_accounts_of_a_contract_share_a_rate_inside_one_process():
    rates = MemoryRates()
    accounts = [LEAST | {"name": "a", "tps": 50}, LEAST | {"name": "b", "tps": 50, "contract": "c"}]
    for account in SmsSettings.model_validate({"accounts": accounts}).accounts:
        shared = _share(account, rates)
        assert (shared is UNSHARED) is (account.contract == "")
