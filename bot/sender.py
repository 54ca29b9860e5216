"""Who wrote, and what we know of them that matters for an answer: read in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.conversation import Question, from_json
from bot.manners import MENU_EVERY, PAST_KEPT
from broadcasts.routes import Routes
from store import broadcasts, conversations, directory, inbox, singles
from store.engine import Tx
from text import numbers


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message came from. `family` and `value` are how the directory knows it; `space` says whose ids `value` is
    one of: the family's, or those of a channel with ids of its own; `telephone`: it is an SMS, so the sender is a
    number and the answer unaccented; `talker` is whom a question is put to."""

    family: str
    value: str
    telephone: bool
    talker: str
    space: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A registered person. `unit_code` is "" for provincial members, who are informed and never counted."""

    person_id: int
    name: str
    unit_code: str


@dataclass(frozen=True, slots=True)
class Look:
    """`contact` is None for a stranger. `replied_to` is the code of the broadcast that the message answers, "" if it
    quotes none of ours. `answered`: an answer to this very message is already on its way."""

    contact: Contact | None
    past: list[inbox.Past]
    menu_sent: bool
    asked: Question | None
    answered: bool
    replied_to: str

    @property
    def unit_code(self) -> str:
        return "" if self.contact is None else self.contact.unit_code


STRANGER: Final = Look(contact=None, past=[], menu_sent=False, asked=None, answered=False, replied_to="")
"""Of whom nothing is known."""


def address_of(message: inbox.Waiting, routes: Routes) -> Address:
    """By the route that it came through; one that is gone is judged by its name."""
    route = routes.by_name(message.channel)
    family = message.channel.partition(".")[0] if route is None else route.family
    telephone = route is not None and route.traits.unaccented
    msisdn = numbers.msisdn(message.sender) if telephone else None
    value = message.sender if msisdn is None else str(msisdn)
    space = family if route is None else routes.space_of(route)
    return Address(family, value, telephone, f"{message.chat}/{value}" if message.is_group else value, space)


def look_up(tx: Tx, message: inbox.Waiting, address: Address, now: float) -> Look:
    asked = conversations.asked(tx, address.family, address.talker, now)
    return Look(
        contact=_contact(tx, address),
        past=inbox.past(tx, message.sender, message.id, PAST_KEPT),
        menu_sent=inbox.menu_sent(tx, message.sender, now - MENU_EVERY),
        asked=None if asked is None else from_json(asked),
        answered=singles.answer_to(tx, message.id) is not None,
        replied_to=_replied_to(tx, message),
    )


def _contact(tx: Tx, address: Address) -> Contact | None:
    owner = directory.owner(tx, address.space, address.value)
    if owner is None and address.space != address.family:  # tables that were imported name only the family
        owner = directory.owner(tx, address.family, address.value)
    return None if owner is None else Contact(owner.id, owner.name, owner.unit_code)


def _replied_to(tx: Tx, message: inbox.Waiting) -> str:
    if not message.reply_to:
        return ""
    no = inbox.broadcast_answered(tx, message.channel, message.reply_to)
    row = None if no is None else broadcasts.by_no(tx, no)
    return row.code if row is not None and row.kind != broadcasts.SINGLE else ""
