"""Leases: what lives in exactly one process. Time is the ledger's own, so that no process's clock decides.

A name that was held once keeps its row, so that its token only rises: an owner that slept through its lease can be told
from the present one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from store.engine import Tx

END_IDLE_SECONDS: Final = 2
"""How long a transaction that relies on a lease may be silent before its commit; a round prolongs leases as often."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`expires_at`: epoch seconds by the ledger's clock."""

    name: str
    owner: str
    token: int
    expires_at: float


def ledger_clock(tx: Tx) -> float:
    """Seconds since the epoch, as the machine of the ledger has them."""
    return tx.clock()


def take(tx: Tx, name: str, owner: str, now: float, seconds: float) -> int | None:
    """The token under which `owner` holds it from now on; None while somebody else does. One's own is prolonged and
    keeps its token."""
    row = tx.execute(
        "INSERT INTO lease (name, owner, token, expires_at) VALUES (?, ?, 1, ?)"
        " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at,"
        " token = lease.token + CASE WHEN lease.owner = excluded.owner AND lease.expires_at >= ? THEN 0 ELSE 1 END"
        " WHERE lease.owner = excluded.owner OR lease.owner = '' OR lease.expires_at < ?"
        " RETURNING token",
        (name, owner, now + seconds, now, now),
    ).fetchone()
    return int(row[0]) if row else None


def renew(tx: Tx, name: str, owner: str, token: int, now: float, seconds: float) -> bool:
    """False: somebody else has taken it. What was held under it must end. One that ran out and that nobody took is
    still its owner's."""
    return (
        tx.execute(
            "UPDATE lease SET expires_at = ? WHERE name = ? AND owner = ? AND token = ?",
            (now + seconds, name, owner, token),
        ).rowcount
        == 1
    )


def holds_on(tx: Tx, name: str, owner: str, token: int, now: float) -> bool:
    """It is `owner`'s, and stays his until this transaction has ended: the last thing that one asks before its commit.

    A server ends the transaction if the commit does not come soon; no row is locked, so a process that is stopped here
    hinders nobody. In a file no other process writes meanwhile.
    """
    on_server = bool(tx.for_update)
    ends_with_us = ", set_config('idle_in_transaction_session_timeout', ?, true)" if on_server else ""
    limit = (f"{END_IDLE_SECONDS}s",) if on_server else ()
    return (
        tx.execute(
            f"SELECT 1{ends_with_us} FROM lease WHERE name = ? AND owner = ? AND token = ? AND expires_at >= ?",  # noqa: S608
            (*limit, name, owner, token, now + END_IDLE_SECONDS),
        ).fetchone()
        is not None
    )


def give_back(tx: Tx, name: str, owner: str) -> None:
    """At once to whoever comes next. Of others' leases nothing changes."""
    tx.execute("UPDATE lease SET owner = '', expires_at = 0 WHERE name = ? AND owner = ?", (name, owner))


def give_back_all(tx: Tx, owner: str) -> None:
    tx.execute("UPDATE lease SET owner = '', expires_at = 0 WHERE owner = ?", (owner,))


def held(tx: Tx, now: float) -> dict[str, Lease]:
    """Every lease that somebody holds, by name."""
    rows = tx.execute("SELECT name, owner, token, expires_at FROM lease WHERE owner <> '' AND expires_at >= ?", (now,))
    return {row[0]: Lease(*row) for row in rows}
