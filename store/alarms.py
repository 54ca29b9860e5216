"""What must ring on the duty board until a person takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from store.engine import Tx

LISTING_DEFAULT: Final = 100
"""Alarms of one page."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """`subject` is what it is about: an inbox id (kind `rescue`), a channel's name (kind `channel_down`).
    It rings while `taken_at` is None. Times are epoch seconds."""

    id: int
    at: float
    kind: str
    subject: str
    detail: dict[str, Any]
    taken_by: str
    taken_at: float | None


_ALARM: Final = "SELECT id, at, kind, subject, detail, taken_by, taken_at FROM alarm"


def raise_once(tx: Tx, kind: str, subject: str, detail: dict[str, Any], at: float) -> int | None:
    """Open an alarm unless there was ever one of this kind for this subject, taken or not; its id, None if there was.

    For subjects that happen once (a message); a channel that fails again rings again, see `raise_again`.
    """
    return None if ever(tx, kind, subject) else raise_again(tx, kind, subject, detail, at)


def ever(tx: Tx, kind: str, subject: str) -> bool:
    """Whether it ever rang, taken or not."""
    return tx.execute("SELECT 1 FROM alarm WHERE kind = ? AND subject = ?", (kind, subject)).fetchone() is not None


def raise_again(tx: Tx, kind: str, subject: str, detail: dict[str, Any], at: float) -> int | None:
    """Open an alarm unless one of this kind for this subject still rings; its id, None if one does."""
    row = tx.execute(
        "INSERT INTO alarm (at, kind, subject, detail) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (kind, subject) WHERE taken_at IS NULL DO NOTHING RETURNING id",
        (at, kind, subject, orjson.dumps(detail).decode()),
    ).fetchone()
    return None if row is None else int(row[0])


def take(tx: Tx, alarm_id: int, by: str, at: float) -> Alarm | None:
    """Somebody answers for it; the alarm as it is then: `taken_by` names another where another was faster.
    None where there is no such alarm."""
    tx.execute("UPDATE alarm SET taken_by = ?, taken_at = ? WHERE id = ? AND taken_at IS NULL", (by, at, alarm_id))
    return get(tx, alarm_id)


def note(tx: Tx, alarm_id: int, by: str, text: str, at: float) -> Alarm | None:
    """Add a hand-over note: what was done, who was told. None where there is no such alarm."""
    alarm = get(tx, alarm_id)
    if alarm is None:
        return None
    alarm.detail.setdefault("notes", []).append({"by": by, "at": at, "text": text})
    tx.execute("UPDATE alarm SET detail = ? WHERE id = ?", (orjson.dumps(alarm.detail).decode(), alarm_id))
    return alarm


def restate(tx: Tx, alarm: Alarm, **detail: Any) -> None:
    """What it is about turned out to be something else."""
    tx.execute("UPDATE alarm SET detail = ? WHERE id = ?", (orjson.dumps(alarm.detail | detail).decode(), alarm.id))


def get(tx: Tx, alarm_id: int) -> Alarm | None:
    row = tx.execute(f"{_ALARM} WHERE id = ?", (alarm_id,)).fetchone()
    return None if row is None else _alarm(row)


def last_of(tx: Tx, kind: str, subject: str) -> Alarm | None:
    """The newest alarm of this kind for this subject, taken or ringing."""
    row = tx.execute(f"{_ALARM} WHERE kind = ? AND subject = ? ORDER BY id DESC LIMIT 1", (kind, subject)).fetchone()
    return None if row is None else _alarm(row)


def ringing(tx: Tx) -> list[Alarm]:
    """All that nobody took yet, oldest first."""
    return [_alarm(row) for row in tx.execute(f"{_ALARM} WHERE taken_at IS NULL ORDER BY id")]


def listing(tx: Tx, before: int | None = None, limit: int = LISTING_DEFAULT) -> list[Alarm]:
    """Taken and ringing, newest first; `before` pages on from the last id of the page before."""
    rows = tx.execute(
        f"{_ALARM} WHERE id < ? ORDER BY id DESC LIMIT ?",
        ((1 << 62) if before is None else before, limit),
    )
    return [_alarm(row) for row in rows]


def _alarm(row: Sequence[Any]) -> Alarm:
    return Alarm(row[0], row[1], row[2], row[3], orjson.loads(row[4]), row[5], row[6])
