"""An office of several processes: workers, schedulers and a web process on PostgreSQL and Redis, killed and drained.

What each phone got is counted by the simulated carriers, in processes of their own that are never killed; the word of
the office is held against it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broadcasts.dispatch import ORDINARY_WORKERS
from broadcasts.windows import IN_FLIGHT_MAX, MARKED_AT_ONCE, WINDOWS_AT_ONCE
from tests.living import FIRST_NUMBER, Town, simulators
from tests.offices import Many, many
from tests.processes import LOA, ROOT, Process, timeline, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

PEOPLE = ROOT / "data" / "sample" / "people.csv"
NUMBERS = 3_000
WINDOW = 40
TPS = 400
"""So that each account takes some seconds, and the fault meets it at work."""
IN_DOUBT_MOST = 2 * ORDINARY_WORKERS * MARKED_AT_ONCE * (min(2 * WINDOW, IN_FLIGHT_MAX) // WINDOWS_AT_ONCE) + TPS
"""Deliveries of two accounts below the marks of one worker, and what was answered since its last flush, generously."""
SETTLE_SECONDS = 120.0
WORKERS = ("worker1", "worker2")
ACCOUNTS = {"sms.sim", "sms.sim2"}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        yield found


@pytest.fixture
def office(tmp_path: Path, town: Town) -> Iterator[Many]:
    with many(tmp_path, town, accounts=2, window=WINDOW, tps=TPS) as found:
        yield found


def begin(office: Many) -> None:
    """Two workers, each with one account, a scheduler and the web."""
    office.open_doors()
    for name in WORKERS:
        office.begin("worker", name)
    office.begin("scheduler", "scheduler1")
    until(lambda: bool(held(office, "worker2")), 40, "the second worker has got an account", pause=0.2)
    until(lambda: set(office.lights()) >= ACCOUNTS and "down" not in office.lights().values(), 40, office.lights)


def held(office: Many, name: str) -> set[str]:
    """The accounts that a worker has, by its own log."""
    mine: set[str] = set()
    for line in (office.folder / f"{name}.log").read_text("utf-8", "replace").splitlines():
        home = line.partition("home='")[2].partition("'")[0]
        if "event='home_taken'" in line:
            mine.add(home)
        elif "event='home_handed_over'" in line or "event='home_lost'" in line:
            mine.discard(home)
    return mine


def send(office: Many) -> int:
    office.upload("dan", NUMBERS)
    sent = office.send(text="Bao so 5 do bo luc 2h", audience="list:dan", channels=["sms"], urgency="hoa-toc")
    return int(sent["id"])


def under_way(office: Many, share: float) -> None:
    until(lambda: office.received().total() >= share * NUMBERS, 60, "it is being sent", pause=0.01)
    assert office.received().total() < 0.8 * NUMBERS, "it was over before the fault"


def check(office: Many, no: int) -> dict[str, Any]:
    """Nothing lost, nothing twice, and whoever is in doubt is listed. Returns the view."""
    view = office.settled(no, SETTLE_SECONDS)
    listed = {str(FIRST_NUMBER + place): one for place, one in enumerate(office.deliveries(no))}
    assert len(listed) == NUMBERS
    received = office.received()
    assert set(received) <= set(listed)
    assert Counter(one["state"] for one in listed.values()) == view["counts"]
    assert set(view["counts"]) <= {"delivered", "unknown"}
    never = {number for number, one in listed.items() if one["state"] == "delivered"} - set(received)
    assert never == set(), "delivered, and no phone has it"
    assert {number for number, times in received.items() if times > 1} == set(), "no phone got it twice"
    return view


def test_a_worker_is_killed_and_another_takes_its_account(office: Many) -> None:
    begin(office)
    assert held(office, "worker1") | held(office, "worker2") == ACCOUNTS
    no = send(office)
    under_way(office, 0.2)
    victim = max(WORKERS, key=lambda name: office.last(name, "chunk_claimed"))
    (heir,) = set(WORKERS) - {victim}
    office.running[victim].kill()
    until(lambda: held(office, heir) == ACCOUNTS, 60, "the other has both accounts", pause=0.05)
    view = check(office, no)
    assert view["counts"].get("unknown", 0) <= IN_DOUBT_MOST
    in_doubt = [event for event in timeline(office.api, no) if event["event"] == "in_doubt"]
    assert sum(event["detail"]["deliveries"] for event in in_doubt) >= view["counts"].get("unknown", 0)


def test_a_worker_is_drained_and_nothing_is_in_doubt(office: Many) -> None:
    begin(office)
    no = send(office)
    under_way(office, 0.2)
    assert office.running["worker1"].stop() == 0
    view = check(office, no)
    assert view["counts"] == {"delivered": NUMBERS}
    assert office.received().total() == NUMBERS
    assert held(office, "worker2") == ACCOUNTS
    office.begin("worker", "worker3")
    until(lambda: bool(held(office, "worker3")), 40, "a new one gets its share", pause=0.2)


def test_the_leader_dies_and_another_escalates(tmp_path: Path, town: Town) -> None:
    chain = [
        {"after": "0s", "channels": ["sms"], "roles": ["chairman"]},
        {"after": "8s", "channels": ["sms"], "roles": ["deputy"], "unless": "acknowledged"},
    ]
    with many(tmp_path, town) as office:
        office.open_doors()
        office.begin("worker", "worker1")
        office.begin("scheduler", "scheduler1")
        office.begin("scheduler", "scheduler2")
        assert office.last("scheduler1", "leading")
        assert not office.last("scheduler2", "leading")
        office.import_people(PEOPLE)
        units = [one["code"] for one in office.api.get("/units")["items"][:6]]
        sent = office.send(
            text="Bao so 5", audience="unit:" + ",".join(units), channels=["sms"],
            urgency="hoa-toc", escalation=chain,
        )  # fmt: skip
        until(lambda: office.received().total() >= len(units), 30, "the first step has left", pause=0.1)
        office.running["scheduler1"].kill()
        until(lambda: office.last("scheduler2", "leading"), 60, "the other leads", pause=0.1)
        until(lambda: office.received().total() >= 2 * len(units), 40, "the second step has left", pause=0.2)
        steps = Counter(one["step"] for one in office.deliveries(sent["id"]))
        assert steps == {0: len(units), 1: len(units)}
        assert set(office.received().values()) == {1}


def test_two_versions_side_by_side(tmp_path: Path, town: Town) -> None:
    """A newer program has extended the schema: ours goes on and may start; once it may not, it says so and ends."""
    with many(tmp_path, town) as office:
        office.open_doors()
        worker = office.begin("worker", "worker1")
        office.sql("UPDATE alembic_version SET version_num = '9999'")
        office.begin("scheduler", "scheduler1")
        assert office.health("worker1").get("/health/ready")["status"] == "ok"
        office.sql("UPDATE schema_floor SET revision = '9999'")
        assert worker.popen.wait(30) == 1
        assert "too old for the ledger" in worker.tail()
        again = Process((*LOA, "run", "--role", "worker", "--config", str(office.config)), tmp_path / "again.log")
        assert again.popen.wait(60) == 1
        assert "too old for the ledger" in again.tail()
        assert "Traceback" not in again.tail(50)
        again.end()


@pytest.mark.parametrize("role", ["web", "worker", "listener", "scheduler"])
def test_a_role_alone_has_nobody_to_share_with(tmp_path: Path, town: Town, role: str) -> None:
    (tmp_path / "config.toml").write_text(f'[store]\nurl = "sqlite:///{tmp_path}/loa.db"\n')
    command = (*LOA, "run", "--role", role, "--config", str(tmp_path / "config.toml"))
    refused = Process(command, tmp_path / "refused.log")
    assert refused.popen.wait(60) == 1
    assert refused.tail() == f"The role “{role}” needs a ledger on PostgreSQL ([store] url) and Redis ([lanes] url)."
    refused.end()


def test_a_wrong_clock_is_refused_in_one_sentence(tmp_path: Path, town: Town) -> None:
    late = "import time; real = time.time; time.time = lambda: real() - 60.0; from loa.cli import main; main()"
    with many(tmp_path, town) as office:
        refused = Process(
            (sys.executable, "-c", late, "run", "--role", "worker", "--config", str(office.config)),
            tmp_path / "late.log",
        )  # fmt: skip
        assert refused.popen.wait(60) == 1
        assert "The clock of this machine is -60.0 s off the ledger's" in refused.tail()
        assert "Traceback" not in refused.tail(50)
        refused.end()


def test_people_are_written_to_heard_and_answered_by_different_processes(tmp_path: Path) -> None:
    """Sent by the worker, heard by hooks of the web and by the listener's poll, understood by the listener."""
    with (
        simulators(tmp_path, "--people", str(PEOPLE), "--speed", "20", replies=True) as town,
        many(tmp_path, town, channels=("sms", "zalo", "telegram"), sms_after=600.0) as office,
    ):
        office.open_doors()
        for role in ("worker", "listener", "scheduler"):
            office.begin(role)
        office.import_people(PEOPLE)
        until(lambda: "down" not in office.lights().values(), 40, lambda: str(office.lights()), pause=0.5)
        units = [one["code"] for one in office.api.get("/units")["items"][:40]]
        sent = office.send(
            text="Bao so 5 do bo luc 2h", audience="unit:" + ",".join(units), channels=["zalo", "telegram"],
            urgency="hoa-toc",
        )  # fmt: skip

        def heard() -> dict[str, int] | None:
            rollcall: dict[str, int] = office.view(sent["id"])["rollcall"]
            return rollcall if rollcall.get("acknowledged", 0) >= len(units) // 2 else None

        until(heard, 60, lambda: f"{office.view(sent['id'])}; {office.running['listener'].tail()}", pause=0.5)
        by = Counter(one["channel"] for one in office.deliveries(sent["id"]) if one["state"] in ("delivered", "seen"))
        assert by["zalo.oa_user"], "receipts came by hook"
        for name in ("worker", "listener", "scheduler", "web"):
            assert "level='error'" not in (tmp_path / f"{name}.log").read_text("utf-8"), office.running[name].tail(40)
            assert office.running[name].stop() == 0
