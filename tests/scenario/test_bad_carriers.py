"""An SMS account that cannot work: the duty board rings once, says why and what to do, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Health
from adapters.sms.routing import LearnedCarriers, SmsRouter
from adapters.sms.settings import SmppAccount
from adapters.sms.smpp.channel import SmppChannel
from broadcasts.outages import OutageWatch
from broadcasts.routes import Route
from simulators import smsc
from store import alarms
from store.alarms import Alarm
from tests.contract.recording import MemoryState
from tests.contract.smpp_stand import QUICK
from tests.scenario.engine_room import EngineRoom
from web.console.page import environment, words
from web.locale import catalogue

NUMBERS = range(84900000001, 84900000031)
Open = Callable[..., Awaitable["Office"]]


class Office:
    """One carrier, one account, and the watch over outages as it stands in the service."""

    def __init__(self, folder: Path, carrier: smsc.SmscSim, **account: Any) -> None:
        settings = SmppAccount(
            name="vt", host="127.0.0.1", port=carrier.port, system_id=smsc.SYSTEM_ID, timers=QUICK,
            **{"password": smsc.PASSWORD, **account},
        )  # fmt: skip
        state = MemoryState()
        self.carrier = carrier
        self.router = SmsRouter([(settings, SmppChannel(settings, state))], LearnedCarriers(state), state)
        routes = [Route(self.router, "sms"), *(Route(view, "sms") for view in self.router.views)]
        self.room = EngineRoom(folder, *routes, now=time.time)
        self.watch = OutageWatch(self.room.ledger, self.room.bus, self._probe)

    async def _probe(self) -> list[tuple[str, Health]]:
        return [(view.name, await view.probe()) for view in self.router.views]

    async def rang(self, reason: str) -> Alarm:
        """The one alarm, once it names the reason; the first look may find a session that is still being opened."""
        found: list[Alarm] = []

        async def said() -> bool:
            await self.watch.tick()
            found[:] = await self.room.ledger.read(alarms.ringing)
            return any(one.detail["reason"] == reason for one in found)

        await self.room.until(said, 20)
        (alarm,) = found
        assert (alarm.kind, alarm.subject) == ("channel_down", "sms.vt")
        return alarm


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    carrier = await smsc.start()
    made: list[Office] = []

    async def open_office(faults: dict[str, Any], **account: Any) -> Office:
        carrier.set_faults(faults)
        office = Office(tmp_path, carrier, **account)
        await office.room.start()
        made.append(office)
        return office

    yield open_office
    for office in made:
        await office.router.stop()
        await office.room.stop()
    await carrier.close()


@pytest.mark.parametrize(
    ("faults", "account", "reason"),
    [
        ({}, {"password": "wrong"}, "smpp.auth"),
        ({"bind_silent": True}, {}, "smpp.link_down"),
        ({"nonsense": True}, {}, "smpp.link_down"),
    ],
    ids=["wrong credentials", "never answers", "speaks nonsense"],
)
async def test_the_board_rings_and_the_list_waits(
    opened: Open, faults: dict[str, Any], account: dict[str, Any], reason: str
) -> None:
    office = await opened(faults, **account)
    await office.rang(reason)
    no = await office.room.approved(numbers=NUMBERS)
    await office.room.clockwork.fire(no)

    async def waits() -> bool:
        counts = await office.room.counts(no)
        return set(counts) <= {"queued", "retrying"} and counts.get("retrying", 0) > 0

    await office.room.until(waits, 20)
    if reason == "smpp.auth":
        return
    office.carrier.set_faults({"bind_silent": False, "nonsense": False})

    async def arrived() -> bool:
        return await office.room.counts(no) == {"delivered": len(NUMBERS)}

    await office.room.until(arrived, 30)
    await office.watch.tick()
    (after,) = await office.room.ledger.read(alarms.ringing)
    assert [note["text"] for note in after.detail["notes"]] == ["works_again"]


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_the_alarm_says_why_and_what_to_do(opened: Open, lang: str) -> None:
    office = await opened({}, password="wrong")
    alarm = await office.rang("smpp.auth")
    say = catalogue(lang)
    shown = (
        environment()
        .get_template("parts/alarms.html")
        .render(board={"alarms": [alarm], "rescues": {}}, may_act=False, **words(say, time.time()))
    )
    assert say.say("health.smpp.auth.says", **alarm.detail["params"]) in shown
    assert say.say("health.smpp.auth.mend") in shown
    assert "0x0000000E" in shown


@pytest.mark.parametrize("fault", ["answer_twice", "answer_unknown"])
async def test_answers_too_many_or_to_nothing_change_nothing(opened: Open, fault: str) -> None:
    """A carrier that answers twice, or for messages that we never sent."""
    office = await opened({fault: True})
    no = await office.room.approved(numbers=NUMBERS)
    await office.room.clockwork.fire(no)

    async def arrived() -> bool:
        return await office.room.counts(no) == {"delivered": len(NUMBERS)}

    await office.room.until(arrived, 30)
    assert office.carrier.received() == {str(number): 1 for number in NUMBERS}
