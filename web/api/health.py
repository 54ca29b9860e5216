"""Alive, ready, and the figures for Prometheus."""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakKeyDictionary

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from broadcasts.model import Role
from store import access, channel_state
from store.engine import Ledger, LedgerError
from web.api.endpoint import Answer, Call, Nothing, endpoint
from web.api.models import Alive
from web.roles import at_least, public

PROBE: Final = public("a load balancer and a supervisor hold no key; the answer tells nothing of the content")
METRICS_MEDIA: Final = "text/plain"
READY_KEY: Final = "health.ready"
READY_SECONDS: Final = 1.0
"""Anybody may ask whether we are ready: a write that worked is not repeated for so long."""


_written: Final[WeakKeyDictionary[Ledger, float]] = WeakKeyDictionary()
"""When a ledger last took a write of ours."""


async def written(ledger: Ledger, now: float) -> None:
    """A real write, as an empty transaction works on a full disk, too. Raises `LedgerError`."""
    if not 0.0 <= now - _written.get(ledger, float("-inf")) < READY_SECONDS:
        await ledger.write(lambda tx: channel_state.put(tx, READY_KEY, b"", now))
        _written[ledger] = now


@endpoint("GET", "/health/live", rule=PROBE, summary="The process answers", answer=Alive)
async def live(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    return {"status": "ok", "checks": {}}


@endpoint("GET", "/health/ready", rule=PROBE, summary="The ledger can be read and written", answer=Alive,
          problems=(503,))  # fmt: skip
async def ready(call: Call[Nothing, Nothing]) -> Answer:
    if word := call.services.not_ready():
        return Answer({"status": "unavailable", "checks": {"process": word}}, 503)
    try:
        await call.services.ledger.read(access.list_staff)
        await written(call.services.ledger, call.services.now())
    except LedgerError as failed:
        return Answer({"status": "unavailable", "checks": {"ledger": failed.key}}, 503)
    return Answer({"status": "ok", "checks": {"ledger": "ok"}}, 200)


@endpoint("GET", "/metrics", rule=at_least(Role.VIEWER), summary="Figures in the Prometheus text format", answer=str,
          answer_media=METRICS_MEDIA)  # fmt: skip
async def metrics(call: Call[Nothing, Nothing]) -> web.Response:
    """For a scraper with a key of its own: `loa key add prometheus --role viewer`."""
    collect = call.services.metrics
    body = generate_latest(REGISTRY) if collect is None else await collect()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


ROUTES: Final = (live, ready, metrics)
