"""`[[adapters.sms.accounts]]`: what it takes, and one clear reason for what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.contract import RejectClass
from adapters.sms.settings import SmppAccount, SmsSettings

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
        ("max_parts", 0), ("registered_delivery", 4), ("unheard_of", 1),
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
