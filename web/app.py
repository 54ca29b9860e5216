"""The web application: the API, the pages, the providers' hooks, behind one gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from web.api import add_api
from web.api.endpoint import BODY_LIMIT
from web.console import add_console
from web.context import SERVICES
from web.gate import gate
from web.hooks import add_hooks
from web.lights import LIGHTS, Lights
from web.roles import RULES
from web.services import Services
from web.streams import STOPPING


def make_app(services: Services) -> web.Application:
    """Everything that answers HTTP. Every route in it has a rule (`web.roles`)."""
    app = web.Application(middlewares=[gate], client_max_size=BODY_LIMIT)
    app[RULES] = {}
    app[SERVICES] = services
    app[STOPPING] = asyncio.Event()
    app[LIGHTS] = Lights(services.channels, services.now)
    add_api(app)
    add_console(app)
    add_hooks(app)
    app.on_shutdown.append(_stop_streams)
    app.cleanup_ctx.append(_close_lights)
    return app


async def _stop_streams(app: web.Application) -> None:
    """Before aiohttp waits for open connections: a live page would hold it for a minute."""
    app[STOPPING].set()


async def _close_lights(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[LIGHTS].close()
