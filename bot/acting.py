"""From one stored message to what we do about it: rescue, confirm, answer, ask, keep silent, or call a person."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

import structlog

from adapters.contract import IncomingKind, Now, Priority
from bot import manners, rescue
from bot.act import Act
from bot.answering import Answering
from bot.confirming import Confirming
from bot.conversation import Question, chosen
from bot.designation import codes_in, pressed_code
from bot.document_course import DocumentCourse
from bot.enrolling import Enrolling
from bot.intents import BC, CUUHO, DANHAN, HUY, UNKNOWN, Understood
from bot.mishap import trace
from bot.officer_words import parse_command
from bot.officers import REASON, Officers
from bot.opting import Opting
from bot.reporting import REPORT, Reporting
from bot.sender import STRANGER, Address, Contact, Look, address_of, look_up
from bot.speaking import Speaking
from bot.together import Together
from bot.wording import Form, Wording
from broadcasts.routes import Routes
from lanes.port import Bus
from store.engine import Ledger, LedgerError
from store.erasure import erase_account
from store.inbox import Handled, Waiting

log = structlog.get_logger(__name__)

UNDERSTOOD: Final = 800
"""Characters at the start of a text that are looked at for their meaning, and as many at its end for a cry for help."""
NO_CALL_FOR_SUPPORT: Final = frozenset({"HUY", "DVC", "BCCI", "VNEID", "THOITIET"})
"""Intents in which "cần hỗ trợ" is about papers or a service, not about the commune."""
QUIET: Final = frozenset({IncomingKind.FOLLOW, IncomingKind.JOIN, IncomingKind.LEAVE, IncomingKind.UNFOLLOW})


@dataclass(frozen=True, slots=True)
class Heard:
    """One message with all that is known about it."""

    message: Waiting
    address: Address
    look: Look
    meaning: Understood
    form: Form


class Acting:
    """`handle` is what `Intake` calls for every message. `ourselves`: addresses of ours, never answered."""

    def __init__(
        self,
        ledger: Ledger,
        bus: Bus,
        routes: Routes,
        confirming: Confirming,
        answering: Answering,
        reporting: Reporting,
        speaking: Speaking,
        opting: Opting,
        wording: Wording,
        ourselves: Collection[str] = (),
        code_prefix: str = "TB",
        now: Now = time.time,
        officers: Officers | None = None,
        enrolling: Enrolling | None = None,
        course: DocumentCourse | None = None,
    ) -> None:
        self._ledger = ledger
        self._look: Together[Look] = Together(ledger.read, apart=True)
        self._bus = bus
        self._routes = routes
        self._confirming = confirming
        self._answering = answering
        self._reporting = reporting
        self._speaking = speaking
        self._opting = opting
        self._wording = wording
        self._ourselves = frozenset(ourselves)
        self._code_prefix = code_prefix
        self._now = now
        self._officers = officers
        self._course = course
        self._enrolling = enrolling

    def is_life(self, text: str) -> bool:
        """A quick look for a cry for help, before anything else is known."""
        return self._meaning(text).intent == CUUHO

    def _meaning(self, text: str) -> Understood:
        """Of the start of a text, or of its end where that is a cry for help."""
        meaning = self._answering.understand(text[:UNDERSTOOD])
        if meaning.intent == CUUHO or len(text) <= UNDERSTOOD:
            return meaning
        end = self._answering.understand(text[-UNDERSTOOD:])
        return end if end.intent == CUUHO else meaning

    async def handle(self, message: Waiting) -> Handled:
        address = address_of(message, self._routes)
        look = await self._known(message, address)
        meaning = self._meaning(message.text)
        heard = Heard(message, address, look, meaning, "sms" if address.telephone else "chat")
        act = await self._decide(heard)
        return await self._speaking.carry_out(message, address, look, act)

    async def _known(self, message: Waiting, address: Address) -> Look:
        """Of who writes. Nobody who cries for help waits for that: what cannot be read is not known."""
        try:
            return await self._look(lambda tx: look_up(tx, message, address, self._now()))
        except LedgerError:
            raise
        except Exception as raised:
            if message.priority != Priority.LIFE:
                raise
            log.error("sender_not_readable", inbox_id=message.id, **trace(raised))
            return STRANGER

    async def _decide(self, heard: Heard) -> Act:
        message = heard.message
        if message.sender in self._ourselves:
            return silent("ourselves")
        if (named := await self._names_code(heard)) is not None:
            return named
        if message.kind in QUIET or (is_wordless(message) and not heard.address.telephone):
            return silent("event")
        if message.kind == IncomingKind.WITHDRAW:
            return await self._erase(heard)
        if message.priority == Priority.LIFE or heard.meaning.intent == CUUHO:
            return await self._rescue(heard)
        if not self._is_person(heard):
            return silent("not_a_person")
        return await self._person_says(heard)

    async def _names_code(self, heard: Heard) -> Act | None:
        """A code of an enrolment, which means nothing else; a cry for help goes before it."""
        message = heard.message
        if self._enrolling is None or message.priority == Priority.LIFE or not self._is_person(heard):
            return None
        return await self._enrolling.take(message, heard.address, heard.look, heard.form)

    async def _erase(self, heard: Heard) -> Act:
        """At once, and for good; an officer hears that the commune has one way less."""
        message, family = heard.message, heard.address.family
        space = heard.address.space
        channels = [one.name for one in self._routes.all if space in (one.family, one.traits.id_space)]
        kinds = [family] if space == family else [space]
        done = await self._ledger.write(lambda tx: erase_account(tx, channels, kinds, message.sender))
        log.info("account_erased", channel=message.channel, messages=done.messages, addresses=done.addresses)
        return for_person("withdraw", heard.look)

    def _is_person(self, heard: Heard) -> bool:
        return manners.is_person(heard.message.sender, telephone=heard.address.telephone, ourselves=self._ourselves)

    async def _person_says(self, heard: Heard) -> Act:
        message, look = heard.message, heard.look
        command = parse_command(message.payload or message.text, self._code_prefix)
        if command is not None and self._officers is not None:
            act = await self._officers.take(command, message, heard.address, look, heard.form)
            if act is not None:
                return act
        code = pressed_code(message.payload) or pressed_code(message.text)
        if look.contact is not None and code is not None:
            act = await self._confirming.by_codes(message, look.contact, (code,), heard.form)
            return foreign(act) if message.payload and act.handled.note == "unknown_code" else act
        if look.contact is None and manners.is_robot(message.text, look.past, self._now()):
            return silent("robot")
        reason = "binary" if is_wordless(message) else manners.needs_reader(message.text, self._wording.rude)
        if reason is not None:
            reply = self._wording.say("to_officer", heard.form) if reason == "long" else None
            return for_person(reason, look, reply=reply)
        answered = None if look.asked is None else await self._answer_to(look.asked, heard)
        if answered is not None:
            return answered
        if look.contact is not None:
            return await self._contact_says(heard, look.contact)
        return await self._anybody_says(heard)

    async def _answer_to(self, question: Question, heard: Heard) -> Act | None:
        """ "2", or the name of a unit that we asked for. None: it is no answer to that question."""
        picked = chosen(heard.message.text, question, self._wording.choice)
        if question.kind == "unit":
            return self._answering.place_named(question, picked, heard.meaning, heard.look, heard.form)
        if question.kind == REASON and self._officers is not None:
            return await self._officers.give_reason(question, heard.message, heard.address, heard.look, heard.form)
        contact = heard.look.contact
        if question.kind == REPORT and contact is not None:
            return await self._reporting.answered(heard.message.text, question, contact, heard.form)
        if contact is None or picked is None:
            return None
        if not picked:
            return self._confirming.ask_again(contact, question, heard.form)
        codes = [choice.code for choice in picked]
        return await self._confirming.by_codes(heard.message, contact, codes, heard.form)

    async def _contact_says(self, heard: Heard, contact: Contact) -> Act:
        message, meaning, form = heard.message, heard.meaning, heard.form
        if meaning.intent not in NO_CALL_FOR_SUPPORT and self._wording.help.found_in(message.text):
            if meaning.intent == BC:  # counted, too, and answered as a call for support
                await self._reporting.said(message, contact, meaning, form)
            return await self._confirming.needs_help(message, contact, form)
        if self._course is not None and not message.is_group:
            act = await self._course.said(message, contact, meaning, self._code_prefix, form)
            if act is not None:
                return act
        if meaning.intent == DANHAN:
            codes = codes_in(message.text, self._code_prefix)
            return await self._confirming.said(message, contact, meaning, codes, heard.look.replied_to, form)
        if meaning.intent == BC:
            return await self._reporting.said(message, contact, meaning, form)
        return await self._anybody_says(heard)

    async def _anybody_says(self, heard: Heard) -> Act:
        intent = heard.meaning.intent
        if heard.message.is_group and (intent == DANHAN or pressed_code(heard.message.payload)):
            return for_person("stranger", heard.look, DANHAN)
        if heard.message.is_group and not heard.meaning.is_command:
            return silent("chatter", intent)
        if self._opting.means_back(heard.message.text):
            return await self._opting.back(heard.address, heard.look, heard.form)
        if intent == HUY:
            return await self._opting.out(heard.message, heard.address, heard.look, heard.form)
        if intent == BC:
            return for_person("report_stranger", heard.look, BC, self._wording.say("to_officer", heard.form))
        if intent in (UNKNOWN, DANHAN):
            return self._menu(heard)
        return self._answering.answer(heard.message.text, heard.meaning, heard.look, heard.form)

    def _menu(self, heard: Heard) -> Act:
        note = "media" if heard.message.kind == IncomingKind.MEDIA else "unknown"
        if heard.look.menu_sent:
            return for_person(note, heard.look)
        return for_person("menu", heard.look, reply=self._wording.say("menu", heard.form))

    async def _rescue(self, heard: Heard) -> Act:
        """112 and the alarm come first and depend on nothing else."""
        message, look = heard.message, heard.look
        units = heard.meaning.units or ((look.unit_code,) if look.unit_code else ())
        name = "" if look.contact is None else look.contact.name
        await rescue.ring(self._ledger, self._bus, message, name, units, self._now())
        if look.contact is not None:
            await self._mark_help(heard, look.contact)
        reply = self._rescue_reply(heard, units) if self._is_person(heard) else None
        return Act(_handled("human", look, CUUHO, "rescue"), reply, always=True, in_group=True)

    def _rescue_reply(self, heard: Heard, units: tuple[str, ...]) -> str:
        try:
            return self._answering.rescue(units, heard.form)
        except Exception as raised:
            log.error("rescue_answer_failed", inbox_id=heard.message.id, **trace(raised))
            return self._wording.say("rescue", heard.form)

    async def _mark_help(self, heard: Heard, contact: Contact) -> None:
        """A leader in danger is a unit in need; the alarm rings whether or not this works."""
        try:
            await self._confirming.needs_help(heard.message, contact, heard.form)
        except LedgerError:
            raise
        except Exception as raised:
            log.error("needs_help_failed", inbox_id=heard.message.id, **trace(raised))


def is_wordless(message: Waiting) -> bool:
    """A reaction or another event without a text; by SMS, a message of bytes."""
    return message.kind == IncomingKind.OTHER and not message.text.strip()


def silent(note: str, intent: str = "") -> Act:
    return Act(Handled("ignored", intent, note))


def foreign(act: Act) -> Act:
    """A button of ours carries a code of ours: this one is under a message of another office, or of a lost ledger, and
    an officer should know that people answer it here."""
    return replace(act, handled=replace(act.handled, state="human", note="foreign_button"))


def for_person(note: str, look: Look, intent: str = UNKNOWN, reply: str | None = None) -> Act:
    """Into the human queue."""
    return Act(_handled("human", look, intent, note), reply)


def _handled(state: str, look: Look, intent: str, note: str) -> Handled:
    person_id = None if look.contact is None else look.contact.person_id
    return Handled(state, intent, note, look.unit_code, person_id)
