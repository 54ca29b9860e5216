"""A schedule that sends a prepared message each time: a standing approval holds for exactly its content.

What is approved once (docs/decisions, "Standing approvals"): the texts with a blank code, whom the audience names, the
way and the terms. At each fire all of it is made again and must give the same hash; the people are those of today.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Protocol

import orjson
from pydantic import ValidationError

from broadcasts.drafting import Prepared
from broadcasts.lifecycle import SYSTEM
from broadcasts.model import BroadcastState, Draft, Problem, Refusal, RefusalKind
from broadcasts.schedules.kinds import HOUR, Kind, NotApproved, Occurrence
from store import broadcasts
from store.engine import Tx

KIND: Final = "broadcast"
BLANK_CODE: Final = "TB0000-00"
"""Stands for the code that each broadcast gets of its own, so that the texts can be compared."""
OUTSIDE: Final = ("fire_at", "supersedes")
"""What a message that is sent again and again cannot have."""


class Drafting(Protocol):
    """What of the desk is needed here."""

    def prepared(self, tx: Tx, draft: Draft, code: str) -> Prepared:
        """The draft from all sides, as approval would be asked for it. Raises `Refusal` with every problem."""

    def next_code(self, tx: Tx) -> str: ...

    def stored(self, draft: Draft, prepared: Prepared) -> dict[str, Any]:
        """The columns of a broadcast that the draft gives."""


def sending_kind(desk: Drafting) -> Kind:
    return Kind(
        KIND,
        check=lambda tx, payload, now: _problems(tx, desk, payload),
        make=lambda tx, what: _issue(tx, desk, what),
        hash_of=lambda tx, payload, now: standing_hash(_draft(payload), _prepared(tx, desk, payload)),
        fill=_fill,
        late_for=HOUR,
    )


def _fill(tx: Tx, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """`{"from": code}` names a broadcast whose words are meant."""
    if set(payload) != {"from"}:
        return payload
    row = broadcasts.one(tx, str(payload["from"]))
    if row is None:
        return payload
    draft = orjson.loads(row.content)["draft"]
    return {"draft": {name: value for name, value in draft.items() if name not in OUTSIDE}}


def _problems(tx: Tx, desk: Drafting, payload: Mapping[str, Any]) -> list[Problem]:
    if "from" in payload:
        return [Problem("payload.from", "no_such_prepared", {"ref": str(payload["from"])[:40]})]
    if set(payload) != {"draft"} or not isinstance(payload["draft"], dict):
        return [Problem("payload.draft", "missing")]
    try:
        draft = _draft(payload)
    except ValidationError as wrong:
        where = ".".join(str(part) for part in wrong.errors()[0]["loc"])
        return [Problem(f"payload.draft.{where}", "invalid_value")]
    if named := [name for name in OUTSIDE if getattr(draft, name) is not None]:
        return [Problem(f"payload.draft.{named[0]}", "schedule_not_repeatable")]
    try:
        prepared = _prepared(tx, desk, payload)
    except Refusal as refused:
        return list(refused.problems) or [Problem("payload.draft", "invalid_value")]
    if prepared.audience.numbers:
        return [Problem("payload.draft.audience", "schedule_no_lists")]
    return []


def _draft(payload: Mapping[str, Any]) -> Draft:
    return Draft.model_validate(payload["draft"])


def _prepared(tx: Tx, desk: Drafting, payload: Mapping[str, Any]) -> Prepared:
    return desk.prepared(tx, _draft(payload), BLANK_CODE)


def standing_hash(draft: Draft, prepared: Prepared) -> str:
    """What an approver approves for every time: texts, whom the audience names, way and terms."""
    steps = [(step.after, step.channels, step.unless, step.call, step.again) for step in prepared.plan.steps]
    terms = {
        "forms": prepared.unmarked,
        "title": prepared.content.title,
        "draft": draft.model_dump(mode="json"),
        "urgency": prepared.urgency,
        "kind": prepared.kind,
        "steps": steps,
        "families": prepared.plan.families,
    }
    return hashlib.sha256(orjson.dumps(terms, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _issue(tx: Tx, desk: Drafting, what: Occurrence) -> Mapping[str, Any]:
    """One broadcast, approved and due now; the clock fires it within its next tick."""
    row, now = what.schedule, what.now
    draft = _draft(row.payload)
    found = standing_hash(draft, _prepared(tx, desk, row.payload))
    if not row.approved_hash or found != row.approved_hash:
        raise NotApproved(found)
    code = desk.next_code(tx)
    prepared = desk.prepared(tx, draft, code)
    if prepared.audience.numbers:
        raise Refusal(RefusalKind.INVALID, "invalid_draft", (Problem("audience", "schedule_no_lists"),))
    content_hash = prepared.hash(draft, None)
    values = desk.stored(draft, prepared) | {
        "code": code,
        "state": BroadcastState.SCHEDULED.value,
        "content_hash": content_hash,
        "approved_hash": content_hash,
        "approved_by": row.approved_by,
        "approved_at": now,
        "submitted_by": row.created_by,
        "submitted_at": now,
        "created_by": row.created_by,
        "created_at": now,
    }
    no = broadcasts.insert(tx, values)
    broadcasts.freeze_audience(tx, no, prepared.members, [])
    detail = {"schedule": row.id, "name": row.name, "due": what.due, "by": row.approved_by, "hash": found}
    broadcasts.note(tx, no, now, SYSTEM, "standing_approval", detail)
    return {"broadcast": code}
