"""The service dies while the watch works: a link test or a path test is on its way, an alarm is being told. After the
restart nothing is doubled and nothing is forgotten. The process ends where a kill hurts most: right after a commit."""

import asyncio
from pathlib import Path

import pytest

from broadcasts.watch.findings import Finding
from broadcasts.watch.link_tests import LinkTests
from broadcasts.watch.path_test import run_path_test
from loa.settings import Settings
from loa.watch import Watch
from store import watch as kept
from tests.unit.test_desk import Office

EVERY_SECONDS = 3_600.0
ON_ZALO = 9
OURS = {"sms": "84900000099"}


class Killed(Exception):
    """The power went."""


async def dies(*_: object) -> None:
    raise Killed


def links_of(office: Office, announce=None) -> LinkTests:
    room = office.room
    said = announce or room.clockwork.announce
    return LinkTests(room.ledger, room.routes, said, OURS, EVERY_SECONDS, lambda route, now: "Thu kenh", office.clock)


def watch_of(office: Office, folder: Path) -> Watch:
    told = [{"channel": "zalo", "to": "z-truc"}, {"channel": "sms", "to": "84900000098"}]
    settings = Settings(store={"url": f"sqlite:///{folder / 'loa.db'}"}, watch={"alarm_to": told})
    room = office.room
    return Watch(
        settings, room.ledger, room.bus, office.desk, room.clockwork, room.routes, office.units, office.clock
    )  # fmt: skip


async def restarted(old: Office, folder: Path) -> Office:
    await old.room.crash()
    new = Office(folder)
    new.clock.at = old.clock.at + 1
    new.room.clockwork._owner = "two"  # another process: whatever the first one held is free
    await new.room.start()
    return new


async def test_a_link_test_that_was_written_and_not_announced_leaves_once(tmp_path: Path) -> None:
    office = Office(tmp_path)
    await office.open()
    with pytest.raises(Killed):
        await links_of(office, dies).tick()
    office = await restarted(office, tmp_path)
    assert await links_of(office).tick() == 0, "a second test beside the one that is waiting"
    await office.room.until(lambda: office.sms.left)
    await office.room.clockwork.tick_lanes()
    await asyncio.sleep(0.1)
    assert [one.to for one in office.sms.left] == [OURS["sms"]]
    await office.room.stop()


async def test_a_link_test_in_flight_is_in_doubt_and_not_sent_again(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.sms.answer = lambda envelope, times: None
    await office.open()
    await links_of(office).tick()
    await office.room.until(lambda: office.sms.left)
    office = await restarted(office, tmp_path)
    assert await links_of(office).tick() == 0
    await office.room.clockwork.tick_lanes()
    await asyncio.sleep(0.1)
    assert not office.sms.left, "sent twice"
    found = {one.channel: (one.result, one.state) for one in await links_of(office).results()}
    assert found["sms.one"] == ("waiting", "unknown")
    office.clock.at += EVERY_SECONDS
    assert await links_of(office).tick() == 1, "the next one was skipped"
    await office.room.stop()


async def test_a_path_test_that_was_kept_and_not_begun_reaches_everybody_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(tmp_path)
    await office.open()
    monkeypatch.setattr(office.room.clockwork, "fire", dies)
    with pytest.raises(Killed):
        await run_path_test(office.desk, ["zalo"], "7@100", "lanhdao")
    office = await restarted(office, tmp_path)
    again = await run_path_test(office.desk, ["zalo"], "7@100", "lanhdao")
    for _ in range(3):
        await office.room.clockwork.tick_broadcasts()
        await office.room.clockwork.tick_lanes()
    await office.room.until(lambda: len(office.zalo.left) >= ON_ZALO)
    await asyncio.sleep(0.1)
    assert len({one.to for one in office.zalo.left}) == len(office.zalo.left) == ON_ZALO
    assert [one.code for one in await office.desk.list()] == [again.code]
    await office.room.stop()


async def test_an_alarm_that_counts_as_told_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(tmp_path)
    await office.open()
    watch = watch_of(office, tmp_path)

    async def found() -> list[Finding]:
        return [Finding("disk_low", "disk", {"free": 1, "wanted": 1024})]

    monkeypatch.setattr(watch, "look", found)
    await watch.tick()
    office.clock.at += 60
    monkeypatch.setattr(watch, "_announce", dies)
    with pytest.raises(Killed):
        await watch.tick()
    assert not office.sms.left
    office = await restarted(office, tmp_path)
    rows = await office.room.ledger.read(kept.findings)
    assert rows[0].told_at is not None
    watch = watch_of(office, tmp_path)
    monkeypatch.setattr(watch, "look", found)
    await watch.tick()
    await office.room.until(lambda: office.sms.left and office.zalo.left)
    await asyncio.sleep(0.1)
    assert [one.to for one in office.sms.left] == ["84900000098"]
    assert [one.to for one in office.zalo.left] == ["z-truc"]
    await office.room.stop()
