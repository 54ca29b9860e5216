"""Messages with a text of their own to one address: answers to people, and `POST /messages`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from store.engine import Tx
from store.inbox import LIFE


@dataclass(frozen=True, slots=True)
class Single:
    """`buttons` are pairs of label and payload."""

    delivery_id: int
    value: str
    text: str
    inbox_id: int | None
    made_by: str
    valid_until: float
    buttons: tuple[tuple[str, str], ...] = ()


def insert(tx: Tx, single: Single) -> None:
    """`inbox_id` is unique: an incoming message is answered once, however often it is handled."""
    tx.execute(
        "INSERT INTO single (delivery_id, value, text, inbox_id, made_by, valid_until, buttons)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            single.delivery_id, single.value, single.text, single.inbox_id, single.made_by, single.valid_until,
            orjson.dumps(single.buttons).decode() if single.buttons else "",
        ),
    )  # fmt: skip


def answer_to(tx: Tx, inbox_id: int) -> int | None:
    row = tx.execute("SELECT delivery_id FROM single WHERE inbox_id = ?", (inbox_id,)).fetchone()
    return int(row[0]) if row else None


def answers_a_cry(tx: Tx, delivery_id: int) -> bool:
    """Whether this answers a cry for help."""
    row = tx.execute(
        "SELECT i.priority FROM single s JOIN inbox i ON i.id = s.inbox_id WHERE s.delivery_id = ?", (delivery_id,)
    ).fetchone()
    return row is not None and row[0] == LIFE


def in_range(tx: Tx, first_id: int, last_id: int) -> dict[int, Single]:
    rows = tx.execute(
        "SELECT delivery_id, value, text, inbox_id, made_by, valid_until, buttons FROM single"
        " WHERE delivery_id BETWEEN ? AND ?",
        (first_id, last_id),
    )
    return {row[0]: _single(row) for row in rows}


def _single(row: Sequence[Any]) -> Single:
    delivery_id, value, text, inbox_id, made_by, valid_until, buttons = row
    pairs = tuple((label, payload) for label, payload in orjson.loads(buttons)) if buttons else ()
    return Single(delivery_id, value, text, inbox_id, made_by, valid_until, pairs)
