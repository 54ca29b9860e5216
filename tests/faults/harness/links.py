"""The relays as the harness holds them: each can be cut, stalled, closed, killed and started again on its port."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from tests.processes import Process

RELAY = Path(__file__).with_name("relay.py")


class Link:
    """Between Loa and one other party; `address` stays the same whatever becomes of the process."""

    def __init__(self, name: str, target: str, folder: Path) -> None:
        self.name = name
        self._target = target
        self._log = folder / f"link-{name}.log"
        self._port = 0
        self._telling = threading.Lock()
        self._start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def aim(self, target: str) -> None:
        """`host:port`, several with commas: connections are dealt out in turn."""
        self._target = target
        self._tell(f"to {target}")

    def cut(self) -> None:
        self._tell("cut")

    def stall(self, seconds: float) -> None:
        self._for(seconds, "stall", "go")

    def refuse(self, seconds: float) -> None:
        self._for(seconds, "refuse", "accept")

    def kill(self, seconds: float) -> None:
        """SIGKILL; there again after so long."""
        with self._telling:
            self._process.kill()
            self._process.end()
            time.sleep(seconds)
            self._start()

    def end(self) -> None:
        self._process.end()

    def _for(self, seconds: float, begin: str, end: str) -> None:
        self._tell(begin)
        time.sleep(seconds)
        self._tell(end)

    def _tell(self, line: str) -> None:
        with self._telling:
            pipe = self._process.popen.stdin
            assert pipe is not None
            pipe.write(line.encode() + b"\n")
            pipe.flush()

    def _start(self) -> None:
        self._process = Process((sys.executable, "-S", str(RELAY), self._target, str(self._port)), self._log)
        self._port = self._process.ready()["port"]
