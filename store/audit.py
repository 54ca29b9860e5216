"""The audit log: who did what, when. Lines are numbered without gaps and each holds the digest of the one before, so
that a line that was changed, taken out or put in between shows.

What it cannot show by itself is that its newest lines were cut off: whoever notes the head (`head`, on the page and in
hand-over notes) can ask later whether that head is still in it (`verify`, `known_head`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from store.engine import Tx

DECISIONS: Final = frozenset(
    {
        "drafted", "edited", "submitted", "approved", "returned", "rejected", "cancelled", "recalled", "corrected",
        "marked", "break_glass", "reviewed",
    }
)  # fmt: skip
"""Events of a broadcast's timeline that are somebody's decision, and so stand here, too."""
COLUMNS: Final = ("id", "at", "actor", "action", "detail", "chain")
START: Final = "0" * 64
"""What the first line holds in place of a line before it."""
NEWEST: Final = "SELECT id, chain FROM audit ORDER BY id DESC LIMIT 1"
ROWS_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class AuditLine:
    id: int
    at: float
    actor: str
    action: str
    detail: dict[str, object]
    chain: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line: its number and its digest, 64 hexadecimal digits."""

    id: int
    chain: str


@dataclass(frozen=True, slots=True)
class Verdict:
    lines: int
    head: Head
    broken_at: int | None = None
    """The first line that does not hold: changed itself, or what stood before it is gone."""
    known_head_found: bool = True

    @property
    def whole(self) -> bool:
        return self.broken_at is None and self.known_head_found


def record(tx: Tx, at: float, actor: str, action: str, /, **detail: object) -> None:
    """One line. `detail` holds no secret and no whole phone number."""
    tx.execute(
        "INSERT INTO audit (id, at, actor, action, detail, chain) VALUES (?, ?, ?, ?, ?, ?)",
        following(head(tx), at, actor, action, detail),
    )


def following(
    before: Head, at: float, actor: str, action: str, detail: dict[str, object]
) -> tuple[int, float, str, str, str, str]:
    """The line after `before`, as `COLUMNS` name it."""
    number, text = before.id + 1, orjson.dumps(detail).decode()
    return number, at, actor, action, text, _link(before.chain, number, at, actor, action, text)


def head(tx: Tx) -> Head:
    return head_of(tx.execute(NEWEST).fetchone())


def head_of(row: Sequence[Any] | None) -> Head:
    """Of what `NEWEST` gives."""
    return Head(row[0], row[1]) if row else Head(0, START)


def verify(tx: Tx, known_head: str = "") -> Verdict:
    """Count the whole chain again. `known_head`: a digest noted earlier, which must still be one of the lines'."""
    last, broken, found = Head(0, START), None, not known_head
    for number, at, actor, action, text, chain in _all(tx):
        if broken is None and (number != last.id + 1 or chain != _link(last.chain, number, at, actor, action, text)):
            broken = number
        found = found or chain == known_head
        last = Head(number, chain)
    return Verdict(lines=last.id, head=last, broken_at=broken, known_head_found=found)


def lines(
    tx: Tx, before: int | None = None, limit: int = 100, *, actor: str = "", action: str = "", text: str = ""
) -> list[AuditLine]:
    """Newest first; only those of `actor`, of `action`, or with `text` in their detail, where given."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = tx.execute(
        "SELECT id, at, actor, action, detail, chain FROM audit WHERE id < ? AND (? = '' OR actor = ?)"
        " AND (? = '' OR action = ?) AND (? = '' OR detail LIKE ? ESCAPE '\\') ORDER BY id DESC LIMIT ?",
        (before if before is not None else 1 << 62, actor, actor, action, action, text, f"%{escaped}%", limit),
    )
    return [AuditLine(r[0], r[1], r[2], r[3], orjson.loads(r[4]), r[5]) for r in rows]


def actions(tx: Tx) -> list[str]:
    """Every action that stands in the log, for choosing one."""
    return [row[0] for row in tx.execute("SELECT DISTINCT action FROM audit ORDER BY action")]


def _all(tx: Tx) -> Iterator[tuple[int, float, str, str, str, str]]:
    after = 0
    while rows := tx.execute(
        "SELECT id, at, actor, action, detail, chain FROM audit WHERE id > ? ORDER BY id LIMIT ?", (after, ROWS_AT_ONCE)
    ).fetchall():
        yield from rows
        after = rows[-1][0]


def _link(before: str, number: int, at: float, actor: str, action: str, text: str) -> str:
    """SHA-256 over a form in which no two different lines look alike: a JSON array."""
    return hashlib.sha256(orjson.dumps([before, number, at, actor, action, text])).hexdigest()
