"""The settings that runs are made in."""

from __future__ import annotations

from typing import Final

from tests.faults.harness.house import Embedded
from tests.faults.harness.machines import Machines
from tests.faults.harness.scenario import Setting
from tests.faults.harness.surroundings import Size

SETTINGS: Final = {
    "embedded": Setting(Embedded, Size(units=166, numbers=2_000, tps=400.0, flushed=0.25)),
    "machines": Setting(Machines, Size(units=40, numbers=500, tps=100.0, flushed=1.0)),
}
"""Machines are five processes and two servers a run: a quarter of the units, at a quarter of the rate, for as long. A
flush waits there for ordinary transactions of other processes, too."""
