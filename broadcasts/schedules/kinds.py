"""What a schedule may make, by name: the registry that the wiring fills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broadcasts.model import Problem
from store.engine import Tx
from store.schedules import ScheduleRow

HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One fire of a schedule. `key` is the same however often it is tried: what has been made for it is not made
    again."""

    schedule: ScheduleRow
    due: float
    now: float
    tries: int = 1

    @property
    def key(self) -> str:
        return f"{self.schedule.id}@{self.due:.0f}"


class Void(Exception):
    """There is nothing to make this time; `why` names the sentence (`schedule.void.<why>`)."""

    def __init__(self, why: str, **params: Any) -> None:
        super().__init__(why)
        self.why = why
        self.params = params


class NotApproved(Exception):
    """What would leave is not what was approved; it has this hash now."""

    def __init__(self, content_hash: str) -> None:
        super().__init__("not approved")
        self.content_hash = content_hash


Check = Callable[[Tx, Mapping[str, Any], float], list[Problem]]
"""(payload, now) → what is wrong with it."""
Make = Callable[[Tx, Occurrence], Mapping[str, Any]]
"""Inside the transaction that claims the occurrence: what it makes is there once or not at all."""
Run = Callable[[Occurrence], Awaitable[Mapping[str, Any]]]
"""Work outside the ledger, after the claim; tried again until it returns, so it must be safe to repeat by `key`."""
Fill = Callable[[Tx, Mapping[str, Any]], Mapping[str, Any]]
"""What somebody named, with what is meant written out."""
HashOf = Callable[[Tx, Mapping[str, Any], float], str]
"""What an approver approves once for every time."""


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    check: Check
    make: Make | None = None
    run: Run | None = None
    hash_of: HashOf | None = None
    """Only kinds that send a broadcast: they need a standing approval."""
    fill: Fill | None = None
    late_for: float = HOUR
    """Seconds after which an occurrence that was missed is no longer made up for."""


def no_payload(tx: Tx, payload: Mapping[str, Any], now: float) -> list[Problem]:
    return [Problem(f"payload.{name}", "unknown_field") for name in payload]


class Kinds:
    """Rooms register what they can do; a kind that nobody registered cannot be chosen."""

    def __init__(self) -> None:
        self._known: dict[str, Kind] = {}

    def register(self, kind: Kind) -> None:
        self._known[kind.name] = kind

    def find(self, name: str) -> Kind | None:
        return self._known.get(name)

    @property
    def names(self) -> list[str]:
        return list(self._known)
