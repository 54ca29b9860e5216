"""The names of what a process can do."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from adapters.contract import EVERY_PART, Part


class Role(StrEnum):
    WEB = "web"
    WORKER = "worker"
    LISTENER = "listener"
    SCHEDULER = "scheduler"
    ALL = "all"


PARTS: Final = {
    Role.WEB: Part.HOOK,
    Role.WORKER: Part.SEND,
    Role.LISTENER: Part.LISTEN,
    Role.SCHEDULER: Part(0),
    Role.ALL: EVERY_PART,
}
"""What channels do in a process of each role."""
