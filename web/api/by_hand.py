"""Texts that a person posts in a place where no program may write: what waits, the tick, the refusal."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import Field
from typing_extensions import TypedDict

from broadcasts.model import Refusal, RefusalKind, Role
from text.dates import local
from web.api.endpoint import Call, Nothing, endpoint
from web.api.models import Body, Query
from web.roles import at_least
from web.services import ByHand, HandNote, Services

BASE: Final = "/by-hand"
REASON_LIMIT: Final = 300
"""Characters."""


class PostsQuery(Query):
    waiting: bool = False
    """Only those that nobody has answered for."""


class WhyNot(Body):
    reason: str = Field(min_length=1, max_length=REASON_LIMIT)


class Post(TypedDict):
    delivery: int
    place: str
    text: str
    state: str
    """waiting_for_person, posted, declined or expired."""
    at: datetime
    valid_until: datetime | None
    by: str
    answered_at: datetime | None
    reason: str


class PostPage(TypedDict):
    items: list[Post]


@endpoint("GET", BASE, rule=at_least(Role.VIEWER), summary="Texts to post by hand, newest first", query=PostsQuery,
          answer=PostPage)  # fmt: skip
async def list_posts(call: Call[Nothing, PostsQuery]) -> dict[str, Any]:
    posts = call.services.by_hand
    notes = await posts.notes() if posts is not None else []
    return {"items": [_shown(one) for one in notes if not call.query.waiting or one.answer == "waiting_for_person"]}


@endpoint("POST", f"{BASE}/{{delivery}}/tick", rule=at_least(Role.OFFICER), summary="It was posted", answer=PostPage,
          problems=(404, 409))  # fmt: skip
async def tick_post(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    delivery = _delivery(call.path("delivery"))
    await _open(call.services).tick(delivery, call.who)
    return await _one(call.services, delivery)


@endpoint("POST", f"{BASE}/{{delivery}}/decline", rule=at_least(Role.OFFICER), summary="It cannot be posted",
          body=WhyNot, answer=PostPage, problems=(404, 409))  # fmt: skip
async def decline_post(call: Call[WhyNot, Nothing]) -> dict[str, Any]:
    delivery = _delivery(call.path("delivery"))
    await _open(call.services).decline(delivery, call.body.reason.strip(), call.who)
    return await _one(call.services, delivery)


async def _one(services: Services, delivery: int) -> dict[str, Any]:
    return {"items": [_shown(one) for one in await _open(services).notes() if one.delivery_id == delivery]}


def _open(services: Services) -> ByHand:
    if services.by_hand is None:
        raise Refusal(RefusalKind.NOT_FOUND, "post_unknown")
    return services.by_hand


def _delivery(given: str) -> int:
    if not given.isdecimal() or len(given) > 18:
        raise Refusal(RefusalKind.NOT_FOUND, "post_unknown")
    return int(given)


def _shown(note: HandNote) -> Post:
    return {
        "delivery": note.delivery_id,
        "place": note.to,
        "text": note.text,
        "state": note.answer,
        "at": local(note.at),
        "valid_until": _maybe(note.valid_until),
        "by": note.by,
        "answered_at": _maybe(note.answered_at),
        "reason": note.reason,
    }


def _maybe(at: float | None) -> datetime | None:
    return None if at is None else local(at)


ROUTES: Final = (list_posts, tick_post, decline_post)
