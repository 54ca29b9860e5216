"""Text, audience and plan frozen under one hash: for an approval to come, or of words that were approved beforehand."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from broadcasts.composing import Composer, Cost, draft_of
from broadcasts.drafting import Prepared
from broadcasts.model import Actor, BroadcastState, Draft, Refusal, RefusalKind
from broadcasts.permitted import EDITABLE, found, move, wrong_state
from directory.number_lists import freeze_numbers
from store import broadcasts
from store.broadcasts import BroadcastRow
from store.engine import Ledger, Tx

S = BroadcastState


async def to_submit(
    ledger: Ledger, composer: Composer, ref: str, actor: Actor, now: float
) -> Callable[[Tx], int]:  # fmt: skip
    """What asks for approval in one transaction and gives the broadcast's number; lists of numbers, which are long, are
    frozen before it.

    Raises `Refusal`: `invalid_draft`, `wrong_state`, or `list_changed` where a list changed meanwhile.
    """

    def look(tx: Tx) -> tuple[Prepared, Cost]:
        prepared = _submittable(tx, composer, ref)[2]
        return prepared, composer.cost(tx, prepared)

    seen, cost = await ledger.read(look)
    terms = seen.audience.numbers
    numbers = await freeze_numbers(ledger, terms, now, without_opted_out=seen.campaign)

    def write(tx: Tx) -> int:
        row, draft, prepared = _submittable(tx, composer, ref)
        if prepared.audience.numbers != terms or prepared.campaign != seen.campaign:
            raise Refusal(RefusalKind.STALE, "list_changed", code=row.code)
        broadcasts.freeze_audience(tx, row.no, prepared.members, [numbers.list_id] if numbers else [])
        values = composer.stored(draft, prepared) | {
            "frozen": orjson.dumps(prepared.frozen() | {"cost": cost}).decode(),
            "state": S.PENDING_APPROVAL.value,
            "content_hash": prepared.hash(draft, numbers),
            "submitted_by": actor.name,
            "submitted_at": now,
            "reason": "",
        }
        move(tx, row, EDITABLE, values)
        broadcasts.note(tx, row.no, now, actor.name, "submitted", {"hash": values["content_hash"]})
        return row.no

    return write


def _submittable(tx: Tx, composer: Composer, ref: str) -> tuple[BroadcastRow, Draft, Prepared]:
    row = found(tx, ref)
    if S(row.state) not in EDITABLE:
        raise wrong_state(row, "submit")
    draft = draft_of(row)
    return row, draft, composer.prepared(tx, draft, row.code)


async def to_release(
    ledger: Ledger, composer: Composer, make: Callable[[Tx], Draft], actor: Actor, words: str, now: float
) -> Callable[[Tx], int]:  # fmt: skip
    """What keeps, freezes and approves in one transaction a draft of prepared words and gives its number; `words` names
    them in the record. Raises as `to_submit`."""
    seen = await ledger.read(lambda tx: composer.checked(tx, make(tx), composer.next_code(tx)))
    terms = seen.audience.numbers
    numbers = await freeze_numbers(ledger, terms, now, without_opted_out=seen.campaign)

    def write(tx: Tx) -> int:
        draft, code = make(tx), composer.next_code(tx)
        prepared = composer.checked(tx, draft, code)
        if prepared.audience.numbers != terms:
            raise Refusal(RefusalKind.STALE, "list_changed", code=code)
        digest = prepared.hash(draft, numbers)
        signed = {"created_by": actor.name, "created_at": now, "submitted_by": actor.name, "submitted_at": now}
        approved = {"approved_by": actor.name, "approved_at": now, "approved_hash": digest, "content_hash": digest}
        state = {"code": code, "state": S.SCHEDULED.value}
        no = broadcasts.insert(tx, composer.stored(draft, prepared) | state | signed | approved)
        broadcasts.freeze_audience(tx, no, prepared.members, [numbers.list_id] if numbers else [])
        broadcasts.note(tx, no, now, actor.name, "drafted")
        broadcasts.note(tx, no, now, actor.name, "prepared_sent", {"words": words, "hash": digest})
        return no

    return write
