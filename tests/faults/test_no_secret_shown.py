"""A whole run over every channel, providers failing on the way: its log, its error pages and its duty board are
searched for every token, key and password there is, and for whole telephone numbers."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators import esms, smsc, speedsms, telegram, zalo
from tests.living import Office, Town, office, simulators, write_config
from tests.processes import ROOT, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

PEOPLE = ROOT / "data" / "sample" / "people.csv"
HOOK_SECRET = "hook-secret-of-the-bot-0001"
TELEGRAM_SECRET = "hook-secret-of-telegram-0001"
SPEEDSMS_HOOK = "hook-token-of-speedsms-0001-abcdef"
ESMS_HOOK = "hook-token-of-esms-0001-abcdefgh"
RESIDENT = "84900654321"
NUMBER = re.compile(rb"(?<![\d.])(?:\+?84|0)9\d{8}(?!\d)")
MORE = """
[adapters.zalo.zns]
enabled = true
zns_url = "{zalo}"
template_id = "500001"
[adapters.zalo.bot]
enabled = true
base_url = "{zalo}"
token = "{bot_token}"
group_id = "{bot_group}"
webhook_secret = "{hook_secret}"
poll_seconds = 1

[[adapters.sms.accounts]]
name = "esms"
kind = "esms"
base_url = "{esms}"
api_key = "{esms_key}"
secret_key = "{esms_secret}"
sender = "PCTT"
hook_token = "{esms_hook}"
mo_private_key = "{esms_private}"

[[adapters.sms.accounts]]
name = "speedsms"
kind = "speedsms"
base_url = "{speedsms}"
access_token = "{speedsms_token}"
hook_token = "{speedsms_hook}"
"""
SECRETS = (
    zalo.APP.app_secret,
    zalo.APP.oa_secret_key,
    zalo.APP.refresh_token,
    zalo.BOT_TOKEN,
    zalo.BOT_TOKEN.partition(":")[2],
    telegram.DEFAULT_TOKEN,
    telegram.DEFAULT_TOKEN.partition(":")[2],
    smsc.PASSWORD,
    esms.API_KEY,
    esms.SECRET_KEY,
    esms.PRIVATE_KEY,
    speedsms.ACCESS_TOKEN,
    HOOK_SECRET,
    SPEEDSMS_HOOK,
    ESMS_HOOK,
)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path, replies=True) as found:
        yield found


def config_of(folder: Path, town: Town) -> Path:
    more = MORE.format(
        zalo=town.urls["zalo"], bot_token=zalo.BOT_TOKEN, bot_group=zalo.BOT_GROUP_ID, hook_secret=HOOK_SECRET,
        esms=town.urls["esms"], esms_key=esms.API_KEY, esms_secret=esms.SECRET_KEY, esms_hook=ESMS_HOOK,
        esms_private=esms.PRIVATE_KEY, speedsms=town.urls["speedsms"], speedsms_token=speedsms.ACCESS_TOKEN,
        speedsms_hook=SPEEDSMS_HOOK,
    )  # fmt: skip
    return write_config(folder, town, channels=("zalo", "telegram", "sms"), more=more)


def asked(url: str, body: bytes | None = None, **headers: str) -> bytes:
    """Whatever comes back, an error page too."""
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.read()


def knock(loa: Office) -> dict[str, bytes]:
    """Everything that may go wrong over HTTP, with secrets in the request."""
    signed = {"X-ZEvent-Signature": f"mac={zalo.APP.oa_secret_key}", "Content-Type": "application/json"}
    told = json.dumps({"event_name": "user_send_text", "sender": {"id": "1"}, "message": {"text": RESIDENT}}).encode()
    return {
        "forged event": asked(f"{loa.url}/hooks/zalo.oa", told, **signed),
        "broken event": asked(f"{loa.url}/hooks/zalo.oa", b"{" + zalo.APP.oa_secret_key.encode(), **signed),
        "no such hook": asked(f"{loa.url}/hooks/zalo.bot.{HOOK_SECRET}", b"{}"),
        "a hook's secret in the path": asked(f"{loa.url}/hooks/sms.speedsms.{SPEEDSMS_HOOK}", b"not json"),
        "a hook's secret asked for": asked(f"{loa.url}/hooks/sms.esms.{ESMS_HOOK}?phone={RESIDENT}"),
        "a wrong key": asked(f"{loa.url}/api/v1/channels", Authorization=f"Bearer {zalo.BOT_TOKEN}"),
        "a token in a path": asked(f"{loa.url}/bot{telegram.DEFAULT_TOKEN}/sendMessage"),
        "a number in a path": asked(f"{loa.url}/api/v1/broadcasts/{RESIDENT}"),
    }


def test_no_secret_and_no_number_in_log_or_error_page(tmp_path: Path, town: Town) -> None:
    with office(tmp_path, config_of(tmp_path, town), town) as loa:
        loa.import_people(PEOPLE)
        loa.upload("dan", 30)
        pages = {"healthy board": asked(f"{loa.url}/api/v1/channels", **bearer(loa))}
        first = loa.send(text="Bão số 5 vào đêm nay.", audience="all-units", channels=["zalo", "telegram", "sms"])
        town.resident_says(RESIDENT, "cuu voi nuoc ngap")
        until(lambda: loa.view(first["id"])["rollcall"].get("acknowledged", 0) > 20, 60, loa.process.tail)
        spoil(town)
        loa.send(text="Bao so 6", audience="list:dan", channels=["sms"])
        loa.send(text="Tin trong lúc mất mạng.", audience="all-units", channels=["zalo", "telegram"])
        pages |= knock(loa)
        time.sleep(3.0)  # polls, rotations and retries meet the outage
        pages["unwell board"] = asked(f"{loa.url}/api/v1/channels", **bearer(loa))
        assert loa.process.stop() == 0
    assert all(b"items" in pages[board] for board in ("healthy board", "unwell board")), pages
    log = (tmp_path / "service.log").read_bytes()
    assert log.count(b"\n") > 20, "the run said nothing: the search proves nothing"
    for name, shown in {"the log": log, **pages}.items():
        found = [secret for secret in SECRETS if secret.encode() in shown]
        assert not found, f"{name} shows {found}"
        numbers = NUMBER.findall(shown)
        assert not numbers or name == "a number in a path", f"{name} shows {numbers[:3]}"
    assert b"Bearer" not in log


def bearer(loa: Office) -> dict[str, str]:
    return {"Authorization": f"Bearer {loa._keys['officer']}"}


def spoil(town: Town) -> None:
    """Every provider fails at once, each in its own way; the tokens are withdrawn first."""
    town.zalo.post("/_sim/expire_tokens")
    town.zalo.post("/_sim/faults", {"outage": "html", "oauth_outage": "502", "bot_outage": "504"})
    town.telegram.post("/_sim/faults", {"outage": "refuse"})
    town.smsc.post("/_sim/faults", {"fail_ratio": 0.5})
