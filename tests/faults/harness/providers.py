"""The simulated providers and their people: one process, killed and started again on its ports and its journal.

What a provider took, and what it still owes us, is in the journal; the process that died knew nothing else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.faults.harness.fostered import Fostered, Nursery
from tests.living import Town
from tests.processes import Http

PEOPLE_SPEED: Final = 60.0
"""Leaders answer sixty times faster than in life: after 0.1 to 10 s."""
KNOBS: Final = {"webhook_time_scale": 0.008, "seen_seconds": 0.2}
"""Zalo repeats after 0.2, 2.4, 7.2, 14.4 and 28.8 s in place of half a minute to an hour."""

PORTS: Final = ("zalo", "telegram", "smsc", "smsc_control")


class Providers:
    def __init__(self, folder: Path, nursery: Nursery, arguments: Sequence[str]) -> None:
        self._folder = folder
        self._nursery = nursery
        self._arguments = ("--speed", str(PEOPLE_SPEED), *arguments)
        self._held = threading.Lock()
        self._process = self._launch()
        urls = self._process.ready()
        self.town = Town(self._process, urls, Http(urls["zalo"]), Http(urls["telegram"]), Http(urls["smsc_control"]))
        self.town.zalo.post("/_sim/faults", KNOBS)

    def post(self, name: str, path: str, body: Any) -> None:
        """To the control API of a provider, once it is there: this is us, not Loa."""
        with self._held:
            getattr(self.town, name).post(path, body)

    def kill(self, seconds: float) -> float:
        """SIGKILL to all of them; there again after so long, on the same ports. When that was."""
        with self._held:
            self._process.kill()
            time.sleep(seconds)
            ports = {name: str(self.town.urls[name]).rpartition(":")[2] for name in PORTS}
            self._process = self._launch(*(f"--{name.replace('_', '-')}-port={port}" for name, port in ports.items()))
            self._process.ready()
            return time.time()

    def end(self) -> None:
        self._process.end()

    def _launch(self, *more: str) -> Fostered:
        arguments = (*self._arguments, "--journals", str(self._folder), *more)
        return self._nursery.launch(arguments, self._folder / "simulators.log", "simulators")
