"""What people and programs see of orders: reading only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from broadcasts.carrier_orders.content import count
from broadcasts.carrier_orders.model import (
    CallLine,
    Carrier,
    CarrierLine,
    Content,
    MailLine,
    OrderEvent,
    OrderLine,
    OrderView,
)
from store import carrier_letters
from store import carrier_orders as store
from store.carrier_letters import LetterRow
from store.carrier_orders import CopyRow, OrderRow
from store.engine import Tx


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _maybe(at: float | None) -> datetime | None:
    return None if at is None else moment(at)


def content_of(row: OrderRow) -> Content:
    return Content.model_validate(orjson.loads(row.content))


def view(tx: Tx, row: OrderRow, mail_ready: bool) -> OrderView:
    content = content_of(row)
    cost = count(content.text)
    changes = count(orjson.loads(row.draft)["text"]).changes
    copies = store.copies(tx, row.id)
    names = {copy.place: copy.name for copy in copies} | dict(enumerate(one.name for one in content.carriers))
    return OrderView(
        id=row.id,
        code=row.code,
        state=row.state,
        mode=row.mode,
        text=content.text,
        changes=[{"from": one.source, "to": one.target} for one in changes],
        units=cost.units,
        encoding=cost.encoding,
        areas=content.areas,
        all_units=content.all_units,
        starts_at=moment(content.starts_at),
        ends_at=moment(content.ends_at),
        basis=content.basis,
        signer=content.signer,
        signer_title=content.signer_title,
        document_no=content.document_no,
        document_date=content.document_date,
        ring_back=content.ring_back,
        carriers=_carriers(copies, content.carriers, carrier_letters.letters(tx, row.id)),
        calls=[
            CallLine(moment(one.at), names.get(one.place, ""), one.caller, one.spoke_to, one.result, one.note)
            for one in store.calls(tx, row.id)
        ],
        content_hash=row.content_hash,
        version=row.version,
        created_by=row.created_by,
        created_at=moment(row.created_at),
        submitted_by=row.submitted_by,
        submitted_at=_maybe(row.submitted_at),
        approved_by=row.approved_by,
        approved_at=_maybe(row.approved_at),
        sent_at=_maybe(row.sent_at),
        ended_at=_maybe(row.ended_at),
        reason=row.reason,
        mail_ready=mail_ready,
    )


def _carriers(copies: list[CopyRow], planned: list[Carrier], letters: list[LetterRow]) -> list[CarrierLine]:
    """The copies; before there are any, the carriers that would get one."""
    if not copies:
        return [CarrierLine(place, one.name, one.email, one.phone, one.note) for place, one in enumerate(planned)]
    by_place: dict[int, list[MailLine]] = {}
    for one in letters:
        line = MailLine(one.kind, one.state, moment(one.at), one.attempts, one.says)
        by_place.setdefault(one.place, []).append(line)
    return [
        CarrierLine(
            place=copy.place,
            name=copy.name,
            email=copy.email,
            phone=copy.phone,
            note=copy.note,
            handed_at=_maybe(copy.handed_at),
            handed_by=copy.handed_by,
            acknowledged_at=_maybe(copy.acknowledged_at),
            acknowledged_by=copy.acknowledged_by,
            acknowledged_via=copy.acknowledged_via,
            silent_at=_maybe(copy.silent_at),
            sent=copy.sent,
            delivered=copy.delivered,
            failed=copy.failed,
            finished_at=_maybe(copy.finished_at),
            reported_at=_maybe(copy.reported_at),
            report_note=copy.report_note,
            letters=by_place.get(copy.place, []),
        )
        for copy in copies
    ]


def line(tx: Tx, row: OrderRow) -> OrderLine:
    content = content_of(row)
    copies = store.copies(tx, row.id)
    return OrderLine(
        id=row.id,
        code=row.code,
        state=row.state,
        mode=row.mode,
        text=content.text,
        units=len(content.areas),
        starts_at=moment(content.starts_at),
        ends_at=moment(content.ends_at),
        created_by=row.created_by,
        created_at=moment(row.created_at),
        carriers=len(content.carriers),
        acknowledged=sum(copy.acknowledged_at is not None for copy in copies),
        reported=sum(copy.reported_at is not None for copy in copies),
    )


def events(tx: Tx, order_id: int) -> list[OrderEvent]:
    found: list[tuple[int, float, str, str, dict[str, Any]]] = store.timeline(tx, order_id)
    return [OrderEvent(one, moment(at), actor, event, detail) for one, at, actor, event, detail in found]
