"""The real thing in tests: `loa run` and the simulators as processes of their own, asked over HTTP, killed, started
again on the same data folder.

Every wait is bounded, and what failed says what the process last wrote on stderr. Only processes that were started
here are ever ended, by their own id.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from simulators import smsc, telegram, zalo

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
LOA = (sys.executable, "-c", "from loa.cli import main; main()")
SIMULATORS = (sys.executable, "-m", "simulators", "--until-stdin-closes")
READY_SECONDS = 60.0
"""How long a start may take on a machine that many tests share."""
STOP_SECONDS = 40.0
"""Longer than the service's own bounds together: dispatchers 10 s, channels about 25 s, web 3 s."""
HTTP_SECONDS = 30.0
LANGUAGE = {"LOA_LANG": "en"}
FIRST_NUMBER = 84_900_000_000
"""Invented numbers count up from here; no carrier has given out 0900 000 xxx."""
SETTLED = ("queued", "sending", "retrying", "accepted")
"""States in which a delivery still has something to expect."""


def until(check: Callable[[], T | None], seconds: float, says: str | Callable[[], str], pause: float = 0.05) -> T:
    """The first value of `check` that is not None and not False."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {says if isinstance(says, str) else says()}")
        time.sleep(pause)


def environment(**more: str) -> dict[str, str]:
    """Ours without settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LOA_")} | LANGUAGE | more


class Process:
    """One program under test; its stdout is read as JSON lines, its stderr goes to a file."""

    def __init__(self, command: Sequence[str], log: Path, **options: Any) -> None:
        self.name = log.stem
        self.log = log
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        with log.open("ab") as errors:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, env=environment(),
                **options,
            )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self._lines.put(line)

    def ready(self, seconds: float = READY_SECONDS) -> dict[str, Any]:
        """The JSON line that says that it answers."""

        def said() -> dict[str, Any] | None:
            try:
                return dict(json.loads(self._lines.get_nowait()))
            except queue.Empty:
                if self.popen.poll() is not None and not self._reader.is_alive():
                    raise AssertionError(f"{self.name} ended with {self.popen.returncode}: {self.tail()}") from None
                return None

        return until(said, seconds, lambda: f"{self.name} is ready; {self.tail()}", pause=0.01)

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    def kill(self) -> None:
        """SIGKILL, as a power cut or the kernel's memory guard would."""
        assert self.popen.poll() is None, f"{self.name} was already dead: {self.tail()}"
        os.kill(self.popen.pid, signal.SIGKILL)
        assert self.popen.wait(STOP_SECONDS) == -signal.SIGKILL

    def stop(self) -> int:
        """SIGTERM and its exit code; a process that does not end is killed, and that is a failure."""
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            return self.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(STOP_SECONDS)
            raise AssertionError(f"{self.name} did not end at SIGTERM: {self.tail()}") from None

    def end(self) -> None:
        """Whatever became of the test: nothing of it is left running."""
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait(STOP_SECONDS)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                pipe.close()


class HttpProblem(AssertionError):
    """An answer other than 2xx."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"HTTP {status}: {body}")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Http:
    """JSON over HTTP to one address with one key."""

    url: str
    key: str = ""

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return self.call("POST", path, json.dumps(body if body is not None else {}).encode(), query=query)

    def call(
        self, method: str, path: str, body: bytes | None = None, *, query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """The parsed answer. Raises `HttpProblem`, and OSError when nobody answers."""
        wanted = {name: str(value) for name, value in (query or {}).items() if value is not None}
        url = f"{self.url}{path}" + (f"?{urllib.parse.urlencode(wanted)}" if wanted else "")
        request = urllib.request.Request(url, data=body, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("Accept-Language", "en")
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:
                return _parsed(answer.read())
        except urllib.error.HTTPError as refused:
            raise HttpProblem(refused.code, _parsed(refused.read())) from None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def timeline(api: Http, no: int) -> list[dict[str, Any]]:
    """Every event of a broadcast so far, from the stream that live pages follow: it then tells the counts."""
    request = urllib.request.Request(f"{api.url}/broadcasts/{no}/events")
    request.add_header("Authorization", f"Bearer {api.key}")
    found: list[dict[str, Any]] = []
    name = ""
    with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as stream:
        for raw in stream:
            key, _, value = raw.decode().rstrip("\n").partition(": ")
            if key == "event":
                name = value
            elif key == "data" and name == "counts":
                break
            elif key == "data":
                found.append(json.loads(value))
    return found


@dataclass(slots=True)
class Town:
    """The simulators in their process: `zalo`, `telegram` and `smsc` are their control APIs."""

    process: Process
    urls: dict[str, Any]
    zalo: Http
    telegram: Http
    smsc: Http

    def received(self) -> dict[str, int]:
        """Whole SMS by number, as the carrier counted them."""
        counts: dict[str, int] = self.smsc.get("/_sim/received", format="counts")
        return counts

    def phone(self, number: str) -> list[dict[str, Any]]:
        """What one phone shows."""
        shown: list[dict[str, Any]] = self.smsc.get("/_sim/messages", address=number)["messages"]
        return shown

    def resident_says(self, number: str, text: str) -> None:
        self.smsc.post("/_sim/say", {"sender": number, "text": text})


@contextmanager
def simulators(folder: Path, *arguments: str, replies: bool = False) -> Iterator[Town]:
    """`python -m simulators` until the block ends; nobody answers by himself unless `replies`."""
    silent = () if replies else ("--no-people-reply",)
    process = Process((*SIMULATORS, *silent, *arguments), folder / "simulators.log")
    try:
        urls = process.ready()
        yield Town(process, urls, Http(urls["zalo"]), Http(urls["telegram"]), Http(urls["smsc_control"]))
    finally:
        process.end()


CONFIG = """
[office]
short_code = {short_code}
hotline = "0237.xxx.xxxx"

[store]
url = "sqlite:///{ledger}"

[web]
port = 0

[escalation.default]
steps = [
    {{ after = 0, channels = ["zalo", "telegram"] }},
    {{ after = {sms_after}, channels = ["sms"], unless = "delivered" }},
]

[limits]
give_up_after = {give_up_after}
close_after = {close_after}

[[adapters.sms.accounts]]
name = "sim"
enabled = {sms}
host = "{smsc_host}"
port = {smsc_port}
system_id = "{system_id}"
password = "{password}"
sender = {short_code}
window = {window}
tps = {tps}
timers = {{ response = 10, backoff_min = 0.2, backoff_max = 2, stable = 5 }}

[adapters.telegram]
enabled = {telegram}
base_url = "{telegram_url}"
token = "{telegram_token}"

[adapters.zalo.oa]
answer_seconds = 3
{zalo_account}
[adapters.zalo.oa_user]
enabled = {zalo}
[adapters.zalo.oa_group]
enabled = {zalo}
group_id = "{group_id}"
"""


def write_config(
    folder: Path, town: Town, *, channels: Sequence[str] = ("sms",), window: int = 100, tps: float = 0,
    sms_after: float = 1.0, give_up_after: float = 3.0, close_after: float = 60.0, more: str = "",
) -> Path:  # fmt: skip
    """A `config.toml` that points the channels at the simulators; the ledger lies in `folder`/data."""
    host, _, port = str(town.urls["smsc"]).rpartition(":")
    account = {"base_url": town.urls["zalo"], "oauth_url": town.urls["zalo"], **asdict(zalo.APP)}
    path = folder / "config.toml"
    path.write_text(
        CONFIG.format(
            short_code=json.dumps(smsc.SHORT_CODE), ledger=folder / "data" / "loa.db", sms_after=sms_after,
            give_up_after=give_up_after, close_after=close_after, smsc_host=host, smsc_port=port,
            system_id=smsc.SYSTEM_ID, password=smsc.PASSWORD, window=window, tps=tps,
            telegram_url=town.urls["telegram"], telegram_token=telegram.DEFAULT_TOKEN, group_id=zalo.GROUP_ID,
            zalo_account="\n".join(f"{name} = {json.dumps(value)}" for name, value in account.items()),
            **{name: json.dumps(name in channels) for name in ("sms", "telegram", "zalo")},
        )
        + more,
        "utf-8",
    )  # fmt: skip
    return path


@dataclass(slots=True)
class Office:
    """One data folder and the service that runs on it, now and after each restart."""

    folder: Path
    config: Path
    town: Town | None = None
    process: Process = field(init=False)
    api: Http = field(init=False)
    """As an officer, who may draft; `approver` is another person."""
    approver: Http = field(init=False)
    admin: Http = field(init=False)
    url: str = ""
    _keys: dict[str, str] = field(default_factory=dict)

    @property
    def ledger(self) -> Path:
        return self.folder / "data" / "loa.db"

    def start(self, **options: Any) -> None:
        """`loa run`; returns when it is ready."""
        command = (*LOA, "run", "--config", str(self.config))
        self.process = Process(command, self.folder / "service.log", **options)
        said = self.process.ready()
        assert said["ready"] is True
        self.url = said["console"]
        word = json.loads((self.folder / "data" / "service.json").read_bytes())
        self.admin = Http(said["api"], word["admin_key"])
        for role in ("officer", "approver"):
            if role not in self._keys:
                self._keys[role] = self.admin.post("/keys", {"name": f"test-{role}", "role": role})["api_key"]
        self.api = Http(said["api"], self._keys["officer"])
        self.approver = Http(said["api"], self._keys["approver"])
        if self.town is not None:
            self.town.zalo.post("/_sim/webhook", {"url": f"{self.url}/hooks/zalo.oa"})

    def restart(self) -> None:
        """After a kill, on the same data folder."""
        self.start()

    def upload(self, name: str, count: int, first: int = FIRST_NUMBER) -> None:
        """A list of so many invented numbers."""
        lines = "".join(f"0{first - 84_000_000_000 * (first >= 84_000_000_000) + n}\n" for n in range(count))
        report = self.api.call("POST", "/lists", lines.encode(), query={"name": name})
        assert (report["added"], report["rejected"]) == (count, [])

    def import_people(self, file: Path) -> None:
        report = self.admin.call("POST", "/import/people", file.read_bytes(), query={"filename": file.name})
        assert report["rejected"] == []

    def draft_only(self, values: Mapping[str, Any]) -> dict[str, Any]:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        made: dict[str, Any] = self.api.call("POST", "/broadcasts", json.dumps(values).encode(), headers=key)
        return made

    def draft(self, **values: Any) -> dict[str, Any]:
        """A draft that was submitted: frozen, with its hash."""
        made = self.draft_only(values)
        submitted: dict[str, Any] = self.api.post(f"/broadcasts/{made['id']}/submit")
        return submitted

    def approve(self, drafted: Mapping[str, Any]) -> dict[str, Any]:
        body = {"content_hash": drafted["content_hash"]}
        approved: dict[str, Any] = self.approver.post(f"/broadcasts/{drafted['id']}/approve", body)
        return approved

    def send(self, **values: Any) -> dict[str, Any]:
        return self.approve(self.draft(**values))

    def view(self, no: int) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/broadcasts/{no}")
        return found

    def deliveries(self, no: int, state: str | None = None) -> list[dict[str, Any]]:
        """All of them, page by page."""
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self.api.get(f"/broadcasts/{no}/deliveries", state=state, after=after)
            found += page["items"]
            after = page["next"]
        return found

    def settled(self, no: int, seconds: float) -> dict[str, Any]:
        """The broadcast once nothing is on its way any more and every receipt is in."""

        def look() -> dict[str, Any] | None:
            view = self.view(no)
            over = view["state"] in ("sent", "closed") and not any(view["counts"].get(one) for one in SETTLED)
            return view if over else None

        return until(look, seconds, lambda: f"{self.view(no)['counts']}; {self.process.tail()}", pause=0.2)


@contextmanager
def office(folder: Path, config: Path, town: Town | None = None, **options: Any) -> Iterator[Office]:
    """`loa run` until the block ends, however often it is killed and started inside."""
    (folder / "data").mkdir(exist_ok=True)
    running = Office(folder, config, town)
    try:
        running.start(**options)
        yield running
    finally:
        if hasattr(running, "process"):
            running.process.end()


def loa(
    *arguments: str, environ: Mapping[str, str] | None = None, seconds: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """One command of the command line, to its end."""
    return subprocess.run(
        (*LOA, *arguments), cwd=ROOT, env=environment(**(environ or {})), capture_output=True, text=True,
        timeout=seconds, check=False,
    )  # fmt: skip


def objects(stdout: str) -> list[dict[str, Any]]:
    """What a command printed: one JSON object a line."""
    return [json.loads(line) for line in stdout.splitlines()]


@dataclass(frozen=True, slots=True)
class Demo:
    """`loa demo`: the service, its simulators and their people, as a visitor starts them."""

    process: Process
    said: dict[str, Any]
    api: Http
    approver: Http
    town: Town
    data: Path

    def loa(self, *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """A command with the address and the officer's key of the ready line."""
        environ = {"LOA_API": self.said["api"], "LOA_API_KEY": self.said["api_key"]}
        return loa(*arguments, environ=environ, seconds=seconds)


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[Demo]:
    """`loa demo --port 0` until the block ends."""
    data = folder / "demo"
    process = Process((*LOA, "demo", "--port", "0", "--data", str(data), *arguments), folder / "demo.log")
    try:
        said = process.ready()
        urls = said["simulators"]
        town = Town(process, urls, Http(urls["zalo"]), Http(urls["telegram"]), Http(urls["smsc_control"]))
        api, approver = (Http(said["api"], said[key]) for key in ("api_key", "approver_key"))
        yield Demo(process, said, api, approver, town, data)
    finally:
        process.end()
