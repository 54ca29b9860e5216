"""Who may do what with a broadcast, and in which of its states."""

from __future__ import annotations

from typing import Any, Final

from broadcasts.model import Actor, BroadcastState, Refusal, RefusalKind, Role
from store import broadcasts
from store.broadcasts import BroadcastRow
from store.engine import Tx

S = BroadcastState

EDITABLE: Final = (S.DRAFT, S.RETURNED)
CANCELLABLE: Final = (S.DRAFT, S.RETURNED, S.PENDING_APPROVAL, S.SCHEDULED, S.SENDING, S.SENT)
BEFORE_APPROVAL: Final = (S.DRAFT, S.RETURNED, S.PENDING_APPROVAL)
MAY_WRITE: Final = frozenset({Role.OFFICER, Role.APPROVER, Role.ADMIN})
MAY_APPROVE: Final = frozenset({Role.APPROVER, Role.ADMIN})


def require(actor: Actor, roles: frozenset[Role]) -> None:
    """Raises `Refusal` (`role_too_low`)."""
    if actor.role not in roles:
        raise Refusal(RefusalKind.FORBIDDEN, "role_too_low", role=actor.role.value)


def found(tx: Tx, ref: str) -> BroadcastRow:
    """By code or number. Raises `Refusal` where there is none."""
    row = broadcasts.one(tx, ref)
    if row is None:
        raise Refusal(RefusalKind.NOT_FOUND, "no_such_broadcast", ref=ref)
    return row


def move(tx: Tx, row: BroadcastRow, states: tuple[BroadcastState, ...], values: dict[str, Any]) -> None:
    """Raises `Refusal` where the broadcast left these states meanwhile: of two at once one wins."""
    if not broadcasts.update(tx, row.no, states, values):
        raise wrong_state(row, "change")


def wrong_state(row: BroadcastRow, act: str) -> Refusal:
    return Refusal(RefusalKind.WRONG_STATE, "wrong_state", code=row.code, state=row.state, act=act)
