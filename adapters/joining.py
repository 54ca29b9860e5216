"""What a channel can say about how people come to it: by which link, and who is in its group already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Invitation:
    """How somebody opens our chat on this channel. `carries_code`: the link hands the code over by itself; else people
    type it there."""

    link: str
    carries_code: bool = False


@runtime_checkable
class Inviting(Protocol):
    """A channel that people find by a link, for sheets and QR codes of enrolment."""

    def invitation(self, code: str) -> Invitation | None:
        """None while the channel does not know its own address."""


@runtime_checkable
class ListsMembers(Protocol):
    """A group channel whose provider says who is in the group."""

    async def members(self) -> Sequence[tuple[str, str]] | None:
        """(account, name) of everybody, ourselves left out; None where the list could not be read to its end."""


@runtime_checkable
class KnowsNames(Protocol):
    """A channel whose events carry no name, and which can ask for it."""

    async def name_of(self, account: str) -> str:
        """As the account's owner shows it; "" where the provider does not tell."""
