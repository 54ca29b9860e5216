"""Processes of a nursery, as tests hold them (`tests.processes.Process`)."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

from tests.processes import READY_SECONDS, STOP_SECONDS, Process, until

BORN_SECONDS: Final = 20.0


class Nursery:
    def __init__(self, folder: Path, lease: float) -> None:
        command = (sys.executable, "-m", "tests.faults.harness.nursery", str(lease))
        self._process = Process(command, folder / "nursery.log")
        self._process.ready()
        self._ordering = threading.Lock()
        self._born: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._ended: dict[int, int] = {}
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()
        self._names = count(1)

    def launch(self, arguments: Sequence[str], log: Path, program: str = "loa") -> Fostered:
        """`loa`, or `simulators`, with these arguments."""
        with self._ordering:
            out = log.with_name(f"{log.stem}-{next(self._names)}.out")
            order = {"program": program, "arguments": list(arguments), "log": str(log), "out": str(out)}
            pipe = self._process.popen.stdin
            assert pipe is not None
            pipe.write(json.dumps(order).encode() + b"\n")
            pipe.flush()
            return Fostered(self, self._born.get(timeout=BORN_SECONDS), log, out)

    def code(self, pid: int) -> int | None:
        """How it ended; None: it runs."""
        return self._ended.get(pid)

    def end(self) -> None:
        self._process.end()

    def _hear(self) -> None:
        while True:
            try:
                said = self._process.ready(seconds=3_600.0)
            except (AssertionError, ValueError):
                return
            if "pid" in said:
                self._born.put(said["pid"])
            else:
                self._ended[said["ended"]] = said["code"]


class Fostered:
    def __init__(self, nursery: Nursery, pid: int, log: Path, out: Path) -> None:
        self.pid = pid
        self.name = log.stem
        self.log = log
        self._nursery = nursery
        self._out = out

    @property
    def runs(self) -> bool:
        return self._nursery.code(self.pid) is None

    def ready(self, seconds: float = READY_SECONDS) -> dict[str, Any]:
        def said() -> dict[str, Any] | None:
            with suppress(OSError):
                line, whole, _ = self._out.read_bytes().partition(b"\n")
                if whole:
                    return dict(json.loads(line))
            if not self.runs:
                raise AssertionError(f"{self.name} ended with {self._nursery.code(self.pid)}: {self.tail()}")
            return None

        return until(said, seconds, lambda: f"{self.name} is ready; {self.tail()}", pause=0.02)

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    def kill(self) -> None:
        assert self.runs, f"{self.name} was already dead: {self.tail()}"
        os.kill(self.pid, signal.SIGKILL)
        assert self._over() == -signal.SIGKILL

    def stop(self) -> int:
        """SIGTERM and its exit code."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        return self._over()

    def end(self) -> None:
        if self.runs:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._over()

    def _over(self) -> int:
        return until(
            lambda: None if self.runs else (self._nursery.code(self.pid), 0), STOP_SECONDS,
            lambda: f"{self.name} did not end: {self.tail()}", pause=0.02,
        )[0] or 0  # fmt: skip
