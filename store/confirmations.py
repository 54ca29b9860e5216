"""What a unit may still confirm after the roll-call has closed."""

from __future__ import annotations

from dataclasses import dataclass

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed broadcast that still waits for the word of a unit."""

    no: int
    code: str
    title: str


def lately_closed(tx: Tx, unit_code: str, since: float, limit: int) -> list[Closed]:
    """Broadcasts closed at or after `since` (epoch seconds) that address a unit, were replaced by none and that the
    unit has not confirmed; newest first."""
    rows = tx.execute(
        "SELECT b.no, b.code, b.title FROM broadcast b JOIN rollcall r ON r.broadcast_no = b.no AND r.unit_code = ?"
        " WHERE b.state = 'closed' AND b.ended_at >= ? AND b.superseded_by IS NULL"
        " AND r.state IN ('awaiting', 'unreachable') ORDER BY b.no DESC LIMIT ?",
        (unit_code, since, limit),
    )
    return [Closed(*row) for row in rows]
