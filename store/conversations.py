"""What we last asked somebody, so that "2" means something: one open question per channel family and person."""

from __future__ import annotations

from typing import Any

import orjson

from store.engine import Tx


def ask(tx: Tx, family: str, who: str, asked: dict[str, Any], expires_at: float) -> None:
    """Remember a question; it replaces the one before. `expires_at` in epoch seconds."""
    tx.execute(
        "INSERT INTO conversation (channel, sender, asked, expires_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (channel, sender) DO UPDATE SET asked = excluded.asked, expires_at = excluded.expires_at",
        (family, who, orjson.dumps(asked).decode(), expires_at),
    )


def asked(tx: Tx, family: str, who: str, now: float) -> dict[str, Any] | None:
    """The question that is still open, None where there is none or its time is over."""
    row = tx.execute(
        "SELECT asked FROM conversation WHERE channel = ? AND sender = ? AND expires_at > ?", (family, who, now)
    ).fetchone()
    return None if row is None else orjson.loads(row[0])


def sweep(tx: Tx, now: float) -> int:
    """Forget the questions whose time is over; how many they were."""
    return tx.execute("DELETE FROM conversation WHERE expires_at <= ?", (now,)).rowcount
