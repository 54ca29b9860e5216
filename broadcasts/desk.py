"""Everything that an officer, the API, the bot and the command line ask of broadcasts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson

from adapters.contract import Button, Now, Priority
from broadcasts import lifecycle, views
from broadcasts.acknowledge import Acknowledgements
from broadcasts.approval_rules import ANY_APPROVER, ApprovalRules
from broadcasts.approvers import authors, may_approve_now
from broadcasts.clockwork import Clockwork
from broadcasts.document_codes import StatusLine, statuses
from broadcasts.drafting import DeskSettings, Prepared, prepare
from broadcasts.model import (
    Actor,
    BroadcastState,
    BroadcastView,
    DeliveryState,
    DeliveryView,
    Draft,
    Kind,
    Preview,
    Problem,
    Refusal,
    RefusalKind,
    Role,
    RollcallRow,
)
from broadcasts.own_steps import shown
from broadcasts.plan import NewChunk
from broadcasts.prepared import load_prepared, with_prepared
from broadcasts.pricing import Pricing
from broadcasts.routes import Routes
from broadcasts.single import write_single
from broadcasts.states import may_move
from broadcasts.supersession import words_to_go_on
from broadcasts.templates import TemplateSet
from broadcasts.views import TimelineEvent
from directory.audience import resolve
from directory.expression import parse_audience
from directory.number_lists import freeze_numbers
from directory.units import UnitCatalogue
from lanes.port import Bus
from store import attachments, broadcasts, singles
from store.broadcasts import BroadcastRow
from store.chunks import ORDINAL_BITS
from store.engine import Ledger, Tx
from text.dates import OFFICE_ZONE

S = BroadcastState
T = TypeVar("T")

EDITABLE = (S.DRAFT, S.RETURNED)
CANCELLABLE = (S.DRAFT, S.RETURNED, S.PENDING_APPROVAL, S.SCHEDULED, S.SENDING, S.SENT)
BEFORE_APPROVAL = (S.DRAFT, S.RETURNED, S.PENDING_APPROVAL)
MAY_WRITE = frozenset({Role.OFFICER, Role.APPROVER, Role.ADMIN})
MAY_APPROVE = frozenset({Role.APPROVER, Role.ADMIN})
REASON_MAX = 500


class Desk:
    def __init__(
        self,
        ledger: Ledger,
        bus: Bus,
        routes: Routes,
        clockwork: Clockwork,
        acknowledgements: Acknowledgements,
        catalogue: UnitCatalogue,
        templates: TemplateSet,
        settings: DeskSettings,
        now: Now = time.time,
        rules: ApprovalRules = ANY_APPROVER,
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self._routes = routes
        self._clockwork = clockwork
        self._acknowledgements = acknowledgements
        self._catalogue = catalogue
        self.templates = templates if templates.prepared else with_prepared(templates, load_prepared())
        self.now = now
        self._pricing = Pricing(routes)
        self._settings = settings
        self._now = now
        self._rules = rules

    # -- writing a draft ------------------------------------------------------------------------------------------

    async def preview(self, draft: Draft) -> Preview:
        """What would leave, to whom, and what stands in the way. Stores nothing."""
        prepared, cost = await self._ledger.read(lambda tx: self._quoted(tx, draft, self._next_code(tx)))
        report = prepared.sms_report()
        frozen = prepared.frozen()
        sms_people = sum(1 for member in prepared.members if member.channel == "sms")
        return Preview(
            texts=prepared.content.forms,
            sms=report,
            units=frozen["units"],
            people=frozen["people"],
            numbers=frozen["numbers"],
            gaps=frozen["gaps"],
            sms_messages=(frozen["numbers"] + (sms_people if "sms" in prepared.plan.families else 0)),
            problems=prepared.problems,
            escalation=shown(prepared.plan),
            opted_out=frozen["opted_out"],
            duplicates=frozen["duplicates"],
            cost=cost,
            notices=prepared.notices,
        )

    async def draft(self, draft: Draft, actor: Actor) -> BroadcastView:
        """A new draft with a code of its own. Raises `Refusal` (`invalid_draft`) with every problem at once."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> BroadcastView:
            code = self._next_code(tx)
            prepared = self._checked(tx, draft, code)
            values = self._values(draft, prepared) | {
                "code": code,
                "state": S.DRAFT.value,
                "created_by": actor.name,
                "created_at": self._now(),
            }
            no = broadcasts.insert(tx, values)
            attachments.attach(tx, no, draft.attachments)
            broadcasts.note(tx, no, self._now(), actor.name, "drafted")
            return self._view(tx, no)

        return await self._told(write)

    async def edit(self, ref: str, draft: Draft, actor: Actor) -> BroadcastView:
        """Another version of a draft; an approval that was asked for before does not hold for it."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> BroadcastView:
            row = found(tx, ref)
            if row.submitted_at is not None and draft.mode != row.mode:
                raise Refusal(RefusalKind.WRONG_STATE, "mode_fixed", code=row.code)
            prepared = self._checked(tx, draft, row.code)
            values = self._values(draft, prepared) | {"version": row.version + 1, "content_hash": ""}
            self._move(tx, row, EDITABLE, values)
            attachments.attach(tx, row.no, draft.attachments)
            broadcasts.note(tx, row.no, self._now(), actor.name, "edited", {"version": row.version + 1})
            return self._view(tx, row.no)

        return await self._told(write)

    async def supersede(self, ref: str, draft: Draft | None, actor: Actor) -> BroadcastView:
        """A new draft that replaces `ref` when it goes out; without `draft` the old one's words to begin with, of a
        recall notice those of what was recalled. Raises `Refusal` (`invalid_draft`) where nothing can be replaced."""
        row, said = await self._ledger.read(lambda tx: words_to_go_on(tx, found(tx, ref)))
        wanted = draft or said.model_copy(update={"fire_at": None})
        changed = wanted.model_copy(update={"supersedes": row.code, "kind": Kind.UPDATE.value})
        return await self.draft(changed, actor)

    async def looked_at(self, make: Callable[[Tx], Draft]) -> Prepared:
        """What a draft that others make would send. Raises `Refusal` (`invalid_draft`)."""
        return await self._ledger.read(lambda tx: self._checked(tx, make(tx), self._next_code(tx)))

    async def draft_from(self, make: Callable[[Tx], Draft], actor: Actor) -> BroadcastView:
        """Keep a draft that is made from what the ledger holds."""
        return await self.draft(await self._ledger.read(make), actor)

    async def write(self, write: Callable[[Tx], None]) -> None:
        """What is written beside a broadcast by the rooms around the desk."""
        await self._ledger.write(write)

    def units_of(self, tx: Tx, audience: str) -> Sequence[str] | None:
        """The units that an expression means today; None: it means nothing any more."""
        resolved = resolve(tx, self._catalogue, parse_audience(audience), (), file_list=lambda name: None)
        keys = {problem.key for problem in resolved.problems} - {"audience_empty"}
        return None if keys else resolved.units

    async def send_prepared(
        self, make: Callable[[Tx], Draft], actor: Actor, words: str, beside: Callable[[Tx, int], None]
    ) -> BroadcastView:
        """Keep, freeze and release in one transaction a draft whose words were approved beforehand (`prepared.toml`):
        `words` names them in the record. `beside` writes what goes with it and is given the new number."""
        require(actor, MAY_WRITE)
        now = self._now()
        seen = await self.looked_at(make)
        terms = seen.audience.numbers
        numbers = await freeze_numbers(self._ledger, terms, now, without_opted_out=seen.campaign)

        def release(tx: Tx) -> int:
            draft, code = make(tx), self._next_code(tx)
            prepared = self._checked(tx, draft, code)
            if prepared.audience.numbers != terms:
                raise Refusal(RefusalKind.STALE, "list_changed", code=code)
            digest = prepared.hash(draft, numbers)
            signed = {"created_by": actor.name, "created_at": now, "submitted_by": actor.name, "submitted_at": now}
            approved = {"approved_by": actor.name, "approved_at": now, "approved_hash": digest, "content_hash": digest}
            state = {"code": code, "state": S.SCHEDULED.value}
            no = broadcasts.insert(tx, self._values(draft, prepared) | state | signed | approved)
            broadcasts.freeze_audience(tx, no, prepared.members, [numbers.list_id] if numbers else [])
            broadcasts.note(tx, no, now, actor.name, "drafted")
            broadcasts.note(tx, no, now, actor.name, "prepared_sent", {"words": words, "hash": digest})
            beside(tx, no)
            return no

        no = await self._ledger.write(release)
        await self._clockwork.fire(no)
        self._publish(no)
        return await self._ledger.read(lambda tx: self._view(tx, no))

    # -- approval -------------------------------------------------------------------------------------------------

    async def submit(self, ref: str, actor: Actor) -> BroadcastView:
        """Freeze text, audience and plan under one hash and ask for approval."""
        require(actor, MAY_WRITE)
        now = self._now()

        def look(tx: Tx) -> tuple[Prepared, dict[str, Any] | None]:
            prepared = self._submittable(tx, ref)[2]
            return prepared, self._pricing.quote(tx, prepared)

        seen, cost = await self._ledger.read(look)
        terms = seen.audience.numbers
        numbers = await freeze_numbers(self._ledger, terms, now, without_opted_out=seen.campaign)

        def write(tx: Tx) -> BroadcastView:
            row, draft, prepared = self._submittable(tx, ref)
            if prepared.audience.numbers != terms or prepared.campaign != seen.campaign:
                raise Refusal(RefusalKind.STALE, "list_changed", code=row.code)
            broadcasts.freeze_audience(tx, row.no, prepared.members, [numbers.list_id] if numbers else [])
            values = self._values(draft, prepared) | {
                "frozen": orjson.dumps(prepared.frozen() | {"cost": cost}).decode(),
                "state": S.PENDING_APPROVAL.value,
                "content_hash": prepared.hash(draft, numbers),
                "submitted_by": actor.name,
                "submitted_at": now,
                "reason": "",
            }
            self._move(tx, row, EDITABLE, values)
            broadcasts.note(tx, row.no, now, actor.name, "submitted", {"hash": values["content_hash"]})
            return self._view(tx, row.no)

        return await self._told(write)

    def _submittable(self, tx: Tx, ref: str) -> tuple[BroadcastRow, Draft, Prepared]:
        row = found(tx, ref)
        if S(row.state) not in EDITABLE:
            raise _wrong_state(row, "submit")
        draft = Draft.model_validate(orjson.loads(row.content)["draft"])
        return row, draft, self._checked(tx, draft, row.code, whole=True)

    async def approve(self, ref: str, content_hash: str, actor: Actor) -> BroadcastView:
        """Approve exactly this hash. Another person's only; a second approval of the same changes nothing."""
        require(actor, MAY_APPROVE)

        def write(tx: Tx) -> tuple[int, bool]:
            row, now = found(tx, ref), self._now()
            if S(row.state) is not S.PENDING_APPROVAL:
                raise _wrong_state(row, "approve")
            if content_hash != row.content_hash:
                raise Refusal(RefusalKind.STALE, "stale_hash", code=row.code, version=row.version)
            if actor.name in authors(tx, row):
                raise Refusal(RefusalKind.FORBIDDEN, "own_draft", code=row.code)
            if not may_approve_now(tx, actor, self._rules, now):
                raise Refusal(RefusalKind.FORBIDDEN, "not_on_duty", code=row.code)
            if row.valid_until <= now:
                lifecycle.expire(tx, row, now)
                return row.no, False
            if (by := lifecycle.overtaken_by(tx, row)) is not None:
                raise Refusal(RefusalKind.WRONG_STATE, "overtaken", code=row.code, by=by)
            values = {
                "state": S.SCHEDULED.value,
                "approved_by": actor.name,
                "approved_at": now,
                "approved_hash": content_hash,
            }
            self._move(tx, row, (S.PENDING_APPROVAL,), values)
            broadcasts.note(tx, row.no, now, actor.name, "approved", {"hash": content_hash})
            return row.no, (row.fire_at or 0.0) <= now

        no, fire = await self._ledger.write(write)
        if fire:
            await self._clockwork.fire(no)
        view = await self._ledger.read(lambda tx: self._view(tx, no))
        if view.state == S.EXPIRED:
            raise Refusal(RefusalKind.WRONG_STATE, "expired", code=view.code)
        self._publish(no)
        return view

    async def give_back(self, ref: str, reason: str, actor: Actor) -> BroadcastView:
        """Return it to its author with a reason."""
        return await self._decide(ref, reason, actor, MAY_APPROVE, (S.PENDING_APPROVAL,), S.RETURNED, "return")

    async def reject(self, ref: str, reason: str, actor: Actor) -> BroadcastView:
        return await self._decide(ref, reason, actor, MAY_APPROVE, (S.PENDING_APPROVAL,), S.REJECTED, "reject")

    async def cancel(self, ref: str, reason: str, actor: Actor, seen: str = "") -> BroadcastView:
        """Withdraw it: what did not leave yet never will, and nobody is asked any more.

        `seen`: the state that whoever cancels was looking at, "" for that of this moment. Where somebody approved it
        meanwhile, it is refused: that is another decision, which they may take now that they know.
        """
        if not seen:
            seen = (await self._ledger.read(lambda tx: found(tx, ref))).state
        unread = seen in BEFORE_APPROVAL
        return await self._decide(ref, reason, actor, MAY_WRITE, CANCELLABLE, S.CANCELLED, "cancel", unread=unread)

    async def _decide(
        self,
        ref: str,
        reason: str,
        actor: Actor,
        roles: frozenset[Role],
        states: tuple[BroadcastState, ...],
        to: BroadcastState,
        act: str,
        *,
        unread: bool = False,
    ) -> BroadcastView:
        require(actor, roles)
        reason = reason.strip()
        if not reason or len(reason) > REASON_MAX:
            problem = Problem("reason", "reason_missing" if not reason else "reason_too_long", {"limit": REASON_MAX})
            raise Refusal(RefusalKind.INVALID, "invalid_input", (problem,))

        def write(tx: Tx) -> BroadcastView:
            row, now = found(tx, ref), self._now()
            if S(row.state) not in states or not may_move(S(row.state), to):
                raise _wrong_state(row, act)
            if unread and row.approved_at is not None:
                raise Refusal(RefusalKind.WRONG_STATE, "approved_meanwhile", code=row.code, by=row.approved_by)
            values: dict[str, Any] = {"state": to.value, "reason": reason}
            if to is not S.RETURNED:
                values["ended_at"] = now
            self._move(tx, row, states, values)
            detail: dict[str, Any] = {"reason": reason}
            if to is S.CANCELLED:
                detail["deliveries"] = lifecycle.withdraw(tx, row.no, DeliveryState.CANCELLED, "cancelled", now)
            broadcasts.note(tx, row.no, now, actor.name, to.value, detail)
            return self._view(tx, row.no)

        return await self._told(write)

    # -- reading --------------------------------------------------------------------------------------------------

    async def view(self, ref: str) -> BroadcastView:
        return await self._ledger.read(lambda tx: views.view(tx, found(tx, ref), self._routes, self._now()))

    async def noted(self, event: str, key: str) -> BroadcastView | None:
        """The newest broadcast beside which `event` was noted, with this `key` where one is named."""

        def read(tx: Tx) -> BroadcastView | None:
            no = broadcasts.with_event(tx, event, key or None)
            return None if no is None else self._view(tx, no)

        return await self._ledger.read(read)

    async def find(self, ref: str) -> BroadcastView | None:
        """Like `view`, None where there is none."""

        def read(tx: Tx) -> BroadcastView | None:
            row = broadcasts.one(tx, ref)
            return None if row is None else views.view(tx, row, self._routes, self._now())

        return await self._ledger.read(read)

    async def quote(self, ref: str) -> dict[str, Any] | None:
        """What a broadcast that still can be changed would cost now; of another, see `BroadcastView.cost`."""

        def read(tx: Tx) -> dict[str, Any] | None:
            row = found(tx, ref)
            if S(row.state) not in EDITABLE:
                return None
            return self._quoted(tx, Draft.model_validate(orjson.loads(row.content)["draft"]), row.code)[1]

        return await self._ledger.read(read)

    async def list(self, state: str | None = None, limit: int = 50) -> list[BroadcastView]:
        """Newest first."""
        return await self._ledger.read(
            lambda tx: [views.view(tx, row, self._routes, self._now()) for row in broadcasts.listed(tx, state, limit)]
        )

    async def deliveries(
        self, ref: str, state: str | None = None, after: int = 0, limit: int = 1000
    ) -> Sequence[DeliveryView]:
        """In id order, behind `after`."""
        if state is not None and state.upper() not in DeliveryState.__members__:
            raise Refusal(RefusalKind.INVALID, "invalid_input", (Problem("state", "not_a_choice", {"value": state}),))
        return await self._ledger.read(lambda tx: views.delivery_page(tx, found(tx, ref).no, state, after, limit))

    async def statuses(self, ref: str) -> Sequence[StatusLine]:
        """Document codes of each unit, by unit and time."""
        return await self._ledger.read(lambda tx: statuses(tx, found(tx, ref).no))

    async def rollcall(self, ref: str) -> Sequence[RollcallRow]:
        return await self._ledger.read(lambda tx: views.rollcall(tx, found(tx, ref), self._catalogue))

    async def events(self, ref: str, after: int = 0) -> Sequence[TimelineEvent]:
        lines = await self._ledger.read(lambda tx: broadcasts.timeline(tx, found(tx, ref).no, after))
        return [
            TimelineEvent(one, datetime.fromtimestamp(at, OFFICE_ZONE), actor, event, detail)
            for one, at, actor, event, detail in lines
        ]

    # -- units and single messages --------------------------------------------------------------------------------

    async def mark(self, ref: str, unit: str, state: str, note: str, actor: Actor) -> RollcallRow:
        """An officer sets a unit by hand, with name and time."""
        require(actor, MAY_WRITE)
        await self._acknowledgements.mark(ref, unit, state, note, actor, self._now())
        rows = await self._ledger.read(lambda tx: views.rollcall(tx, found(tx, ref), self._catalogue, unit))
        return rows[0]

    async def send_single(
        self,
        channel_family: str,
        to: str,
        text: str,
        actor: Actor,
        *,
        priority: Priority = Priority.NORMAL,
        inbox_id: int | None = None,
        buttons: tuple[Button, ...] = (),
        also: Callable[[Tx], None] | None = None,
    ) -> int:
        """One message to one address; `channel_family` is a family or a channel's own name. Returns its delivery id,
        after the commit. `also` is done in the same transaction."""
        require(actor, MAY_WRITE)
        route = self._routes.resolve(channel_family)
        if route is None:
            problem = Problem("channel", "channel_off", {"channel": channel_family})
            raise Refusal(RefusalKind.INVALID, "invalid_input", (problem,))

        def write(tx: Tx) -> tuple[int, NewChunk | None]:
            written = write_single(tx, route, to, text, actor, priority, inbox_id, self._now(), buttons)
            if also is not None:
                also(tx)
            return written

        delivery, made = await self._ledger.write(write)
        if made is not None:
            await self._clockwork.announce([made])
        return delivery

    async def single(self, delivery_id: int) -> DeliveryView:
        def read(tx: Tx) -> DeliveryView:
            if delivery_id not in singles.in_range(tx, delivery_id, delivery_id):
                raise Refusal(RefusalKind.NOT_FOUND, "no_such_message", id=delivery_id)
            return views.delivery_page(tx, delivery_id >> ORDINAL_BITS, None, delivery_id - 1, 1)[0]

        return await self._ledger.read(read)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _prepare(self, tx: Tx, draft: Draft, code: str) -> Prepared:
        now = self._now()
        prepared = prepare(tx, draft, code, now, self._settings, self._routes, self._catalogue, self.templates)
        self._pricing.check(tx, prepared)
        return prepared

    def _quoted(self, tx: Tx, draft: Draft, code: str) -> tuple[Prepared, dict[str, Any] | None]:
        prepared = self._prepare(tx, draft, code)
        return prepared, self._pricing.quote(tx, prepared)

    def _checked(self, tx: Tx, draft: Draft, code: str, *, whole: bool = False) -> Prepared:
        """`whole`: as approval is asked for it, also without what a draft may still lack."""
        prepared = self._prepare(tx, draft, code)
        if any(whole or not problem.draft_ok for problem in prepared.problems):
            raise Refusal(RefusalKind.INVALID, "invalid_draft", tuple(prepared.problems))
        return prepared

    def _values(self, draft: Draft, prepared: Prepared) -> dict[str, Any]:
        content = {
            "draft": draft.model_dump(),
            "template": draft.template,
            "blanks": draft.blanks,
            "forms": prepared.content.forms,
            "changes": [{"from": one.source, "to": one.target} for one in prepared.content.changes],
            "attachments": prepared.attachments,
        }
        return {
            "mode": draft.mode,
            "kind": prepared.kind,
            "urgency": prepared.urgency,
            "title": prepared.content.title,
            "content": orjson.dumps(content).decode(),
            "audience": draft.audience,
            "frozen": orjson.dumps(prepared.frozen()).decode(),
            "plan": prepared.plan.model_dump_json(),
            "duplicate_ok": int(draft.duplicate_ok),
            "valid_until": prepared.valid_until,
            "fire_at": prepared.fire_at,
            "supersedes": prepared.supersedes,
        }

    # -- for what sends by a standing approval ------------------------------------------------------------------

    def prepared(self, tx: Tx, draft: Draft, code: str) -> Prepared:
        """The draft from all sides, as approval would be asked for it. Raises `Refusal` with every problem."""
        return self._checked(tx, draft, code, whole=True)

    def stored(self, draft: Draft, prepared: Prepared) -> dict[str, Any]:
        """The columns of a broadcast that the draft gives."""
        return self._values(draft, prepared)

    def next_code(self, tx: Tx) -> str:
        return self._next_code(tx)

    def _next_code(self, tx: Tx) -> str:
        """TB<month><year>-<n>, counted within the month: short enough to be typed on a feature phone."""
        prefix = f"{self._settings.code_prefix}{datetime.fromtimestamp(self._now(), OFFICE_ZONE):%m%y}-"
        used = [int(code[len(prefix) :]) for code in broadcasts.codes_like(tx, prefix) if code[len(prefix) :].isdigit()]
        return f"{prefix}{max(used, default=0) + 1:02d}"

    def _move(self, tx: Tx, row: BroadcastRow, states: tuple[BroadcastState, ...], values: dict[str, Any]) -> None:
        if not broadcasts.update(tx, row.no, states, values):
            raise _wrong_state(row, "change")

    def _view(self, tx: Tx, no: int) -> BroadcastView:
        row = broadcasts.by_no(tx, no)
        assert row is not None
        return views.view(tx, row, self._routes, self._now())

    async def _told(self, write: Callable[[Tx], BroadcastView]) -> BroadcastView:
        view = await self._ledger.write(write)
        self._publish(view.id)
        return view

    def _publish(self, no: int) -> None:
        self._bus.publish(f"broadcast:{no}", {"type": "state", "no": no})
        self._bus.publish("broadcasts", {"type": "state", "no": no})


def found(tx: Tx, ref: str) -> BroadcastRow:
    """Raises `Refusal` where there is none."""
    row = broadcasts.one(tx, ref)
    if row is None:
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_broadcast", ref=ref)
    return row


def require(actor: Actor, roles: frozenset[Role]) -> None:
    if actor.role not in roles:
        raise Refusal(RefusalKind.FORBIDDEN, "role_too_low", role=actor.role.value)


def _wrong_state(row: BroadcastRow, act: str) -> Refusal:
    return Refusal(RefusalKind.WRONG_STATE, "wrong_state", code=row.code, state=row.state, act=act)
