"""From what an officer filled in to what a carrier will get, with everything that stands in the way: pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from broadcasts.carrier_orders.areas import Members, resolve_areas
from broadcasts.carrier_orders.model import TEXT_LIMIT, Carrier, Content, OrderDraft
from broadcasts.model import Mode, Problem
from directory.units import UnitCatalogue
from text.folding import nfc
from text.safe import UNKNOWN, Change, to_safe
from text.segments import measure

DOCUMENT_NO: Final = re.compile(r"\d{1,5}[a-z]?/[A-ZĐ][A-ZĐ,&0-9 -]*")
"""Nghị định 30/2020/NĐ-CP, Phụ lục I: number, stroke, kind and issuer: 04/CĐ-UBND, 20631/UBND-NN."""
WINDOW_LONGEST_DAYS: Final = 7
"""Longer than any warning holds: more is a slip of the keyboard."""
DAY_SECONDS: Final = 86_400.0
_LINE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Counted:
    """The text as carriers will send it, and what it costs. `accented` is what it would cost as it was typed."""

    text: str
    units: int
    parts: int
    encoding: str
    changes: tuple[Change, ...]
    accented_units: int
    accented_parts: int

    @property
    def over(self) -> int:
        """Characters too many."""
        return max(0, self.units - TEXT_LIMIT)


@dataclass(frozen=True, slots=True)
class Checked:
    """`content` is whole only where there are no problems. `missing` may stay empty in a draft, not at submit."""

    content: Content
    counted: Counted
    problems: tuple[Problem, ...]
    missing: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the check needs beside the draft. `members` gives the units of a group."""

    catalogue: UnitCatalogue
    members: Members
    carriers: Sequence[Carrier]
    hotline: str
    now: float


def count(text: str) -> Counted:
    """Never raises, whatever was typed."""
    typed = nfc(text).strip()
    safe = to_safe(typed)
    cost, accented = measure(safe.text), measure(typed)
    return Counted(safe.text, cost.units, cost.segments, cost.encoding, safe.changes, accented.units, accented.segments)


def check(draft: OrderDraft, around: Surroundings) -> Checked:
    """Everything at once, so that an officer corrects once. Never raises."""
    counted = count(draft.text)
    areas, area_problems = resolve_areas(draft.areas, around.catalogue, around.members)
    starts, start_problem = _time("starts_at", draft.starts_at)
    ends, end_problem = _time("ends_at", draft.ends_at)
    carriers, carrier_problems = _carriers(draft.carriers, around.carriers)
    problems = [*_text_problems(counted), *area_problems, *start_problem, *end_problem, *carrier_problems]
    if not start_problem and not end_problem:
        problems += _window_problems(starts, ends, around.now)
    if draft.mode not in (Mode.ACTUAL.value, Mode.EXERCISE.value):
        problems.append(Problem("mode", "mode_unknown", {"value": draft.mode}))
    content = Content(
        text=counted.text,
        areas=areas,
        all_units=len(areas) == len(around.catalogue),
        starts_at=starts,
        ends_at=ends,
        basis=_line(draft.basis),
        signer=_line(draft.signer),
        signer_title=_line(draft.signer_title),
        document_no=_line(draft.document_no),
        document_date=draft.document_date.strip(),
        ring_back=_line(draft.ring_back) or around.hotline,
        carriers=carriers,
        mode=draft.mode,
    )
    problems += _document_problems(content)
    return Checked(content, counted, tuple(problems), tuple(_missing(content)))


def content_hash(content: Content) -> str:
    """SHA-256 (hex) over the canonical JSON of everything that leaves: what an approver approves."""
    canonical = json.dumps(content.model_dump(mode="json"), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _text_problems(counted: Counted) -> list[Problem]:
    if not counted.text:
        return [Problem("text", "text_missing")]
    problems: list[Problem] = []
    if counted.units > TEXT_LIMIT:
        problems.append(
            Problem(
                "text",
                "carrier_text_too_long",
                {
                    "units": counted.units, "parts": counted.parts, "limit": TEXT_LIMIT, "over": counted.over,
                    "accented_units": counted.accented_units, "accented_parts": counted.accented_parts,
                },
            )
        )  # fmt: skip
    lost = "".join(change.source for change in counted.changes if change.target == UNKNOWN)
    if lost:
        problems.append(Problem("text", "carrier_text_unreadable", {"signs": lost[:20]}))
    return problems


def _time(field: str, typed: str) -> tuple[float, list[Problem]]:
    """Epoch seconds of an ISO 8601 time with an offset."""
    if not typed.strip():
        return 0.0, [Problem(field, "window_missing")]
    try:
        at = datetime.fromisoformat(typed.strip())
    except ValueError:
        return 0.0, [Problem(field, "window_form", {"value": typed[:40]})]
    if at.tzinfo is None:
        return 0.0, [Problem(field, "window_no_offset", {"value": typed[:40]})]
    try:
        return at.timestamp(), []
    except (OverflowError, ValueError):
        return 0.0, [Problem(field, "window_form", {"value": typed[:40]})]


def _window_problems(starts: float, ends: float, now: float) -> list[Problem]:
    if ends <= starts:
        return [Problem("ends_at", "window_reversed")]
    if ends <= now:
        return [Problem("ends_at", "window_past")]
    if ends - starts > WINDOW_LONGEST_DAYS * DAY_SECONDS:
        return [Problem("ends_at", "window_too_long", {"days": WINDOW_LONGEST_DAYS})]
    return []


def _carriers(names: Sequence[str], known: Sequence[Carrier]) -> tuple[list[Carrier], list[Problem]]:
    if not known:
        return [], [Problem("carriers", "no_carriers_configured")]
    unknown = [name for name in names if name not in {one.name for one in known}]
    if unknown:
        return [], [Problem("carriers", "carrier_unknown", {"name": name[:60]}) for name in unknown]
    return [one for one in known if not names or one.name in names], []


def _document_problems(content: Content) -> list[Problem]:
    """What was typed must be right; whether it may be empty is `_missing`."""
    problems: list[Problem] = []
    if content.document_no and not DOCUMENT_NO.fullmatch(content.document_no):
        problems.append(Problem("document_no", "document_no_form", {"value": content.document_no[:60]}))
    if content.document_date:
        try:
            date.fromisoformat(content.document_date)
        except ValueError:
            problems.append(Problem("document_date", "document_date_form", {"value": content.document_date}))
    return problems


def _missing(content: Content) -> list[Problem]:
    """Nothing leaves without a number, a signer and a place to ring back."""
    keys: dict[str, Any] = {
        "basis": "basis_missing", "signer": "signer_missing", "signer_title": "signer_title_missing",
        "document_no": "document_no_missing", "document_date": "document_date_missing",
        "ring_back": "ring_back_missing",
    }  # fmt: skip
    return [Problem(field, key) for field, key in keys.items() if not getattr(content, field)]


def _line(typed: str) -> str:
    """One line in NFC."""
    return _LINE.sub(" ", nfc(typed)).strip()
