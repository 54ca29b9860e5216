"""Everything that an officer, the API, the bot and the command line ask of broadcasts."""

from __future__ import annotations

import time
from collections.abc import Callable

from adapters.contract import Button, Now, Priority
from broadcasts import deciding, freezing, views
from broadcasts.acknowledge import Acknowledgements
from broadcasts.approval_rules import ANY_APPROVER, ApprovalRules
from broadcasts.clockwork import Clockwork
from broadcasts.collisions import edited_meanwhile
from broadcasts.composing import Composer, as_preview
from broadcasts.deciding import CANCEL, REJECT, RETURN, Decision
from broadcasts.drafting import DeskSettings
from broadcasts.model import Actor, BroadcastState, Draft, Kind, Problem, Refusal, RefusalKind
from broadcasts.permitted import BEFORE_APPROVAL, EDITABLE, MAY_APPROVE, MAY_WRITE, found, move, require
from broadcasts.plan import NewChunk
from broadcasts.prepared import load_prepared, with_prepared
from broadcasts.reading import Reading
from broadcasts.routes import Routes
from broadcasts.shown import BroadcastView, Preview, RollcallRow
from broadcasts.single import write_single
from broadcasts.supersession import words_to_go_on
from broadcasts.templates import TemplateSet
from directory.units import UnitCatalogue
from lanes.port import Bus
from store import attachments, broadcasts
from store.engine import Ledger, Tx

S = BroadcastState


class Desk(Reading):
    """What changes a broadcast; what is read of one is `Reading`."""

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
        self.templates = templates if templates.prepared else with_prepared(templates, load_prepared())
        composer = Composer(routes, catalogue, self.templates, settings, now)
        super().__init__(ledger, routes, catalogue, composer, now)
        self.now = now
        self._bus = bus
        self._clockwork = clockwork
        self._acknowledgements = acknowledgements
        self._rules = rules

    # -- writing a draft ------------------------------------------------------------------------------------------

    async def preview(self, draft: Draft) -> Preview:
        """What would leave, to whom, and what stands in the way. Stores nothing."""
        composer = self.composer
        return as_preview(
            *await self._ledger.read(lambda tx: composer.quoted(tx, draft, composer.next_code(tx)))
        )  # fmt: skip

    async def draft(self, draft: Draft, actor: Actor) -> BroadcastView:
        """A new draft with a code of its own. Raises `Refusal` (`invalid_draft`) with every problem at once."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> int:
            code = self.composer.next_code(tx)
            values = self.composer.stored(draft, self.composer.checked(tx, draft, code)) | {
                "code": code,
                "state": S.DRAFT.value,
                "created_by": actor.name,
                "created_at": self._now(),
            }
            no = broadcasts.insert(tx, values)
            attachments.attach(tx, no, draft.attachments)
            broadcasts.note(tx, no, self._now(), actor.name, "drafted")
            return no

        return await self._told(write)

    async def edit(self, ref: str, draft: Draft, actor: Actor, version: int | None = None) -> BroadcastView:
        """Another version of a draft; an approval that was asked for before does not hold for it. `version`: the one
        that the person saw; where another was kept since, theirs is refused (`edited_meanwhile`)."""
        require(actor, MAY_WRITE)

        def write(tx: Tx) -> int:
            row = found(tx, ref)
            if version is not None and version != row.version:
                raise edited_meanwhile(tx, row)
            if row.submitted_at is not None and draft.mode != row.mode:
                raise Refusal(RefusalKind.WRONG_STATE, "mode_fixed", code=row.code)
            values = self.composer.stored(draft, self.composer.checked(tx, draft, row.code))
            move(tx, row, EDITABLE, values | {"version": row.version + 1, "content_hash": ""})
            attachments.attach(tx, row.no, draft.attachments)
            broadcasts.note(tx, row.no, self._now(), actor.name, "edited", {"version": row.version + 1})
            return row.no

        return await self._told(write)

    async def supersede(self, ref: str, draft: Draft | None, actor: Actor) -> BroadcastView:
        """A new draft that replaces `ref` when it goes out; without `draft` the old one's words to begin with, of a
        recall notice those of what was recalled. Raises `Refusal` (`invalid_draft`) where nothing can be replaced."""
        row, said = await self._ledger.read(lambda tx: words_to_go_on(tx, found(tx, ref)))
        wanted = draft or said.model_copy(update={"fire_at": None})
        changed = wanted.model_copy(update={"supersedes": row.code, "kind": Kind.UPDATE.value})
        return await self.draft(changed, actor)

    # -- approval -------------------------------------------------------------------------------------------------

    async def submit(self, ref: str, actor: Actor) -> BroadcastView:
        """Freeze text, audience and plan under one hash and ask for approval."""
        require(actor, MAY_WRITE)
        return await self._told(await freezing.to_submit(self._ledger, self.composer, ref, actor, self._now()))

    async def approve(self, ref: str, content_hash: str, actor: Actor) -> BroadcastView:
        """Approve exactly this hash. Another person's only; a second approval of the same changes nothing."""
        require(actor, MAY_APPROVE)
        no, fire = await self._ledger.write(
            lambda tx: deciding.approve(tx, ref, content_hash, actor, self._rules, self._now())
        )
        if fire:
            await self._clockwork.fire(no)
        view = await self._ledger.read(lambda tx: self._view(tx, no))
        if view.state == S.EXPIRED:
            raise Refusal(RefusalKind.WRONG_STATE, "expired", code=view.code)
        self._publish(no)
        return view

    async def send_prepared(
        self, make: Callable[[Tx], Draft], actor: Actor, words: str, beside: Callable[[Tx, int], None]
    ) -> BroadcastView:
        """Send a draft whose words were approved beforehand (`prepared.toml`): kept, frozen and released in
        one transaction. `words` names them in the record; `beside` writes what goes with it, given the new number."""
        require(actor, MAY_WRITE)
        release = await freezing.to_release(self._ledger, self.composer, make, actor, words, self._now())

        def write(tx: Tx) -> int:
            no = release(tx)
            beside(tx, no)
            return no

        no = await self._ledger.write(write)
        await self._clockwork.fire(no)
        self._publish(no)
        return await self._ledger.read(lambda tx: self._view(tx, no))

    async def give_back(self, ref: str, reason: str, actor: Actor) -> BroadcastView:
        """Return it to its author with a reason."""
        return await self._decide(ref, RETURN, reason, actor)

    async def reject(self, ref: str, reason: str, actor: Actor) -> BroadcastView:
        return await self._decide(ref, REJECT, reason, actor)

    async def cancel(self, ref: str, reason: str, actor: Actor, seen: str = "") -> BroadcastView:
        """Withdraw it: what did not leave yet never will, and nobody is asked any more.

        `seen`: the state that whoever cancels was looking at, "" for that of this moment. Where somebody approved it
        meanwhile, it is refused: that is another decision, which they may take now that they know.
        """
        if not seen:
            seen = (await self._ledger.read(lambda tx: found(tx, ref))).state
        return await self._decide(ref, CANCEL, reason, actor, unread=seen in BEFORE_APPROVAL)

    async def _decide(
        self, ref: str, decision: Decision, reason: str, actor: Actor, *, unread: bool = False
    ) -> BroadcastView:
        require(actor, decision.roles)
        said = deciding.worded(reason)
        return await self._told(lambda tx: deciding.decide(tx, ref, decision, said, actor, self._now(), unread=unread))

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

    # -- for the rooms around the desk ----------------------------------------------------------------------------

    async def draft_from(self, make: Callable[[Tx], Draft], actor: Actor) -> BroadcastView:
        """Keep a draft that is made from what the ledger holds."""
        return await self.draft(await self._ledger.read(make), actor)

    async def write(self, write: Callable[[Tx], None]) -> None:
        """What is written beside a broadcast."""
        await self._ledger.write(write)

    async def _told(self, write: Callable[[Tx], int]) -> BroadcastView:
        """Do it, tell every open page, and show the broadcast as it was left."""
        view = await self._ledger.write(lambda tx: self._view(tx, write(tx)))
        self._publish(view.id)
        return view

    def _publish(self, no: int) -> None:
        self._bus.publish(f"broadcast:{no}", {"type": "state", "no": no})
        self._bus.publish("broadcasts", {"type": "state", "no": no})
