"""What is sent after a broadcast in prepared words: correction of a false alert, all-clear, recall.

Prepared words leave without a second approval: they were approved beforehand, and minutes count (38 of them passed in
Hawaii in 2018, because nobody had such a text: FCC, report on the false alert, 2018). Words of one's own, as a reason
for a recall that is not on the list, still need an approver; the broadcast itself is stopped at once in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from broadcasts import lifecycle
from broadcasts.desk import Desk
from broadcasts.documents import called
from broadcasts.drafting import Prepared
from broadcasts.model import Actor, BroadcastState, DeliveryState, Draft, Problem, Refusal, RefusalKind
from broadcasts.permitted import MAY_APPROVE, MAY_WRITE, found, require
from broadcasts.plan import plan_of
from broadcasts.prepared import After, filled, load_prepared, template_key
from broadcasts.shown import BroadcastView
from broadcasts.supersession import addressed_units
from store import broadcasts
from store.broadcasts import BroadcastRow
from store.engine import Tx

S = BroadcastState
REASON_MAX: Final = 120
"""Characters of a reason for a recall: it stands in the message."""
VALID_SECONDS: Final = 24 * 3600.0
"""How long a correction may still be sent: whoever has the false alert must hear of it, however late."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a follow-up would send, before anybody presses the button."""

    old: BroadcastView
    prepared: Prepared


class Aftermath:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.reasons = load_prepared().reasons

    async def foretell(self, ref: str, after: After, actor: Actor, reason: str = "") -> Foretold:
        """The texts and the numbers as they would leave. Raises `Refusal` like the sending itself, but for a reason
        that is still missing."""
        require(actor, MAY_WRITE)
        reason = reason.strip() or self.reasons[0]
        old = await self._desk.view(ref)
        prepared = await self._desk.looked_at(lambda tx: self._draft(tx, ref, after, reason))
        return Foretold(old, prepared)

    async def correct(self, ref: str, actor: Actor) -> BroadcastView:
        """ "Báo nhầm": to everybody who got it, at once."""
        return await self._send(ref, After.CORRECTION, "", actor)

    async def all_clear(self, ref: str, actor: Actor) -> BroadcastView:
        """ "Báo yên": the danger is over."""
        return await self._send(ref, After.ALL_CLEAR, "", actor)

    async def recall(self, ref: str, reason: str, actor: Actor) -> BroadcastView:
        """Take a document back until another comes: the old one stops at once. Returns the notice, which waits for an
        approver where an officer gives a reason of their own."""
        require(actor, MAY_WRITE)
        reason = " ".join(reason.split())
        if not reason or len(reason) > REASON_MAX:
            key = "reason_missing" if not reason else "reason_too_long"
            raise Refusal(RefusalKind.INVALID, "invalid_input", (Problem("reason", key, {"limit": REASON_MAX}),))
        if not self._needs_approval(After.RECALL, reason, actor):
            return await self._send(ref, After.RECALL, reason, actor)
        notice = await self._desk.draft_from(lambda tx: self._draft(tx, ref, After.RECALL, reason), actor)
        await self._desk.write(lambda tx: self._stop(tx, found(tx, ref), reason, actor))
        return await self._desk.submit(notice.code, actor)

    def _needs_approval(self, after: After, reason: str, actor: Actor) -> bool:
        return after is After.RECALL and reason not in self.reasons and actor.role not in MAY_APPROVE

    async def _send(self, ref: str, after: After, reason: str, actor: Actor) -> BroadcastView:
        def beside(tx: Tx, notice: int) -> None:
            row = found(tx, ref)
            event = {After.CORRECTION: "corrected", After.ALL_CLEAR: "all_clear", After.RECALL: "recalled"}[after]
            if after is After.RECALL:
                self._stop(tx, row, reason, actor)
            else:
                broadcasts.note(tx, row.no, self._desk.now(), actor.name, event, {"by": notice})

        return await self._desk.send_prepared(
            lambda tx: self._draft(tx, ref, after, reason), actor, after.value, beside
        )

    def _stop(self, tx: Tx, row: BroadcastRow, reason: str, actor: Actor) -> None:
        """Nothing more of it leaves, nobody is urged; a late word is answered that it was recalled."""
        now = self._desk.now()
        values = {"state": S.CANCELLED.value, "reason": reason, "ended_at": now}
        broadcasts.update(tx, row.no, (S.SENDING, S.SENT, S.CLOSED, S.EXPIRED), values)
        stopped = lifecycle.withdraw(tx, row.no, DeliveryState.CANCELLED, "recalled", now)
        broadcasts.note(tx, row.no, now, actor.name, "recalled", {"reason": reason, "deliveries": stopped})

    def _draft(self, tx: Tx, ref: str, after: After, reason: str) -> Draft:
        """The follow-up as a draft: the old one's audience, channels, urgency and mode."""
        row = found(tx, ref)
        _must_be_out(tx, row)
        templates = self._desk.templates
        key = template_key(templates, after, _template_of(row))
        template = templates.prepared[key]
        blanks = filled(
            template, title=row.title, sent_at=row.started_at or row.created_at, document=called(row), reason=reason
        )
        return Draft(
            template=key,
            blanks=blanks,
            audience=self._audience(tx, row),
            channels=list(plan_of(row).families),
            urgency=row.urgency,
            mode=row.mode,
            valid_for_seconds=VALID_SECONDS,
            supersedes=row.code,
        )

    def _audience(self, tx: Tx, row: BroadcastRow) -> str:
        """The words of the old audience where they still reach everybody who was addressed; else those units by their
        codes, and the numbers as they were frozen."""
        addressed = addressed_units(tx, row.no)
        reached = self._desk.composer.units_of(tx, row.audience)
        if reached is not None and set(addressed) <= set(reached):
            return row.audience
        terms = [f"unit:{','.join(addressed)}"] if addressed else []
        terms += [f"file:{one}" for one in broadcasts.frozen_lists(tx, row.no)]
        return "+".join(terms) or row.audience


def _must_be_out(tx: Tx, row: BroadcastRow) -> None:
    if row.started_at is None:
        raise Refusal(RefusalKind.WRONG_STATE, "nothing_to_follow", code=row.code)
    if row.superseded_by is not None or broadcasts.successor(tx, row.no) is not None:
        newer = broadcasts.by_no(tx, row.superseded_by or broadcasts.successor(tx, row.no) or 0)
        raise Refusal(RefusalKind.WRONG_STATE, "overtaken", code=row.code, by=newer.code if newer else "")


def _template_of(row: BroadcastRow) -> str | None:
    template: str | None = orjson.loads(row.content).get("template")
    return template
