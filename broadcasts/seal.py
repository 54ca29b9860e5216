"""The seal of a broadcast: the hash over what would leave, computed alike when approval is asked and from what the
ledger holds when its time has come. Whatever changed in between, by whatever hand, breaks it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from broadcasts.content_hash import content_hash
from broadcasts.document_facts import clean_number
from broadcasts.plan import plan_of
from broadcasts.steps import Plan
from directory.number_lists import counted_digest
from store import broadcasts
from store.broadcasts import BroadcastRow, MemberRow
from store.engine import Tx

SEALED: Final = ("mode", "kind", "urgency", "valid_until", "fire_at", "duplicate_ok", "supersedes")
"""Columns of a broadcast that are part of the seal as they stand."""


@dataclass(frozen=True, slots=True)
class SealedNumbers:
    """The numbers of the frozen list. `digest`: SHA-256 (hex) over them in ascending order."""

    size: int
    digest: str


def seal(
    row: Mapping[str, Any],
    forms: Mapping[str, str],
    draft: Mapping[str, Any],
    attachments: Sequence[Mapping[str, Any]],
    plan: Plan,
    audience: str,
) -> str:  # fmt: skip
    """SHA-256 (hex) of texts, audience, way and terms. `row`: the columns of a broadcast, as they are stored."""
    terms = {
        **{name: row[name] for name in SEALED},
        "duplicate_ok": bool(row["duplicate_ok"]),
        "document_number": clean_number(draft.get("document_number", "")),
        "signer": draft.get("signer", "").strip(),
        "attachments": list(attachments),
        **plan.model_dump(mode="json"),
    }
    return content_hash(forms, audience, terms)


def audience_seal(members: Sequence[MemberRow], bare_units: Sequence[str], numbers: SealedNumbers | None) -> str:
    """SHA-256 (hex) over who may be written to, where and in which order, later steps included."""
    ways = [[one.unit_code, one.person_id, one.role, one.channel, one.address_id, one.value] for one in members]
    listed = [numbers.size, numbers.digest] if numbers else None
    return hashlib.sha256(json.dumps([ways, list(bare_units), listed], separators=(",", ":")).encode()).hexdigest()


def numbers_of(tx: Tx, no: int) -> SealedNumbers | None:
    """The frozen numbers, read one by one: about a second for a million, so never in the writer's transaction."""
    lists = broadcasts.frozen_lists(tx, no)
    return SealedNumbers(*counted_digest(tx, lists)) if lists else None


def kept_seal(tx: Tx, row: BroadcastRow, numbers: SealedNumbers | None) -> str:
    """The seal of what the ledger holds now, which is what would leave."""
    content = orjson.loads(row.content)
    bare = orjson.loads(row.frozen).get("bare_units", [])
    return seal(
        {name: getattr(row, name) for name in SEALED},
        content["forms"],
        content.get("draft", {}),
        content.get("attachments", []),
        plan_of(row),
        audience_seal(broadcasts.frozen_members(tx, row.no), bare, numbers),
    )
