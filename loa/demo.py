"""`loa demo`: the service against simulators on loopback, with invented people in every commune."""

from __future__ import annotations

import asyncio
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from broadcasts.model import Role
from directory import content_import, importing
from directory.groups import import_groups
from directory.roster import Duty
from loa import demo_sms
from loa.cli.out import Failed
from loa.service import Service
from loa.settings import Settings, load_settings
from loa.settings_sections import ROOT
from simulators import smsc, telegram, zalo
from simulators.town import TELEGRAM_GROUP
from store import access, channel_state, roster
from store.engine import Tx
from web import passwords

SAMPLE = ROOT / "data" / "sample"
DEMO_DATA = ROOT / "var" / "demo"
SIMULATORS_READY_SECONDS = 30.0
OFFICER, APPROVER = "canbo", "lanhdao"
ESCALATION_SMS_SECONDS = 60.0
"""In the demo SMS follows after one minute instead of five, so that a visitor sees it."""
GIVE_UP_SECONDS = 120.0
CARRIER_SILENT_SECONDS = 180.0
CLOSE_SECONDS = 300.0
RESIDENTS = "cu-dan-mau"
DAY_SECONDS = 86_400.0
ROSTER_DAYS = 14
"""Watches of a whole day, two weeks of them: longer than a visit and than gaps are looked for."""
HOTLINE = "0237.xxx.xxxx"
GROUP_LINK = "https://zalo.example/g/nhom-mau"
MAIL_SENDER = "trucban@pctt.example.vn"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    port: int
    data: Path | None
    seed: int
    speed: float
    people_reply: bool
    config: Path | None


async def run_demo(options: DemoOptions, stopped: asyncio.Event, ready: Callable[[dict[str, Any]], None]) -> None:
    """Until `stopped`; `ready` gets the ready line once everything answers."""
    simulators, urls = await start_simulators(options)
    try:
        service = Service(demo_settings(options, urls), demo=True, phone_wall=urls["phones"])
        people: dict[str, Any] = {}
        await service.start(lambda: furnish(service, people))
        try:
            await listen_to_zalo(service, urls)
            await demo_sms.name_our_hooks(service.url, urls)
            service.web.leave_word(service.web.admin_key, people["api_key"])
            ready(ready_line(service, urls, people))
            gone = asyncio.create_task(simulators.wait())
            ended = asyncio.create_task(stopped.wait())
            await asyncio.wait({gone, ended}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                raise Failed("cli.simulators_ended")
        finally:
            await service.stop()
    finally:
        if simulators.returncode is None:
            simulators.terminate()
            await simulators.wait()


async def start_simulators(options: DemoOptions) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    """The simulators in a process of their own; it ends with us, since its standard input closes then."""
    arguments = [sys.executable, "-m", "simulators", "--until-stdin-closes"]
    arguments += ["--people", str(SAMPLE / "people.csv"), "--seed", str(options.seed), "--speed", str(options.speed)]
    if not options.people_reply:
        arguments.append("--no-people-reply")
    process = await asyncio.create_subprocess_exec(
        *arguments, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(SIMULATORS_READY_SECONDS):
            said = await process.stdout.readline()
        return process, orjson.loads(said)
    except (TimeoutError, orjson.JSONDecodeError):
        if process.returncode is None:
            process.kill()
        raise Failed("cli.simulators_failed") from None


def demo_settings(options: DemoOptions, urls: dict[str, Any]) -> Settings:
    """The office's settings, with simulators in place of providers and time running `speed` times faster."""
    data = (options.data or DEMO_DATA).resolve()
    mail_host, _, mail_port = str(urls["mail"]).rpartition(":")
    account = {"base_url": urls["zalo"], "oauth_url": urls["zalo"], **asdict(zalo.APP)}
    minute = ESCALATION_SMS_SECONDS / options.speed
    steps = [
        {"after": 0, "channels": ["zalo", "telegram"]},
        {"after": minute, "channels": ["sms"], "unless": "delivered"},
        {"after": 3 * minute, "call": True},
    ]
    overrides = {
        "office": {"short_code": smsc.SHORT_CODE, "hotline": HOTLINE, "group_link": GROUP_LINK},
        "store": {"url": f"sqlite:///{data / 'loa.db'}"},
        "web": {"port": options.port},
        "adapters": {
            "zalo": {
                "oa": account,
                "oa_user": {"enabled": True},
                "oa_group": {"enabled": True, "group_id": zalo.GROUP_ID},
            },
            "telegram": {
                "enabled": True,
                "base_url": urls["telegram"],
                "token": telegram.DEFAULT_TOKEN,
                "group_chat_id": TELEGRAM_GROUP,
            },
            "sms": {"accounts": demo_sms.accounts(urls)},
        },
        "escalation": {"default": {"steps": steps}, "hoa-toc": {"steps": steps}},  # one phone a unit
        "carrier_orders": {"acknowledge_within": CARRIER_SILENT_SECONDS / options.speed},
        "carriers": tomllib.loads((SAMPLE / "carriers.toml").read_text("utf-8"))["carriers"],
        "mail": {"host": mail_host, "port": int(mail_port), "sender": MAIL_SENDER, "tls": "none"},
        "limits": {"give_up_after": GIVE_UP_SECONDS / options.speed, "close_after": CLOSE_SECONDS / options.speed},
    }
    return load_settings(options.config, overrides)


def _put_on_duty(tx: Tx) -> None:
    """Somebody is on duty for the time of a visit; a roster that is there already stays as it is."""
    if roster.has_any(tx):
        return
    start = time.time() // 3600 * 3600
    for name, duty in ((OFFICER, Duty.OFFICER), (APPROVER, Duty.APPROVER)):
        person = access.staff_named(tx, name)
        assert person is not None  # written a moment ago
        for day in range(ROSTER_DAYS):
            begins = start + day * DAY_SECONDS
            roster.add(tx, person.id, duty, begins, begins + DAY_SECONDS, "", "demo", time.time())


async def furnish(service: Service, people: dict[str, Any]) -> None:
    """Sample people, groups, two people who sign in, two keys: what a first visitor needs. Safe to repeat.

    `people` gets the keys and passwords. The simulators are new at each start, so the channels begin anew, too.
    """
    await importing.import_people(service.ledger, service.units, SAMPLE / "people.csv", time.time())
    await import_groups(service.ledger, service.units, SAMPLE / "groups.csv", time.time())
    await importing.import_numbers(service.ledger, SAMPLE / "residents.csv", RESIDENTS, time.time())
    hour = time.time() // 3600 * 3600  # a restart within the hour adds nothing
    await content_import.import_content(
        service.ledger, service.units, SAMPLE / "content.csv", OFFICER, time.time(), undated=hour
    )
    words = {name: passwords.made_password() for name in (OFFICER, APPROVER)}
    hashes = {name: await passwords.hashed(word) for name, word in words.items()}

    def write(tx: Tx) -> dict[str, str]:
        channel_state.forget_all(tx)
        keys = {}
        for name, role in ((OFFICER, Role.OFFICER), (APPROVER, Role.APPROVER)):
            access.replace_staff(tx, name, role.value, hashes[name], time.time())
            access.retire_key(tx, f"{name}-demo")
            keys[name] = access.add_key(tx, f"{name}-demo", role.value, time.time())
        _put_on_duty(tx)
        return keys

    keys = await service.ledger.write(write)
    people |= {"api_key": keys[OFFICER], "approver_key": keys[APPROVER], "passwords": words}


async def listen_to_zalo(service: Service, urls: dict[str, Any]) -> None:
    """What an office does once in Zalo's console: name the address of our webhook."""
    import aiohttp

    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{urls['zalo']}/_sim/webhook", json={"url": f"{service.url}/hooks/zalo.oa"}) as answer,
    ):
        answer.raise_for_status()


def ready_line(service: Service, urls: dict[str, Any], people: dict[str, Any]) -> dict[str, Any]:
    return {
        "ready": True,
        "console": service.url,
        "api": f"{service.url}/api/v1",
        "api_key": people["api_key"],
        "approver_key": people["approver_key"],
        "officer": {"user": OFFICER, "password": people["passwords"][OFFICER]},
        "approver": {"user": APPROVER, "password": people["passwords"][APPROVER]},
        "simulators": {
            name: urls.get(name)
            for name in ("zalo", "telegram", "smsc", "smsc_control", "esms", "speedsms", "mail", "mail_page", "phones")
        },
    }
