"""A unit's word: confirmed, late, in need of help; by a registered contact or by an officer who rang."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from broadcasts.documents import document_number, short_name
from broadcasts.model import AckState, Actor, BroadcastState, DeliveryState, Kind, Refusal, RefusalKind
from broadcasts.settle import settle
from broadcasts.states import MARKABLE, OPEN_FOR_ACKNOWLEDGEMENT, STILL_ASKED, acknowledge
from lanes.port import Bus
from store import broadcasts, chunks, deliveries, rollcalls
from store.broadcasts import BroadcastRow
from store.chunks import Claim
from store.engine import Ledger, Tx
from store.rollcalls import AckRow

OPEN_DIRECTIVES_MAX = 9
"""Choices that fit a question with one digit each."""


@dataclass(frozen=True, slots=True)
class OpenDirective:
    no: int
    code: str
    title: str
    sent_at: datetime
    ack_state: str
    kind: str = Kind.DIRECTIVE.value


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`result`: acknowledged, acknowledged_late, already, needs_help, superseded, recalled, not_addressed."""

    result: str
    code: str
    by: str | None = None
    superseded_by: str | None = None
    document: str = ""
    """As people name it, "CĐ 04"; "" where it is no numbered document."""


class Acknowledgements:
    def __init__(self, ledger: Ledger, bus: Bus) -> None:
        self._ledger = ledger
        self._bus = bus

    async def open_for(self, unit_code: str) -> list[OpenDirective]:
        """Live broadcasts that address a unit, newest first, confirmed ones too."""
        found = await self._ledger.read(lambda tx: rollcalls.open_of_unit(tx, unit_code, OPEN_DIRECTIVES_MAX))
        return [
            OpenDirective(no, code, title, datetime.fromtimestamp(at, UTC), state, kind)
            for no, code, title, at, state, kind in found
        ]

    async def find(self, code: str) -> int | None:
        """The number of a broadcast that somebody names by its code; None: there is none."""
        row = await self._ledger.read(lambda tx: broadcasts.one(tx, code))
        return None if row is None else row.no

    async def confirm(
        self, broadcast_no: int, unit_code: str, person_id: int, person_name: str, via: str, at: datetime
    ) -> Confirmation:
        """A registered contact of the unit confirms. Counts once; further deliveries to the unit are withdrawn."""
        return await self._say(broadcast_no, unit_code, person_id, person_name, via, at, help_wanted=False)

    async def needs_help(
        self, broadcast_no: int, unit_code: str, person_id: int, person_name: str, via: str, at: datetime
    ) -> Confirmation:
        """A registered contact asks for help: it is an acknowledgement that an officer must see."""
        return await self._say(broadcast_no, unit_code, person_id, person_name, via, at, help_wanted=True)

    async def _say(
        self, no: int, unit: str, person_id: int, person: str, via: str, at: datetime, *, help_wanted: bool
    ) -> Confirmation:
        when = at.timestamp()

        def say(tx: Tx) -> Confirmation:
            row, ack = broadcasts.by_no(tx, no), rollcalls.one(tx, no, unit)
            if row is None or ack is None:
                return Confirmation("not_addressed", "" if row is None else row.code)
            refused = _closed_to(tx, row)
            if refused is not None:
                return refused
            before = AckState(ack.state)
            late = row.state not in OPEN_FOR_ACKNOWLEDGEMENT or when > row.valid_until
            after = AckState.NEEDS_HELP if help_wanted else acknowledge(before, late=late)
            if after == before:
                return Confirmation("already", row.code, ack.person_name or ack.by_staff or None)
            ack.state, ack.person_id, ack.person_name, ack.via = after, person_id, person, via
            ack.at, ack.seconds, ack.next_at = when, max(0.0, when - (row.started_at or when)), None
            rollcalls.save(tx, ack)
            withdraw_queued(tx, no, unit, when)
            broadcasts.note(tx, no, when, person, after.value, {"unit": unit, "via": via})
            return Confirmation(after.value, row.code, person)

        said = await self._ledger.write(say)
        self._publish(no, unit, said.result)
        return said

    async def mark(self, ref: str, unit: str, state: str, note: str, actor: Actor, now: float) -> AckRow:
        """An officer sets a unit by hand ("đã gọi điện"), with name and time."""
        if state not in {one.value for one in MARKABLE}:
            raise Refusal(RefusalKind.INVALID, "not_markable", state=state)

        def mark(tx: Tx) -> AckRow:
            row = broadcasts.one(tx, ref)
            if row is None:
                raise Refusal(RefusalKind.NOT_FOUND, "no_such_broadcast", ref=ref)
            ack = rollcalls.one(tx, row.no, unit)
            if ack is None:
                raise Refusal(RefusalKind.NOT_FOUND, "unit_not_addressed", unit=unit, code=row.code)
            ack.state, ack.note, ack.by_staff, ack.via = state, note, actor.name, "officer"
            ack.at, ack.seconds = now, max(0.0, now - (row.started_at or now))
            if state in STILL_ASKED:  # nobody answered, or a mark is taken back: the steps go on
                ack.next_at = now if row.state in OPEN_FOR_ACKNOWLEDGEMENT else None
            else:
                ack.next_at = None
                withdraw_queued(tx, row.no, unit, now)
            rollcalls.save(tx, ack)
            broadcasts.note(tx, row.no, now, actor.name, "marked", {"unit": unit, "state": state, "note": note})
            return ack

        ack = await self._ledger.write(mark)
        self._publish(ack.broadcast_no, unit, ack.state)
        return ack

    def _publish(self, no: int, unit: str, state: str) -> None:
        self._bus.publish(f"broadcast:{no}", {"type": "rollcall", "no": no, "unit": unit, "state": state})


def _closed_to(tx: Tx, row: BroadcastRow) -> Confirmation | None:
    """What a confirmation of a broadcast that is no longer the last word gets instead."""
    if row.superseded_by is not None:
        newer = broadcasts.by_no(tx, row.superseded_by)
        if newer is not None and newer.started_at is not None and newer.kind != Kind.CANCEL:
            return Confirmation("superseded", row.code, superseded_by=newer.code)
        if newer is not None and newer.started_at is not None:
            return Confirmation("recalled", row.code, document=short_name(document_number(row)))
    if row.state == BroadcastState.CANCELLED:
        return Confirmation("recalled", row.code, document=short_name(document_number(row)))
    return None


def withdraw_queued(tx: Tx, no: int, unit: str, now: float) -> None:
    """A unit that confirmed gets nothing more: what surely did not leave yet is skipped. What is in flight ends as its
    provider says, or in doubt; refused for now, it is not tried again (`withdraw_answered`)."""
    for one, status in deliveries.direct_states(tx, no, unit):
        chunk = chunks.holding(tx, one) if status in (DeliveryState.QUEUED, DeliveryState.RETRYING) else None
        held = None if chunk is None else chunks.one(tx, chunk)
        if held is not None and (status == DeliveryState.RETRYING or one >= held.hwm):
            settle(tx, held.chunk, [one], DeliveryState.SKIPPED, "acknowledged", now, event=True)


def withdraw_answered(tx: Tx, claim: Claim, now: float) -> None:
    """As a chunk is claimed: who answered while a try was in flight, or in doubt, is not tried again."""
    answered = deliveries.no_longer_asked(tx, claim.chunk, claim.last_id, claim.hwm)
    if answered:
        settle(tx, claim.chunk, answered, DeliveryState.SKIPPED, "acknowledged", now, event=True)
