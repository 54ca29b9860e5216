"""Alive, ready, and the figures for Prometheus."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from broadcasts.model import Role
from store import access
from store.engine import LedgerError
from web.api.endpoint import Answer, Call, Nothing, endpoint
from web.api.models import Alive
from web.roles import at_least, public

PROBE: Final = public("a load balancer and a supervisor hold no key; the answer tells nothing of the content")
METRICS_MEDIA: Final = "text/plain"


@endpoint("GET", "/health/live", rule=PROBE, summary="The process answers", answer=Alive)
async def live(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    return {"status": "ok", "checks": {}}


@endpoint("GET", "/health/ready", rule=PROBE, summary="The ledger can be read and written", answer=Alive,
          problems=(503,))  # fmt: skip
async def ready(call: Call[Nothing, Nothing]) -> Answer:
    try:
        await call.services.ledger.read(access.list_staff)
        await call.services.ledger.write(lambda tx: tx.execute("SELECT 1").fetchone())
    except LedgerError as failed:
        return Answer({"status": "unavailable", "checks": {"ledger": failed.key}}, 503)
    return Answer({"status": "ok", "checks": {"ledger": "ok"}}, 200)


@endpoint("GET", "/metrics", rule=at_least(Role.VIEWER), summary="Figures in the Prometheus text format", answer=str,
          answer_media=METRICS_MEDIA)  # fmt: skip
async def metrics(call: Call[Nothing, Nothing]) -> web.Response:
    return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


ROUTES: Final = (live, ready, metrics)
