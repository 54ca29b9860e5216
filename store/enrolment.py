"""Codes that were handed out, and the accounts that named one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from store.engine import Tx

LISTING_DEFAULT: Final = 200
"""Decided requests of one page."""


@dataclass(frozen=True, slots=True)
class CodeRow:
    """`channel` is the family; times are epoch seconds. The code itself is derived, see `directory.enrolment_codes`."""

    id: int
    person_id: int
    channel: str
    serial: int
    made_by: str
    made_at: float
    expires_at: float
    sent_at: float | None
    used_at: float | None
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Request:
    """An account that named a right code. `channel` says whose ids `value` is one of; `route` and `chat` are where an
    answer goes. `state`: pending, confirmed, refused, revoked."""

    id: int
    code_id: int
    person_id: int
    channel: str
    value: str
    route: str
    chat: str
    account_name: str
    asked_at: float
    inbox_id: int
    state: str
    decided_by: str
    decided_at: float | None
    reason: str
    address_id: int | None


_CODE: Final = (
    "SELECT id, person_id, channel, serial, made_by, made_at, expires_at, sent_at, used_at, ended_at FROM enrol_code"
)
_REQUEST: Final = (
    "SELECT id, code_id, person_id, channel, value, route, chat, account_name, asked_at, inbox_id, state, decided_by,"
    " decided_at, reason, address_id FROM enrolment"
)
_LIVE: Final = "used_at IS NULL AND ended_at IS NULL AND expires_at > ?"


def last_serial(tx: Tx, person_id: int, channel: str) -> int:
    row = tx.execute(
        "SELECT COALESCE(MAX(serial), 0) FROM enrol_code WHERE person_id = ? AND channel = ?", (person_id, channel)
    ).fetchone()
    return int(row[0])


def add_code(
    tx: Tx, person_id: int, channel: str, serial: int, code_hash: str, by: str, at: float, expires_at: float
) -> int | None:
    """The new row's id; None where another code has this hash."""
    row = tx.execute(
        "INSERT INTO enrol_code (person_id, channel, serial, code_hash, made_by, made_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (code_hash) DO NOTHING RETURNING id",
        (person_id, channel, serial, code_hash, by, at, expires_at),
    ).fetchone()
    return int(row[0]) if row else None


def code_by_hash(tx: Tx, code_hash: str) -> CodeRow | None:
    row = tx.execute(f"{_CODE} WHERE code_hash = ?", (code_hash,)).fetchone()
    return CodeRow(*row) if row else None


def code(tx: Tx, code_id: int) -> CodeRow | None:
    row = tx.execute(f"{_CODE} WHERE id = ?", (code_id,)).fetchone()
    return CodeRow(*row) if row else None


def live_codes(tx: Tx, now: float, person_id: int | None = None) -> list[CodeRow]:
    """Codes that can still be used, of everybody or of one person."""
    if person_id is None:
        rows = tx.execute(f"{_CODE} WHERE {_LIVE} ORDER BY id", (now,))
    else:
        rows = tx.execute(f"{_CODE} WHERE person_id = ? AND {_LIVE} ORDER BY id", (person_id, now))
    return [CodeRow(*row) for row in rows]


def end_codes(tx: Tx, person_id: int, channel: str, at: float) -> int:
    """Nobody can use them any more; how many there were."""
    done = tx.execute(
        "UPDATE enrol_code SET ended_at = ?"
        " WHERE person_id = ? AND channel = ? AND used_at IS NULL AND ended_at IS NULL",
        (at, person_id, channel),
    )
    return done.rowcount


def use_code(tx: Tx, code_id: int, at: float) -> bool:
    """False where somebody was faster, or an officer took it back."""
    done = tx.execute(
        "UPDATE enrol_code SET used_at = ? WHERE id = ? AND used_at IS NULL AND ended_at IS NULL AND expires_at > ?",
        (at, code_id, at),
    )
    return done.rowcount == 1


def mark_sent(tx: Tx, code_id: int, at: float) -> None:
    tx.execute("UPDATE enrol_code SET sent_at = ? WHERE id = ?", (at, code_id))


def ask(
    tx: Tx, code: CodeRow, channel: str, value: str, route: str, chat: str, name: str, at: float, inbox_id: int
) -> int:
    row = tx.execute(
        "INSERT INTO enrolment (code_id, person_id, channel, value, route, chat, account_name, asked_at, inbox_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (code.id, code.person_id, channel, value, route, chat, name, at, inbox_id),
    ).fetchone()
    return int(row[0])


def pending(tx: Tx) -> list[Request]:
    """Oldest first."""
    return _requests(tx, "WHERE state = 'pending' ORDER BY id", ())


def name_account(tx: Tx, request_id: int, name: str) -> None:
    """What the account calls itself, where the message did not say."""
    tx.execute("UPDATE enrolment SET account_name = ? WHERE id = ? AND account_name = ''", (name, request_id))


def pending_of(tx: Tx, channel: str, value: str) -> Request | None:
    found = _requests(tx, "WHERE state = 'pending' AND channel = ? AND value = ?", (channel, value))
    return found[0] if found else None


def decided(tx: Tx, limit: int = LISTING_DEFAULT) -> list[Request]:
    """Newest decision first."""
    return _requests(tx, "WHERE state <> 'pending' ORDER BY decided_at DESC, id DESC LIMIT ?", (limit,))


def of_person(tx: Tx, person_id: int) -> list[Request]:
    return _requests(tx, "WHERE person_id = ? ORDER BY id DESC", (person_id,))


def of_message(tx: Tx, inbox_id: int) -> Request | None:
    """The request that a message made: handling a message may be repeated."""
    found = _requests(tx, "WHERE inbox_id = ?", (inbox_id,))
    return found[0] if found else None


def request(tx: Tx, request_id: int) -> Request | None:
    found = _requests(tx, "WHERE id = ?", (request_id,))
    return found[0] if found else None


def decide(
    tx: Tx, request_id: int, state: str, by: str, at: float, reason: str = "", address_id: int | None = None
) -> bool:
    """False where it is not pending any more."""
    done = tx.execute(
        "UPDATE enrolment SET state = ?, decided_by = ?, decided_at = ?, reason = ?, address_id = ?"
        " WHERE id = ? AND state = 'pending'",
        (state, by, at, reason, address_id, request_id),
    )
    return done.rowcount == 1


def revoke(tx: Tx, address_ids: Iterable[int], by: str, at: float, reason: str) -> None:
    """What was confirmed for these addresses holds no longer."""
    tx.executemany(
        "UPDATE enrolment SET state = 'revoked', decided_by = ?, decided_at = ?, reason = ?"
        " WHERE address_id = ? AND state = 'confirmed'",
        [(by, at, reason, one) for one in address_ids],
    )


def wrong_guesses(tx: Tx, sender: str, note: str, since: float) -> int:
    """How many messages of `sender` since then were handled with `note`."""
    row = tx.execute(
        "SELECT COUNT(*) FROM inbox WHERE sender = ? AND note = ? AND came_at >= ?", (sender, note, since)
    ).fetchone()
    return int(row[0])


def secret(tx: Tx, name: str) -> bytes | None:
    """The office's key of that name, where it was made already; for reading transactions."""
    row = tx.execute("SELECT value FROM office_secret WHERE name = ?", (name,)).fetchone()
    return bytes(row[0]) if row else None


def _requests(tx: Tx, where: str, parameters: Sequence[Any]) -> list[Request]:
    return [Request(*row) for row in tx.execute(f"{_REQUEST} {where}", parameters)]
