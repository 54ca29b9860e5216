"""Which process this is, so that another one on the same machine can tell whether it still runs."""

from __future__ import annotations

import os
import platform
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")
_BORN_FIELD: Final = 22
"""starttime in proc(5) /proc/pid/stat."""


@dataclass(frozen=True, slots=True)
class Identity:
    """`owner` is new with every start. `machine` is "" where nobody but the process itself could tell whether it runs:
    process numbers mean something only within one boot and one process namespace."""

    owner: str
    host: str
    machine: str
    pid: int
    born: str


def own_identity() -> Identity:
    pid = os.getpid()
    return Identity(f"{pid}-{secrets.token_hex(4)}", platform.node() or "?", _machine(), pid, born(pid))


def still_runs(machine: str, pid: int, started: str) -> bool:
    """False only where it is certain: the same machine, and no such process (any more)."""
    return not machine or machine != _machine() or born(pid) == started


def born(pid: int) -> str:
    """When the system started a process, in its own unit; "" where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    if fields[0] in ("Z", "X"):
        return ""
    return fields[_BORN_FIELD - 3]


def _machine() -> str:
    try:
        return f"{_BOOT.read_text().strip()}/{os.readlink(_NAMESPACE)}"
    except OSError:
        return ""
