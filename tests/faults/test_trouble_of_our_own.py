"""Trouble on our own machine: a full disk, a second service, a taken port, wrong settings, missing credentials.

Each gets one clear sentence and exit code 1, or is said while the service runs; nothing that was taken is lost.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from store.opening import reading
from tests.ledgers import address
from tests.living import FIRST_NUMBER, Office, Town, demo, office, simulators, write_config
from tests.processes import Http, HttpProblem, loa, objects, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
CRY = "cuu voi nuoc ngap"
CUSTOMER = "4711"
"""Somebody's account on Zalo."""
RESIDENT = str(FIRST_NUMBER + 7_000_000)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        yield found


# A full disk. The kernel refuses the ledger's next page, as it does when no block is left.


def fill_disk(running: Office) -> None:
    journal = running.ledger.with_name(running.ledger.name + "-wal")
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (journal.stat().st_size, resource.RLIM_INFINITY))


def free_disk(running: Office) -> None:
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, NO_LIMIT)


def refusal(call: Any, *arguments: Any) -> HttpProblem:
    with pytest.raises(HttpProblem) as refused:
        call(*arguments)
    return refused.value


def is_ready(running: Office) -> bool:
    try:
        return bool(Http(f"{running.url}/api/v1").get("/health/ready")["status"] == "ok")
    except HttpProblem as refused:
        if refused.status != 503:
            raise
        return False


@pytest.mark.sqlite_file
def test_a_full_disk_takes_nothing_in_and_loses_nothing(tmp_path: Path, town: Town) -> None:
    """Nobody hears "ok" for what is not stored: the officer, the carrier, Zalo. Afterwards it goes on by itself."""
    config = write_config(tmp_path, town, channels=("zalo", "sms"))
    with office(tmp_path, config, town) as running:
        town.zalo.post("/_sim/users", [{"user_id": CUSTOMER, "name": "Nguyễn Mẫu"}])
        town.zalo.post("/_sim/faults", {"webhook_time_scale": 0.05})  # its first repeat comes after 1.5 s
        fill_disk(running)
        try:
            said = refusal(running.draft_only, {"text": "Bao so 5", "audience": "all-units"})
            assert said.status == 503
            assert said.body["title"]
            assert "Traceback" not in str(said.body)
            until(lambda: not is_ready(running), 10, "not ready")
            town.resident_says(RESIDENT, CRY)
            town.zalo.post("/_sim/say", {"sender": CUSTOMER, "text": CRY})
            until(lambda: stats(town).get("put_off", 0) > 0, 30, lambda: str(stats(town)))
            assert stats(town).get("acknowledged", 0) == 0
            until(lambda: "zalo_event_not_stored" in running.process.log.read_text("utf-8"), 30, running.process.tail)
        finally:
            free_disk(running)
        until(lambda: is_ready(running), 30, running.process.tail)
        until(lambda: names_112(town.phone(RESIDENT)), 60, running.process.tail)
        until(
            lambda: names_112(town.zalo.get("/_sim/messages", address=CUSTOMER)["messages"]), 60, running.process.tail
        )
        assert len(running.api.get("/inbox")["items"]) == 2
        assert running.process.stop() == 0


def stats(town: Town) -> dict[str, int]:
    found: dict[str, int] = town.smsc.get("/_sim/stats")
    return found


def names_112(shown: list[dict[str, Any]]) -> bool:
    return any(one["sender"] == "loa" and "112" in one["text"] for one in shown)


@pytest.mark.sqlite_file
def test_the_disk_fills_while_a_list_goes_out(tmp_path: Path, town: Town) -> None:
    """Nothing more is handed over than what was marked; what was answered meanwhile is kept; nobody has it twice."""
    numbers = 2_000
    with office(tmp_path, write_config(tmp_path, town, window=50, tps=400)) as running:
        running.upload("dan", numbers)
        sent = running.send(text="Bao so 5 vao dem nay.", audience="list:dan", channels=["sms"])
        until(lambda: town.smsc.get("/_sim/received")["messages"] > 300, 30, running.process.tail)
        fill_disk(running)
        stands = until(lambda: standing_still(town), 30, lambda: str(town.smsc.get("/_sim/received")))
        assert stands < numbers
        free_disk(running)
        view = running.settled(sent["id"], 60)
        assert running.process.stop() == 0
    assert view["counts"] == {"delivered": numbers}
    assert town.received() == {str(FIRST_NUMBER + n): 1 for n in range(numbers)}


def standing_still(town: Town) -> int | None:
    """How many the carrier has, once none has come for a second."""
    before: int = town.smsc.get("/_sim/received")["messages"]
    time.sleep(1.0)
    return before if town.smsc.get("/_sim/received")["messages"] == before else None


# What stops a start: exit 1 and one sentence


def fails(*arguments: str, **environ: str) -> str:
    """The one line that the command left on stderr."""
    done = loa(*arguments, environ=environ)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if not line.startswith("timestamp=")]
    assert len(said) == 1, done.stderr
    return said[0]


def small_config(folder: Path, more: str = "", ledger: Path | None = None) -> Path:
    path = folder / "small.toml"
    url = f"sqlite:///{ledger}" if ledger else address(folder / "data")
    path.write_text(
        f'[store]\nurl = "{url}"\nfiles = "{folder / "data" / "attachments"}"\n[web]\nport = 0\n{more}', "utf-8"
    )
    return path


@pytest.mark.sqlite_file
def test_a_second_service_on_the_same_ledger(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    with office(tmp_path, config) as running:
        said = fails("run", "--config", str(config))
        assert str(running.ledger) in said
        assert is_ready(running)
        assert (tmp_path / "data" / "service.json").exists(), "the first one's word was taken away"


def doctor_of_service(config: Path) -> dict[str, Any]:
    (found,) = (one for one in objects(loa("doctor", "--config", str(config)).stdout) if one["check"] == "service")
    return found


def test_a_killed_service_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    """Its port may be anybody's by now: no command says its key there."""
    config = small_config(tmp_path)
    with office(tmp_path, config) as running:
        assert doctor_of_service(config)["ok"] is True
        assert loa("status", "--config", str(config)).returncode == 0
        port = int(running.url.rpartition(":")[2])
        running.process.kill()
        assert (tmp_path / "data" / "service.json").exists(), "a killed one takes nothing back"
        with closing(socket.create_server(("127.0.0.1", port))) as foreign:
            foreign.settimeout(0.2)
            for command in (("status",), ("cancel", "TB0101-01", "--reason", "drill")):
                assert str(tmp_path / "data") in fails(*command, "--config", str(config))
            added = loa("key", "add", "meanwhile", "--role", "officer", "--config", str(config))
            assert added.returncode == 0, "the ledger is nobody's, so the command writes there itself"
            found = doctor_of_service(config)
            assert (found["ok"], found["says"]) == (False, "The service does not run.")
            assert "unexpectedly" in found["mend"]
            with pytest.raises(TimeoutError):
                foreign.accept()
        running.restart()
        assert doctor_of_service(config)["ok"] is True
        assert loa("status", "--config", str(config)).returncode == 0
        assert running.process.stop() == 0
        assert doctor_of_service(config)["ok"] is True, "one that was stopped is none that is missing"


def test_a_service_that_does_not_answer_is_said_to_run(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    with office(tmp_path, config) as running:
        os.kill(running.process.pid, signal.SIGSTOP)
        try:
            found = objects(loa("doctor", "--config", str(config), seconds=120).stdout)[-1]
        finally:
            os.kill(running.process.pid, signal.SIGCONT)
        assert (found["check"], found["ok"]) == ("service", False)
        assert running.url in found["says"]
        assert "does not answer" in found["says"]


def test_a_taken_port(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert str(port) in fails("run", "--config", str(small_config(tmp_path)), LOA_WEB__PORT=str(port))


@pytest.mark.sqlite_file
@pytest.mark.parametrize("place", ["a file in the way", "no permission"])
def test_a_data_folder_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "folder"
    if place == "a file in the way":
        folder.write_text("a file", "utf-8")
    elif os.geteuid() == 0:
        folder = Path("/proc/1/loa")  # nobody may write here, not even root
    else:
        folder.mkdir(mode=0o500)
    assert str(folder) in fails("run", "--config", str(small_config(tmp_path, ledger=folder / "data" / "loa.db")))


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ('colour = "red"', "web.colour"),
        ('[[adapters.sms.accounts]]\nname = "a"\nhost = "h"\nsystem_id = "s"', "password"),
        ("[office\n", "small.toml"),
    ],
)
def test_a_wrong_key_in_the_settings(tmp_path: Path, more: str, named: str) -> None:
    assert named in fails("run", "--config", str(small_config(tmp_path, more)))


def test_a_wrong_value_does_not_show_the_secret_beside_it(tmp_path: Path) -> None:
    account = '[[adapters.sms.accounts]]\nname = "a"\nhost = "h"\nsystem_id = "s"\npassword = ["top-secret"]'
    said = fails("run", "--config", str(small_config(tmp_path, account)))
    assert "password" in said
    assert "top-secret" not in said


def test_no_settings_file(tmp_path: Path) -> None:
    assert "nowhere.toml" in fails("run", "--config", str(tmp_path / "nowhere.toml"))


# After a kill, while no service runs


def test_keys_and_users_can_be_made_whether_or_not_a_service_runs(tmp_path: Path) -> None:
    """Also when the last service was killed and its word about itself still lies there."""
    config = small_config(tmp_path)
    before = loa("key", "add", "before", "--role", "officer", "--config", str(config))
    assert before.returncode == 0, before.stderr
    with office(tmp_path, config) as running:
        assert running.api.get("/broadcasts") == {"items": []}
        during = loa("key", "add", "during", "--role", "viewer", "--config", str(config))
        assert during.returncode == 0, during.stderr
        running.process.kill()
        after = loa("key", "add", "after", "--role", "viewer", "--config", str(config))
        assert after.returncode == 0, after.stderr
        user = loa("user", "add", "canbo1", "--role", "officer", "--config", str(config))
        assert user.returncode == 0, user.stderr
        assert len(objects(user.stdout)[0]["password"]) >= 10
        assert fails("status", "--config", str(config))
        running.restart()
        for done in (before, during, after):
            (key,) = objects(done.stdout)
            assert Http(running.api.url, key["api_key"]).get("/broadcasts") == {"items": []}
        assert fails("key", "add", "after", "--role", "viewer", "--config", str(config))  # the name is taken


def test_a_killed_demo_leaves_nothing_running(tmp_path: Path) -> None:
    with demo(tmp_path, "--no-people-reply") as running:
        (simulators_alone,) = psutil.Process(running.process.popen.pid).children()
        running.process.kill()
        assert psutil.wait_procs([simulators_alone], timeout=20)[1] == []


# Missing credentials: the service runs and says which key to fill


def test_missing_credentials_are_named_and_stop_nothing(tmp_path: Path, town: Town) -> None:
    config = write_config(tmp_path, town, channels=("sms",))
    text = config.read_text("utf-8")
    for key in ("app_id", "oa_id"):
        text = text.replace(next(line for line in text.splitlines() if line.startswith(f"{key} =")), f'{key} = ""')
    text = text.replace("[adapters.zalo.oa_user]\nenabled = false", "[adapters.zalo.oa_user]\nenabled = true")
    text = text.replace("[adapters.telegram]\nenabled = false", "[adapters.telegram]\nenabled = true")
    token = next(line for line in text.splitlines() if line.startswith("token ="))
    config.write_text(text.replace(token, 'token = ""').replace("loa-pass", "loa-none"), "utf-8")
    with office(tmp_path, config) as running:
        until(lambda: "smpp_auth_stopped" in running.process.log.read_text("utf-8"), 30, running.process.tail)
        done = loa("doctor", "--config", str(config))
        checks = {one["check"]: one for one in objects(done.stdout)}
        assert done.returncode == 1
        assert "app_id" in checks["channel zalo.oa_user"]["says"] + checks["channel zalo.oa_user"]["mend"]
        assert "token" in checks["channel telegram"]["says"] + checks["channel telegram"]["mend"]
        assert not any(one["ok"] for name, one in checks.items() if name.startswith("channel"))
        assert any(name.startswith("channel sms") for name in checks)
        assert checks["service"]["ok"] is True
        assert "loa-none" not in done.stdout + running.process.log.read_text("utf-8")
        assert is_ready(running)
        assert running.process.stop() == 0


@pytest.mark.sqlite_file
def test_the_file_is_sound_after_all_of_it(tmp_path: Path, town: Town) -> None:
    with office(tmp_path, write_config(tmp_path, town, window=100)) as running:
        running.upload("dan", 1_500)
        running.send(text="Bao so 5 vao dem nay.", audience="list:dan", channels=["sms"])
        running.process.kill()
        with reading(running.ledger_url) as tx:
            assert tx.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_ledger_is_sound_after_all_of_it(tmp_path: Path, town: Town) -> None:
    """Killed while it writes, many times over: the file stays whole."""
    with office(tmp_path, write_config(tmp_path, town, window=100)) as running:
        for first in range(3):
            running.upload(f"dan{first}", 1_500, FIRST_NUMBER + 10_000 * first)
            running.send(text="Bao so 5 vao dem nay.", audience=f"list:dan{first}", channels=["sms"])
            running.process.kill()
            running.restart()
        assert running.process.stop() == 0
    with reading(running.ledger_url) as tx:
        rows = tx.execute(
            "SELECT c_queued + c_sending + c_retrying + c_unknown + c_accepted + c_delivered + c_seen + c_failed"
            " + c_expired + c_skipped + c_cancelled, last_id - id + 1 FROM chunk"
        ).fetchall()
        assert rows
        assert all(counted == there for counted, there in rows)
        assert tx.execute("SELECT count(*) FROM delivery").fetchone()[0] == sum(there for _, there in rows)
