"""Takes down what a contact says of a document's course, and confirms receipt with it where that is still open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.act import Act
from bot.confirming import RECALLED_FOR, Gone, documents, said_at
from bot.designation import codes_in, meant
from bot.document_replies import Said, read_reply
from bot.intents import BC, DANHAN, Understood
from bot.sender import Contact
from bot.wording import Form, Wording
from broadcasts.acknowledge import Acknowledgements
from broadcasts.document_codes import load_codes
from broadcasts.documents import numbered
from broadcasts.model import Kind
from directory.units import UnitCatalogue
from store import broadcasts, document_statuses
from store.document_statuses import StatusRow
from store.engine import Ledger, Tx
from store.inbox import Handled, Waiting

MOST: Final = 20
"""Recalled documents of a unit that are looked through."""
NOTE_MAX: Final = 200
"""Characters of a note."""


@dataclass(frozen=True, slots=True)
class _Document:
    no: int
    code: str


class DocumentCourse:
    def __init__(self, ledger: Ledger, acks: Acknowledgements, wording: Wording, units: UnitCatalogue) -> None:
        self._ledger = ledger
        self._acks = acks
        self._wording = wording
        self._units = units
        self._codes = load_codes()

    async def said(
        self, message: Waiting, contact: Contact, meaning: Understood, prefix: str, form: Form
    ) -> Act | None:
        """None: it is about something else, or there is no document that it could be about."""
        said = read_reply(message.text, self._codes.replies)
        if said is None or not contact.unit_code or meaning.intent == BC:
            return None
        recall = said.code in (self._codes.agree, self._codes.refuse)
        candidates = await self._recalled(message, contact) if recall else await self._open(contact)
        named = [one for one in candidates if self._is_named(one[0].code, one[1], message.text, meaning, prefix)]
        if not candidates:
            return None
        chosen = named or candidates
        if len(chosen) > 1 and not recall:
            return self._answer("course_which", contact, form, code=", ".join(one[0].code for one in chosen[:3]))
        await self._keep(chosen[0][0], said, message, contact, recall)
        key = "course_refused" if said.code in self._codes.ends else "course"
        state = "human" if said.code in (*self._codes.ends, self._codes.refuse) else "acknowledged"
        says, code = self._codes.says[said.code], chosen[0][0]
        return self._answer(key, contact, form, state=state, no=code.no, code=code.code, says=says)

    async def _open(self, contact: Contact) -> list[tuple[_Document, str]]:
        found = await self._acks.open_for(contact.unit_code)
        return [(_Document(one.no, one.code), one.title) for one in found if one.kind != Kind.CANCEL]

    async def _recalled(self, message: Waiting, contact: Contact) -> list[tuple[_Document, str]]:
        """Documents that were asked back, with the code of the notice that says so in their title."""
        since, unit = message.came_at - RECALLED_FOR, contact.unit_code

        def read(tx: Tx) -> list[tuple[_Document, str]]:
            found = []
            for no, code, title, content in document_statuses.taken_back(tx, unit, since, MOST):
                row = broadcasts.by_no(tx, no)
                newer = broadcasts.by_no(tx, row.superseded_by) if row and row.superseded_by else None
                if newer is not None and newer.kind == Kind.CANCEL:
                    found.append((_Document(no, code), f"{newer.code} {numbered(content)} {title}"))
            return found

        return await self._ledger.read(read)

    def _is_named(self, code: str, title: str, text: str, meaning: Understood, prefix: str) -> bool:
        codes = codes_in(text, prefix)
        if codes:
            return code in codes or any(one in title.split() for one in codes)
        gone = [Gone(code, title)]
        return any(meant(document, text, gone).surely for document in documents(meaning))

    async def _keep(self, document: _Document, said: Said, message: Waiting, contact: Contact, recall: bool) -> None:
        at = said_at(message)
        row = StatusRow(
            contact.unit_code, said.code, at.timestamp(), contact.name, message.channel, said.rest[:NOTE_MAX]
        )
        if not recall and said.code not in self._codes.ends:
            await self._acks.confirm(
                document.no, contact.unit_code, contact.person_id, contact.name, message.channel, at
            )
        other = {self._codes.agree: self._codes.refuse, self._codes.refuse: self._codes.agree}.get(said.code, "")
        await self._ledger.write(lambda tx: document_statuses.answer(tx, document.no, row, other))

    def _answer(
        self, key: str, contact: Contact, form: Form, *, state: str = "answered", no: int | None = None, **params: str
    ) -> Act:
        unit = self._units.by_code(contact.unit_code)
        text = self._wording.say(key, form, unit=contact.name if unit is None else unit.name, **params)
        return Act(Handled(state, DANHAN, key, contact.unit_code, contact.person_id, no), text)
