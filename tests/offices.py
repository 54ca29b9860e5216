"""An office of several processes in tests: PostgreSQL, Redis, and `loa run --role …` as often as one likes, each killed,
drained or started when the test says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from simulators import smsc
from tests.cluster import Cluster, NoServer
from tests.living import Office, Town, write_config
from tests.processes import LOA, Http, Process, until
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
        self.process = self.begin("web")
        self.url = self.said["web"]["console"]
        word = json.loads((self.folder / "data" / "service.json").read_bytes())
        self.admin = Http(self.said["web"]["api"], word["admin_key"])
        for role in ("officer", "approver"):
            if role not in self._keys:
                self._keys[role] = self.admin.post("/keys", {"name": f"test-{role}", "role": role})["api_key"]
        self.api = Http(self.said["web"]["api"], self._keys["officer"])
        self.approver = Http(self.said["web"]["api"], self._keys["approver"])
        if self.town is not None:
            self.town.zalo.post("/_sim/webhook", {"url": f"{self.url}/hooks/zalo.oa"})

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

    def end(self) -> None:
        for process in self.running.values():
            process.end()


@contextmanager
def many(folder: Path, town: Town, *, accounts: int = 1, **options: Any) -> Iterator[Many]:
    """PostgreSQL and Redis until the block ends; the processes are the test's to begin."""
    try:
        cluster = Cluster()
    except NoServer as missing:
        if os.environ.get("LOA_TEST_STRICT"):
            raise
        pytest.skip(str(missing))
    redis = RedisServer()
    try:
        cluster.start()
        config = write_config(folder, town, more=_more(town, redis, accounts, options), **options)
        text = config.read_text("utf-8")
        (folder / "data").mkdir(exist_ok=True)
        ledger = f'url = "sqlite:///{folder / "data" / "loa.db"}"'
        assert ledger in text
        files = folder / "data" / "attachments"
        config.write_text(text.replace(ledger, f'url = "{cluster.url()}"\nfiles = "{files}"'), "utf-8")
        office = Many(folder, config, town)
        try:
            yield office
        finally:
            office.end()
    finally:
        redis.end()
        cluster.remove()


def _more(town: Town, redis: RedisServer, accounts: int, options: dict[str, Any]) -> str:
    host, _, port = str(town.urls["smsc"]).rpartition(":")
    others = [
        ACCOUNT.format(
            name=f"sim{number}", host=host, port=port, system_id=smsc.SYSTEM_ID, password=smsc.PASSWORD,
            sender=json.dumps(smsc.SHORT_CODE), window=options.get("window", 100), tps=options.get("tps", 0),
        )
        for number in range(2, accounts + 1)
    ]  # fmt: skip
    return SHARED.format(socket=redis.socket, lease=LEASE_SECONDS) + "".join(others)


def within(seconds: float, look: Any, says: str) -> Any:
    return until(look, seconds, says, pause=0.1)
