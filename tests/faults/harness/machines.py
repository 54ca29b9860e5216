"""The setting of many machines: PostgreSQL, Redis, and the roles as processes of their own."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.faults.harness.fostered import Fostered, Nursery
from tests.faults.harness.house import frozen
from tests.faults.harness.links import Link
from tests.faults.harness.plan import Kind
from tests.faults.harness.servers import Reader, servers
from tests.faults.harness.surroundings import Surroundings
from tests.living import Office

ROLES: Final = ("worker-1", "worker-2", "listener", "scheduler")
"""Beside the web."""
SILENT_SECONDS: Final = 8.0
"""After which others take over from a process; the product's 15 s are the default."""
SHARED: Final = """
[store]
url = "{ledger}"
files = "{files}"

[lanes]
url = "redis://{redis}/0"

[roles]
lease = {lease}
notice = 0.2
"""


class Machines:
    def __init__(self, around: Surroundings, nursery: Nursery, lease: float) -> None:
        self._around = around
        self._nursery = nursery
        self._lease = lease
        self._servers = servers()
        self._name = f"run_{around.folder.name.replace('-', '_')}"
        self._servers.new_database(self._name)
        self._reader = Reader(self._servers.postgresql.url(self._name))
        around.links["postgresql"] = Link("postgresql", f"127.0.0.1:{self._servers.postgresql.port}", around.folder)
        around.links["redis"] = Link("redis", f"127.0.0.1:{self._servers.redis_port}", around.folder)
        (around.folder / "data").mkdir()
        self._config = self._write_config()
        self._web = Office(around.folder, self._config, launch=nursery.launch, arguments=("--role", "web"))
        self._others: dict[str, Fostered] = {}
        self._held = threading.Lock()

    def _write_config(self) -> Path:
        """What belongs to the embedded setting gives way."""
        links = self._around.links
        path = self._around.write_config()
        text = re.sub(r"(?ms)^\[(store|lanes)\]$.*?(?=^\[)", "", path.read_text("utf-8"))
        shared = SHARED.format(
            ledger=f"postgresql://loa@{links['postgresql'].address}/{self._name}",
            files=self._around.folder / "data" / "attachments",
            redis=links["redis"].address,
            lease=SILENT_SECONDS,
        )
        path.write_text(shared + text, "utf-8")
        return path

    def open(self) -> None:
        for name in ROLES:
            self._launch(name)
        self._start_web()
        for process in self._others.values():
            process.ready()
        self._around.open_hooks(self._web.url.removeprefix("http://"))

    def furnish(self, people: Path, list_name: str, numbers: int, first: int) -> None:
        self._web.import_people(people)
        self._web.upload(list_name, numbers, first)

    def draft(self, **values: Any) -> dict[str, Any]:
        return self._web.draft(**values)

    def approve(self, drafted: Mapping[str, Any]) -> None:
        self._web.approve(drafted)

    def kinds(self) -> Sequence[Kind]:
        kinds = [Kind(f"kill-{name}", f"role-{name}", 0.0, 0.5, hard=True) for name in (*ROLES, "web")]
        kinds += [Kind(f"freeze-{name}", f"role-{name}", 0.3, 2.0, 0.5, hard=True) for name in (*ROLES, "web")]
        past = max(self._lease, SILENT_SECONDS)
        kinds += [
            Kind(f"freeze-past-lease-{name}", f"role-{name}", past + 0.5, past + 2.0, 0.7, hard=True) for name in ROLES
        ]
        kinds += [Kind(f"{what}-{one}", f"link-{one}", 0.3, 2.0, 0.4) for one in ("postgresql", "redis")
                  for what in ("cut", "stall", "refuse", "kill")]  # fmt: skip
        if self._servers.disk is not None:
            kinds.append(Kind("disk-full", "server-postgresql", 0.3, 2.0, 1.5, hard=True))
        return (
            *kinds,
            Kind("crash-postgresql", "server-postgresql", 0.0, 1.5, 2.0, hard=True),
            Kind("crash-redis", "server-redis", 0.0, 2.0, 1.5, hard=True),
            Kind("flush-redis", "server-redis", 0.0, 0.0, 1.5, hard=True),
        )

    def suffer(self, name: str, seconds: float) -> float:
        what, _, rest = name.partition("-")
        if what == "crash":
            return {"postgresql": self._crash_postgresql, "redis": self._crash_redis}[rest](seconds)
        if what == "disk":
            return self._fill_disk(seconds)
        if what == "flush":
            self._servers.redis.client().flushall()
            return time.time()
        if what == "freeze":
            return frozen(self._process(rest.removeprefix("past-lease-")).pid, seconds)
        return self._kill(rest, seconds)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._reader.rows(sql)

    def tail(self) -> str:
        return "\n".join(process.tail(8) for process in self._all())

    def stop(self) -> None:
        self._reader.end()
        codes = {name: self._process(name).stop() for name in (*ROLES, "web")}
        assert not any(codes.values()), f"{codes}: {self.tail()}"

    def end(self) -> None:
        for process in self._all():
            process.end()
        for name in ("postgresql", "redis"):
            self._around.links[name].end()
        self._servers.drop_database(self._name)

    def _all(self) -> list[Fostered]:
        return [*self._others.values(), *([self._web.process] if hasattr(self._web, "process") else [])]

    def _process(self, name: str) -> Fostered:
        process: Fostered = self._web.process if name == "web" else self._others[name]
        return process

    def _launch(self, name: str) -> None:
        arguments = ("run", "--role", name.partition("-")[0], "--config", str(self._config))
        self._others[name] = self._nursery.launch(arguments, self._around.folder / f"{name}.log")

    def _start_web(self) -> None:
        self._web.start()
        self._around.links["hooks"].aim(self._web.url.removeprefix("http://"))

    def _kill(self, name: str, seconds: float) -> float:
        self._process(name).kill()
        time.sleep(seconds)
        over = time.time()
        start: Callable[[], None] = self._start_web if name == "web" else lambda: self._launch(name)
        while True:
            try:
                start()
                self._process(name).ready()
                return over
            except AssertionError:
                if time.time() - over > RESTART_SECONDS:
                    raise

    def _crash_postgresql(self, seconds: float) -> float:
        with self._held:
            self._servers.postgresql.stop("immediate")
            time.sleep(seconds)
            self._servers.postgresql.start()
        return time.time()

    def _fill_disk(self, seconds: float) -> float:
        """Of PostgreSQL. It may end at that, and is started again."""
        disk = self._servers.disk
        assert disk is not None
        with self._held:
            try:
                disk.fill(seconds)
            finally:
                disk.free()
            self._servers.postgresql.revive()
        return time.time()

    def _crash_redis(self, seconds: float) -> float:
        """It keeps nothing."""
        with self._held:
            self._servers.redis.kill()
            time.sleep(seconds)
            self._servers.redis.start()
        return time.time()


RESTART_SECONDS: Final = 60.0
"""How long a supervisor tries again to start what ends because its database is away."""
