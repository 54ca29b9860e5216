"""From a claimed chunk to envelopes: the frozen text in the form that the route speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from adapters.contract import About, Button, Envelope, Priority, Traits
from broadcasts.attachments import carried, divided
from broadcasts.tracing import broadcast_trace, inbox_trace
from store import broadcasts, deliveries, singles
from store.broadcasts import BroadcastRow
from store.chunks import Claim
from store.deliveries import Direct
from store.engine import Tx

FORM_CHAT, FORM_SMS, FORM_LEADER_SMS = "chat", "sms", "sms_leader"
ACK_PAYLOAD = "ACK "
"""A confirm button carries this and the broadcast's code; it comes back verbatim as `Incoming.payload`."""


@dataclass(slots=True)
class Batch:
    """What a claimer got: the broadcast's facts and what may be sent, in id order."""

    state: str
    valid_until: float
    duplicate_ok: bool
    rows: list[tuple[int, int, int]]
    """(id, recipient, attempts)"""
    envelopes: list[Envelope]
    code: str = ""
    """Of the broadcast; for single messages, of the standing one they ride in."""
    trace: str = ""
    """Whose trace its sends belong to (`broadcasts.tracing`)."""
    single: bool = False


def form_for(traits: Traits, *, to_leader: bool) -> str:
    if not traits.unaccented:
        return FORM_CHAT
    return FORM_LEADER_SMS if to_leader else FORM_SMS


def load(tx: Tx, claim: Claim, traits: Traits, ack_label: str, post_to: str, files: Path) -> Batch:
    """Everything that one pass over a chunk needs, read in the transaction of the claim. `files`: where the bytes of
    attachments lie."""
    row = broadcasts.by_no(tx, claim.broadcast_no)
    if row is None:
        return Batch("cancelled", 0.0, False, [], [])
    rows = deliveries.to_send(tx, claim.chunk, claim.last_id, claim.hwm)
    priority = Priority(claim.priority)
    if row.kind == broadcasts.SINGLE:
        some = singles.in_range(tx, claim.chunk, claim.last_id)
        trace = next((inbox_trace(one.inbox_id) for one in some.values() if one.inbox_id), "")
        envelopes = _singles(some, rows, priority, traits)
        return Batch(row.state, row.valid_until, False, rows, envelopes, row.code, trace, single=True)
    if rows and rows[0][1] > 0:
        text = _forms(row)[form_for(traits, to_leader=False)]
        envelopes = [Envelope(one, str(number), text, priority, (), row.valid_until) for one, number, _ in rows]
    else:
        named = deliveries.direct_in(tx, claim.chunk, claim.last_id)
        envelopes = [in_person(row, named[one], traits, ack_label, post_to, priority, files) for one, _, _ in rows]
    return Batch(
        row.state, row.valid_until, bool(row.duplicate_ok), rows, envelopes, row.code, broadcast_trace(row.code)
    )


def in_person(
    row: BroadcastRow, direct: Direct, traits: Traits, ack_label: str, post_to: str, priority: Priority, files: Path
) -> Envelope:
    """The message to one person or group, as it leaves and as it left."""
    text = _forms(row)[form_for(traits, to_leader=not traits.group)]
    native, links = divided(carried(_carried(row.content), files), traits)
    buttons = (Button(ack_label, ACK_PAYLOAD + row.code),) if traits.buttons else ()
    about = About(row.code, row.title, row.kind, row.urgency)
    return Envelope(
        direct.delivery_id, direct.value or post_to, text + links, priority, buttons, row.valid_until, about, native
    )


@lru_cache(maxsize=8)
def _parsed(content: str) -> dict[str, str]:
    forms: dict[str, str] = orjson.loads(content)["forms"]
    return forms


@lru_cache(maxsize=8)
def _carried(content: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(orjson.loads(content).get("attachments", ()))


def _forms(row: BroadcastRow) -> dict[str, str]:
    return _parsed(row.content)


def _singles(
    found: dict[int, singles.Single], rows: Sequence[tuple[int, int, int]], priority: Priority, traits: Traits
) -> list[Envelope]:
    envelopes = []
    for one, _, _ in rows:
        single = found[one]
        buttons = tuple(Button(*pair) for pair in single.buttons) if traits.buttons else ()
        envelopes.append(Envelope(one, single.value, single.text, priority, buttons, single.valid_until))
    return envelopes
