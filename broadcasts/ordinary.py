"""The ordinary way of a message to a list, many at a time: a provider takes it as one part, a receipt says that it is
there.

Nearly all rows of a night go this way, so each of the two steps is one conditional change of all of them. What is not
as it is expected there stays as it is and goes the long way of `broadcasts.record`, which ends the same for these, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from typing import TypeVar

from adapters.contract import Accepted, ReceiptState
from broadcasts.model import DeliveryState
from broadcasts.recorded import Came, Sent, Together
from broadcasts.states import WHOLE
from store import deliveries, receipts
from store.engine import Tx

T = TypeVar("T", int, str)
CauseOf = Callable[[str, str], int]
"""(our reason, the provider's code) → its number in the ledger."""
Mapped = tuple[str, int, int, int]
"""(provider id, account, delivery id, part)"""


def is_ordinary(one: Sent) -> bool:
    """Whether a provider simply took it, as one part under one id."""
    outcome = one.outcome
    return (
        type(outcome) is Accepted
        and outcome.parts <= 1
        and len(outcome.provider_ids) == 1
        and bool(outcome.provider_ids[0])
    )


def mapped(one: Sent) -> Mapped:
    """Of an ordinary one."""
    outcome = one.outcome
    assert type(outcome) is Accepted
    return outcome.provider_ids[0], one.known_as or one.account, one.delivery_id, 0


def _repeated(names: Sequence[T]) -> set[T]:
    """Those that stand there more than once: which of them is right, the long way finds."""
    return set() if len(set(names)) == len(names) else {name for name, times in Counter(names).items() if times > 1}


def accept(
    tx: Tx, sent: Sequence[Sent], cause_of: CauseOf, now: float
) -> tuple[list[Together], list[Sent], list[Sent]]:
    """(what changed, what was taken in this way, what goes the long way)"""
    again = _repeated([one.delivery_id for one in sent])
    alike: dict[tuple[int, str], list[int]] = {}
    """(account, provider's code) → deliveries."""
    for one in sent:
        if is_ordinary(one) and one.delivery_id not in again:
            alike.setdefault((one.account, one.outcome.code), []).append(one.delivery_id)
    steps: list[Together] = []
    done: set[int] = set()
    for (account, code), ids in alike.items():
        cause = cause_of("", code) if code else 0
        moved = deliveries.accept_queued(tx, ids, account, cause, int(now))
        if moved:
            steps.append(Together(moved, DeliveryState.QUEUED, DeliveryState.ACCEPTED, code))
            done.update(moved)
    if len(done) == len(sent):
        return steps, list(sent), []
    taken = [one for one in sent if one.delivery_id in done]
    return steps, taken, [one for one in sent if one.delivery_id not in done]


def deliver(
    tx: Tx, came: Sequence[Came], cause_of: CauseOf, known: Container[int], now: float
) -> tuple[list[Together], list[Came]]:
    """(what changed, what goes the long way) of receipts of one account. `known`: deliveries of which this flush knows
    more than the ledger does."""
    again = _repeated([key for one in came for key in one.receipt.keys])
    alike: dict[str, list[str]] = {}
    """Code → provider ids."""
    for one in came:
        receipt = one.receipt
        if receipt.state is ReceiptState.DELIVERED and receipt.told_vnd is None and receipt.keys[0] not in again:
            alike.setdefault(receipt.code, []).append(receipt.keys[0])
    steps: list[Together] = []
    done: set[str] = set()
    for code, pmids in alike.items():
        meant = receipts.meant(tx, came[0].account, pmids, now)
        ids = {no: pmid for pmid, (no, part) in meant.items() if part in (0, WHOLE) and no not in known}
        moved = deliveries.deliver_accepted(tx, list(ids), cause_of("", code), int(now)) if ids else []
        if moved:
            said = [ids[one] for one in moved]
            steps.append(Together(moved, DeliveryState.ACCEPTED, DeliveryState.DELIVERED, code, said))
            done.update(said)
    return steps, [one for one in came if one.receipt.keys[0] not in done] if len(done) < len(came) else []
