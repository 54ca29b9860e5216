"""Single messages: answers to people and `POST /messages`. They ride in a standing broadcast, one a day, so that
everything that holds for a broadcast's deliveries holds for them: ids, states, receipts, crash safety, lanes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.contract import Button, Priority
from broadcasts.model import Actor, BroadcastState
from broadcasts.plan import NewChunk
from broadcasts.routes import Route
from store import broadcasts, chunks, deliveries, singles
from store.chunks import ORDINAL_BITS
from store.engine import Tx
from text.dates import OFFICE_ZONE

SINGLE_VALID_SECONDS = 15 * 60.0
"""An answer that could not leave for so long is of no use any more."""
STANDING_SECONDS = 3 * 86_400.0


def write_single(
    tx: Tx,
    route: Route,
    to: str,
    text: str,
    actor: Actor,
    priority: Priority,
    inbox_id: int | None,
    now: float,
    buttons: Sequence[Button] = (),
) -> tuple[int, NewChunk | None]:
    """One delivery with its own text; (delivery id, chunk to announce). An inbox row is answered once: asked again,
    the first answer's id comes back and nothing is made."""
    if inbox_id is not None and (known := singles.answer_to(tx, inbox_id)) is not None:
        return known, None
    no = _standing(tx, now)
    delivery = (no << ORDINAL_BITS) + broadcasts.take_ordinals(tx, no, 1)
    deliveries.insert_numbers(tx, delivery, [0])
    chunks.insert(tx, delivery, delivery, no, route.name, 0, priority, now)
    pairs = tuple((one.label, one.payload) for one in buttons)
    singles.insert(tx, singles.Single(delivery, to, text, inbox_id, actor.name, now + SINGLE_VALID_SECONDS, pairs))
    return delivery, NewChunk(delivery, route.name, priority)


def _standing(tx: Tx, now: float) -> int:
    code = f"TL-{datetime.fromtimestamp(now, OFFICE_ZONE):%Y%m%d}"
    known = broadcasts.standing(tx, code)
    if known is not None:
        return known
    return broadcasts.insert(
        tx,
        {
            "code": code,
            "state": BroadcastState.SENDING.value,
            "mode": "actual",
            "kind": broadcasts.SINGLE,
            "urgency": "khan",
            "title": code,
            "content": "{}",
            "audience": "",
            "valid_until": now + STANDING_SECONDS,
            "created_by": "loa",
            "created_at": now,
        },
    )
