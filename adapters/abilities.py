"""What some channels can do beside the contract; the core asks with `isinstance` and never by a channel's name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from adapters.contract import Health


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


@dataclass(frozen=True, slots=True)
class GrantLink:
    """What an administrator of the provider's account opens to let us in."""

    link: str
    challenge: str
    """Of the code verifier that we keep (RFC 7636), for a provider whose console asks for it."""
    redirect: str
    """Where the provider leads the administrator afterwards, the code in the address."""
    seconds: float
    """How long a code is good for."""


@runtime_checkable
class Granting(Protocol):
    """A channel that a person must let in at the provider, and again when that permission ran out."""

    async def ask_grant(self, redirect: str) -> GrantLink | str:
        """A link to open; an earlier one is good no more. Else why there is none (`grant.<why>`)."""

    async def take_grant(self, code: str, state: str) -> str:
        """Exchange the code that came back; "" when it is done and stored, else why not (`grant.<why>`). `state` is
        checked where the address held one."""


@runtime_checkable
class Spread(Protocol):
    """A channel of several accounts, each of which may live in another process."""

    def settle(self, well: Collection[str]) -> None:
        """Names of the accounts that live elsewhere and by which messages pass, as far as is known."""

    def summary(self, down: Collection[str]) -> Health:
        """Its health, by the names of the accounts that do not work."""
