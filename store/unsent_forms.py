"""Forms that somebody is still writing, as typed: one a person and place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from store.engine import Tx

KEPT_SECONDS: Final = 7 * 86_400.0
"""A text that nobody went on with for a week is history, as every warning is."""


@dataclass(frozen=True, slots=True)
class UnsentForm:
    """`place`: `new`, or the code of the draft that is edited. `fields` as a browser sends them, in order."""

    author: str
    place: str
    token: str
    fields: Sequence[tuple[str, str]]
    at: float


def keep(tx: Tx, form: UnsentForm) -> None:
    """In place of what the same person typed there before. What is older than a week goes."""
    tx.execute("DELETE FROM unsent_form WHERE at < ?", (form.at - KEPT_SECONDS,))
    tx.execute(
        "INSERT INTO unsent_form (author, place, token, body, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (author, place) DO UPDATE"
        " SET token = excluded.token, body = excluded.body, at = excluded.at",
        (form.author, form.place, form.token, orjson.dumps(list(form.fields)).decode(), form.at),
    )


def of_author(tx: Tx, author: str) -> Mapping[str, UnsentForm]:
    """By place, newest first."""
    rows = tx.execute(
        "SELECT author, place, token, body, at FROM unsent_form WHERE author = ? ORDER BY at DESC", (author,)
    ).fetchall()
    return {row[1]: _row(row) for row in rows}


def drop(tx: Tx, author: str, place: str) -> bool:
    return tx.execute("DELETE FROM unsent_form WHERE author = ? AND place = ?", (author, place)).rowcount > 0


def _row(row: Any) -> UnsentForm:
    author, place, token, body, at = row
    return UnsentForm(author, place, token, [(str(name), str(value)) for name, value in orjson.loads(body)], at)
