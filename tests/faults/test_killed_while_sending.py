"""A list goes out by SMS and the service is killed in the middle, three times; nothing is lost, nothing hidden.

The text is the one that a province asked its carriers to send to every subscriber in March 2020. What each phone got is
counted by the simulated carrier, in a process of its own that is never killed; Loa's word is held against it.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from broadcasts.dispatch import ORDINARY_WORKERS
from broadcasts.windows import IN_FLIGHT_MAX, MARKED_AT_ONCE, WINDOWS_AT_ONCE
from tests.living import DATA, FIRST_NUMBER, Office, Town, office, simulators, write_config
from tests.processes import HttpProblem, timeline, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

TEXT = (DATA / "carriers_text.txt").read_text("utf-8").strip()
PARTS = 3
WINDOW = 100
UNKNOWN_NEVER_LEFT = ORDINARY_WORKERS * MARKED_AT_ONCE * (min(WINDOW, IN_FLIGHT_MAX) // WINDOWS_AT_ONCE // PARTS)
"""Deliveries that one kill can make unknown although the carrier saw nothing of them: the marked windows of a claim."""
FAIL_RATIO = 0.03
SETTLE_SECONDS = 120.0
NO_SUCH = [str(FIRST_NUMBER + n) for n in (3, 77, 450)]
"""Numbers that the carrier refuses at submission, with its own status."""
NO_SUCH_STATUS = 0x0B


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        refused = dict.fromkeys(NO_SUCH, NO_SUCH_STATUS)
        found.smsc.post("/_sim/faults", {"fail_ratio": FAIL_RATIO, "status_numbers": refused})
        yield found


def draft(loa: Office, numbers: int, **more: Any) -> dict[str, Any]:
    """The carriers' text to a list of so many numbers, submitted; checks what the officer is shown before."""
    loa.upload("dan", numbers)
    values = {"text": TEXT, "audience": "list:dan", "channels": ["sms"], **more}
    shown = loa.api.post("/broadcasts/preview", values)
    assert shown["problems"] == []
    assert (shown["numbers"], shown["sms_messages"]) == (numbers, numbers)
    assert {key: shown["sms"][key] for key in ("encoding", "units", "segments")} == {
        "encoding": "GSM-7", "units": 332, "segments": PARTS,
    }  # fmt: skip
    drafted = loa.draft(**values)
    assert drafted["changes"] == [{"from": "–", "to": "-"}]
    return drafted


def states(loa: Office, no: int) -> dict[str, dict[str, Any]]:
    """Each delivery by its number: a list's ids are in the order of its numbers."""
    found = loa.deliveries(no)
    assert [one["id"] for one in found] == [(no << 24) + place for place in range(len(found))]
    return {str(FIRST_NUMBER + place): one for place, one in enumerate(found)}


def check_listed(listed: dict[str, dict[str, Any]], counts: dict[str, int], numbers: int) -> None:
    """The counts are those of the list, add up to all, and each end is proven by the carrier's own word or code."""
    assert len(listed) == numbers
    assert Counter(one["state"] for one in listed.values()) == counts
    assert set(counts) <= {"delivered", "failed", "expired", "unknown"}
    for one in listed.values():
        if one["state"] == "delivered":
            assert one["provider_id"]
            assert one["parts"] == PARTS
        elif one["state"] != "unknown":
            assert one["provider_code"], one
            assert one["reason"], one


def test_every_message_ends_with_the_carriers_word(tmp_path: Path, town: Town) -> None:
    """Without any kill: delivered or failed with the carrier's own code, as the carrier itself counts."""
    numbers = 1_500
    with office(tmp_path, write_config(tmp_path, town, window=WINDOW)) as loa:
        sent = loa.approve(draft(loa, numbers))
        view = loa.settled(sent["id"], SETTLE_SECONDS)
        listed = states(loa, sent["id"])
        assert loa.process.stop() == 0
    check_listed(listed, view["counts"], numbers)
    assert "unknown" not in view["counts"]
    ends = Counter((one["state"], one["provider_code"]) for one in listed.values())
    stats = town.smsc.get("/_sim/stats")
    received = town.received()
    assert received == dict.fromkeys(set(listed) - set(NO_SUCH), 1)
    assert (stats["parts"], stats["duplicates"]) == (PARTS * len(received), 0)
    assert stats["delivered"] == PARTS * view["counts"]["delivered"]
    at_submission = ends["failed", f"0x{NO_SUCH_STATUS:08X}"]
    assert at_submission == len(NO_SUCH), ends
    others = view["counts"]["failed"] + view["counts"].get("expired", 0) - at_submission
    assert stats["failed"] == PARTS * others
    assert 0 < others < 0.1 * numbers


def kill_three_times(loa: Office, town: Town, no: int, numbers: int, seed: int) -> list[str]:
    """At seeded shares of the way, as the carrier counts it; what each kill left in doubt, for people to read."""
    dice = random.Random(seed)
    figures: list[str] = []
    for low, high in ((0.05, 0.25), (0.35, 0.55), (0.65, 0.85)):
        wanted = int(dice.uniform(low, high) * numbers * PARTS)

        def passed(wanted: int = wanted) -> int | None:
            return parts if (parts := parts_of(town)) >= wanted else None

        parts = until(passed, 60, lambda: f"{town.smsc.get('/_sim/received')}; {loa.process.tail()}", pause=0.002)
        loa.process.kill()
        assert parts < PARTS * (numbers - len(NO_SUCH)), "it was over before the kill"
        loa.restart()
        doubt = loa.process.log.read_text("utf-8").rpartition("event='started'")[2]
        figures.append(f"killed at {parts:,} parts:{doubt.rstrip()}")
    return figures


def test_hold(tmp_path: Path, town: Town) -> None:
    """20,000 numbers: what was in flight is shown as unknown and never sent again."""
    numbers = 20_000
    with office(tmp_path, write_config(tmp_path, town, window=WINDOW)) as loa:
        sent = loa.approve(draft(loa, numbers))
        figures = kill_three_times(loa, town, sent["id"], numbers, seed=7)
        view = loa.settled(sent["id"], SETTLE_SECONDS)
        listed = states(loa, sent["id"])
        in_doubt = listed_in_timeline(loa, sent["id"], "in_doubt")
        assert loa.process.stop() == 0
    check_listed(listed, view["counts"], numbers)
    received = town.received()
    unknown = {number for number, one in listed.items() if one["state"] == "unknown"}
    assert {number for number in unknown if listed[number]["reason"] == "worker_died"} <= in_doubt
    lost = set(listed) - set(received) - unknown - set(NO_SUCH)
    assert not lost
    assert set(received.values()) == {1}
    assert town.smsc.get("/_sim/received")["duplicates"] == 0
    for number in unknown:
        assert listed[number]["reason"] in ("worker_died", "link_lost"), listed[number]
    never_left = unknown - set(received)
    assert len(never_left) <= 3 * UNKNOWN_NEVER_LEFT
    print(
        f"\n{numbers:,} numbers, hold: {view['counts']}; {len(never_left)} unknown not whole with the carrier",
        *figures,
        sep="\n",
    )


def test_duplicate_ok(tmp_path: Path, town: Town) -> None:
    """Where a duplicate is better than silence: everybody has it, and whoever has it twice is listed as repeated."""
    numbers = 2_500
    with office(tmp_path, write_config(tmp_path, town, window=WINDOW)) as loa:
        sent = loa.approve(draft(loa, numbers, duplicate_ok=True))
        figures = kill_three_times(loa, town, sent["id"], numbers, seed=3)
        view = loa.settled(sent["id"], SETTLE_SECONDS)
        listed = states(loa, sent["id"])
        repeated = listed_in_timeline(loa, sent["id"], "repeated")
        assert loa.process.stop() == 0
    check_listed(listed, view["counts"], numbers)
    assert "unknown" not in view["counts"]
    received = town.received()
    assert set(listed) == set(received) | set(NO_SUCH)
    twice = {number for number, count in received.items() if count > 1}
    assert twice <= repeated
    print(
        f"\n{numbers:,} numbers, duplicate_ok: {len(repeated)} repeated, {len(twice)} phones twice", *figures, sep="\n"
    )


def listed_in_timeline(loa: Office, no: int, event: str) -> set[str]:
    """The numbers of the deliveries that the timeline names as in doubt, or as repeated."""
    named = [one["detail"] for one in timeline(loa.api, no) if one["event"] == event]
    ids = [one for detail in named for first, last in detail["ranges"] for one in range(first, last + 1)]
    assert len(ids) == sum(detail["deliveries"] for detail in named)
    return {str(FIRST_NUMBER + (one & 0xFFFFFF)) for one in ids}


def test_a_polite_stop_leaves_no_doubt(tmp_path: Path, town: Town) -> None:
    """SIGTERM in the middle, and again: what was handed over is seen through, the rest waits for the next start."""
    numbers = 2_000
    with office(tmp_path, write_config(tmp_path, town, window=WINDOW)) as loa:
        sent = loa.approve(draft(loa, numbers))
        for share in (0.2, 0.6):
            until(lambda share=share: parts_of(town) >= share * PARTS * numbers, 60, loa.process.tail, pause=0.002)
            assert loa.process.stop() == 0
            loa.restart()
            assert "unknown" not in loa.view(sent["id"])["counts"]
        view = loa.settled(sent["id"], SETTLE_SECONDS)
        listed = states(loa, sent["id"])
        assert loa.process.stop() == 0
    check_listed(listed, view["counts"], numbers)
    assert "unknown" not in view["counts"]
    assert town.received() == dict.fromkeys(set(listed) - set(NO_SUCH), 1)


def parts_of(town: Town) -> int:
    found: int = town.smsc.get("/_sim/received")["parts"]
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_around_the_approval(tmp_path: Path, town: Town, seed: int) -> None:
    """While it is approved, planned, or its first window marked: approved once, planned once, sent once."""
    numbers, dice = 1_500, random.Random(seed)
    with office(tmp_path, write_config(tmp_path, town, window=WINDOW)) as loa:
        drafted = draft(loa, numbers)

        def approve() -> None:
            with suppress(OSError, HTTPException, HttpProblem):  # killed before it could answer
                loa.approve(drafted)

        pressed = threading.Thread(target=approve)
        pressed.start()
        time.sleep(dice.uniform(0.0, 0.15))
        loa.process.kill()
        pressed.join(60)
        loa.restart()
        if loa.view(drafted["id"])["state"] == "pending_approval":
            loa.approve(drafted)
        view = loa.settled(drafted["id"], SETTLE_SECONDS)
        listed = states(loa, drafted["id"])
        assert loa.process.stop() == 0
    check_listed(listed, view["counts"], numbers)
    received = town.received()
    assert set(received.values()) == {1}
    unknown = {number for number, one in listed.items() if one["state"] == "unknown"}
    assert set(listed) == set(received) | unknown | set(NO_SUCH)
