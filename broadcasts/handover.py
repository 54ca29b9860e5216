"""The hand-over: the system drafts the note, who goes edits and signs it, who comes reads it, and it is kept."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from adapters.contract import Now
from broadcasts.model import Actor, Problem, Refusal, RefusalKind
from broadcasts.open_items import Item, open_items
from broadcasts.permitted import MAY_WRITE, require
from directory.units import UnitCatalogue
from lanes.port import Bus
from store import audit, handovers
from store.engine import Ledger, Tx
from store.handovers import HandoverRow
from text.dates import moment

HANDOVER_FILE: Final = Path(__file__).parent.parent / "data" / "handover.toml"
NOTE_MOST: Final = 20_000
"""Characters of a note."""
LISTED: Final = 100
ORDER: Final = ("alarm", "approval", "broadcast", "review", "scheduled", "round", "inbox", "gap")
"""Sections of the note, most pressing first."""


@dataclass(frozen=True, slots=True)
class HandoverWords:
    line: Mapping[str, str]
    section: Mapping[str, str]
    state: Mapping[str, str]
    duty: Mapping[str, str]
    alarm: Mapping[str, str]


@cache
def load_handover_words(path: Path = HANDOVER_FILE) -> HandoverWords:
    """Raises OSError, TOMLDecodeError or KeyError at start where the file is not whole."""
    raw = tomllib.loads(path.read_text("utf-8"))
    return HandoverWords(raw["line"], raw["section"], raw["state"], raw["duty"], raw["alarm"])


def drafted_note(items: Sequence[Item], at: float, words: HandoverWords) -> str:
    """The open items as a note that people read: a section for each kind that there is."""
    lines = [words.line["head"].format(at=moment(at))]
    if not items:
        lines.append(words.line["nothing"])
    for kind in ORDER:
        some = [item for item in items if item["kind"] == kind]
        if some:
            lines += ["", words.section[kind], *(_said(item, at, words) for item in some)]
    return "\n".join(lines)


def _said(item: Item, now: float, words: HandoverWords) -> str:
    values = {name: value for name, value in item.items() if name not in ("kind", "at", "to")}
    if item.get("at") is not None:
        values["at"] = moment(item["at"], now)
    kind = item["kind"]
    if kind == "broadcast":
        kind = "broadcast" if item["rollcall"] else "broadcast_list"
        names = ", ".join(item["names"])
        values["names"] = words.line["more"].format(names=names) if names else ""
        values["state"] = words.state.get(item["state"], item["state"])
    elif kind == "alarm":
        values["kind"] = words.alarm.get(item["alarm"], words.alarm["other"])
    elif kind == "gap":
        values["duty"] = words.duty[item["duty"]]
        values["to"] = words.line["until"].format(to=moment(item["to"], now)) if item["to"] is not None else ""
    return words.line[kind].format_map(values)


class Handovers:
    def __init__(self, ledger: Ledger, bus: Bus, catalogue: UnitCatalogue, now: Now = time.time) -> None:
        self._ledger = ledger
        self._bus = bus
        self._catalogue = catalogue
        self._now = now

    async def draft(self, actor: Actor) -> HandoverRow:
        """A new note from what is open now; one that the same person has not signed yet is drafted afresh."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> HandoverRow:
            now = self._now()
            items = open_items(tx, self._catalogue, now)
            note = drafted_note(items, now, load_handover_words())
            mine = next((one for one in handovers.listing(tx, LISTED) if _open_of(one, actor)), None)
            if mine is not None:
                handovers.refresh(tx, mine.id, items, note)
                return _found(tx, mine.id)
            return _found(tx, handovers.add(tx, actor.name, now, items, note))

        return await self._ledger.write(write)

    async def edit(self, handover_id: int, note: str, actor: Actor) -> HandoverRow:
        """Raises `Refusal`: only who drafted it, and not once it is signed."""
        note = checked_note(note)

        def write(tx: Tx) -> HandoverRow:
            row = self._mine(tx, handover_id, actor)
            handovers.edit(tx, row.id, note)
            return _found(tx, row.id)

        return await self._ledger.write(write)

    async def sign(self, handover_id: int, note: str, actor: Actor) -> HandoverRow:
        """What was typed last, signed; from then on it never changes."""
        note = checked_note(note)

        def write(tx: Tx) -> HandoverRow:
            row, now = self._mine(tx, handover_id, actor), self._now()
            handovers.edit(tx, row.id, note)
            handovers.sign(tx, row.id, actor.name, now)
            audit.record(tx, now, actor.name, "sign_handover", handover=row.id, items=len(row.items))
            return _found(tx, row.id)

        return await self._told(await self._ledger.write(write))

    async def read(self, handover_id: int, actor: Actor) -> HandoverRow:
        """Who comes on duty says that they have read it. Not who signed it."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> HandoverRow:
            row, now = _found(tx, handover_id), self._now()
            if row.signed_at is None:
                raise Refusal(RefusalKind.WRONG_STATE, "handover_unsigned")
            if row.signed_by == actor.name:
                raise Refusal(RefusalKind.FORBIDDEN, "own_handover")
            if not handovers.read(tx, row.id, actor.name, now):
                raise Refusal(RefusalKind.WRONG_STATE, "handover_read", by=row.read_by)
            audit.record(tx, now, actor.name, "read_handover", handover=row.id)
            return _found(tx, row.id)

        return await self._told(await self._ledger.write(write))

    async def one(self, handover_id: int) -> HandoverRow:
        return await self._ledger.read(lambda tx: _found(tx, handover_id))

    async def listing(self) -> list[HandoverRow]:
        """Newest first."""
        return await self._ledger.read(lambda tx: handovers.listing(tx, LISTED))

    def _mine(self, tx: Tx, handover_id: int, actor: Actor) -> HandoverRow:
        require(actor, MAY_WRITE)
        row = _found(tx, handover_id)
        if row.opened_by != actor.name:
            raise Refusal(RefusalKind.FORBIDDEN, "handover_of_another", by=row.opened_by)
        if row.signed_at is not None:
            raise Refusal(RefusalKind.WRONG_STATE, "handover_signed", by=row.signed_by)
        return row

    async def _told(self, row: HandoverRow) -> HandoverRow:
        self._bus.publish("roster", {"type": "handover", "id": row.id})
        return row


def checked_note(note: str) -> str:
    note = note.replace("\r\n", "\n").strip()
    if not note or len(note) > NOTE_MOST:
        key = "note_missing" if not note else "note_too_long"
        raise Refusal(RefusalKind.INVALID, "invalid_input", (Problem("note", key, {"limit": NOTE_MOST}),))
    return note


def _open_of(row: HandoverRow, actor: Actor) -> bool:
    return row.signed_at is None and row.opened_by == actor.name


def _found(tx: Tx, handover_id: int) -> HandoverRow:
    row = handovers.one(tx, handover_id)
    if row is None:
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_handover")
    return row
