"""Who may do what: staff, API keys and remembered answers. Plain functions on one `Tx`.

Secrets are stored as hashes only: argon2id for passwords (made by the caller, it takes 0.1 s), SHA-256 for API keys and
session tokens, which are 256 random bits and need no slow hash.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from store.engine import Tx

TOKEN_BYTES: Final = 32
"""Random bytes of an API key or a session token (OWASP ASVS 5.0, 7.2.3 asks for at least 16)."""
KEY_PREFIX: Final = "loa_"
"""So that a key that leaked into a text is recognised as one."""
LOCAL_OPERATOR: Final = "local"
"""The key of whoever may read the service's data folder: the root of trust, who needs no second person. Where several
processes have such a folder, each is `local@` and its place."""
ANSWERS_KEPT_SECONDS: Final = 24 * 3600.0
"""How long an Idempotency-Key is remembered, as Stripe and the IETF draft's examples do."""


class NameTaken(Exception):
    """A member of staff or a key has this name already, or had it: names are in the record and never reused."""


@dataclass(frozen=True, slots=True)
class Staff:
    id: int
    name: str
    title: str
    role: str
    active: bool


@dataclass(frozen=True, slots=True)
class Remembered:
    """The answer that was given to an Idempotency-Key; `status` 0 while it is not known yet."""

    request_hash: str
    status: int
    body: bytes


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def add_staff(tx: Tx, name: str, role: str, password_hash: str, now: float, title: str = "") -> Staff:
    """Raises `NameTaken`."""
    _refuse_taken(tx, name)
    row = tx.execute(
        "INSERT INTO staff (name, title, role, password_hash, created_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (name, title, role, password_hash, now),
    ).fetchone()
    return Staff(id=row[0], name=name, title=title, role=role, active=True)


def is_operator(name: str) -> bool:
    """Whether this is a key that only the reader of a data folder has. Nobody else can have such a name."""
    return name.partition("@")[0] == LOCAL_OPERATOR


def renew_operator(tx: Tx, place: str, role: str, now: float) -> str:
    """The key of the operator at this place ("" where there is but one), in place of the one before."""
    name = f"{LOCAL_OPERATOR}@{place}" if place else LOCAL_OPERATOR
    retire_key(tx, name)
    return _new_key(tx, name, role, now)


def withdraw_operator(tx: Tx, key: str) -> None:
    """This very key of an operator is none any more; one that took its place since stays, and so does any other."""
    owner = key_owner(tx, key)
    if owner is not None and is_operator(owner[0]):
        tx.execute("DELETE FROM api_key WHERE key_hash = ?", (digest(key),))


def add_key(tx: Tx, name: str, role: str, now: float) -> str:
    """A new API key, shown this once. Raises `NameTaken`."""
    _refuse_taken(tx, name)
    return _new_key(tx, name, role, now)


def _new_key(tx: Tx, name: str, role: str, now: float) -> str:
    key = KEY_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    tx.execute(
        "INSERT INTO api_key (name, role, key_hash, created_at) VALUES (?, ?, ?, ?)", (name, role, digest(key), now)
    )
    return key


def retire_key(tx: Tx, name: str) -> None:
    """The key is no longer one; its name is free again."""
    tx.execute("DELETE FROM api_key WHERE name = ?", (name,))


def replace_staff(tx: Tx, name: str, role: str, password_hash: str, now: float) -> None:
    """Add a member of staff, or give the known one this password: the demo's people, new at each start."""
    known = password_of(tx, name)
    if known is None:
        add_staff(tx, name, role, password_hash, now)
    else:
        set_password(tx, known[0], password_hash)


def _refuse_taken(tx: Tx, name: str) -> None:
    """One name space for people and keys: "not by the author" compares names."""
    taken = tx.execute("SELECT 1 FROM staff WHERE name = ? UNION SELECT 1 FROM api_key WHERE name = ?", (name, name))
    if taken.fetchone() or is_operator(name):
        raise NameTaken(name)


def password_of(tx: Tx, name: str) -> tuple[int, str] | None:
    """(staff id, password hash) of an active member of staff."""
    row = tx.execute("SELECT id, password_hash FROM staff WHERE name = ? AND active = 1", (name,)).fetchone()
    return (row[0], row[1]) if row else None


def set_password(tx: Tx, staff_id: int, password_hash: str, keep: str = "") -> None:
    """Also ends the sessions that the old password opened, but the one with the handle `keep`."""
    tx.execute("UPDATE staff SET password_hash = ? WHERE id = ?", (password_hash, staff_id))
    tx.execute(
        "DELETE FROM web_session WHERE staff_id = ? AND substr(token_hash, 1, length(?)) <> ?"
        if keep
        else "DELETE FROM web_session WHERE staff_id = ?",
        (staff_id, keep, keep) if keep else (staff_id,),
    )


def list_staff(tx: Tx) -> list[Staff]:
    rows = tx.execute("SELECT id, name, title, role, active FROM staff ORDER BY name")
    return [Staff(id=row[0], name=row[1], title=row[2], role=row[3], active=bool(row[4])) for row in rows]


def staff_named(tx: Tx, name: str) -> Staff | None:
    """Also somebody who has left."""
    row = tx.execute("SELECT id, name, title, role, active FROM staff WHERE name = ?", (name,)).fetchone()
    return Staff(id=row[0], name=row[1], title=row[2], role=row[3], active=bool(row[4])) if row else None


def set_role(tx: Tx, staff_id: int, role: str) -> None:
    tx.execute("UPDATE staff SET role = ? WHERE id = ?", (role, staff_id))


def set_active(tx: Tx, staff_id: int, active: bool) -> None:
    """Somebody who left is out at once, on every browser."""
    tx.execute("UPDATE staff SET active = ? WHERE id = ?", (int(active), staff_id))
    if not active:
        tx.execute("DELETE FROM web_session WHERE staff_id = ?", (staff_id,))


def key_owner(tx: Tx, key: str) -> tuple[str, str] | None:
    """(name, role) of an active API key. Looked up by its hash, so that the time taken tells nothing of the key."""
    row = tx.execute("SELECT name, role FROM api_key WHERE key_hash = ? AND active = 1", (digest(key),)).fetchone()
    return (row[0], row[1]) if row else None


def reserve_answer(tx: Tx, owner: str, key: str, request_hash: str, now: float) -> Remembered | None:
    """Claim an Idempotency-Key. None: it is ours now; else what was remembered under it."""
    tx.execute("DELETE FROM idempotency WHERE created_at < ?", (now - ANSWERS_KEPT_SECONDS,))
    claimed = tx.execute(
        "INSERT INTO idempotency (owner, key, request_hash, status, body, created_at) VALUES (?, ?, ?, 0, ?, ?)"
        " ON CONFLICT (owner, key) DO NOTHING RETURNING key",
        (owner, key, request_hash, b"", now),
    ).fetchone()
    if claimed:
        return None
    row = tx.execute(
        "SELECT request_hash, status, body FROM idempotency WHERE owner = ? AND key = ?", (owner, key)
    ).fetchone()
    return Remembered(request_hash=row[0], status=row[1], body=bytes(row[2]))


def answered(tx: Tx, owner: str, key: str) -> bool:
    """Whether what the key stands for was begun or done."""
    return tx.execute("SELECT 1 FROM idempotency WHERE owner = ? AND key = ?", (owner, key)).fetchone() is not None


def remember_answer(tx: Tx, owner: str, key: str, status: int, body: bytes) -> None:
    tx.execute("UPDATE idempotency SET status = ?, body = ? WHERE owner = ? AND key = ?", (status, body, owner, key))


def forget_answer(tx: Tx, owner: str, key: str) -> None:
    """The request was refused and did nothing: the key may be used again."""
    tx.execute("DELETE FROM idempotency WHERE owner = ? AND key = ? AND status = 0", (owner, key))
