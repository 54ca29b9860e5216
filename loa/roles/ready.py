"""Whether this process can take work now, and the small port on which one without pages says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from loa.metrics import Metrics
from loa.roles.house import House
from store import access
from store.engine import LedgerError
from web.api.health import written

METRICS_MEDIA: Final = "text/plain; version=0.0.4; charset=utf-8"


class Readiness:
    """`draining` once a stop was asked for. `behind`: why this process does not yet, or no longer, do its part ("" when
    it does)."""

    def __init__(self, house: House, behind: Callable[[], str] = lambda: "") -> None:
        self.draining = False
        self._house = house
        self._behind = behind

    def why_not(self) -> str:
        """A word without asking the ledger; "" where nothing speaks against it."""
        return "draining" if self.draining else self._behind()

    async def ask(self) -> dict[str, str]:
        """Check → "ok", or a word for why not."""
        return {"process": self.why_not() or "ok", "ledger": await self._ledger()}

    async def _ledger(self) -> str:
        try:
            await self._house.ledger.read(access.list_staff)
            await written(self._house.ledger, time.time())
        except LedgerError as failed:
            return failed.key
        return "ok"


def health_app(readiness: Readiness, metrics: Metrics) -> web.Application:
    """`/health/live`, `/health/ready`, `/metrics`: for a supervisor and for Prometheus on an inner address, without
    keys. Nothing of the content is told."""

    async def live(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "checks": {}})

    async def ready(request: web.Request) -> web.Response:
        checks = await readiness.ask()
        well = all(word == "ok" for word in checks.values())
        word, status = ("ok", 200) if well else ("unavailable", 503)
        return web.json_response({"status": word, "checks": checks}, status=status)

    async def figures(request: web.Request) -> web.Response:
        return web.Response(body=await metrics.collect(), headers={"Content-Type": METRICS_MEDIA})

    app = web.Application()
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/metrics", figures)
    return app
