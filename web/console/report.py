"""Báo cáo của một tin: how fast it was confirmed, what did not arrive and why, what it cost. Printable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from broadcasts.model import AckState, DeliveryState, Role
from broadcasts.progress import MARKS, Progress, progress, steps_of
from store import outcomes
from store.engine import Tx
from store.outcomes import Cause
from web.console.page import page, render
from web.console.report_files import KINDS
from web.context import ref_of, services_of
from web.roles import at_least

WIDTH: Final = 720.0
HEIGHT: Final = 240.0
"""Of the drawing, in its own units; the page scales it."""
SPANS: Final = {600: 5, 1_800: 6, 3_600: 4, 3 * 3_600: 3, 6 * 3_600: 6, 24 * 3_600: 6}
"""Seconds that the drawing may cover, the first that holds nine answers in ten; and into how many round parts."""
COUNTED_AT_ONCE: Final = 100_000
"""Deliveries whose causes are counted with the page; more only when somebody asks (about 0.3 s a million)."""


@dataclass(frozen=True, slots=True)
class Mark:
    per_cent: int
    seconds: float | None
    x: float
    y: float


@page("GET", "/broadcasts/{ref}/report", at_least(Role.VIEWER))
async def report(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    view = await services.desk.view(ref_of(request))
    rows = await services.desk.rollcall(view.code)
    everything = "causes" in request.query

    def read(tx: Tx) -> tuple[dict[str, list[int]], int, list[Cause] | None]:
        size = outcomes.rows_to_read(tx, view.id)
        return (
            outcomes.by_channel(tx, view.id),
            size,
            (outcomes.causes(tx, view.id) if everything or size <= COUNTED_AT_ONCE else None),
        )

    channels, size, causes = await services.ledger.read(read)
    found = progress(rows)
    return await render(
        request,
        "report.html",
        mode=view.mode,
        view=view,
        found=found,
        **drawing(found),
        channels={name: by_word(counts) for name, counts in channels.items()},
        causes=causes,
        size=size,
        kinds=tuple(KINDS),
        word=lambda status: DeliveryState(status).word,
        unanswered=[row for row in rows if row.state in (AckState.AWAITING, AckState.UNREACHABLE)],
        timeline=await services.desk.events(view.code),
    )


def drawing(found: Progress) -> dict[str, Any]:
    """What the template draws: the curve's corners, the marks on it and the ticks below."""
    wanted = found.time_to(90) or (found.answered[-1] if found.answered else 0.0)
    span = next((one for one in SPANS if one >= wanted), max(SPANS))
    parts = SPANS[span]
    corners = steps_of(found, WIDTH, HEIGHT, span)
    marks = []
    for per_cent in MARKS:
        at = found.time_to(per_cent)
        x = WIDTH * min(at, span) / span if at is not None else WIDTH
        marks.append(Mark(per_cent, at, round(x, 1), round(HEIGHT * (1 - per_cent / 100), 1)))
    return {
        "points": " ".join(f"{x:g},{y:g}" for x, y in corners),
        "marks": marks,
        "covered": span,
        "ticks": [(round(WIDTH * part / parts, 1), span * part / parts) for part in range(parts + 1)],
        "width": WIDTH,
        "height": HEIGHT,
    }


def by_word(counts: list[int]) -> dict[str, int]:
    """Delivery state → number, zero states left out."""
    return {DeliveryState(status).word: count for status, count in enumerate(counts) if count}


ROUTES: Final = (report,)
