"""Everything that the office asks of carrier orders."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from adapters.contract import Now
from broadcasts.carrier_orders import views
from broadcasts.carrier_orders.content import Checked, Surroundings, check, content_hash
from broadcasts.carrier_orders.following import Following
from broadcasts.carrier_orders.model import (
    LetterKind,
    OrderDraft,
    OrderEvent,
    OrderLine,
    OrderState,
    OrderView,
)
from broadcasts.carrier_orders.office import OrderSettings, found, silence_over, wrong_state
from broadcasts.carrier_orders.states import CANCELLABLE, EDITABLE, HAS_COPIES, LEFT
from broadcasts.deciding import REASON_MAX
from broadcasts.model import Actor, Mode, Problem, Refusal, RefusalKind, Role
from broadcasts.permitted import MAY_APPROVE, MAY_WRITE, require
from directory.units import UnitCatalogue
from lanes.port import Bus
from store import carrier_letters, directory
from store import carrier_orders as store
from store.carrier_orders import OrderRow
from store.engine import Ledger, Tx
from text.dates import OFFICE_ZONE

S = OrderState

CODE_PREFIX: Final = "NM"
"""Nhà mạng."""
TOKEN_BYTES: Final = 24
"""192 random bits: a carrier's page cannot be guessed."""


class OrderDesk(Following):
    def __init__(
        self,
        ledger: Ledger,
        bus: Bus,
        catalogue: UnitCatalogue,
        settings: OrderSettings,
        mail_ready: bool,
        now: Now = time.time,
    ) -> None:
        super().__init__(ledger, bus, settings, mail_ready, now)
        self._catalogue = catalogue

    # -- writing --------------------------------------------------------------------------------------------------

    async def preview(self, draft: OrderDraft) -> Checked:
        """What would leave and what stands in the way. Stores nothing."""
        return await self._ledger.read(lambda tx: self._check(tx, draft))

    async def draft(self, draft: OrderDraft, actor: Actor) -> OrderView:
        """A new order with a code of its own. Raises `Refusal` (`invalid_order`) with every problem at once."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> OrderView:
            checked, now = self._passed(tx, draft), self._now()
            values = _values(draft, checked) | {
                "code": self._next_code(tx, now), "state": S.DRAFT.value,
                "created_by": actor.name, "created_at": now,
            }  # fmt: skip
            order_id = store.insert(tx, values)
            store.note(tx, order_id, now, actor.name, "drafted")
            return self._view(tx, order_id)

        return await self._told(write)

    async def edit(self, ref: str, draft: OrderDraft, actor: Actor) -> OrderView:
        """Another version; an approval that was asked for before does not hold for it."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> OrderView:
            row = found(tx, ref)
            values = _values(draft, self._passed(tx, draft)) | {"version": row.version + 1, "content_hash": ""}
            self._move(tx, row, EDITABLE, values)
            store.note(tx, row.id, self._now(), actor.name, "edited", {"version": row.version + 1})
            return self._view(tx, row.id)

        return await self._told(write)

    async def submit(self, ref: str, actor: Actor) -> OrderView:
        """Freeze everything that leaves under one hash and ask for approval. Nothing may be missing now."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> OrderView:
            row, now = found(tx, ref), self._now()
            if S(row.state) not in EDITABLE:
                raise wrong_state(row)
            draft = _draft_of(row)
            checked = self._passed(tx, draft, whole=True)
            values = _values(draft, checked) | {
                "state": S.PENDING_APPROVAL.value, "content_hash": content_hash(checked.content),
                "submitted_by": actor.name, "submitted_at": now, "reason": "",
            }  # fmt: skip
            self._move(tx, row, EDITABLE, values)
            store.note(tx, row.id, now, actor.name, "submitted", {"hash": values["content_hash"]})
            return self._view(tx, row.id)

        return await self._told(write)

    # -- deciding -------------------------------------------------------------------------------------------------

    async def approve(self, ref: str, given_hash: str, actor: Actor) -> OrderView:
        """Approve exactly this hash; another person's only. Each carrier gets its copy, and a letter unless this is an
        exercise, nobody can mail, or the carrier has no address."""
        require(actor, MAY_APPROVE)

        def write(tx: Tx) -> OrderView:
            row, now = found(tx, ref), self._now()
            if S(row.state) is not S.PENDING_APPROVAL:
                raise wrong_state(row)
            content = views.content_of(row)
            if given_hash != row.content_hash or content_hash(content) != row.content_hash:
                raise Refusal(RefusalKind.STALE, "order_stale_hash", code=row.code, version=row.version)
            if actor.name in (row.created_by, row.submitted_by):
                raise Refusal(RefusalKind.FORBIDDEN, "own_order", code=row.code)
            if content.ends_at <= now:
                raise Refusal(RefusalKind.WRONG_STATE, "order_window_past", code=row.code)
            self._move(
                tx, row, (S.PENDING_APPROVAL,),
                {"state": S.APPROVED.value, "approved_by": actor.name, "approved_at": now, "approved_hash": given_hash},
            )  # fmt: skip
            store.note(tx, row.id, now, actor.name, "approved", {"hash": given_hash})
            for place, one in enumerate(content.carriers):
                token = secrets.token_urlsafe(TOKEN_BYTES)
                store.add_copy(tx, row.id, place, one.name, one.email, one.phone, one.note, token)
                if one.email and self.mail_ready and row.mode == Mode.ACTUAL:
                    carrier_letters.post(tx, row.id, place, LetterKind.ORDER.value, now)
            if row.mode != Mode.ACTUAL:
                store.note(tx, row.id, now, "loa", "blocked_exercise")
            return self._view(tx, row.id)

        return await self._told(write)

    async def give_back(self, ref: str, reason: str, actor: Actor) -> OrderView:
        return await self._decide(ref, reason, actor, MAY_APPROVE, (S.PENDING_APPROVAL,), S.RETURNED)

    async def reject(self, ref: str, reason: str, actor: Actor) -> OrderView:
        return await self._decide(ref, reason, actor, MAY_APPROVE, (S.PENDING_APPROVAL,), S.REJECTED)

    async def cancel(self, ref: str, reason: str, actor: Actor) -> OrderView:
        """Take it back. Letters that have not left never will; carriers that may have one are told by another."""
        return await self._decide(ref, reason, actor, MAY_WRITE, CANCELLABLE, S.CANCELLED)

    async def _decide(
        self, ref: str, reason: str, actor: Actor, roles: frozenset[Role], states: Sequence[OrderState], to: OrderState
    ) -> OrderView:
        require(actor, roles)
        reason = reason.strip()
        if not reason or len(reason) > REASON_MAX:
            problem = Problem("reason", "reason_missing" if not reason else "reason_too_long", {"limit": REASON_MAX})
            raise Refusal(RefusalKind.INVALID, "invalid_input", (problem,))

        def write(tx: Tx) -> OrderView:
            row, now = found(tx, ref), self._now()
            values: dict[str, Any] = {"state": to.value, "reason": reason}
            if to is not S.RETURNED:
                values["ended_at"] = now
            self._move(tx, row, states, values)
            detail: dict[str, Any] = {"reason": reason}
            if to is S.CANCELLED and S(row.state) in LEFT:
                detail["letters"] = self._take_back(tx, row, actor, now)
            store.note(tx, row.id, now, actor.name, to.value, detail)
            return self._view(tx, row.id)

        return await self._told(write)

    def _take_back(self, tx: Tx, row: OrderRow, actor: Actor, now: float) -> int:
        """How many carriers are told by mail that the order is off."""
        carrier_letters.drop_letters(tx, row.id, now)
        told = {one.place for one in carrier_letters.letters(tx, row.id) if one.state != "dropped"}
        for copy in store.copies(tx, row.id):
            silence_over(tx, row.code, copy.name, actor.name, now)
        for place in sorted(told):
            carrier_letters.post(tx, row.id, place, LetterKind.CANCEL.value, now)
        return len(told)

    # -- reading --------------------------------------------------------------------------------------------------

    async def view(self, ref: str) -> OrderView:
        return await self._ledger.read(lambda tx: views.view(tx, found(tx, ref), self.mail_ready))

    async def kept_draft(self, ref: str) -> OrderDraft:
        """What the officer filled in."""
        return await self._ledger.read(lambda tx: _draft_of(found(tx, ref)))

    async def list(self, state: str | None = None, limit: int = store.LISTED) -> Sequence[OrderLine]:
        """Newest first."""
        return await self._ledger.read(lambda tx: [views.line(tx, row) for row in store.listed(tx, state, limit)])

    async def events(self, ref: str) -> Sequence[OrderEvent]:
        return await self._ledger.read(lambda tx: views.events(tx, found(tx, ref).id))

    async def links(self, ref: str) -> dict[int, str]:
        """Place → address of the carrier's own page; empty where carriers cannot reach it, or nothing may leave."""

        def read(tx: Tx) -> dict[int, str]:
            row = found(tx, ref)
            if row.mode != Mode.ACTUAL or S(row.state) not in HAS_COPIES:
                return {}
            return {copy.place: self.settings.link(copy.token) for copy in store.copies(tx, row.id)}

        return {place: link for place, link in (await self._ledger.read(read)).items() if link}

    # -- inside ---------------------------------------------------------------------------------------------------

    def _check(self, tx: Tx, draft: OrderDraft) -> Checked:
        around = Surroundings(
            self._catalogue, lambda name: directory.group_members(tx, name), self.settings.carriers,
            self.settings.hotline, self._now(),
        )  # fmt: skip
        return check(draft, around)

    def _passed(self, tx: Tx, draft: OrderDraft, *, whole: bool = False) -> Checked:
        checked = self._check(tx, draft)
        problems = (*checked.problems, *checked.missing) if whole else checked.problems
        if problems:
            raise Refusal(RefusalKind.INVALID, "invalid_order", problems)
        return checked

    def _next_code(self, tx: Tx, now: float) -> str:
        """NM<month><year>-<n>, counted within the month."""
        prefix = f"{CODE_PREFIX}{datetime.fromtimestamp(now, OFFICE_ZONE):%m%y}-"
        used = [int(code[len(prefix) :]) for code in store.codes_like(tx, prefix)]
        return f"{prefix}{max(used, default=0) + 1:02d}"


def _draft_of(row: OrderRow) -> OrderDraft:
    return OrderDraft.model_validate(orjson.loads(row.draft))


def _values(draft: OrderDraft, checked: Checked) -> dict[str, Any]:
    return {"mode": draft.mode, "draft": draft.model_dump_json(), "content": checked.content.model_dump_json()}
