"""SIGKILL during every step of an escalation and of a schedule: nothing is skipped and nothing is made twice.

The carrier, in a process of its own that is never killed, counts what each phone got.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.living import Office, Town, office, simulators, write_config
from tests.processes import ROOT, timeline, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

PEOPLE = ROOT / "data" / "sample" / "people.csv"
UNITS = 12
CHAIN = [
    {"after": "0s", "channels": ["sms"], "roles": ["chairman"]},
    {"after": "2s", "channels": ["sms"], "roles": ["deputy"], "unless": "acknowledged"},
    {"after": "4s", "channels": ["sms"], "roles": ["duty"], "unless": "acknowledged"},
    {"after": "6s", "call": True},
]
POSTS = ("chairman", "deputy", "duty")
LAST_SECONDS = 60.0


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        yield found


def furnished(loa: Office) -> list[str]:
    """The sample people; the codes of the units that are written to."""
    loa.import_people(PEOPLE)
    return [one["code"] for one in loa.api.get("/units")["items"][:UNITS]]


def audience(units: list[str]) -> str:
    return "unit:" + ",".join(units)


def tiles(loa: Office, no: int) -> dict[str, dict[str, Any]]:
    return {one["unit"]: one for one in loa.api.get(f"/broadcasts/{no}/rollcall")["items"]}


def check_chain(loa: Office, town: Town, no: int, units: list[str], silent: set[str]) -> None:
    """Each silent unit went through every step once; the one that confirmed stopped."""
    listed = loa.deliveries(no)
    made = Counter((one["unit"], one["step"]) for one in listed)
    assert set(made.values()) == {1}, made
    for unit in silent:
        assert {step for who, step in made if who == unit} == {0, 1, 2}, (unit, made)
    steps = [event for event in timeline(loa.api, no) if event["event"] == "step"]
    taken = Counter((event["detail"]["step"], unit) for event in steps for unit in event["detail"]["units"])
    assert set(taken.values()) == {1}, taken
    called = [
        unit for event in timeline(loa.api, no) if event["event"] == "call_list" for unit in event["detail"]["units"]
    ]
    assert Counter(called) == Counter(silent)
    received = town.received()
    assert set(received.values()) == {1}, "no phone got it twice"
    stayed = sum(one["state"] in ("unknown", "skipped") for one in listed)  # skipped: had confirmed before its turn
    assert len(received) >= len(listed) - stayed


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_in_every_step_of_an_escalation(tmp_path: Path, town: Town, seed: int) -> None:
    dice = random.Random(seed)
    with office(tmp_path, write_config(tmp_path, town, give_up_after=30.0, close_after=300.0)) as loa:
        units = furnished(loa)
        sent = loa.send(
            text="Nước lên nhanh", audience=audience(units), channels=["sms"], urgency="hoa-toc", escalation=CHAIN
        )
        no = sent["id"]
        loa.api.post(f"/broadcasts/{no}/rollcall/{units[0]}", {"state": "acknowledged", "note": ""})
        silent = set(units[1:])
        for step in range(len(CHAIN)):

            def at_step(step: int = step) -> bool:
                return any(one["step"] >= step for one in loa.deliveries(no)) or step == len(CHAIN) - 1

            until(at_step, LAST_SECONDS, loa.process.tail, pause=0.01)
            time.sleep(dice.uniform(0.0, 0.6))
            loa.process.kill()
            loa.restart()
        until(lambda: all(tiles(loa, no)[unit]["on_call_list"] for unit in silent), LAST_SECONDS, loa.process.tail, 0.2)
        loa.settled(no, LAST_SECONDS)
        time.sleep(2)
        assert tiles(loa, no)[units[0]]["state"] == "acknowledged"
        check_chain(loa, town, no, units, silent)
        assert loa.process.stop() == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_while_a_schedule_falls_due(tmp_path: Path, town: Town, seed: int) -> None:
    """A broadcast by a standing approval and a report round; killed in the second in which both fall due, and again."""
    dice = random.Random(seed)
    with office(tmp_path, write_config(tmp_path, town)) as loa:
        units = furnished(loa)
        due = datetime.now(UTC) + timedelta(seconds=5)
        once = {"every": "once", "at": due.isoformat()}
        draft = {"text": "Kiểm tra trực ban", "audience": audience(units), "channels": ["sms"]}
        call = loa.api.post(
            "/schedules", {"name": "Gọi trực", "kind": "broadcast", "rule": once, "payload": {"draft": draft}}
        )
        assert call["state"] == "waiting"
        approved = loa.approver.post(f"/schedules/{call['id']}/approve", {"content_hash": call["content_hash"]})
        assert approved["state"] == "active"
        payload = {"name": "sáng", "open_for": "2h"}
        report = loa.api.post("/schedules", {"name": "Kỳ sáng", "kind": "round", "rule": once, "payload": payload})
        time.sleep(max(0.0, due.timestamp() + dice.uniform(-0.1, 1.1) - time.time()))
        loa.process.kill()
        loa.restart()
        time.sleep(dice.uniform(0.0, 0.6))
        loa.process.kill()
        loa.restart()

        def fired() -> bool:
            last = [loa.api.get(f"/schedules/{one['id']}")["last"] for one in (call, report)]
            return all(one is not None and one["state"] == "done" for one in last)

        until(fired, LAST_SECONDS, loa.process.tail, 0.2)
        (made,) = [one for one in loa.api.get("/broadcasts")["items"] if one["texts"]]
        loa.settled(made["id"], LAST_SECONDS)
        time.sleep(1.5)
        assert [len(loa.api.get(f"/schedules/{one['id']}")["fires"]) for one in (call, report)] == [1, 1]
        assert len(loa.api.get("/broadcasts")["items"]) == 1
        assert len(loa.api.get("/reports")["items"]) == 1
        received = town.received()
        assert set(received.values()) == {1}
        unknown = sum(one["state"] == "unknown" for one in loa.deliveries(made["id"]))
        assert len(received) >= UNITS - unknown
        assert loa.process.stop() == 0


def test_what_fell_due_while_the_machine_was_off_is_made_up_for_once(tmp_path: Path, town: Town) -> None:
    with office(tmp_path, write_config(tmp_path, town)) as loa:
        due = datetime.now(UTC) + timedelta(seconds=4)
        once = {"every": "once", "at": due.isoformat()}
        payload = {"name": "chiều", "open_for": "2h"}
        report = loa.api.post("/schedules", {"name": "Kỳ chiều", "kind": "round", "rule": once, "payload": payload})
        loa.upload("x", 5)
        later = loa.draft(text="Hẹn giờ", audience="list:x", channels=["sms"], fire_at=due.isoformat())
        loa.approve(later)
        loa.process.kill()
        time.sleep(max(0.0, due.timestamp() + 1 - time.time()))
        loa.restart()
        until(lambda: loa.api.get(f"/schedules/{report['id']}")["last"], LAST_SECONDS, loa.process.tail, 0.2)
        view = loa.settled(later["id"], LAST_SECONDS)
        assert view["counts"] == {"delivered": 5}
        assert set(town.received().values()) == {1}
        assert len(loa.api.get("/reports")["items"]) == 1
        assert loa.process.stop() == 0
