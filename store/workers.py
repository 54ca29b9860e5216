"""The processes of an installation: who is alive, and what the dead left claimed. Times are by the ledger's clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from store.engine import Tx

READY, DRAINING = "ready", "draining"
KEPT_SECONDS: Final = 3_600.0
"""How long one that ended without a word is still shown."""
_COLUMNS: Final = "id, name, role, machine, pid, born, version, state, clock_off, started_at, expires_at"


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of whatever role. `machine`, `pid` and `born` tell whether it still runs, to others on the same
    machine; `clock_off`: seconds that its clock is ahead of the ledger's."""

    id: str
    name: str
    role: str
    machine: str
    pid: int
    born: str
    version: str
    state: str
    clock_off: float
    started_at: float
    expires_at: float


def register(tx: Tx, one: Worker) -> None:
    """Also of one that was given up and lives after all."""
    tx.execute(
        f"INSERT INTO worker ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        " ON CONFLICT (id) DO UPDATE SET state = excluded.state, clock_off = excluded.clock_off,"
        " started_at = excluded.started_at, expires_at = excluded.expires_at",
        (
            one.id, one.name, one.role, one.machine, one.pid, one.born, one.version, one.state, one.clock_off,
            one.started_at, one.expires_at,
        ),
    )  # fmt: skip


def beat(tx: Tx, worker: str, state: str, clock_off: float, now: float, seconds: float) -> bool:
    """Still there, or there again. False: it was forgotten."""
    return (
        tx.execute(
            "UPDATE worker SET state = ?, clock_off = ?, expires_at = ? WHERE id = ?",
            (state, clock_off, now + seconds, worker),
        ).rowcount
        == 1
    )


def leave(tx: Tx, worker: str) -> None:
    tx.execute("DELETE FROM worker WHERE id = ?", (worker,))


def give_up(tx: Tx, gone: Iterable[str], now: float) -> None:
    """These surely run no more: their leases are free now, and their claims are looked through."""
    for worker in gone:
        tx.execute("UPDATE worker SET expires_at = ? WHERE id = ? AND expires_at >= ?", (now - 1.0, worker, now))
        tx.execute("UPDATE lease SET owner = '', expires_at = 0 WHERE owner = ?", (worker,))


def alive(tx: Tx, now: float) -> list[Worker]:
    rows = tx.execute(f"SELECT {_COLUMNS} FROM worker WHERE expires_at >= ? ORDER BY role, name, id", (now,))  # noqa: S608
    return [Worker(*row) for row in rows]


def everyone(tx: Tx) -> list[Worker]:
    """Those alive, and those that ended lately without a word."""
    return [Worker(*row) for row in tx.execute(f"SELECT {_COLUMNS} FROM worker ORDER BY role, name, id")]  # noqa: S608


def forget_old(tx: Tx, now: float) -> None:
    tx.execute("DELETE FROM worker WHERE expires_at < ?", (now - KEPT_SECONDS,))


def abandoned_chunks(tx: Tx, now: float, ledger_now: float) -> list[int]:
    """Claims that nobody works on any more: their lease ran out, or their owner is not alive."""
    rows = tx.execute(
        "SELECT id FROM chunk WHERE owner <> '' AND (lease_until < ? OR NOT EXISTS"
        " (SELECT 1 FROM worker WHERE worker.id = chunk.owner AND worker.expires_at >= ?)) ORDER BY id",
        (now, ledger_now),
    )
    return [row[0] for row in rows]


def schema_floor(tx: Tx) -> str:
    """The oldest schema whose programs may still run on this ledger."""
    row = tx.execute("SELECT max(revision) FROM schema_floor").fetchone()
    return str(row[0] or "")
