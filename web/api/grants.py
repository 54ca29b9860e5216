"""A person lets a channel in at its provider: the link to open, and the code that comes back."""

from __future__ import annotations

from typing import Any, Final

from adapters.abilities import Granting, GrantLink
from broadcasts.model import Role
from store import audit
from web.api.endpoint import Call, Nothing, endpoint
from web.api.models import GrantAnswer, GrantAsked, GrantCode, GrantDone
from web.problems import Trouble
from web.roles import at_least

WHY: Final = (
    "app_wrong",
    "code_wrong",
    "credentials_missing",
    "ledger",
    "link_down",
    "link_old",
    "no_link",
    "refused",
    "secret_wrong",
    "state_wrong",
)
"""Why there is no link or the code was not taken: sentences `grant.<why>`."""


@endpoint("POST", "/channels/{name}/grant", rule=at_least(Role.ADMIN), body=GrantAsked, answer=GrantAnswer,
          summary="A link that lets the channel in at its provider", problems=(404, 409))  # fmt: skip
async def ask(call: Call[GrantAsked, Nothing]) -> dict[str, Any]:
    link = await _channel(call).ask_grant(call.body.redirect)
    if not isinstance(link, GrantLink):
        raise Trouble(409, link, room="grant")
    await _noted(call, "grant_asked")
    return {"link": link.link, "challenge": link.challenge, "redirect": link.redirect, "seconds": link.seconds}


@endpoint("POST", "/channels/{name}/grant/code", rule=at_least(Role.ADMIN), body=GrantCode, answer=GrantDone,
          summary="Bring the code that the provider led back with", problems=(404, 409))  # fmt: skip
async def take(call: Call[GrantCode, Nothing]) -> dict[str, Any]:
    why = await _channel(call).take_grant(call.body.code.strip(), call.body.state)
    if why:
        raise Trouble(409, why, room="grant")
    await _noted(call, "granted")
    return {"channel": call.path("name"), "granted": True}


def _channel(call: Call[Any, Any]) -> Granting:
    """By its name or by the beginning of it, since the channels of one account share its permission."""
    name = call.path("name")
    grants = call.services.grants
    found = next((grants[one] for one in grants if one == name or one.startswith(f"{name}.")), None)
    if found is None:
        raise Trouble(404, "not_found")
    return found


async def _noted(call: Call[Any, Any], action: str) -> None:
    who, now, name = call.who.name, call.services.now(), call.path("name")
    await call.services.ledger.write(lambda tx: audit.record(tx, now, who, action, channel=name))


ROUTES: Final = (ask, take)
