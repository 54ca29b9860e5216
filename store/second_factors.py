"""Second factors: the secret that a telephone's app shares with us, and codes for the day the telephone is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class Factor:
    secret: str
    confirmed: bool
    """False: it was shown, but no code from it has been right yet; signing in does not ask for it."""
    last_step: int


def factor_of(tx: Tx, staff_id: int) -> Factor | None:
    row = tx.execute(
        "SELECT secret, confirmed_at IS NOT NULL, last_step FROM second_factor WHERE staff_id = ?", (staff_id,)
    ).fetchone()
    return Factor(row[0], bool(row[1]), row[2]) if row else None


def propose(tx: Tx, staff_id: int, secret: str) -> Factor:
    """The factor to be confirmed next: the one that waits already (a page opened twice shows the same), else a new one.
    One that is confirmed stays as it is."""
    tx.execute(
        "INSERT INTO second_factor (staff_id, secret) VALUES (?, ?) ON CONFLICT (staff_id) DO NOTHING",
        (staff_id, secret),
    )
    found = factor_of(tx, staff_id)
    assert found is not None
    return found


def take_step(tx: Tx, staff_id: int, step: int) -> bool:
    """Use up a time step; False where it, or a later one, was used before (RFC 6238 5.2: a code opens once)."""
    return bool(
        tx.execute(
            "UPDATE second_factor SET last_step = ? WHERE staff_id = ? AND last_step < ? RETURNING staff_id",
            (step, staff_id, step),
        ).fetchall()
    )


def confirm(tx: Tx, staff_id: int, now: float, recovery_hashes: Iterable[str]) -> None:
    tx.execute("UPDATE second_factor SET confirmed_at = ? WHERE staff_id = ?", (now, staff_id))
    replace_recovery(tx, staff_id, recovery_hashes)


def remove(tx: Tx, staff_id: int) -> bool:
    tx.execute("DELETE FROM recovery_code WHERE staff_id = ?", (staff_id,))
    return bool(tx.execute("DELETE FROM second_factor WHERE staff_id = ? RETURNING staff_id", (staff_id,)).fetchall())


def replace_recovery(tx: Tx, staff_id: int, hashes: Iterable[str]) -> None:
    tx.execute("DELETE FROM recovery_code WHERE staff_id = ?", (staff_id,))
    tx.executemany("INSERT INTO recovery_code (staff_id, code_hash) VALUES (?, ?)", [(staff_id, one) for one in hashes])


def use_recovery(tx: Tx, staff_id: int, code_hash: str, now: float) -> bool:
    """Use up a recovery code; False for a wrong or a used one."""
    return bool(
        tx.execute(
            "UPDATE recovery_code SET used_at = ? WHERE staff_id = ? AND code_hash = ? AND used_at IS NULL"
            " RETURNING staff_id",
            (now, staff_id, code_hash),
        ).fetchall()
    )


def recovery_left(tx: Tx, staff_id: int) -> int:
    row = tx.execute("SELECT count(*) FROM recovery_code WHERE staff_id = ? AND used_at IS NULL", (staff_id,))
    return int(row.fetchone()[0])


def without(tx: Tx, roles: Iterable[str]) -> list[str]:
    """Names of active staff in these roles who have no second factor that counts."""
    wanted = set(roles)
    rows = tx.execute(
        "SELECT s.name, s.role FROM staff s LEFT JOIN second_factor f ON f.staff_id = s.id"
        " WHERE s.active = 1 AND f.confirmed_at IS NULL ORDER BY s.name"
    )
    return [name for name, role in rows if role in wanted]
