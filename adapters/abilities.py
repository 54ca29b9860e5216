"""What some channels can do beside the contract; the core asks with `isinstance` and never by a channel's name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable


@runtime_checkable
class Foreseeing(Protocol):
    """A channel that knows of some addresses, before anything is sent, that they will be refused."""

    def foresee(self, addresses: Iterable[str]) -> dict[str, str]:
        """Address → why, a word as in `Rejected.reason`, for those that surely cannot be reached now. From memory:
        may be called from any thread and asks nobody."""


@runtime_checkable
class Posting(Protocol):
    """A channel that can keep one message in a group up to date instead of writing a new one each time."""

    async def keep_posted(self, key: str, to: str, text: str, *, last: bool = False) -> bool:
        """Make the message called `key` in `to` ("": the configured group) say `text`: written and pinned the first
        time, edited afterwards, written anew where somebody deleted it. `last`: it will not change any more, so it is
        unpinned and forgotten.

        True when the group shows `text` now. False: not yet (rate, outage, nothing configured); the caller comes again
        with what is true then. Never raises, never sleeps out a wait.
        """
