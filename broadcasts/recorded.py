"""What goes into a flush and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.contract import Outcome, Receipt


@dataclass(slots=True)
class Sent:
    """An outcome on its way into the ledger."""

    delivery_id: int
    account: int
    outcome: Outcome
    known_as: int = 0
    """The account under which the ids of its carrier's system are kept; 0: this one."""


@dataclass(slots=True)
class Came:
    """A receipt on its way into the ledger."""

    account: int
    receipt: Receipt
    may_wait: bool = False
    """Whether it is looked for once more where its send is not there yet: another process may be about to store it."""


@dataclass(slots=True)
class Change:
    """A delivery that has a new state; `recipient` <= 0 marks one in person, to a group, or an answer."""

    delivery_id: int
    recipient: int
    old: int
    new: int
    reason: str = ""
    code: str = ""
    provider_id: str = ""
    """Of the receipt that said so; "" for the outcome of a send."""


@dataclass(slots=True)
class Together:
    """Deliveries to numbers that took the same step; `provider_ids` are those of the receipts that said so, as in
    `Change`, or nothing."""

    ids: Sequence[int]
    old: int
    new: int
    code: str = ""
    provider_ids: Sequence[str] = ()


@dataclass(slots=True)
class Recorded:
    settled: list[int] = field(default_factory=list)
    """Deliveries whose outcome is now in the ledger, whatever it was."""
    together: list[Together] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    """What changed one by one."""
    broadcasts: set[int] = field(default_factory=set)
    """Numbers of those of which something changed."""
    causes: dict[tuple[str, str], int] = field(default_factory=dict)
    """Pairs that were new to the ledger."""
    orphans: int = 0
    """Receipts that found no send."""
    early: list[Came] = field(default_factory=list)
    """Receipts that found none yet and may wait: nothing of them is stored."""
