"""Who may decide on a broadcast's page, and what must be typed before something leaves."""

from __future__ import annotations

from dataclasses import dataclass

from broadcasts.approvers import authors, may_approve_now
from broadcasts.break_glass import Way
from broadcasts.model import Actor, BroadcastState, Role
from broadcasts.shown import BroadcastView
from store import broadcasts
from store.engine import Tx
from web.problems import Trouble
from web.roles import allows
from web.services import Services


@dataclass(frozen=True, slots=True)
class MayDecide:
    """What somebody may do about a broadcast that waits for approval."""

    approve: bool
    why_not: str = ""
    """`own`, `not_you`, `not_on_duty`: names the sentence `approve.<why_not>`."""
    alone: Way | None = None
    """Sending without an approval; None for who may not write."""


async def what_may(services: Services, view: BroadcastView, actor: Actor) -> MayDecide:
    if view.state != BroadcastState.PENDING_APPROVAL:
        return MayDecide(False, "not_you")
    rules, now = services.duty.rules, services.now()

    def read(tx: Tx) -> tuple[bool, bool]:
        row = broadcasts.by_no(tx, view.id)
        return row is not None and actor.name in authors(tx, row), may_approve_now(tx, actor, rules, now)

    wrote, on_duty = await services.ledger.read(read)
    alone = await services.duty.break_glass.way(view.code) if allows(actor.role, Role.OFFICER) else None
    if wrote:
        return MayDecide(False, "own", alone)
    if not allows(actor.role, Role.APPROVER):
        return MayDecide(False, "not_you", alone)
    return MayDecide(True) if on_duty else MayDecide(False, "not_on_duty", alone)


def asked_number(view: BroadcastView) -> int:
    """The number that approving asks to be typed: of communes; where none is addressed, of people or numbers."""
    return view.units or view.people or view.numbers


def require_number(view: BroadcastView, typed: str) -> None:
    """Raises `Trouble` 422 for another number."""
    if typed.strip().replace(".", "").replace(",", "") != str(asked_number(view)):
        raise Trouble(422, "number_differs", {"typed": typed.strip(), "n": asked_number(view)})
