"""Members of staff command by message, from their own registered addresses only: approve, status, who is silent."""

from __future__ import annotations

import hmac
import time
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from adapters.contract import Now
from bot.act import Act
from bot.conversation import Question
from bot.officer_words import WRONG_MOST, Command, load_officer_words, one_time_code
from bot.sender import Address, Look
from bot.wording import Form
from broadcasts.deciding import REASON_MAX
from broadcasts.model import AckState, Actor, BroadcastState, Refusal, RefusalKind, Role
from broadcasts.shown import BroadcastView, RollcallRow
from store import approvals, audit
from store.access import Staff
from store.approvals import Request
from store.engine import Ledger, Tx
from store.inbox import Handled, Waiting
from text.dates import moment

log = structlog.get_logger(__name__)

SECRET: Final = "approval"
"""Name of the key that one-time codes are made with."""
COMMAND: Final = "LENH"
"""The intent in the inbox."""
REASON: Final = "reason"
"""The kind of the question that a press of SỬA or TRẢ LẠI leaves open."""
GIVES_BACK: Final = ("change", "return")
DECIDES: Final = ("approve", *GIVES_BACK)
REASON_SHOWN: Final = 60
"""Characters of a reason that the answer repeats."""
MOST_SILENT: Final = 10
"""Units that "AI CHUA NHAN" names; the number says how many there are."""
NEWEST: Final = 50
"""Broadcasts among which the newest open one is looked for."""
CONFIRMED: Final = (AckState.ACKNOWLEDGED, AckState.ACKNOWLEDGED_LATE, AckState.NEEDS_HELP)
SILENT: Final = (AckState.AWAITING, AckState.UNREACHABLE)
ARRIVED: Final = ("delivered", "seen")
OPEN: Final = (BroadcastState.SENDING, BroadcastState.SENT)


class CommandDesk(Protocol):
    """What a command asks of the desk."""

    async def view(self, ref: str) -> BroadcastView: ...

    async def list(self, state: str | None = None, limit: int = 50) -> list[BroadcastView]: ...

    async def approve(self, ref: str, content_hash: str, actor: Actor) -> BroadcastView: ...

    async def give_back(self, ref: str, reason: str, actor: Actor) -> BroadcastView: ...

    async def rollcall(self, ref: str) -> Sequence[RollcallRow]: ...


class Officers:
    def __init__(self, ledger: Ledger, desk: CommandDesk, now: Now = time.time) -> None:
        self._ledger = ledger
        self._desk = desk
        self._now = now
        self._words = load_officer_words()

    async def take(self, command: Command, message: Waiting, address: Address, look: Look, form: Form) -> Act | None:
        """None where the sender is no member of staff: then it is a text like any other."""
        staff = await self._ledger.read(lambda tx: approvals.member(tx, address.family, address.value))
        if staff is None:
            log.warning("command_of_stranger", inbox_id=message.id, act=command.act)
            return None
        if message.is_group:
            return Act(Handled("human", COMMAND, "command_in_group", look.unit_code))
        asked = None
        try:
            text = await self._carry_out(command, staff, message, form)
            if text is None:
                text = self._words.say(f"reason_{command.act}", form, code=command.ref)
                asked = Question(REASON, (), COMMAND, f"{command.act} {command.ref} {command.otp}")
        except Refusal as refused:
            text = self._refused(refused, command, staff, form)
        return Act(Handled("answered", COMMAND, f"command_{command.act}", look.unit_code), text, asked)

    async def give_reason(
        self, question: Question, message: Waiting, address: Address, look: Look, form: Form
    ) -> Act | None:
        """The reason that we asked for. None where the sender is no member of staff any more."""
        act, ref, otp = question.text.split(" ")
        reason = " ".join(message.text.split())
        if act not in GIVES_BACK or not reason:
            return None
        command = Command("change" if act == "change" else "return", ref, otp, reason)
        return await self.take(command, message, address, look, form)

    async def _carry_out(self, command: Command, staff: Staff, message: Waiting, form: Form) -> str | None:
        """What to say; None where a reason is to be asked for first."""
        if command.act in DECIDES:
            return await self._decide(command, staff, message, form)
        view = await self._view(command.ref)
        if view is None:
            return self._words.say("none_open", form)
        return self._status(view, form) if command.act == "status" else await self._silent(view, form)

    async def _view(self, ref: str) -> BroadcastView | None:
        if ref:
            return await self._desk.view(ref)
        return next((view for view in await self._desk.list(None, NEWEST) if view.state in OPEN), None)

    # -- deciding -------------------------------------------------------------------------------------------------

    async def _decide(self, command: Command, staff: Staff, message: Waiting, form: Form) -> str | None:
        """Only the very version whose code it is; what is said about any other depends on what became of it."""
        view = await self._desk.view(command.ref)
        if Role(staff.role) not in (Role.APPROVER, Role.ADMIN):
            return self._words.say("role_too_low", form, by=staff.name)
        asked, secret = await self._ledger.write(
            lambda tx: (approvals.requests(tx, view.id, staff.id), approvals.secret(tx, SECRET))
        )
        if asked and asked[0].wrong >= WRONG_MOST:
            return self._words.say("locked", form, code=view.code)
        request = next((one for one in asked if self._is_for(secret, view, one, staff, command.otp)), None)
        if request is None:
            await self._ledger.write(lambda tx: self._mistyped(tx, view, staff, message.channel))
            return self._words.say("wrong_code", form, code=view.code)
        if view.approved_at is not None:
            by, at = view.approved_by, moment(view.approved_at)
            return self._words.say("done", form, code=view.code, by=by, time=at)
        if request.content_hash != view.content_hash:
            return self._words.say("changed", form, version=view.version)
        if view.state != BroadcastState.PENDING_APPROVAL:
            return self._words.say("not_pending", form, code=view.code, state=self._words.state[view.state])
        if command.act == "approve":
            return await self._approve(view, staff, message, form)
        return await self._give_back(command, view, staff, message, form) if command.reason else None

    async def _approve(self, view: BroadcastView, staff: Staff, message: Waiting, form: Form) -> str:
        approved = await self._desk.approve(view.code, view.content_hash, Actor(staff.name, Role(staff.role)))
        await self._ledger.write(lambda tx: self._decided(tx, "approve_by_message", view, staff, message.channel))
        later = approved.fire_at is not None and approved.fire_at.timestamp() > self._now()
        at = moment(approved.fire_at) if approved.fire_at is not None else ""
        key = "approved_later" if later else "approved"
        return self._words.say(key, form, code=view.code, version=view.version, time=at)

    async def _give_back(
        self, command: Command, view: BroadcastView, staff: Staff, message: Waiting, form: Form
    ) -> str:
        """Both ways return it to its author; what is to be changed is marked as such."""
        lead = self._words.lead[command.act]
        reason = f"{lead}{command.reason}"[:REASON_MAX]
        await self._desk.give_back(view.code, reason, Actor(staff.name, Role(staff.role)))
        await self._ledger.write(lambda tx: self._decided(tx, "return_by_message", view, staff, message.channel))
        return self._words.say(
            "returned", form, code=view.code, version=view.version, by=view.created_by, reason=reason[:REASON_SHOWN]
        )

    def _is_for(self, secret: bytes, view: BroadcastView, request: Request, staff: Staff, otp: str) -> bool:
        return hmac.compare_digest(one_time_code(secret, view.id, request.content_hash, staff.name), otp)

    def _mistyped(self, tx: Tx, view: BroadcastView, staff: Staff, channel: str) -> None:
        approvals.count_wrong(tx, view.id, staff.id)
        audit.record(tx, self._now(), staff.name, "approve_by_message_refused", broadcast=view.code, channel=channel)

    def _decided(self, tx: Tx, action: str, view: BroadcastView, staff: Staff, channel: str) -> None:
        now = self._now()
        approvals.mark_used(tx, view.id, view.content_hash, staff.id, now)
        audit.record(tx, now, staff.name, action, broadcast=view.code, channel=channel)

    def _refused(self, refused: Refusal, command: Command, staff: Staff, form: Form) -> str:
        if refused.kind is RefusalKind.NOT_FOUND:
            return self._words.say("unknown", form, code=command.ref)
        if refused.kind is RefusalKind.STALE:
            return self._words.say("changed", form, version=str(refused.params.get("version", "")))
        if refused.key in ("own_draft", "expired", "role_too_low", "not_on_duty"):
            return self._words.say(refused.key, form, code=command.ref, by=staff.name)
        state = self._words.state.get(str(refused.params.get("state", "")), "")
        return self._words.say("not_pending", form, code=command.ref, state=state)

    # -- asking ---------------------------------------------------------------------------------------------------

    def _status(self, view: BroadcastView, form: Form) -> str:
        calls = view.rollcall
        return self._words.say(
            "status",
            form,
            code=view.code,
            state=self._words.state[view.state],
            confirmed=sum(calls.get(state, 0) for state in CONFIRMED),
            total=sum(calls.values()),
            help=calls.get(AckState.NEEDS_HELP, 0),
            awaiting=calls.get(AckState.AWAITING, 0),
            unreachable=calls.get(AckState.UNREACHABLE, 0),
            delivered=sum(view.counts.get(state, 0) for state in ARRIVED),
            failed=view.counts.get("failed", 0) + view.counts.get("expired", 0),
        )

    async def _silent(self, view: BroadcastView, form: Form) -> str:
        rows = await self._desk.rollcall(view.code)
        silent = sorted(row.name for row in rows if row.state in SILENT)
        if not silent:
            return self._words.say("all_confirmed", form, code=view.code, total=len(rows))
        more = ["..."] if len(silent) > MOST_SILENT else []
        names = ", ".join([*silent[:MOST_SILENT], *more])
        return self._words.say("silent", form, code=view.code, n=len(silent), units=names)
