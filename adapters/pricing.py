"""What a channel whose messages cost money can say before anybody approves: prices, budgets, which texts it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Cost:
    """What a number of messages costs by one account, as far as its settings know the price."""

    messages: int
    parts: int
    vnd: float


@dataclass(frozen=True, slots=True)
class Budget:
    """One account's money, in VND. `limit` is for a day of the office's clock, 0 for none of ours."""

    account: str
    price: float
    """For one part."""
    spent: float
    """Today."""
    limit: float = 0

    @property
    def left(self) -> float | None:
        return max(0.0, self.limit - self.spent) if self.limit else None


@dataclass(frozen=True, slots=True)
class Registration:
    """Which accounts do not take a text, because it matches no template registered with them."""

    refusing: tuple[str, ...] = ()
    stranded: tuple[str, ...] = ()
    """Networks that no other account reaches: their people would not get it."""


@runtime_checkable
class Priced(Protocol):
    """A channel whose messages cost money, so that the cost of a broadcast is known before it is approved."""

    def count_by_carrier(self, numbers: Iterable[int | str]) -> dict[str, int]:
        """How many of these `84…` numbers are on each network, "" for those of which nothing is known."""

    def estimate(self, counts: Mapping[str, int], parts: int, text: str = "") -> dict[str, Cost]:
        """`counts` as above, each to get a message of so many parts → cost by account, as things stand now. `text`
        leaves out the accounts that do not take it."""

    def budgets(self) -> Sequence[Budget]: ...

    def registration(self, carriers: Iterable[str] | None, text: str) -> Registration:
        """Of a text for people on these networks; None: on any."""
