"""PostgreSQL takes no more writes while a list goes out: its disk is full, or it was made read-only. What runs holds
still, says so, and goes on by itself; nothing is lost and nobody gets anything twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.cluster import Cluster
from tests.faults.test_many_processes import NUMBERS, SETTLE_SECONDS, begin, check, send, under_way
from tests.living import Town, simulators
from tests.offices import LEASE_SECONDS, Many, many
from tests.processes import HttpProblem, loa, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

DISK = "128m"
"""Room for the databases of a new server, the ledger and a little more."""
PAGE = 8_192
CRY = "cuu voi nuoc ngap"
RESIDENT = "84907000001"
WORKERS = ("worker1", "worker2")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        yield found


@pytest.fixture
def disk() -> Iterator[Path]:
    """A file system of its own, which can be full; where the server's user may come."""
    place = Path(tempfile.mkdtemp(prefix="loa-disk-"))
    command = ("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place))
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        place.rmdir()
        pytest.skip("nothing may be mounted here")
    try:
        yield place
    finally:
        subprocess.run(("umount", "--lazy", str(place)), check=False)
        place.rmdir()


def log(office: Many, name: str) -> str:
    return (office.folder / f"{name}.log").read_text("utf-8", "replace")


def standing_still(office: Many) -> int | None:
    """How many the carriers have, once none has come for a second."""
    before = office.received().total()
    time.sleep(1.0)
    return before if office.received().total() == before else None


def refusal(office: Many) -> HttpProblem | None:
    """What an officer hears who writes something; None: it was stored."""
    try:
        office.draft_only({"text": "Bao so 5 do bo. " + "x" * 400, "audience": "list:dan", "channels": ["sms"]})
    except HttpProblem as refused:
        return refused
    return None


def started_on(office: Many, database: str) -> str:
    """The one sentence of a process that is to make its ledger there now."""
    config = office.folder / "late.toml"
    config.write_text(office.config.read_text("utf-8").replace('/postgres"', f'/{database}"'), "utf-8")
    done = loa("run", "--role", "worker", "--config", str(config))
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    (said,) = [line for line in done.stderr.splitlines() if not line.startswith("timestamp=")]
    return said


async def visited(url: str) -> None:
    """The first one to enter a database leaves a file there."""
    await (await asyncpg.connect(url)).close()


def fill(disk: Path) -> Path:
    """Every block that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * PAGE)
        except OSError:
            pass
    return filler


def test_the_disk_of_the_server_is_full(tmp_path: Path, town: Town, disk: Path) -> None:
    def on_the_disk(cluster: Cluster) -> None:
        """All tables; the journal stays elsewhere, as a server that cannot write that one stops."""
        base = cluster.folder / "data" / "base"
        shutil.copytree(base, disk / "base")
        owner = base.stat()
        for path in (disk, disk / "base", *(disk / "base").rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        (disk / "base").chmod(0o700)
        shutil.rmtree(base)
        base.symlink_to(disk / "base")

    with many(tmp_path, town, accounts=2, window=40, tps=150, prepare=on_the_disk) as office:
        begin(office)
        office.sql("CREATE DATABASE late")
        asyncio.run(visited(office.database.replace("/postgres", "/late")))
        no = send(office)
        under_way(office, 0.1)
        filler = fill(disk)
        until(lambda: any("disk_full" in log(office, name) for name in WORKERS), 60, office.running["worker1"].tail)
        stands = until(lambda: standing_still(office), 60, lambda: str(office.received().total()))
        assert stands < NUMBERS
        refused = until(lambda: refusal(office), 30, "a page of a small table has room yet")
        assert refused.status == 503
        assert "disk" in str(refused.body).lower()
        assert "disk" in started_on(office, "late").lower()
        filler.unlink()
        view = check(office, no)
        assert view["counts"].get("delivered", 0) >= stands - 0.1 * NUMBERS
        for name in (*WORKERS, "web", "scheduler1"):
            assert office.running[name].popen.poll() is None, "it has gone on by itself"


def read_only(office: Many, on: bool) -> None:
    office.sql(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
    office.sql("SELECT pg_reload_conf()")


def test_the_server_becomes_read_only_for_longer_than_a_lease(tmp_path: Path, town: Town) -> None:
    with many(tmp_path, town, accounts=2, window=40, tps=150) as office:
        begin(office)
        office.begin("listener")
        no = send(office)
        under_way(office, 0.1)
        read_only(office, True)
        stands = until(lambda: standing_still(office), 30, lambda: str(office.received().total()))
        assert stands < NUMBERS
        refused = until(lambda: refusal(office), 30, "a draft is refused")
        assert refused.status == 503
        assert "read-only" in str(refused.body)
        town.resident_says(RESIDENT, CRY)
        time.sleep(LEASE_SECONDS + 2)
        assert office.ask("SELECT count(*) FROM inbox") == [0], "nobody has said ok to it"
        assert any("ledger_read_only" in log(office, name) for name in WORKERS)
        read_only(office, False)
        until(lambda: bool(town.phone(RESIDENT)), 60, lambda: office.running["listener"].tail(30), pause=0.2)
        office.settled(no, SETTLE_SECONDS)
        states = Counter(one["state"] for one in office.deliveries(no))
        received = office.received()
        del received[RESIDENT]
        assert states["delivered"] + states["unknown"] == NUMBERS
        assert states["delivered"] <= len(received) <= NUMBERS
        assert set(received.values()) == {1}, "nobody has it twice"
        until(lambda: answers(town) == 1, 60, lambda: str(town.phone(RESIDENT)), pause=0.2)
        assert office.ask("SELECT count(*) FROM inbox") == [1]
        for name in (*WORKERS, "web", "scheduler1", "listener"):
            assert office.running[name].popen.poll() is None, "it has gone on by itself"


def answers(town: Town) -> int:
    return sum(one["sender"] == "loa" and "112" in one["text"] for one in town.phone(RESIDENT))
