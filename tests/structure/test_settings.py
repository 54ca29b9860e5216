"""config.toml says every key, with the value that holds when it is left out; wrong settings are one clear error."""

import re
import tomllib

import pytest
from pydantic import BaseModel, SecretStr

from adapters.sms.settings import SmppAccount
from loa.settings import Settings, load_settings
from loa.settings_error import SettingsError
from loa.settings_sections import ROOT, CarrierSettings

TEXT = (ROOT / "config.toml").read_text("utf-8")
NOT_DEFAULTS = {"name", "host", "system_id", "password", "window", "sender_ton", "sender_npi", "timers", "vendor_codes"}
"""Keys of the SMS example that have no default, or show an example."""


def uncommented() -> dict:
    """The file with each `# key = value` and `# [[table]]` made real."""
    lines = []
    for line in TEXT.splitlines():
        real = re.match(r"# ((?:[a-z_]+ = |\[\[).*)", line)
        lines.append(real[1] if real else line)
    return tomllib.loads("\n".join(lines))


def values(model: BaseModel, prefix=""):
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from values(value, f"{prefix}{name}.")
        elif not isinstance(value, tuple | dict) or not value:
            yield f"{prefix}{name}", value


def written(table: dict, prefix=""):
    for name, value in table.items():
        if isinstance(value, dict) and value and name != "fixed_params":
            yield from written(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def plain(value):
    if isinstance(value, tuple):
        return list(value)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def test_every_key_is_there_with_its_default():
    file = uncommented()
    accounts = file["adapters"]["sms"].pop("accounts")
    file.pop("escalation")
    assert set(file.pop("carriers")[0]) == set(CarrierSettings.model_fields)
    shown = dict(written(file))
    known = {
        name: plain(value) for name, value in values(Settings()) if not name.startswith(("adapters.sms", "carriers"))
    }
    # Credentials of the one account stand once, in [adapters.zalo.oa].
    for route in ("oa_user", "oa_group", "zns"):
        for key in type(Settings().adapters.zalo.oa).model_fields:
            known.pop(f"adapters.zalo.{route}.{key}", None)
    seconds = {"limits.close_after": "24h", "limits.give_up_after": "10m", "carrier_orders.acknowledge_within": "15m"}
    seconds["enrolment.valid_for"] = "14d"
    seconds |= {"approval.next_after": "5m", "approval.break_glass_after": "10m", "roster.warn_ahead": "12h"}
    seconds |= {"watch.link_test_every": "6h", "watch.path_proved_within": "60d"}
    seconds |= {"watch.approval_after": "10m", "watch.backup_within": "36h"}
    assert set(known) - set(shown) == set()
    for name, value in known.items():
        assert shown[name] == seconds.get(name, value), name
    smpp = next(account for account in accounts if account.get("kind") == "smpp")
    model = SmppAccount(name="x", host="h", system_id="s", password="p")
    assert set(SmppAccount.model_fields) <= set(smpp)
    for name, value in smpp.items():
        if name not in NOT_DEFAULTS:
            default = getattr(model, name)
            assert value == (list(default) if isinstance(default, tuple) else default), name


def test_the_file_as_it_is_and_wholly_uncommented_both_load(tmp_path):
    assert load_settings(ROOT / "config.toml")
    path = tmp_path / "all.toml"
    path.write_text("\n".join(re.sub(r"^# ((?:[a-z_]+ = |\[\[).*)", r"\1", line) for line in TEXT.splitlines()))
    assert load_settings(path).adapters.sms.accounts[0].kind == "smpp"


@pytest.mark.parametrize(
    ("text", "key", "where"),
    [
        ("[web]\nprot = 1", "key_unknown", "web.prot"),
        ("[wbe]\nport = 1", "key_unknown", "wbe"),
        ("[web]\nport = 'a'", "value_wrong", "web.port"),
        ("[web]\nport = 70000", "value_wrong", "web.port"),
        ("[[adapters.sms.accounts]]\nname = 'x'", "key_missing", "adapters.sms.accounts.0.host"),
        ("[escalation.default]\nsteps = []", "value_wrong", "escalation.default.steps"),
        ("[escalation.default]\nsteps = [{after = 'bald'}]", "value_wrong", "escalation.default.steps.0.after"),
        ("[web\nport = 1", "config_broken", None),
        ("[[carriers]]\nemail = 'a@b.example.vn'", "key_missing", "carriers.0.name"),
        ("[[carriers]]\nname = 'x'\nemail = 'a, b'", "value_wrong", "carriers.0.email"),
        ("[[carriers]]\nname = 'x'\n[[carriers]]\nname = 'x'", "value_wrong", ""),
        ("[mail]\nhost = 'mail.example.vn'", "value_wrong", "mail"),
        ("[mail]\ntls = 'maybe'", "value_wrong", "mail.tls"),
    ],
)
def test_wrong_settings_name_the_key(tmp_path, text, key, where):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as wrong:
        load_settings(path)
    assert wrong.value.key == key
    if where:
        assert wrong.value.params["where"] == where


def test_a_secret_in_a_wrong_place_is_not_repeated(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[adapters.telegram]\ntoken = 12345678\nmode = 'geheim-token'")
    with pytest.raises(SettingsError) as wrong:
        load_settings(path)
    assert "geheim" not in str(wrong.value.params)


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    path = tmp_path / "config.toml"
    path.write_text("[web]\nport = 1\nhost = '0.0.0.0'")
    monkeypatch.setenv("LOA_WEB__PORT", "2")
    monkeypatch.setenv("LOA_ADAPTERS__ZALO__OA__APP_SECRET", "s3cret")
    settings = load_settings(path)
    assert (settings.web.port, settings.web.host) == (2, "0.0.0.0")
    assert settings.adapters.zalo.oa.app_secret.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(("url", "key"), [("postgresql://x/y", "store_url"), ("sqlite://", "store_url")])
def test_an_engine_that_is_not_served_is_named(monkeypatch, url, key):
    monkeypatch.setenv("LOA_STORE__URL", url)
    with pytest.raises(SettingsError) as wrong:
        load_settings().store.path()
    assert wrong.value.key == key
