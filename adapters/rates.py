"""A rate that several sessions keep together: accounts of one contract, or the same account in two processes for the
moment in which it moves.

A channel still paces itself (bursts, what the provider throttles, priorities); before it sends it also asks its share.
"""

from __future__ import annotations

from typing import Protocol


class Share(Protocol):
    """One session's part of a common rate. Nothing here waits; times are in seconds."""

    def allowance(self, wanted: int) -> int:
        """How many of `wanted` messages may leave at this moment."""

    def spend(self, count: int) -> None:
        """So many have just left, after `allowance`."""

    def wait(self) -> float:
        """Seconds until another `allowance` is worth asking for."""


class Rates(Protocol):
    @property
    def alone(self) -> bool:
        """No other process keeps to them."""

    def share(self, key: str, per_second: float) -> Share:
        """A part of the rate of that name; all who share it give the same `per_second`."""


class Unshared:
    """`Share` of a session whose own pace is the whole truth."""

    def allowance(self, wanted: int) -> int:
        return wanted

    def spend(self, count: int) -> None:
        return None

    def wait(self) -> float:
        return 0.0


UNSHARED = Unshared()
