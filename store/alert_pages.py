"""Pages for the people: which broadcasts have one."""

from __future__ import annotations

from dataclasses import dataclass

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class AlertPage:
    broadcast_no: int
    published_by: str
    published_at: float
    withdrawn_at: float | None

    @property
    def is_open(self) -> bool:
        return self.withdrawn_at is None


def publish(tx: Tx, no: int, by: str, now: float) -> None:
    """Also after it was withdrawn."""
    tx.execute(
        "INSERT INTO alert_page (broadcast_no, published_by, published_at) VALUES (?, ?, ?) ON CONFLICT (broadcast_no)"
        " DO UPDATE SET published_by = excluded.published_by, published_at = excluded.published_at,"
        " withdrawn_at = NULL, withdrawn_by = ''",
        (no, by, now),
    )


def withdraw(tx: Tx, no: int, by: str, now: float) -> bool:
    return bool(
        tx.execute(
            "UPDATE alert_page SET withdrawn_at = ?, withdrawn_by = ? WHERE broadcast_no = ? AND withdrawn_at IS NULL"
            " RETURNING broadcast_no",
            (now, by, no),
        ).fetchall()
    )


def of(tx: Tx, no: int) -> AlertPage | None:
    row = tx.execute(
        "SELECT broadcast_no, published_by, published_at, withdrawn_at FROM alert_page WHERE broadcast_no = ?", (no,)
    ).fetchone()
    return AlertPage(*row) if row else None


def newest(tx: Tx, limit: int) -> list[AlertPage]:
    """The open ones, newest first."""
    rows = tx.execute(
        "SELECT broadcast_no, published_by, published_at, withdrawn_at FROM alert_page WHERE withdrawn_at IS NULL"
        " ORDER BY published_at DESC LIMIT ?",
        (limit,),
    )
    return [AlertPage(*row) for row in rows]
