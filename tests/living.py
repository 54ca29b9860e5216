"""The real thing in tests: `loa run`, `loa demo` and the simulators as processes of their own, killed and started again
on the same data folder while the providers live on."""

from __future__ import annotations

import atexit
import json
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from broadcasts.dispatch import LEASE_SECONDS
from simulators import smsc, telegram, zalo
from tests import folders, ledgers
from tests.faults.harness.fostered import Nursery
from tests.processes import LOA, ROOT, Http, Process, loa, until
from tests.redis_stand import lanes_url

DATA = ROOT / "tests" / "data"
FIRST_NUMBER = 84_900_000_000
"""Invented numbers count up from here; no carrier has given out 0900 000 xxx."""
SETTLED = ("queued", "sending", "retrying", "accepted")
"""States in which a delivery still has something to expect."""


@dataclass(slots=True)
class Town:
    """The simulators in their process: `zalo`, `telegram` and `smsc` are their control APIs."""

    process: Any
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


@cache
def nursery() -> Nursery:
    """One for all tests of this process: reading Loa's modules is most of a start and nothing that a fault could touch.
    The demo and the offices of many processes start as their commands do."""
    made = Nursery(folders.folder("nursery"), LEASE_SECONDS)
    atexit.register(made.end)
    return made


@contextmanager
def simulators(folder: Path, *arguments: str, replies: bool = False) -> Iterator[Town]:
    """`python -m simulators` until the block ends; nobody answers by himself unless `replies`."""
    silent = () if replies else ("--no-people-reply",)
    process = nursery().launch((*silent, *arguments), folder / "simulators.log", "simulators")
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
url = {ledger}
files = {files}

{lanes}[web]
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

LANES = """[lanes]
url = "{}"

"""


def write_config(
    folder: Path, town: Town, *, channels: Sequence[str] = ("sms",), window: int = 100, tps: float = 0,
    sms_after: float = 1.0, give_up_after: float = 3.0, close_after: float = 60.0, more: str = "",
) -> Path:  # fmt: skip
    """A `config.toml` that points the channels at the simulators; the ledger lies in `folder`/data. Whoever brings
    lanes (in `more`) brings a ledger as well, and means the same in every setting."""
    own = "[lanes]" in more
    host, _, port = str(town.urls["smsc"]).rpartition(":")
    account = {"base_url": town.urls["zalo"], "oauth_url": town.urls["zalo"], **asdict(zalo.APP)}
    path = folder / "config.toml"
    path.write_text(
        CONFIG.format(
            lanes="" if own else LANES.format(lanes_url(folder)), short_code=json.dumps(smsc.SHORT_CODE),
            ledger=json.dumps("" if own else ledgers.address(folder / "data")),
            files=json.dumps(str(folder / "data" / "attachments")), sms_after=sms_after,
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


def launched(arguments: Sequence[str], log: Path) -> Any:
    """`loa` with these arguments, as a process."""
    return nursery().launch(arguments, log)


Launch = Callable[..., Any]
"""(arguments, log) → a `Process`, or what stands for one."""


@dataclass(slots=True)
class Office:
    """One data folder and the service that runs on it, now and after each restart."""

    folder: Path
    config: Path
    town: Town | None = None
    launch: Launch = launched
    arguments: Sequence[str] = ()
    process: Any = field(init=False)
    api: Http = field(init=False)
    """As an officer, who may draft; `approver` is another person."""
    approver: Http = field(init=False)
    admin: Http = field(init=False)
    url: str = ""
    _keys: dict[str, str] = field(default_factory=dict)

    @property
    def ledger(self) -> Path:
        """The file, where it is one."""
        return self.folder / "data" / "loa.db"

    @property
    def ledger_url(self) -> str:
        return ledgers.address(self.folder / "data")

    def start(self, **options: Any) -> None:
        """`loa run`; returns when it is ready."""
        arguments = ("run", *self.arguments, "--config", str(self.config))
        self.process = self.launch(arguments, self.folder / "service.log", **options)
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


@dataclass(frozen=True, slots=True)
class Demo:
    """`loa demo`: the service, its simulators and their people, as a visitor starts them."""

    process: Process
    said: dict[str, Any]
    api: Http
    approver: Http
    town: Town
    data: Path

    @property
    def ledger_url(self) -> str:
        return ledgers.address(self.data)

    def loa(self, *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """A command with the address and the officer's key of the ready line."""
        environ = {"LOA_API": self.said["api"], "LOA_API_KEY": self.said["api_key"]}
        return loa(*arguments, environ=environ, seconds=seconds)


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[Demo]:
    """`loa demo --port 0` until the block ends."""
    data = folder / "demo"
    command = (*LOA, "demo", "--port", "0", "--data", str(data), *arguments)
    environ = {**ledgers.environment(data), "LOA_LANES__URL": lanes_url(data)}
    process = Process(command, folder / "demo.log", environ=environ)
    try:
        said = process.ready()
        urls = said["simulators"]
        town = Town(process, urls, Http(urls["zalo"]), Http(urls["telegram"]), Http(urls["smsc_control"]))
        api, approver = (Http(said["api"], said[key]) for key in ("api_key", "approver_key"))
        yield Demo(process, said, api, approver, town, data)
    finally:
        process.end()
