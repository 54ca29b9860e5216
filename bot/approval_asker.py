"""Approvers with a registered address are asked by message, each with a one-time code of exactly this version."""

from __future__ import annotations

import time
from typing import Final, Protocol

import structlog

from adapters.contract import Now
from bot.officer_words import load_officer_words, one_time_code
from bot.officers import SECRET
from bot.speaking import BOT, Outbox
from bot.wording import Form
from broadcasts.desk import MAY_APPROVE
from broadcasts.model import BroadcastState, BroadcastView, Refusal, Role
from broadcasts.routes import Routes
from store import approvals
from store.approvals import BoundStaff
from store.engine import Ledger, Tx
from text.dates import moment
from text.segments import measure

log = structlog.get_logger(__name__)

TITLE_SHOWN: Final = 80
"""Characters of a title."""


class AskingDesk(Outbox, Protocol):
    async def view(self, ref: str) -> BroadcastView: ...


class ApprovalAsker:
    """`tick` asks who was not asked yet; it may be called at any time and as often as one likes."""

    def __init__(
        self, ledger: Ledger, desk: AskingDesk, routes: Routes, code_prefix: str = "TB", now: Now = time.time
    ) -> None:
        self._ledger = ledger
        self._desk = desk
        self._routes = routes
        self._prefix = code_prefix
        self._now = now
        self._words = load_officer_words()

    async def tick(self) -> int:
        """How many messages were written."""
        due = await self._ledger.read(self._due)
        if not due:
            return 0
        secret = await self._ledger.write(lambda tx: approvals.secret(tx, SECRET))
        asked = 0
        for code, who in due:
            view = await self._desk.view(code)
            if view.state == BroadcastState.PENDING_APPROVAL:
                asked += await self._ask(view, who, secret)
        return asked

    def _due(self, tx: Tx) -> list[tuple[str, BoundStaff]]:
        """(code, approver) who was not asked since it was submitted."""
        approvers = [one for one in approvals.bound(tx) if Role(one.staff.role) in MAY_APPROVE]
        return [
            (code, who)
            for no, code, content_hash, since in approvals.pending(tx)
            for who in approvers
            if not approvals.was_asked(tx, no, content_hash, who.staff.id, since)
        ]

    async def _ask(self, view: BroadcastView, who: BoundStaff, secret: bytes) -> bool:
        """Send, then remember: after a crash between the two the approver gets it twice, never not at all. Nobody is
        asked to approve what they wrote."""
        at = self._now()
        author = who.staff.name == view.created_by
        sent = False
        if not author:
            otp = one_time_code(secret, view.id, view.content_hash, who.staff.name)
            try:
                await self._desk.send_single(who.channel, who.value, self._text(view, who, otp), BOT)
                sent = True
            except Refusal as refused:  # that channel is switched off
                log.warning("approver_not_asked", broadcast=view.code, reason=refused.key)
        await self._ledger.write(
            lambda tx: approvals.ask(tx, view.id, view.content_hash, who.staff.id, view.version, at)
        )
        return sent

    def _text(self, view: BroadcastView, who: BoundStaff, otp: str) -> str:
        route = self._routes.resolve(who.channel)
        form: Form = "sms" if route is not None and route.traits.unaccented else "chat"
        return self._words.say(
            "ask",
            form,
            mode=self._words.mode[view.mode],
            code=view.code,
            version=view.version,
            title=view.title[:TITLE_SHOWN],
            urgency=self._words.urgency[view.urgency],
            units=view.units,
            people=view.people,
            numbers=view.numbers,
            until=moment(view.valid_until, self._now()),
            text=self._shown(view, form),
            short=view.code.removeprefix(self._prefix),
            otp=otp,
        )

    def _shown(self, view: BroadcastView, form: Form) -> str:
        """The whole text in chat; in an SMS its first part."""
        text = view.texts.get(form) or next(iter(view.texts.values()), "")
        if form == "chat":
            return text
        parts = measure(text).parts
        return parts[0].text + (" ..." if len(parts) > 1 else "")
