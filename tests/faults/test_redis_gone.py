"""Redis is killed, emptied, held still and made read-only while a list goes out over several processes.

The ledger knows everything: work goes on, nothing is lost, nothing is sent twice, the watch says it, and the logs stay
readable. What each phone got is counted by the simulated carriers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.faults.test_many_processes import NUMBERS, begin, check, send, under_way
from tests.living import Town, simulators
from tests.offices import Many, many
from tests.processes import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

PROCESSES = ("web", "worker1", "worker2", "scheduler1")
RESUMES_SECONDS = 30.0
"""As the design promises; far less is usual."""
LINES_MOST = 40
"""Lines about Redis in one process's log after all of a test's faults."""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        yield found


@pytest.fixture
def office(tmp_path: Path, town: Town) -> Iterator[Many]:
    with many(tmp_path, town, accounts=2, window=40, tps=150) as found:
        begin(found)
        yield found


def kill(office: Many) -> None:
    office.redis.kill()
    time.sleep(3.0)
    office.redis.start()


def empty(office: Many) -> None:
    for _ in range(4):
        office.redis.client().flushall()
        time.sleep(0.7)


def hold_still(office: Many) -> None:
    client = redis.Redis(unix_socket_path=str(office.redis.socket), socket_timeout=30)
    client.execute_command("DEBUG", "SLEEP", "4")


def cut_lines(office: Many) -> None:
    for _ in range(5):
        for kind in ("normal", "pubsub"):
            office.redis.client().client_kill_filter(_type=kind, skipme=True)
        time.sleep(0.5)


def read_only(office: Many) -> None:
    office.redis.client().execute_command("REPLICAOF", "127.0.0.1", "1")
    time.sleep(3.0)
    office.redis.client().execute_command("REPLICAOF", "NO", "ONE")


def full(office: Many) -> None:
    office.redis.client().config_set("maxmemory", 1)
    time.sleep(3.0)
    office.redis.client().config_set("maxmemory", 0)


def about_redis(office: Many, name: str) -> list[str]:
    lines = (office.folder / f"{name}.log").read_text("utf-8", "replace").splitlines()
    return [line for line in lines if "redis" in line or "lane" in line or "bus_" in line or "Traceback" in line]


@pytest.mark.parametrize("fault", [kill, empty, hold_still, cut_lines, read_only, full], ids=lambda one: one.__name__)
def test_a_list_goes_out_all_the_same(office: Many, fault: Callable[[Many], None]) -> None:
    no = send(office)
    under_way(office, 0.1)
    worst, before, since = 0.0, office.received().total(), time.monotonic()
    breaking = threading.Thread(target=fault, args=(office,))
    breaking.start()
    while (now := office.received().total()) < 0.95 * NUMBERS:
        if now > before:
            worst, before, since = max(worst, time.monotonic() - since), now, time.monotonic()
        assert time.monotonic() - since < RESUMES_SECONDS, "nothing leaves any more"
        time.sleep(0.05)
    breaking.join(60)
    view = check(office, no)
    assert view["counts"] == {"delivered": NUMBERS}
    assert office.received().total() == NUMBERS
    for name in PROCESSES:
        said = about_redis(office, name)
        assert not any("Traceback" in line for line in said), said
        assert len(said) <= LINES_MOST, said
    print(f"\n{fault.__name__}: longest pause {worst:.2f} s")


def test_while_it_is_away_new_work_is_found_in_the_ledger(office: Many) -> None:
    """Nobody can be woken: who works looks for himself. The watch says it, and says when it is over."""
    office.redis.kill()
    no = send(office)
    until(lambda: office.received().total() > 0, RESUMES_SECONDS, "sending begins without Redis", pause=0.1)
    check(office, no)
    assert office.received().total() == NUMBERS

    def ringing() -> bool:
        return any(one["kind"] == "lanes_away" for one in office.api.get("/watch")["items"])

    until(ringing, 60, lambda: office.api.get("/watch"), pause=0.5)
    office.redis.start()
    until(lambda: not ringing(), 60, "the watch has seen that it is back", pause=0.5)
