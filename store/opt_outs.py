"""Numbers that want no campaign texts. Warnings and directives are never held back by it."""

from __future__ import annotations

from store.engine import Tx


def add(tx: Tx, msisdn: int, source: str, at: float) -> None:
    """Remember the wish; the first time and source stand. `at` in epoch seconds."""
    tx.execute(
        "INSERT INTO opt_out (msisdn, at, source) VALUES (?, ?, ?) ON CONFLICT (msisdn) DO NOTHING",
        (msisdn, at, source),
    )


def remove(tx: Tx, msisdn: int) -> bool:
    """The wish is taken back; False where there was none."""
    return tx.execute("DELETE FROM opt_out WHERE msisdn = ?", (msisdn,)).rowcount > 0


def has(tx: Tx, msisdn: int) -> bool:
    return tx.execute("SELECT 1 FROM opt_out WHERE msisdn = ?", (msisdn,)).fetchone() is not None
