"""A document's course in codes, unit by unit: folded from deliveries, the roll-call and what units answered.

Source of the codes: `data/document_codes.toml`. "Seen" in a chat is none of them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from broadcasts.lifecycle import OFFICE
from broadcasts.model import AckState
from store import document_statuses, rollcalls
from store.document_statuses import StatusRow
from store.engine import Tx
from text.dates import local

CODES_FILE: Final = Path(__file__).parent.parent / "data" / "document_codes.toml"
ARRIVED: Final = "01"
TAKEN: Final = "03"
RECEIVED: Final = frozenset({AckState.ACKNOWLEDGED, AckState.ACKNOWLEDGED_LATE, AckState.NEEDS_HELP})


@dataclass(frozen=True, slots=True)
class Codes:
    says: Mapping[str, str]
    step: Mapping[str, int]
    """Of the codes that move a unit forward."""
    ends: frozenset[str]
    agree: str
    refuse: str
    replies: Mapping[str, tuple[str, ...]]
    """Code → phrases as people write them."""


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One status of one unit. `counts`: it moved the unit; False for what came after it was further or had refused."""

    unit: str
    code: str
    says: str
    at: datetime
    person: str
    via: str
    note: str
    counts: bool


@cache
def load_codes(path: Path = CODES_FILE) -> Codes:
    """Raises OSError, TOMLDecodeError or KeyError at start where the file is not whole."""
    raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    rows = raw["code"]
    answers = raw["recall_answers"]
    names = {"agree": answers["agree"], "refuse": answers["refuse"]}
    return Codes(
        says={row["code"]: row["says"] for row in rows},
        step={row["code"]: row["step"] for row in rows if "step" in row},
        ends=frozenset(row["code"] for row in rows if row.get("ends")),
        agree=answers["agree"],
        refuse=answers["refuse"],
        replies={names.get(code, code): tuple(phrases) for code, phrases in raw["replies"].items()},
    )


def statuses(tx: Tx, broadcast_no: int) -> list[StatusLine]:
    """Every status of every unit, by unit and time, with who and by which way."""
    rows = [
        StatusRow(one.unit_code, ARRIVED, one.at, one.person, one.via)
        for one in document_statuses.arrivals(tx, broadcast_no)
    ]
    for ack in rollcalls.of_broadcast(tx, broadcast_no):
        if ack.state in RECEIVED and ack.at is not None:
            person = ack.by_staff or ack.person_name
            via = OFFICE if ack.by_staff else ack.via
            rows.append(StatusRow(ack.unit_code, TAKEN, ack.at, person, via, ack.note))
    rows += document_statuses.of_broadcast(tx, broadcast_no)
    return fold_statuses(rows, load_codes())


def fold_statuses(rows: Iterable[StatusRow], codes: Codes) -> list[StatusLine]:
    """The course of each unit in the order of time: forward only, and nothing after a refusal."""
    lines: list[StatusLine] = []
    reached: dict[str, int] = {}
    ended: set[str] = set()
    for row in sorted(rows, key=lambda one: (one.unit_code, one.at, one.code)):
        step = codes.step.get(row.code)
        moves = row.unit_code not in ended and (step is None or step > reached.get(row.unit_code, 0))
        if row.code in codes.ends and moves:
            ended.add(row.unit_code)
        if step is not None and moves:
            reached[row.unit_code] = step
        counts = moves or (step is None and row.code not in codes.ends)
        says = codes.says.get(row.code, row.code)
        lines.append(StatusLine(row.unit_code, row.code, says, local(row.at), row.person, row.via, row.note, counts))
    return lines


def standing(lines: Iterable[StatusLine], codes: Codes) -> dict[str, str]:
    """Unit → the code that it stands at: the furthest one, or the refusal; what is beside the course left out."""
    found: dict[str, str] = {}
    for line in lines:
        if line.counts and (line.code in codes.step or line.code in codes.ends):
            found[line.unit] = line.code
    return found
