"""The letters that carry orders to carriers: an outbox in which nothing leaves twice.

A letter is marked as leaving before it leaves, so that after a crash it is in doubt, and not sent again.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from store.engine import Tx


@dataclass(slots=True)
class LetterRow:
    id: int
    order_id: int
    place: int
    kind: str
    state: str
    attempts: int
    next_try_at: float
    at: float
    says: str


_LETTER: Final = ", ".join(field.name for field in fields(LetterRow))


def post(tx: Tx, order_id: int, place: int, kind: str, at: float) -> None:
    """Put a letter into the outbox, to leave at once."""
    tx.execute(
        "INSERT INTO carrier_order_mail (order_id, place, kind, state, next_try_at, at)"
        " VALUES (?, ?, ?, 'queued', ?, ?)",
        (order_id, place, kind, at, at),
    )


def letters(tx: Tx, order_id: int) -> list[LetterRow]:
    rows = tx.execute(
        f"SELECT {_LETTER} FROM carrier_order_mail WHERE order_id = ? ORDER BY id",  # noqa: S608
        (order_id,),
    )
    return [LetterRow(*row) for row in rows]


def any_due(tx: Tx, now: float) -> bool:
    found = tx.execute(
        "SELECT 1 FROM carrier_order_mail WHERE state IN ('queued', 'retrying') AND next_try_at <= ? LIMIT 1", (now,)
    )
    return found.fetchone() is not None


def claim_letter(tx: Tx, now: float) -> LetterRow | None:
    """The next letter that is due, marked as leaving before it leaves: after a crash it is in doubt, not sent again."""
    row = tx.execute(
        "UPDATE carrier_order_mail SET state = 'sending', attempts = attempts + 1, at = ? WHERE id ="  # noqa: S608
        " (SELECT id FROM carrier_order_mail WHERE state IN ('queued', 'retrying') AND next_try_at <= ?"
        f" ORDER BY next_try_at, id LIMIT 1) RETURNING {_LETTER}",
        (now, now),
    ).fetchone()
    return LetterRow(*row) if row else None


def settle_letter(tx: Tx, letter_id: int, state: str, says: str, at: float, next_try_at: float = 0.0) -> bool:
    """False: the letter was not on its way."""
    changed = tx.execute(
        "UPDATE carrier_order_mail SET state = ?, says = ?, at = ?, next_try_at = ? WHERE id = ? AND state = 'sending'",
        (state, says, at, next_try_at, letter_id),
    )
    return changed.rowcount == 1


def drop_letters(tx: Tx, order_id: int, at: float) -> int:
    """What has not left never will; how many."""
    return tx.execute(
        "UPDATE carrier_order_mail SET state = 'dropped', at = ?"
        " WHERE order_id = ? AND state IN ('queued', 'retrying')",
        (at, order_id),
    ).rowcount


def doubt_letters(tx: Tx, at: float) -> list[LetterRow]:
    """At start: whatever was leaving when the process ended may have left. Gives them back."""
    rows = tx.execute(
        f"UPDATE carrier_order_mail SET state = 'unknown', at = ? WHERE state = 'sending' RETURNING {_LETTER}",  # noqa: S608
        (at,),
    ).fetchall()
    return [LetterRow(*row) for row in rows]
