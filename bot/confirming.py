"""Confirmations of registered contacts, and their calls for support (domain rules a and b).

The unit comes from the registered account, never from the text. One open directive: "dạ rõ" confirms it; several: we
ask which; a code or a quoted message names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from bot.act import Act
from bot.conversation import MOST_CHOICES, Choice, Question
from bot.designation import Directive, meant
from bot.intents import DANHAN, Understood
from bot.sender import Contact
from bot.wording import Form, Wording
from broadcasts.acknowledge import Acknowledgements, Confirmation
from broadcasts.documents import numbered
from broadcasts.model import Kind
from broadcasts.states import STILL_ASKED
from directory.units import UnitCatalogue
from store import broadcasts, confirmations, document_statuses
from store.engine import Ledger
from store.inbox import Handled, Waiting
from text.dates import moment

LATE_FOR: Final = 24 * 3600.0
"""Seconds after its closing in which plain words still confirm a broadcast, as late."""
AMBIGUOUS: Final = "AMBIG:"
"""Opens units to choose from in an argument."""
RECALLED_FOR: Final = 7 * 86_400.0
"""Seconds for which a late word for a recalled document is still told so."""
TITLE_SHOWN: Final[dict[Form, tuple[int, ...]]] = {"chat": (60,), "sms": (30, 15, 0)}
"""Characters of a title beside its code, the most first."""
DONE: Final = frozenset({"acknowledged", "acknowledged_late", "already"})
"""Results after which nothing is left to say to a group."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A directive that was recalled or replaced."""

    code: str
    title: str


class Confirming:
    def __init__(self, ledger: Ledger, acks: Acknowledgements, wording: Wording, units: UnitCatalogue) -> None:
        self._ledger = ledger
        self._acks = acks
        self._wording = wording
        self._units = units

    async def said(
        self, message: Waiting, contact: Contact, meaning: Understood, codes: Sequence[str], replied_to: str, form: Form
    ) -> Act:
        """ "dạ rõ", perhaps with codes, the number of a document, or as an answer to one of our messages."""
        named = codes or ((replied_to,) if replied_to else ())
        if named:
            act = await self.by_codes(message, contact, named, form)
        else:
            act = await self._by_words(message, contact, meaning, form)
        if not meaning.units or contact.unit_code in meaning.units or act.handled.state != "acknowledged":
            return act
        # It counts for the account's unit, and an officer sees that the text names another one.
        return replace(act, handled=replace(act.handled, state="human", note="other_unit"))

    async def _by_words(self, message: Waiting, contact: Contact, meaning: Understood, form: Form) -> Act:
        if not contact.unit_code:
            return self._answer("no_unit", contact, form, state="answered")
        directives = await self._acks.open_for(contact.unit_code)
        own = [one for one in directives if one.kind != Kind.CANCEL]  # a recall bears the number of what it recalls
        found = [meant(document, message.text, own) for document in documents(meaning)]
        if found and not any(named.surely for named in found):
            gone = await self._taken_back(message, contact, documents(meaning))
            if gone:
                return await self.by_codes(message, contact, gone, form)
        if not directives:
            return await self._late(message, contact, form)
        waiting = [one for one in directives if one.ack_state in STILL_ASKED]
        if found and all(len(named.surely) == 1 for named in found):
            return await self.by_codes(message, contact, [named.surely[0].code for named in found], form)
        perhaps = [one for one in directives if any(one in named.perhaps for named in found)]
        candidates = perhaps or waiting or directives[:1]
        if len(candidates) == 1 and not found:
            return await self.by_codes(message, contact, (candidates[0].code,), form)
        return self._which(contact, candidates, form)  # a document that we do not know is never taken for another

    async def _late(self, message: Waiting, contact: Contact, form: Form) -> Act:
        """Nothing is open: the word may be for what closed lately."""
        since = message.came_at - LATE_FOR
        closed = await self._ledger.read(
            lambda tx: confirmations.lately_closed(tx, contact.unit_code, since, MOST_CHOICES)
        )
        if not closed:
            return self._answer("nothing_open", contact, form, state="answered")
        if len(closed) == 1:
            return await self.by_codes(message, contact, (closed[0].code,), form)
        return self._which(contact, closed, form)

    async def _taken_back(self, message: Waiting, contact: Contact, named: Sequence[str]) -> list[str]:
        """Codes of what was recalled or replaced and is named by the number of its document."""
        since = message.came_at - RECALLED_FOR
        rows = await self._ledger.read(
            lambda tx: document_statuses.taken_back(tx, contact.unit_code, since, MOST_CHOICES)
        )
        gone = [Gone(code, f"{numbered(content)} {title}") for _, code, title, content in rows]
        return list(dict.fromkeys(one.code for name in named for one in meant(name, message.text, gone).surely))[:1]

    async def by_codes(self, message: Waiting, contact: Contact, codes: Sequence[str], form: Form) -> Act:
        """Confirm what is named; the answer tells the first thing that went otherwise than expected."""
        if not contact.unit_code:
            return self._answer("no_unit", contact, form, state="answered")
        results: list[tuple[str, Confirmation | None, int | None]] = []
        for code in codes:
            no = await self._number_of(code)
            results.append((code, None if no is None else await self._confirm(message, contact, no), no))
        return self._tell(message, contact, results, form)

    async def needs_help(self, message: Waiting, contact: Contact, form: Form) -> Act:
        """A leader asks for support: marked at the newest open directive, and read by an officer in any case."""
        directives = await self._acks.open_for(contact.unit_code) if contact.unit_code else []
        no = directives[0].no if directives else None
        if no is not None:
            await self._acks.needs_help(
                no, contact.unit_code, contact.person_id, contact.name, message.channel, said_at(message)
            )
        return self._answer("needs_help", contact, form, state="human", broadcast_no=no)

    def ask_again(self, contact: Contact, question: Question, form: Form) -> Act:
        """A number that we did not offer."""
        return self._ask(contact, question.choices, form)

    async def _number_of(self, code: str) -> int | None:
        row = await self._ledger.read(lambda tx: broadcasts.one(tx, code))
        return None if row is None or row.started_at is None else row.no

    async def _confirm(self, message: Waiting, contact: Contact, no: int) -> Confirmation:
        return await self._acks.confirm(
            no, contact.unit_code, contact.person_id, contact.name, message.channel, said_at(message)
        )

    def _tell(
        self,
        message: Waiting,
        contact: Contact,
        results: Sequence[tuple[str, Confirmation | None, int | None]],
        form: Form,
    ) -> Act:
        wrong = [one for one in results if one[1] is None or one[1].result not in DONE]
        code, confirmation, no = (wrong or results)[0]
        if confirmation is None:
            return self._answer("unknown_code", contact, form, state="answered", in_group=True, code=code)
        shown = ", ".join(one[0] for one in results) if not wrong else code
        time = moment(said_at(message))
        key, by = confirmation.result, confirmation.by or ""
        if key == "already" and by and by != contact.name:
            key = "already_by"
        if key == "recalled" and confirmation.document:
            key = "recalled_document"
        return self._answer(
            key,
            contact,
            form,
            state="acknowledged" if confirmation.result in DONE else "answered",
            in_group=bool(wrong),
            broadcast_no=no,
            code=shown,
            time=time,
            by=by,
            new=confirmation.superseded_by or "",
            document=confirmation.document,
        )

    def _which(self, contact: Contact, directives: Sequence[Directive], form: Form) -> Act:
        """By code and title; in an SMS with as much of the titles as lets every choice fit."""
        choices: list[Choice] = []
        for shown in TITLE_SHOWN[form]:
            choices = [Choice(one.code, label(one, shown)) for one in directives[:MOST_CHOICES]]
            if self._wording.ask("which_directive", form, choices, unit=self._unit(contact)) is not None:
                break
        return self._ask(contact, choices, form)

    def _ask(self, contact: Contact, choices: Sequence[Choice], form: Form) -> Act:
        """Ask; in an SMS with as many choices as fit one part, newest first."""
        for count in range(len(choices), 0, -1):
            key = "which_directive" if count > 1 else "which_directive_one"
            text = self._wording.ask(key, form, choices[:count], unit=self._unit(contact))
            if text is not None:
                break
        question = Question("directive", tuple(choices[:count]), DANHAN)
        handled = Handled("answered", DANHAN, "which", contact.unit_code, contact.person_id)
        return Act(handled, text, question, in_group=True)

    def _answer(
        self,
        key: str,
        contact: Contact,
        form: Form,
        *,
        state: str,
        note: str = "",
        in_group: bool = False,
        broadcast_no: int | None = None,
        **params: str,
    ) -> Act:
        text = self._wording.say(key, form, unit=self._unit(contact), **params)
        handled = Handled(state, DANHAN, note or key, contact.unit_code, contact.person_id, broadcast_no)
        return Act(handled, text, in_group=in_group)

    def _unit(self, contact: Contact) -> str:
        unit = self._units.by_code(contact.unit_code)
        return contact.name if unit is None else unit.name


def said_at(message: Waiting) -> datetime:
    """When it was written; a provider's clock may not be ahead of ours."""
    return datetime.fromtimestamp(min(message.at, message.came_at), UTC)


def documents(meaning: Understood) -> list[str]:
    """The documents that a confirmation names: what its argument holds beside units."""
    places = {unit.name for unit in meaning.unit.units} | set(meaning.waters)
    parts = (part for part in meaning.argument.split(";") if part and part not in places)
    return [part for part in parts if not part.startswith(AMBIGUOUS)]


def label(directive: Directive, shown: int) -> str:
    """ "TB0825-04 (Công điện 04)", with at most `shown` characters of the title."""
    title = directive.title[:shown].strip()
    return f"{directive.code} ({title})" if title else directive.code
