"""Two listeners: when the one that hears dies, the other one hears; every message is kept once and answered once."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.roles.listener import HEARS, INTAKE
from loa.roles.membership import ROUND_SECONDS
from tests.faults.test_many_processes import held
from tests.living import Town, simulators
from tests.offices import LEASE_SECONDS, Many, many
from tests.processes import LOA, Process, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

CRY = "cuu voi nuoc ngap"
FIRST = 7_000_000
"""Accounts on Telegram count up from here."""
PAUSE = 0.1
"""Between two messages."""
BOTH = {INTAKE, f"{HEARS}telegram"}
APART = ("unshare", "--fork", "--pid", "--mount-proc", "--kill-child")
"""As on another machine: nobody outside can tell by a number whether the process runs (unshare(1))."""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        yield found


@pytest.fixture
def office(tmp_path: Path, town: Town) -> Iterator[Many]:
    with many(tmp_path, town, channels=("telegram",)) as found:
        found.open_doors()
        found.begin("worker")
        yield found


class People:
    """They write one after the other until told to stop, each one once."""

    def __init__(self, town: Town) -> None:
        self.wrote: list[str] = []
        self._town = town
        self._stop = threading.Event()
        self._writing = threading.Thread(target=self._write)
        self._writing.start()

    def _write(self) -> None:
        while not self._stop.wait(PAUSE):
            who = str(FIRST + len(self.wrote))
            self._town.telegram.post("/_sim/say", {"sender": who, "text": CRY})
            self.wrote.append(who)

    def wait_for_more(self, number: int) -> None:
        so_far = len(self.wrote)
        until(lambda: len(self.wrote) >= so_far + number, 30, "they write")

    def stop(self) -> None:
        self._stop.set()
        self._writing.join(30)


def answers(town: Town) -> Counter[str]:
    """Answers by phone."""
    last, found = 0, Counter[str]()
    while True:
        page = town.telegram.get("/_sim/messages", after=last)
        found.update(one["address"] for one in page["messages"] if one["sender"] == "loa" and "112" in one["text"])
        if not page["messages"]:
            return found
        last = page["last"]


def kept(office: Many) -> Counter[str]:
    """Messages in the inbox by sender."""
    return Counter(office.ask("SELECT sender FROM inbox"))


def all_answered(office: Many, town: Town, people: People, seconds: float) -> None:
    people.stop()
    once = dict.fromkeys(people.wrote, 1)
    until(lambda: len(answers(town)) >= len(once), seconds, lambda: f"{len(answers(town))} of {len(once)}", pause=0.2)
    time.sleep(2 * ROUND_SECONDS)  # what would be answered twice would be by then
    assert answers(town) == once
    assert kept(office) == once


def test_the_one_that_hears_and_understands_is_killed(office: Many, town: Town) -> None:
    """On one machine the other one sees that it is gone, and does not wait for its lease."""
    first, _ = office.begin("listener", "listener1"), office.begin("listener", "listener2")
    assert held(office, "listener1") == BOTH
    assert held(office, "listener2") == set()
    people = People(town)
    try:
        people.wait_for_more(20)
        first.kill()
        people.wait_for_more(20)
        until(lambda: held(office, "listener2") == BOTH, 60, "the other one has both", pause=0.05)
        people.wait_for_more(20)
        all_answered(office, town, people, 30)
    finally:
        people.stop()


def test_shared_between_two_either_part_moves(office: Many, town: Town) -> None:
    """One polls and the other one understands; the one dies, comes back and gets a share, then the other one dies."""
    for name in ("listener1", "listener2"):
        office.begin("listener", name)
    until(lambda: bool(held(office, "listener2")), 40, "the second one has got a share", pause=0.2)
    people = People(town)
    try:
        for home in sorted(BOTH):
            victim, heir = sorted(("listener1", "listener2"), key=lambda name: home not in held(office, name))
            assert held(office, victim) == {home}
            people.wait_for_more(10)
            office.running[victim].kill()
            until(lambda heir=heir: held(office, heir) == BOTH, 60, f"{home} has moved", pause=0.05)
            people.wait_for_more(10)
            (office.folder / f"{victim}.log").unlink()
            office.begin("listener", victim)
            until(lambda victim=victim: bool(held(office, victim)), 40, "it has got a share again", pause=0.2)
        all_answered(office, town, people, 30)
    finally:
        people.stop()


def test_the_machine_of_the_one_that_hears_is_gone(office: Many, town: Town) -> None:
    """Nobody can see that it is gone: its lease has to run out, and not longer."""
    if shutil.which("unshare") is None or subprocess.run((*APART, "true"), check=False).returncode:
        pytest.skip("no process namespaces of our own here")
    command = (*APART, *LOA, "run", "--role", "listener", "--config", str(office.config))
    far = Process(command, office.folder / "far.log")
    office.running["far"] = far
    far.ready()
    assert held(office, "far") == BOTH
    office.begin("listener", "listener2")
    people = People(town)
    try:
        people.wait_for_more(10)
        far.kill()
        died = time.monotonic()
        until(lambda: held(office, "listener2") == BOTH, 60, "its lease has run out")
        assert time.monotonic() - died > LEASE_SECONDS - 2 * ROUND_SECONDS, "it was waited for"
        all_answered(office, town, people, 30)
    finally:
        people.stop()
