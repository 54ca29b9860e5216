"""A new release comes in without a gap: process after process, while a list goes out; and a stop that is told twice."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.cli.office import operator as who_types
from store.revisions import own_revision
from tests.faults.test_many_processes import (
    ACCOUNTS,
    IN_DOUBT_MOST,
    NUMBERS,
    WORKERS,
    begin,
    check,
    held,
    send,
    under_way,
)
from tests.living import Town, simulators
from tests.offices import Many, many
from tests.processes import ROOT, Http, HttpProblem, Process, loa, timeline, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

NEWER = "7.7.7"
NEXT = """from alembic import op

revision, down_revision = "9990", "{before}"


def upgrade():
    for table in ("worker", "lease", "chunk", "broadcast", "inbox"):
        op.execute(f"ALTER TABLE {{table}} ADD COLUMN of_tomorrow INTEGER")
    op.execute("CREATE TABLE tomorrow (id INTEGER PRIMARY KEY)")
"""
"""A migration as the rules for neighbouring releases allow it: it only adds."""
PROGRAM = """
from pathlib import Path
import loa.version, store.migrate, store.revisions
loa.version.version = lambda: "{version}"
store.migrate.SCRIPTS = Path("{scripts}")
store.revisions._VERSIONS = Path("{scripts}") / "versions"
from loa.cli import main
main()
"""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        yield found


@pytest.fixture
def office(tmp_path: Path, town: Town) -> Iterator[Many]:
    with many(tmp_path, town, accounts=2, window=40, tps=25) as found:
        yield found


def next_release(folder: Path) -> tuple[str, ...]:
    """Today's program with a version of its own and one migration more."""
    scripts = folder / "migrations"
    shutil.copytree(ROOT / "store" / "migrations", scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9990_of_tomorrow.py").write_text(NEXT.format(before=own_revision()))
    return (sys.executable, "-c", PROGRAM.format(version=NEWER, scripts=scripts))


def begin_newer(office: Many, program: tuple[str, ...], role: str, name: str) -> None:
    command = (*program, "run", "--role", role, "--config", str(office.config))
    office.running[name] = Process(command, office.folder / f"{name}.log")
    office.said[name] = office.running[name].ready()


def log(office: Many, name: str) -> str:
    return (office.folder / f"{name}.log").read_text("utf-8", "replace")


def test_a_newer_release_takes_over_while_a_list_goes_out(office: Many, tmp_path: Path) -> None:
    """Workers first, the web last, as the handbook says; both releases work side by side on the newer schema."""
    program = next_release(tmp_path)
    begin(office)
    office.begin("listener", "listener1")
    until(lambda: held(office, "worker1") | held(office, "worker2") == ACCOUNTS, 40, "both accounts are taken")
    no = send(office)
    under_way(office, 0.05)
    old = (*WORKERS, "listener1", "scheduler1")
    for name in old:
        begin_newer(office, program, name[:-1], f"new-{name}")
        assert office.ask("SELECT version_num FROM alembic_version") == ["9990"]
        assert set(office.ask("SELECT version FROM worker")) >= {NEWER}, "side by side"
        assert office.running[name].stop() == 0
        assert "level='error'" not in log(office, name), office.running[name].tail(40)
        assert name not in WORKERS or office.received().total() < NUMBERS, "the list was still going out"
    web, new_web = office.running["web"], "new-web"
    begin_newer(office, program, "web", new_web)
    assert web.stop() == 0
    office.move_to(new_web)
    assert set(office.ask("SELECT version FROM worker")) == {NEWER}
    assert held(office, "new-worker1") | held(office, "new-worker2") == ACCOUNTS
    assert "leading" in log(office, "new-scheduler1")
    view = check(office, no)
    assert view["counts"] == {"delivered": NUMBERS}, "nothing is in doubt after a drain"
    assert office.received().total() == NUMBERS
    for name in ("web", *(f"new-{one}" for one in (*old, "web"))):
        assert "level='error'" not in log(office, name), office.running[name].tail(40)


def operators_keys(office: Many) -> list[str]:
    """Whose there are."""
    ports = {said["api"].rpartition(":")[2].partition("/")[0]: name for name, said in office.said.items()}
    found = office.ask("SELECT name FROM api_key WHERE name LIKE 'local%'")
    return sorted(ports[one.rpartition(":")[2]] for one in found)


def test_of_two_web_processes_on_one_machine_commands_find_one_that_runs(office: Many) -> None:
    word = office.folder / "data" / "service.json"

    def named() -> str:
        return str(json.loads(word.read_bytes())["api"]) if word.exists() else ""

    for name in ("web", "web2"):
        office.begin("web", name)
        assert named() == office.said[name]["api"], "the one that started last"
    assert office.running["web2"].stop() == 0
    until(lambda: named() == office.said["web"]["api"], 20, named, pause=0.2)
    done = loa("doctor", "--config", str(office.config))
    assert "Traceback" not in done.stderr
    office.begin("web", "web3")
    assert office.running["web"].stop() == 0
    assert named() == office.said["web3"]["api"], "its word is not another one's to take back"
    assert office.running["web3"].stop() == 0
    assert named() == ""
    assert operators_keys(office) == [], "each took its own along"


def test_of_two_web_processes_commands_find_the_one_that_was_not_killed(office: Many) -> None:
    """And it lets them in: each has a key of its own, and that of the killed one opens nothing any more."""
    for name in ("web", "web2"):
        office.begin("web", name)
    office.running["web2"].kill()

    def answered() -> bool:
        return loa("status", "--config", str(office.config)).returncode == 0

    until(answered, 20, lambda: office.running["web"].tail(), pause=0.5)
    until(lambda: operators_keys(office) == ["web"], 10, lambda: str(operators_keys(office)), pause=0.2)
    assert json.loads((office.folder / "data" / "service.json").read_bytes())["api"] == office.said["web"]["api"]


def test_a_command_beside_a_running_web_process_is_asked_of_it(office: Many) -> None:
    """So it stands in the log as done by this process's key. Without one the operator writes into the ledger himself,
    and the log names him."""
    office.open_doors()

    def bind(number: str, **environ: str) -> list[str]:
        """Lines of the log about bindings, then."""
        bound = ("user", "bind", "Trực", "--channel", "sms", "--address", number, "--config", str(office.config))
        said = json.loads(loa(*bound, environ=environ).stdout)
        assert (said["bound"], said["address"]) == (True, number)
        return office.ask("SELECT actor FROM audit WHERE action = 'bind_staff' ORDER BY id")

    added = loa("user", "add", "Trực", "--role", "officer", "--config", str(office.config))
    assert added.returncode == 0, added.stderr
    assert office.ask("SELECT count(*) FROM audit WHERE action = 'add_staff'") == [1]
    (operator,) = bind("84900000001")
    assert bind("84900000002", LOA_DATA=str(office.folder / "data")) == [operator, operator]
    assert not (office.folder / "data" / "loa.db").exists()
    office.running["web"].kill()
    assert bind("84900000003") == [operator, operator, who_types()]


def test_a_second_stop_ends_at_once(office: Many) -> None:
    """As a crash does: whoever is left finds what was in flight, lists it, and goes on with the rest."""
    assert office.town is not None
    begin(office)
    until(lambda: held(office, "worker1") | held(office, "worker2") == ACCOUNTS, 40, "both accounts are taken")
    for carrier in (office.town.smsc, *office.carriers):
        carrier.post("/_sim/faults", {"response_delay": 6.0})  # each drain has to wait for these answers
    no = send(office)
    until(lambda: office.received().total() >= 40, 60, "windows are open", pause=0.01)
    victim = max(("worker1", "worker2"), key=lambda name: office.last(name, "chunk_claimed"))
    (heir,) = {"worker1", "worker2"} - {victim}
    process, health = office.running[victim].popen, office.health(victim)
    process.terminate()
    until(lambda: _draining(health), 10, "it drains")
    time.sleep(0.5)
    assert process.poll() is None, "it waits for answers"
    process.terminate()
    assert process.wait(3) == 1
    assert "stopped_at_once" in log(office, victim)
    for carrier in (office.town.smsc, *office.carriers):
        carrier.post("/_sim/faults", {"response_delay": 0.0})
    until(lambda: held(office, heir) == ACCOUNTS, 20, "the other one has both accounts", pause=0.05)
    view = check(office, no)
    in_doubt = sum(one["detail"]["deliveries"] for one in timeline(office.api, no) if one["event"] == "in_doubt")
    assert 0 < in_doubt <= IN_DOUBT_MOST, "what had left and had no answer yet"
    assert view["counts"].get("unknown", 0) <= in_doubt


def _draining(health: Http) -> bool:
    try:
        health.get("/health/ready")
    except HttpProblem as refused:
        return refused.status == 503 and refused.body["checks"]["process"] == "draining"
    return False
