"""`/hooks/<name>`: providers call here. The channel checks the signature and stores the event before it says "ok"."""

from __future__ import annotations

from typing import Final

import structlog
from aiohttp import web

from adapters.contract import HookRequest, LedgerUnavailable
from broadcasts.tracing import span
from store.engine import LedgerError
from web.context import services_of
from web.problems import Trouble
from web.roles import Route, mount, public

log = structlog.get_logger(__name__)

BODY_LIMIT: Final = 1 << 20
"""Bytes of one event; the largest that a provider documents is a few kB."""
SIGNED: Final = public(
    "the provider holds no key of ours; the channel itself checks the provider's signature or secret"
)


async def receive(request: web.Request) -> web.Response:
    """Hand the call to the channel's hook. 404 for a name that no channel has, 503 when nothing could be stored."""
    name = request.match_info["name"]
    hook = services_of(request).channels.hooks.get(name)
    if hook is None:
        raise Trouble(404, "not_found")
    if (request.content_length or 0) > BODY_LIMIT:
        raise Trouble(413, "too_large")
    call = HookRequest(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers={key.lower(): value for key, value in request.headers.items()},
        body=await request.read(),
        remote=request.remote or "",
    )
    channel = ".".join(name.split(".")[:2])  # what follows may be a secret of providers that sign nothing
    try:
        with span("webhook", channel=channel):
            reply = await hook(call)
    except (LedgerUnavailable, LedgerError) as failed:
        log.error("hook_not_stored", hook=channel, reason=repr(failed))
        raise Trouble(503, "ledger_write_failed", retry_after=5.0) from failed
    return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)


ROUTES: Final = (
    Route("POST", "/hooks/{name}", receive, SIGNED, "hook"),
    Route("GET", "/hooks/{name}", receive, SIGNED, "hook"),
)


def add_hooks(app: web.Application) -> None:
    mount(app, ROUTES)
