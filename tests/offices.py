"""An office of several processes in tests: PostgreSQL, Redis, and `loa run --role …` as often as one likes, each one
killed, drained or started when the test says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from simulators import smsc
from tests.cluster import Cluster, NoServer
from tests.living import Office, Town, write_config
from tests.processes import LOA, Http, Process
from tests.redis_stand import RedisServer

LEASE_SECONDS = 6.0
ACCOUNT = """
[[adapters.sms.accounts]]
name = "{name}"
host = "{host}"
port = {port}
system_id = "{system_id}"
password = "{password}"
sender = {sender}
window = {window}
tps = {tps}
timers = {{ response = 10, backoff_min = 0.2, backoff_max = 2, stable = 5 }}
"""
SHARED = """
[lanes]
url = "unix://{socket}?db=0"

[roles]
lease = {lease}
notice = 0
"""


@dataclass(slots=True)
class Many(Office):
    """`process` and the keys are those of the web process."""

    running: dict[str, Process] = field(default_factory=dict)
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    carriers: list[Http] = field(default_factory=list)
    """Control APIs of the other SMSCs."""
    database: str = ""
    redis: RedisServer = field(init=False)

    def begin(self, role: str, name: str = "", **environ: str) -> Process:
        """`loa run --role`; returns when it is ready."""
        name = name or role
        process = Process((*LOA, "run", "--role", role, "--config", str(self.config)), self.folder / f"{name}.log")
        self.running[name] = process
        self.said[name] = process.ready()
        assert self.said[name]["role"] == role
        return process

    def open_doors(self) -> None:
        """The web process, and the keys to its API."""
        self.begin("web")
        self.move_to("web")

    def move_to(self, name: str) -> None:
        """From here on this web process is asked."""
        self.process = self.running[name]
        self.url = self.said[name]["console"]
        word = json.loads((self.folder / "data" / "service.json").read_bytes())
        self.admin = Http(self.said[name]["api"], word["admin_key"])
        for role in ("officer", "approver"):
            if role not in self._keys:
                self._keys[role] = self.admin.post("/keys", {"name": f"test-{role}", "role": role})["api_key"]
        self.api = Http(self.said[name]["api"], self._keys["officer"])
        self.approver = Http(self.said[name]["api"], self._keys["approver"])
        if self.town is not None:
            self.town.zalo.post("/_sim/webhook", {"url": f"{self.url}/hooks/zalo.oa"})

    def received(self) -> Counter[str]:
        """Whole SMS by number, over all SMSCs."""
        assert self.town is not None
        counts: Counter[str] = Counter()
        for smsc_ in (self.town.smsc, *self.carriers):
            counts.update(smsc_.get("/_sim/received", format="counts"))
        return counts

    def health(self, name: str) -> Http:
        return Http(self.said[name]["health"])

    def lights(self) -> dict[str, str]:
        """Channel → key of what its light says."""
        return {one["name"]: one["state"] for one in self.api.get("/channels")["items"]}

    def holder(self, event: str, among: Sequence[str]) -> str:
        """Whose log said it last."""
        last = {name: self.last(name, event) for name in among}
        return max(last, key=lambda name: last[name])

    def last(self, name: str, event: str) -> str:
        """The time of the last line of this event, "" where there is none."""
        lines = (self.folder / f"{name}.log").read_text("utf-8", "replace").splitlines()
        return max((line for line in lines if f"event='{event}'" in line), default="")

    def sql(self, statement: str) -> None:
        """Done to the ledger from outside."""
        asyncio.run(self._do("execute", statement))

    def ask(self, statement: str) -> list[Any]:
        """The first column of what the ledger says."""
        return [row[0] for row in asyncio.run(self._do("fetch", statement))]

    async def _do(self, how: str, statement: str) -> Any:
        connection = await asyncpg.connect(self.database)
        try:
            return await getattr(connection, how)(statement)
        finally:
            await connection.close()

    def end(self) -> None:
        for process in self.running.values():
            process.end()


@contextmanager
def many(
    folder: Path, town: Town, *, accounts: int = 1, prepare: Callable[[Cluster], None] = lambda cluster: None,
    **options: Any,
) -> Iterator[Many]:  # fmt: skip
    """PostgreSQL and Redis until the block ends; the processes are the test's to begin. `prepare`: what is done to
    PostgreSQL's folder before its first start."""
    try:
        cluster = Cluster()
    except NoServer as missing:
        if os.environ.get("LOA_TEST_STRICT"):
            raise
        pytest.skip(str(missing))
    redis = RedisServer()
    carriers = [_carrier(folder, number) for number in range(2, accounts + 1)]
    try:
        prepare(cluster)
        cluster.start()
        more = SHARED.format(socket=redis.socket, lease=LEASE_SECONDS) + _accounts(carriers, options)
        config = write_config(folder, town, more=more, **options)
        config.write_text(_on_postgresql(config.read_text("utf-8"), cluster.url()), "utf-8")
        (folder / "data").mkdir(exist_ok=True)
        others = [Http(carrier.control) for carrier in carriers]
        office = Many(folder, config, town, carriers=others, database=cluster.url())
        office.redis = redis
        try:
            yield office
        finally:
            office.end()
    finally:
        for carrier in carriers:
            carrier.process.end()
        redis.end()
        cluster.remove()


def _on_postgresql(config: str, url: str) -> str:
    """Whatever ledger the run of the tests has: these processes share their own."""
    config, found = re.subn(r"(\[store\]\nurl = )[^\n]*", rf'\1"{url}"', config, count=1)
    assert found
    return config


@dataclass(frozen=True, slots=True)
class Carrier:
    """Another SMSC beside the town's; `control` is its control API."""

    process: Process
    name: str
    smpp: str
    control: str


def _carrier(folder: Path, number: int) -> Carrier:
    name = f"sim{number}"
    command = (sys.executable, "-m", "simulators.smsc", "--system-id", name, "--until-stdin-closes")
    process = Process(command, folder / f"{name}.log")
    said = process.ready()
    return Carrier(process, name, said["smsc"], said["control"])


def _accounts(carriers: Sequence[Carrier], options: dict[str, Any]) -> str:
    return "".join(
        ACCOUNT.format(
            name=one.name, host=one.smpp.rpartition(":")[0], port=one.smpp.rpartition(":")[2], system_id=one.name,
            password=smsc.PASSWORD, sender=json.dumps(smsc.SHORT_CODE), window=options.get("window", 100),
            tps=options.get("tps", 0),
        )
        for one in carriers
    )  # fmt: skip
