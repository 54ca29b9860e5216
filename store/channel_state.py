"""The channels' own durable memory: tokens, offsets, parts of messages."""

from __future__ import annotations

from store.engine import Tx


def get(tx: Tx, key: str) -> bytes | None:
    row = tx.execute("SELECT value FROM channel_state WHERE key = ?", (key,)).fetchone()
    return None if row is None else bytes(row[0])


def put(tx: Tx, key: str, value: bytes, now: float) -> None:
    tx.execute(
        "INSERT INTO channel_state (key, value, updated_at) VALUES (?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        (key, value, now),
    )


def delete(tx: Tx, keys: tuple[str, ...]) -> None:
    tx.executemany("DELETE FROM channel_state WHERE key = ?", [(key,) for key in keys])


def items(tx: Tx, prefix: str) -> dict[str, bytes]:
    rows = tx.execute("SELECT key, value FROM channel_state WHERE key >= ? AND key < ?", (prefix, prefix + "\uffff"))
    return {row[0]: bytes(row[1]) for row in rows}


def forget_all(tx: Tx) -> None:
    """Every channel begins anew, as with providers that it never met."""
    tx.execute("DELETE FROM channel_state")
