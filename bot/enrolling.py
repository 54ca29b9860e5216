"""A person names the code that was handed out to them: "GHIDANH K7CF-9XQM", the code alone, or a deep link's "/start".

Looked at before every other meaning of a message but a cry for help, since nobody writes a right code by chance.
"""

from __future__ import annotations

import time
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import structlog

from adapters.contract import IncomingKind, Now
from bot.act import Act
from bot.keywords import KEYWORDS_FILE
from bot.sender import Address, Look
from bot.wording import Form, Wording
from directory import enrolment, enrolment_codes
from directory.enrolment import Account, Confirm, Result
from directory.units import UnitCatalogue
from lanes.port import Bus
from store import enrolment as rows
from store.engine import Ledger, Tx
from store.inbox import Handled, Waiting
from text.folding import fold, nfc

log = structlog.get_logger(__name__)

INTENT: Final = "GHIDANH"
GUESSES: Final = 5
"""Codes that look right and are none of ours, which one sender may name in `GUESS_SECONDS`. With 500 codes open and
6 × 10^8 possible ones a machine with one account guesses right once in 27 years, and an officer confirms after that."""
GUESS_SECONDS: Final = 3_600.0
LENGTHS: Final = range(5, 13)
"""Characters of what may be meant as a code after the word, mistyped or not."""
WRONG: Final = "enrol_wrong"
LIMITED: Final = "enrol_limited"
START: Final = "/start"
"""What Telegram sends when somebody opens the bot by its link (core.telegram.org/bots/features#deep-linking)."""


@dataclass(frozen=True, slots=True)
class Words:
    """Folded. `openings`, longest first, begin such a message; `around` is what people say before and after it."""

    openings: tuple[str, ...]
    around: frozenset[str]

    def bare(self, said: str) -> str:
        """`said` without what is said around it."""
        words = said.split()
        while words and words[0] in self.around:
            del words[0]
        while words and words[-1] in self.around:
            del words[-1]
        return " ".join(words)


@cache
def load_words(path: Path = KEYWORDS_FILE) -> Words:
    """Raises OSError, TOMLDecodeError or KeyError at start where the table is not whole."""
    table = tomllib.loads(path.read_text("utf-8"))["enrol"]
    openings = sorted((fold(word) for word in table["words"]), key=len, reverse=True)
    return Words(tuple(openings), frozenset(fold(word) for word in table["around"]))


def named(message: Waiting, words: Words) -> str | None:
    """What stands where a code belongs; "" for the word alone. None: the message is about something else."""
    text = nfc(message.text).strip()
    if message.kind == IncomingKind.FOLLOW:
        return message.payload if text.startswith(START) else None
    if message.kind != IncomingKind.TEXT:
        return None
    said = words.bare(fold(text))
    if enrolment_codes.is_code(enrolment_codes.read(said)):
        return said
    word = next((word for word in words.openings if said == word or said.startswith(f"{word} ")), None)
    if word is None:
        return None
    rest = words.bare(said.removeprefix(word))
    if not rest:
        return ""
    length = len(enrolment_codes.read(rest))
    return rest if length in LENGTHS and len(rest.split()) <= 3 else None


class Enrolling:
    """`confirm` says who confirms that an account is the person's (`[enrolment] confirm`)."""

    def __init__(
        self,
        ledger: Ledger,
        bus: Bus,
        wording: Wording,
        units: UnitCatalogue,
        confirm: Confirm = Confirm.OFFICER,
        now: Now = time.time,
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self._wording = wording
        self._units = units
        self._confirm = confirm
        self._now = now
        self._words = load_words()

    async def take(self, message: Waiting, address: Address, look: Look, form: Form) -> Act | None:
        """None where the message names no code and asks for none."""
        typed = named(message, self._words)
        if typed is None:
            return None
        if not typed:
            return self._told("enrol_known" if look.contact else "enrol_how", look, form)
        account = Account(
            address.family, address.space, address.value, message.channel, message.chat, message.sender_name
        )
        result = await self._ledger.write(lambda tx: self._redeem(tx, typed, message, account))
        if result is None:
            log.warning("enrolment_guessed", inbox_id=message.id, channel=message.channel)
            return self._told(LIMITED, look, form, state="human")
        if result.request_id is not None:
            self._bus.publish("enrolment", {"type": result.how.value, "id": result.request_id})
        return self._answer(result, look, form)

    def _redeem(self, tx: Tx, typed: str, message: Waiting, account: Account) -> Result | None:
        """None: this sender guessed too often."""
        since = message.came_at - GUESS_SECONDS
        if rows.wrong_guesses(tx, message.sender, WRONG, since) >= GUESSES:
            return None
        return enrolment.redeem(tx, typed, account, message.came_at, message.id, self._confirm)

    def _answer(self, result: Result, look: Look, form: Form) -> Act:
        params = {"name": "", "unit": "", "channel": result.family.capitalize()}
        if result.person is not None:
            unit = self._units.by_code(result.person.unit_code)
            params |= {"name": result.person.name, "unit": unit.name if unit else result.person.name}
        return self._told(f"enrol_{result.how.value}", look, form, **params)

    def _told(self, key: str, look: Look, form: Form, *, state: str = "answered", **params: str) -> Act:
        contact = look.contact
        handled = Handled(state, INTENT, key, look.unit_code, contact.person_id if contact else None)
        return Act(handled, self._wording.say(key, form, **params), in_group=True)
