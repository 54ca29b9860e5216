"""Campaign texts stop at a word and come back at another. Warnings and directives go on, and every answer says so."""

from __future__ import annotations

import time
from typing import Final

from adapters.contract import Now
from bot.act import Act
from bot.intents import HUY
from bot.sender import Address, Look
from bot.wording import Form, Wording
from directory.units import UnitCatalogue
from store import directory, opt_outs
from store.engine import Ledger, Tx
from store.inbox import Handled, Waiting
from text.folding import fold

TELEPHONE: Final = "sms"
"""The family of the addresses that campaigns go to."""
BACK: Final = "DANGKY"
"""The intent in the inbox."""


class Opting:
    def __init__(self, ledger: Ledger, wording: Wording, units: UnitCatalogue, now: Now = time.time) -> None:
        self._ledger = ledger
        self._wording = wording
        self._units = units
        self._now = now

    async def out(self, message: Waiting, address: Address, look: Look, form: Form) -> Act:
        """The sender's number, or all that a registered person of a chat has, is left out of campaigns from now on."""
        at = self._now()

        def remember(tx: Tx) -> None:
            for number in _numbers(tx, address, look):
                opt_outs.add(tx, number, message.channel, at)

        await self._ledger.write(remember)
        return self._answer("opted_out", HUY, look, form)

    async def back(self, address: Address, look: Look, form: Form) -> Act:
        def forget(tx: Tx) -> int:
            return sum(opt_outs.remove(tx, number) for number in _numbers(tx, address, look))

        returned = await self._ledger.write(forget)
        return self._answer("opted_in" if returned else "opted_in_already", BACK, look, form)

    def means_back(self, text: str) -> bool:
        """Nothing but the word and manners around it: "DANGKY", "em muốn nhận lại tin ạ"."""
        return fold(text) in self._wording.back.words

    def _answer(self, key: str, intent: str, look: Look, form: Form) -> Act:
        contact = look.contact
        handled = Handled("answered", intent, key.removesuffix("_already"), look.unit_code)
        if contact is None:
            return Act(handled, self._wording.say(key, form))
        handled = Handled(handled.state, intent, handled.note, look.unit_code, contact.person_id)
        if key != "opted_out":
            return Act(handled, self._wording.say(key, form))
        unit = self._units.by_code(look.unit_code)
        return Act(
            handled, self._wording.say("opted_out_official", form, unit=contact.name if unit is None else unit.name)
        )


def _numbers(tx: Tx, address: Address, look: Look) -> list[int]:
    if address.telephone:
        return [int(address.value)] if address.value.isdecimal() else []
    if look.contact is None:  # an account of a chat that we know no number of gets no campaigns
        return []
    listed = directory.addresses_of(tx, look.contact.person_id)
    return [int(one.value) for one in listed if one.channel == TELEPHONE and one.value.isdecimal()]
