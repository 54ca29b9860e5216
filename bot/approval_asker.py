"""Approvers with a registered address are asked by message, each with a one-time code of exactly this version.

Who is on duty first, then one after the other; never who wrote it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from adapters.contract import Button, Now
from bot.officer_words import load_officer_words, one_time_code
from bot.officers import SECRET
from bot.speaking import BOT, Outbox
from bot.wording import Form
from broadcasts.approval_rules import ANY_APPROVER, ApprovalRules
from broadcasts.approvers import asked_by_now, authors, standing
from broadcasts.model import BroadcastState, Refusal, Role
from broadcasts.permitted import MAY_APPROVE
from broadcasts.routes import Routes
from broadcasts.shown import BroadcastView
from store import approvals, broadcasts
from store.approvals import BoundStaff
from store.engine import Ledger, Tx
from text.dates import moment
from text.differences import changes
from text.segments import measure

log = structlog.get_logger(__name__)

DIGEST_SHOWN: Final = 8
"""Hex digits of a file's SHA-256: enough to see that another file stands there now."""
CHANGES_SHOWN: Final[dict[Form, int]] = {"chat": 20, "sms": 3}
"""Changed places of an update that are named."""
TITLE_SHOWN: Final = 80
"""Characters of a title."""


@dataclass(frozen=True, slots=True)
class Before:
    """What there is to compare with: its name, how it read, how it reads now."""

    name: str
    was: str
    now: str


class AskingDesk(Outbox, Protocol):
    async def view(self, ref: str) -> BroadcastView: ...


class ApprovalAsker:
    """`tick` asks who was not asked yet; it may be called at any time and as often as one likes."""

    def __init__(
        self,
        ledger: Ledger,
        desk: AskingDesk,
        routes: Routes,
        code_prefix: str = "TB",
        now: Now = time.time,
        rules: ApprovalRules = ANY_APPROVER,
    ) -> None:
        self._ledger = ledger
        self._desk = desk
        self._routes = routes
        self._prefix = code_prefix
        self._now = now
        self._rules = rules
        self._words = load_officer_words()

    async def tick(self) -> int:
        """How many messages were written."""
        due = await self._ledger.read(self._due)
        if not due:
            return 0
        secret = await self._ledger.write(lambda tx: approvals.secret(tx, SECRET))
        asked = 0
        for code, who, wrote in due:
            view = await self._desk.view(code)
            if view.state == BroadcastState.PENDING_APPROVAL:
                asked += await self._ask(view, who, secret, wrote=wrote)
        return asked

    def _due(self, tx: Tx) -> list[tuple[str, BoundStaff, bool]]:
        """(code, approver, whether they wrote it) whose turn it is and who was not asked since it was submitted."""
        waiting = approvals.pending(tx)
        if not waiting:
            return []
        approvers = [one for one in approvals.bound(tx) if Role(one.staff.role) in MAY_APPROVE]
        now = self._now()
        stand = standing(tx, self._rules, now)
        due = []
        for no, code, content_hash, since in waiting:
            row = broadcasts.by_no(tx, no)
            wrote = authors(tx, row) if row is not None else frozenset()
            names = [one.staff.name for one in approvers if one.staff.name not in wrote]
            turn = [*asked_by_now(names, stand, self._rules, since, now), *sorted(wrote)]
            due += [
                (code, who, name in wrote)
                for name in turn
                for who in approvers
                if who.staff.name == name and not approvals.was_asked(tx, no, content_hash, who.staff.id, since)
            ]
        return due

    async def _ask(self, view: BroadcastView, who: BoundStaff, secret: bytes, *, wrote: bool) -> bool:
        """Send, then remember: after a crash between the two the approver gets it twice, never not at all. Nobody is
        asked to approve what they wrote."""
        at = self._now()
        sent = False
        if not wrote:
            otp = one_time_code(secret, view.id, view.content_hash, who.staff.name)
            before = await self._before(view, who)
            text, buttons = self._text(view, before, who, otp), self._buttons(view, otp)
            try:
                await self._desk.send_single(who.channel, who.value, text, BOT, buttons=buttons)
                sent = True
            except Refusal as refused:  # that channel is switched off
                log.warning("approver_not_asked", broadcast=view.code, reason=refused.key)
        await self._ledger.write(
            lambda tx: approvals.ask(
                tx, view.id, view.content_hash, who.staff.id, view.version, at, self._summary(view)
            )
        )
        return sent

    async def _before(self, view: BroadcastView, who: BoundStaff) -> Before | None:
        """The version that this person was asked for last, or the broadcast that it replaces; None for a first one."""
        last = await self._ledger.read(lambda tx: approvals.shown_before(tx, view.id, view.content_hash, who.staff.id))
        if last is not None:
            version, summary = last
            return Before(self._words.change["version"].format(version=version), summary, self._summary(view))
        old = await self._desk.view(view.supersedes) if view.supersedes else None
        shown = "chat" if "chat" in view.texts else next(iter(view.texts), "")
        return Before(old.code, old.texts[shown], view.texts[shown]) if old is not None and shown in old.texts else None

    def _summary(self, view: BroadcastView) -> str:
        """Everything that there is to decide on."""
        return self._words.change["summary"].format(
            title=view.title,
            urgency=self._words.urgency[view.urgency],
            units=view.units,
            people=view.people,
            numbers=view.numbers,
            until=moment(view.valid_until),
            text=self._shown(view, "chat"),
        )

    def _buttons(self, view: BroadcastView, otp: str) -> tuple[Button, ...]:
        """Each carries the words that a reply would have; a channel without buttons leaves them out."""
        short = view.code.removeprefix(self._prefix)
        return tuple(Button(label, f"{word} {short} {otp}") for word, label in self._words.button.items())

    def _text(self, view: BroadcastView, before: Before | None, who: BoundStaff, otp: str) -> str:
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
            text=self._shown(view, form) + self._differs(before, form),
            short=view.code.removeprefix(self._prefix),
            otp=otp,
        )

    def _differs(self, before: Before | None, form: Form) -> str:
        """What reads differently now: all of it in chat, the beginning by SMS."""
        if before is None:
            return ""
        found = changes(before.was, before.now)
        if not found:
            return self._words.say("differs_not", form, code=before.name)
        most = CHANGES_SHOWN[form]
        parts = [
            self._words.say("differs_one", form, before=one.before or "…", after=one.after or "…")
            for one in found[:most]
        ]
        return self._words.say(
            "differs", form, code=before.name, changes="; ".join([*parts, *["…"] * (len(found) > most)])
        )

    def _shown(self, view: BroadcastView, form: Form) -> str:
        """The whole text in chat; in an SMS its first part."""
        text = view.texts.get(form) or next(iter(view.texts.values()), "")
        if form == "chat":
            return text + self._files(view, form)
        parts = measure(text).parts
        return parts[0].text + (" ..." if len(parts) > 1 else "") + self._files(view, form)

    def _files(self, view: BroadcastView, form: Form) -> str:
        """What goes with it, each by its name and the beginning of its digest: approved with the text."""
        if not view.attachments:
            return ""
        names = ", ".join(f"{one['name']} ({one['sha256'][:DIGEST_SHOWN]})" for one in view.attachments)
        return self._words.say("files", form, count=len(view.attachments), names=names)
