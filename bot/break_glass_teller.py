"""Messages around a missing decision: officers hear that nobody decided, leaders what was sent without them."""

from __future__ import annotations

import time
from typing import Final

import structlog

from adapters.contract import Now
from bot.approval_asker import TITLE_SHOWN, AskingDesk
from bot.officer_words import load_officer_words
from bot.speaking import BOT
from bot.wording import Form
from broadcasts.approval_rules import ApprovalRules
from broadcasts.break_glass import way_of
from broadcasts.lifecycle import SYSTEM
from broadcasts.model import BroadcastState, Refusal, Role
from broadcasts.permitted import MAY_APPROVE
from broadcasts.routes import Routes
from lanes.port import Bus
from store import alarms, approvals, break_glass, broadcasts
from store.approvals import BoundStaff
from store.break_glass import BreakGlassRow, Told
from store.broadcasts import BroadcastRow
from store.engine import Ledger, Tx
from text.dates import clock, moment

log = structlog.get_logger(__name__)

SILENT: Final = "approval_silent"
"""Kind of the alarm; its subject is the code and the version that nobody decides on."""
TOLD_FOR_SECONDS: Final = 24 * 3600.0
"""How long leaders who are bound later are still told; afterwards the review finds them."""


class BreakGlassTeller:
    """`tick` may be called at any time: leaders are told once an address, the officer once a version."""

    def __init__(
        self, ledger: Ledger, bus: Bus, desk: AskingDesk, routes: Routes, rules: ApprovalRules, now: Now = time.time
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self._desk = desk
        self._routes = routes
        self._rules = rules
        self._now = now
        self._words = load_officer_words()

    async def tick(self) -> int:
        """How many messages were written."""
        return await self._tell_leaders() + await self._tell_officers()

    # -- leaders --------------------------------------------------------------------------------------------------

    async def _tell_leaders(self) -> int:
        sent = 0
        for case, row, leader in await self._ledger.read(self._untold):
            sent += await self._tell(case, row, leader)
        return sent

    def _untold(self, tx: Tx) -> list[tuple[BreakGlassRow, BroadcastRow, BoundStaff]]:
        cases = break_glass.since(tx, self._now() - TOLD_FOR_SECONDS)
        if not cases:
            return []
        leaders = [one for one in approvals.bound(tx) if Role(one.staff.role) in MAY_APPROVE]
        found = []
        for case in cases:
            row = broadcasts.by_no(tx, case.broadcast_no)
            known = {(one.channel, one.value) for one in break_glass.told(tx, case.broadcast_no)}
            for leader in leaders if row is not None else ():
                if leader.staff.name != case.sent_by and (leader.channel, leader.value) not in known:
                    assert row is not None
                    found.append((case, row, leader))
        return found

    async def _tell(self, case: BreakGlassRow, row: BroadcastRow, leader: BoundStaff) -> bool:
        """Send, then remember: after a crash between the two a leader hears it twice, never not at all."""
        delivery: int | None = None
        text = await self._alone_text(case, row, self._form(leader))
        try:
            delivery = await self._desk.send_single(leader.channel, leader.value, text, BOT)
        except Refusal as refused:  # that channel is switched off
            log.warning("leader_not_told", broadcast=row.code, reason=refused.key)
        told = Told(leader.channel, leader.value, leader.staff.name, self._now(), delivery)
        await self._ledger.write(lambda tx: break_glass.keep_told(tx, row.no, told))
        return delivery is not None

    async def _alone_text(self, case: BreakGlassRow, row: BroadcastRow, form: Form) -> str:
        view = await self._desk.view(row.code)
        return self._words.say(
            "sent_alone",
            form,
            mode=self._words.mode[row.mode],
            by=case.sent_by,
            code=row.code,
            time=clock(case.at),
            title=row.title[:TITLE_SHOWN],
            units=view.units,
            people=view.people,
            numbers=view.numbers,
            reason=case.reason,
            text=view.texts.get("chat") or next(iter(view.texts.values()), ""),
            review=moment(case.review_at, self._now()),
        )

    # -- the officer ----------------------------------------------------------------------------------------------

    async def _tell_officers(self) -> int:
        """Nobody decided for too long: the board rings, and who asked hears what is possible now."""
        now = self._now()
        if not await self._ledger.read(lambda tx: self._changes(tx, now)):
            return 0
        silent = await self._ledger.write(lambda tx: self._ring(tx, now))
        self._bus.publish("alarms", {"type": "raised", "kind": SILENT})
        sent = 0
        for row, possible, addresses in silent:
            for one in addresses:
                sent += await self._say_silence(row, possible, one)
        return sent

    def _silent(self, tx: Tx, now: float) -> list[BroadcastRow]:
        waiting = broadcasts.in_states(tx, (BroadcastState.PENDING_APPROVAL,))
        return [row for row in waiting if (row.submitted_at or now) + self._rules.break_glass_after <= now]

    def _changes(self, tx: Tx, now: float) -> bool:
        wanted = {subject_of(row) for row in self._silent(tx, now)}
        ringing = {one.subject for one in alarms.ringing(tx) if one.kind == SILENT}
        return bool(ringing - wanted) or any(not alarms.ever(tx, SILENT, one) for one in wanted - ringing)

    def _ring(self, tx: Tx, now: float) -> list[tuple[BroadcastRow, bool, list[BoundStaff]]]:
        found = []
        wanted = self._silent(tx, now)
        for row in wanted:
            possible = way_of(tx, row, self._rules, now).allowed
            detail = {"code": row.code, "title": row.title[:TITLE_SHOWN], "by": row.submitted_by}
            if alarms.raise_once(tx, SILENT, subject_of(row), detail, now) is not None:
                asked = [one for one in approvals.bound(tx) if one.staff.name in (row.submitted_by, row.created_by)]
                found.append((row, possible, asked))
        subjects = {subject_of(row) for row in wanted}
        for alarm in alarms.ringing(tx):
            if alarm.kind == SILENT and alarm.subject not in subjects:
                alarms.take(tx, alarm.id, SYSTEM, now)
        return found

    async def _say_silence(self, row: BroadcastRow, possible: bool, officer: BoundStaff) -> bool:
        text = self._words.say(
            "nobody_decided" if possible else "nobody_decided_call",
            self._form(officer),
            mode=self._words.mode[row.mode],
            code=row.code,
            minutes=int((self._now() - (row.submitted_at or self._now())) // 60),
        )
        try:
            await self._desk.send_single(officer.channel, officer.value, text, BOT)
        except Refusal as refused:  # that channel is switched off; the board rings
            log.warning("officer_not_told", broadcast=row.code, reason=refused.key)
            return False
        return True

    def _form(self, who: BoundStaff) -> Form:
        route = self._routes.resolve(who.channel)
        return "sms" if route is not None and route.traits.unaccented else "chat"


def subject_of(row: BroadcastRow) -> str:
    return f"{row.code} {row.version} {row.submitted_at or 0:.0f}"
