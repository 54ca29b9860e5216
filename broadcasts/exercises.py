"""Exercises: who had answered when the time was over, unit by unit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from adapters.contract import Now
from broadcasts.lifecycle import SYSTEM
from broadcasts.model import AckState, Mode, Refusal, RefusalKind
from directory.units import UnitCatalogue
from lanes.port import Bus
from store import broadcasts, exercises, rollcalls
from store.broadcasts import BroadcastRow
from store.engine import Ledger, Tx
from store.exercises import ResultRow
from store.rollcalls import AckRow

RESULT_AFTER_SECONDS: Final = 30 * 60.0
"""How long units have to answer: template T7 asks them to do so within 30 minutes."""
ANSWERED: Final = frozenset({AckState.ACKNOWLEDGED, AckState.ACKNOWLEDGED_LATE, AckState.NEEDS_HELP})
LISTED: Final = 100
"""Exercises of one page."""


@dataclass(frozen=True, slots=True)
class UnitResult:
    """One unit of a result; `seconds` since the exercise began and the channel of the answer, where there was one."""

    unit: str
    name: str
    answered: bool
    state: str
    seconds: float | None
    channel: str
    person: str


@dataclass(frozen=True, slots=True)
class ExerciseResult:
    """How an exercise stood at `at`; it never changes afterwards. `units`: the silent first, then the slowest."""

    code: str
    title: str
    started_at: datetime
    at: datetime
    answered: int
    total: int
    units: list[UnitResult]

    @property
    def silent(self) -> list[str]:
        return [one.name for one in self.units if not one.answered]


class Exercises:
    """`tick` keeps the results that are due; late or twice it gives the same."""

    def __init__(self, ledger: Ledger, bus: Bus, catalogue: UnitCatalogue, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self._catalogue = catalogue
        self._now = now

    async def tick(self) -> int:
        """How many results were kept."""
        now = self._now()
        due = await self._ledger.read(lambda tx: exercises.due(tx, now - RESULT_AFTER_SECONDS))
        for no in due:
            await self._ledger.write(lambda tx, no=no: keep_result(tx, no))  # type: ignore[misc]
            self._bus.publish(f"broadcast:{no}", {"type": "state", "no": no})
        return len(due)

    async def result(self, ref: str) -> ExerciseResult | None:
        """None: the time to answer is not over, or it ended before. Raises `Refusal` where `ref` is no exercise."""

        def read(tx: Tx) -> tuple[BroadcastRow, ResultRow | None]:
            row = broadcasts.one(tx, ref)
            if row is None:
                raise Refusal(RefusalKind.NOT_FOUND, "no_such_broadcast", ref=ref)
            if row.mode != Mode.EXERCISE:
                raise Refusal(RefusalKind.WRONG_STATE, "not_an_exercise", code=row.code)
            return row, exercises.one(tx, row.no)

        row, kept = await self._ledger.read(read)
        return None if kept is None else self._shown(row, kept)

    def _shown(self, row: BroadcastRow, kept: ResultRow) -> ExerciseResult:
        units = [UnitResult(**one, name=name_of(self._catalogue, one["unit"])) for one in kept.units]
        units.sort(key=lambda one: (one.answered, -(one.seconds or 0.0), one.name))
        return ExerciseResult(
            code=row.code,
            title=row.title,
            started_at=datetime.fromtimestamp(row.started_at or kept.at, UTC),
            at=datetime.fromtimestamp(kept.at, UTC),
            answered=kept.answered,
            total=kept.total,
            units=units,
        )


def keep_result(tx: Tx, no: int) -> bool:
    """Write down how an exercise stood half an hour after it began, however late this runs."""
    row = broadcasts.by_no(tx, no)
    if row is None or row.started_at is None:
        return False
    over = row.started_at + RESULT_AFTER_SECONDS
    units = [unit_result(ack, over) for ack in rollcalls.of_broadcast(tx, no) if ack.state != AckState.EXEMPT]
    answered = sum(bool(one["answered"]) for one in units)
    if not exercises.keep(tx, no, over, answered, units):
        return False
    silent = [one["unit"] for one in units if not one["answered"]]
    broadcasts.note(
        tx, no, over, SYSTEM, "exercise_result", {"answered": answered, "total": len(units), "silent": silent}
    )
    return True


def unit_result(ack: AckRow, over: float) -> dict[str, Any]:
    """An answer after the end does not count; it stays in the roll-call as what it is."""
    answered = AckState(ack.state) in ANSWERED and ack.at is not None and ack.at <= over
    return {
        "unit": ack.unit_code,
        "answered": answered,
        "state": ack.state,
        "seconds": ack.seconds if answered else None,
        "channel": ack.via if answered else "",
        "person": (ack.person_name or ack.by_staff) if answered else "",
    }


def summary(tx: Tx, row: BroadcastRow) -> dict[str, Any] | None:
    """The result in short, for whoever looks at the broadcast: `{"at", "answered", "total", "silent": [codes]}`."""
    kept = exercises.one(tx, row.no) if row.mode == Mode.EXERCISE else None
    if kept is None:
        return None
    silent = [one["unit"] for one in kept.units if not one["answered"]]
    at = datetime.fromtimestamp(kept.at, UTC)
    return {"at": at, "answered": kept.answered, "total": kept.total, "silent": silent}


def name_of(catalogue: UnitCatalogue, code: str) -> str:
    unit = catalogue.by_code(code)
    return unit.name if unit else code
