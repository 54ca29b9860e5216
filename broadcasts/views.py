"""What people and programs see of broadcasts: reading only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from adapters.contract import Evidence, Priority
from broadcasts import break_glass, exercises
from broadcasts.charging import cost_of
from broadcasts.document_facts import clean_number
from broadcasts.model import DeliveryState
from broadcasts.own_steps import shown
from broadcasts.plan import plan_of
from broadcasts.routes import Routes
from broadcasts.shown import BroadcastView, DeliveryView, RollcallRow
from broadcasts.states import PRECEDENCE, STILL_ASKED, WORKING
from directory.people import Contact, all_contacts, contacts_of, phones_of
from directory.units import UnitCatalogue
from store import broadcasts, chunks, deliveries, delivery_pages, rollcalls
from store.broadcasts import BroadcastRow
from store.engine import Tx
from store.rollcalls import AckRow
from text.numbers import mask

D = DeliveryState


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One line of a broadcast's timeline; `id` orders them and is the Last-Event-ID of live pages."""

    id: int
    at: datetime
    actor: str
    event: str
    detail: dict[str, Any]


def moment(at: float | None) -> datetime | None:
    return None if not at else datetime.fromtimestamp(at, UTC)


def view(tx: Tx, row: BroadcastRow, routes: Routes, now: float) -> BroadcastView:
    content = orjson.loads(row.content)
    draft = content.get("draft", {})
    frozen = orjson.loads(row.frozen)
    numbers = chunks.counts(tx, row.no)
    states = rollcalls.counts(tx, row.no)
    return BroadcastView(
        id=row.no,
        code=row.code,
        state=row.state,
        mode=row.mode,
        kind=row.kind,
        urgency=row.urgency,
        title=row.title,
        texts=content["forms"],
        template=content.get("template"),
        blanks=content.get("blanks", {}),
        audience=row.audience,
        channels=list(plan_of(row).families),
        counts={D(n).word: count for n, count in enumerate(numbers) if count},
        rollcall=states,
        content_hash=row.content_hash,
        version=row.version,
        valid_until=datetime.fromtimestamp(row.valid_until, UTC),
        created_by=row.created_by,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        submitted_at=moment(row.submitted_at),
        approved_by=row.approved_by,
        approved_at=moment(row.approved_at),
        sent_at=moment(row.sent_at),
        ended_at=moment(row.ended_at),
        fire_at=moment(row.fire_at),
        reason=row.reason,
        supersedes=_code(tx, row.supersedes),
        superseded_by=_code(tx, row.superseded_by),
        units=frozen.get("units", 0),
        people=frozen.get("people", 0),
        numbers=frozen.get("numbers", 0),
        gaps=frozen.get("gaps", []),
        opted_out=frozen.get("opted_out", 0),
        duplicates=frozen.get("duplicates", 0),
        cost=cost_of(tx, row.no, frozen.get("cost")),
        final=_is_final(tx, row, routes, numbers, now),
        changes=content.get("changes", []),
        escalation=shown(plan_of(row)),
        attachments=content.get("attachments", []),
        document_number=clean_number(draft.get("document_number", "")),
        signer=draft.get("signer", "").strip(),
        exercise_result=exercises.summary(tx, row),
        break_glass=break_glass.summary(tx, row.no),
    )


def _code(tx: Tx, no: int | None) -> str | None:
    row = broadcasts.by_no(tx, no) if no is not None else None
    return None if row is None else row.code


def _is_final(tx: Tx, row: BroadcastRow, routes: Routes, numbers: Sequence[int], now: float) -> bool:
    """Nothing will change by itself any more: every delivery ended as far as its channel can tell, no step is due.

    A send without an answer is waited for as long as a unit that nothing reached; then it stays unknown.
    """
    if row.state in ("closed", "cancelled", "expired", "rejected"):
        return True
    if row.state != "sent" or any(numbers[state] for state in WORKING) or rollcalls.steps_pending(tx, row.no):
        return False
    provable = [route.name for route in routes.all if Evidence.DELIVERED in route.traits.receipts]
    accepted, unknown = chunks.open_to_numbers(tx, row.no, Priority.BULK, provable)
    still_hoped = unknown and now < (row.sent_at or now) + plan_of(row).give_up_after
    return not accepted and not still_hoped


def rollcall(tx: Tx, row: BroadcastRow, catalogue: UnitCatalogue, unit: str | None = None) -> list[RollcallRow]:
    """The tiles of a broadcast, or the one of a unit."""
    furthest: dict[str, dict[str, int]] = {}
    for code, channel, status in deliveries.unit_states(tx, row.no):
        known = furthest.setdefault(code, {})
        if channel not in known or PRECEDENCE[D(status)] > PRECEDENCE[D(known[channel])]:
            known[channel] = status
    if unit is None:
        acks = rollcalls.of_broadcast(tx, row.no)
    else:
        one = rollcalls.one(tx, row.no, unit)
        acks = [one] if one is not None else []
    contacts = all_contacts(tx) if unit is None else {unit: contacts_of(tx, unit)}
    called = min((place for place, step in enumerate(plan_of(row).steps) if step.call), default=None)
    tiles = [_tile(ack, furthest.get(ack.unit_code, {}), contacts.get(ack.unit_code, []), catalogue) for ack in acks]
    for ack, tile in zip(acks, tiles, strict=True):
        tile.on_call_list = called is not None and ack.level >= called and ack.state in STILL_ASKED
    return tiles


def _tile(
    ack: AckRow, furthest: Mapping[str, int], contacts: Sequence[Contact], catalogue: UnitCatalogue
) -> RollcallRow:
    unit = catalogue.by_code(ack.unit_code)
    return RollcallRow(
        unit=ack.unit_code,
        name=unit.name if unit else ack.unit_code,
        district=unit.old_districts[0] if unit and unit.old_districts else "",
        state=ack.state,
        person=ack.person_name,
        via=ack.via,
        at=moment(ack.at),
        seconds=ack.seconds,
        level=ack.level,
        note=ack.note,
        by_staff=ack.by_staff,
        deliveries={channel: D(status).word for channel, status in sorted(furthest.items())},
        next_at=moment(ack.next_at),
        phones=[{"role": one.role, "name": one.name, "phone": one.phone} for one in phones_of(contacts)],
    )


def delivery_page(tx: Tx, no: int, state: str | None, after: int, limit: int) -> list[DeliveryView]:
    status = None if state is None else int(DeliveryState[state.upper()])
    rows = delivery_pages.page(tx, no, status, after, limit)
    ids = delivery_pages.provider_ids(tx, [(row[0], row[9]) for row in rows])
    return [_delivery(row, ids.get(row[0], "")) for row in rows]


def _delivery(row: Sequence[Any], provider_id: str) -> DeliveryView:
    delivery, unit, person, channel, step, status, reason, code, parts, sent_at, done_at, recipient, value = row[:13]
    address = str(recipient) if recipient > 0 else value
    return DeliveryView(
        id=delivery,
        unit=unit,
        person=person,
        channel=channel,
        step=step,
        state=D(status).word,
        reason=reason,
        provider_id=provider_id,
        provider_code=code,
        parts=parts,
        at=moment(done_at or sent_at),
        to=mask(address) if address.isdigit() and channel.startswith("sms") else address,
    )
