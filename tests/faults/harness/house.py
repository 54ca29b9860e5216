"""The embedded setting: one process on SQLite, and what can be done to it."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Protocol

from tests.faults.harness.fostered import Nursery
from tests.faults.harness.plan import Kind
from tests.faults.harness.surroundings import Surroundings
from tests.living import Office

LEASE_SECONDS: Final = 4.0
"""In place of the product's 30 s, so that a run is short; `--lease` sets another."""
NO_LIMIT: Final = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class House(Protocol):
    """Loa in one of its settings."""

    def open(self) -> None: ...

    def furnish(self, people: Path, list_name: str, numbers: int, first: int) -> None:
        """The leaders, and a list of so many numbers."""

    def draft(self, **values: Any) -> dict[str, Any]:
        """Submitted, with its hash."""

    def approve(self, drafted: Mapping[str, Any]) -> None: ...

    def kinds(self) -> Sequence[Kind]:
        """What can go wrong in this setting beside the providers."""

    def suffer(self, name: str, seconds: float) -> float:
        """The fault of that name, to its end: `time.time()` at which it ended."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Of the ledger as it stands. Raises OSError where it cannot be read just now."""

    def tail(self) -> str:
        """The last lines of its logs."""

    def stop(self) -> None:
        """Politely; every process must end with 0."""

    def end(self) -> None: ...


def frozen(pid: int, seconds: float) -> float:
    """SIGSTOP for so long; when it ended."""
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
    return time.time()


class Embedded:
    def __init__(self, around: Surroundings, nursery: Nursery, lease: float) -> None:
        self._around = around
        self._lease = lease
        (around.folder / "data").mkdir()
        self._office = Office(around.folder, around.write_config(), launch=nursery.launch)
        self._held = threading.Lock()

    def open(self) -> None:
        self._start()
        self._around.open_hooks(self._office.url.removeprefix("http://"))

    def furnish(self, people: Path, list_name: str, numbers: int, first: int) -> None:
        self._office.import_people(people)
        self._office.upload(list_name, numbers, first)

    def draft(self, **values: Any) -> dict[str, Any]:
        return self._office.draft(**values)

    def approve(self, drafted: Mapping[str, Any]) -> None:
        self._office.approve(drafted)

    def kinds(self) -> Sequence[Kind]:
        return (
            Kind("kill-service", "service", 0.0, 0.5, weight=4, hard=True),
            Kind("freeze-service", "service", 0.3, 1.5, hard=True),
            Kind("freeze-service-past-lease", "service", self._lease + 0.2, self._lease + 1.0, hard=True),
            Kind("disk-full", "service", 0.3, 2.0, hard=True),
        )

    def suffer(self, name: str, seconds: float) -> float:
        with self._held:
            return {
                "kill-service": self._kill,
                "freeze-service": self._freeze,
                "freeze-service-past-lease": self._freeze,
                "disk-full": self._fill,
            }[name](seconds)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            with closing(sqlite3.connect(f"file:{self._office.ledger}?mode=ro", uri=True, timeout=2)) as connection:
                return connection.execute(sql).fetchall()
        except sqlite3.OperationalError as failed:
            raise OSError(str(failed)) from failed

    def tail(self) -> str:
        return self._office.process.tail(30)

    def stop(self) -> None:
        assert self._office.process.stop() == 0

    def end(self) -> None:
        if hasattr(self._office, "process"):
            self._office.process.end()

    def _start(self) -> None:
        self._office.start()
        self._around.links["hooks"].aim(self._office.url.removeprefix("http://"))

    def _kill(self, seconds: float) -> float:
        self._office.process.kill()
        self._office.process.end()
        time.sleep(seconds)
        over = time.time()
        self._start()
        return over

    def _freeze(self, seconds: float) -> float:
        return frozen(self._office.process.pid, seconds)

    def _fill(self, seconds: float) -> float:
        """The kernel refuses the ledger's next page, as when no block is left."""
        pid, journal = self._office.process.pid, self._office.ledger.with_name("loa.db-wal")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (journal.stat().st_size, resource.RLIM_INFINITY))
        time.sleep(seconds)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, NO_LIMIT)
        return time.time()
