"""What the duty board says beside broadcasts: accounts to confirm, people who block us, texts to post by hand."""

from __future__ import annotations

from dataclasses import dataclass

from store import enrolment, paths
from web.console.by_hand import WAITING, posts_of
from web.services import Services


@dataclass(frozen=True, slots=True)
class Waits:
    """How many of each."""

    waiting: int
    shut: int
    posts: int


async def waits(services: Services) -> Waits:
    waiting, shut = await services.ledger.read(
        lambda tx: (len(enrolment.pending(tx)), len({path.person_id for path in paths.shut(tx)}))
    )
    return Waits(waiting, shut, sum(note.answer == WAITING for note in await posts_of(services)))
