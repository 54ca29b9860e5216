"""Entries that answers are made of: what each kind needs, what is wrong with one, and their table (`data/import/`).

Kinds and limits: `data/import/content.toml`. Everything that an officer enters is checked so that the answer made of it
fits one SMS.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, Final

from directory.names import slug, tidy
from directory.units import UnitCatalogue
from store import content, directory
from store.content import ContentRow
from store.engine import Tx
from text.dates import OFFICE_ZONE
from text.folding import fold
from text.safe import to_safe

CONTENT_FILE: Final = Path(__file__).resolve().parent.parent / "data" / "import" / "content.toml"
GROUP: Final = "group:"
FIGURES: Final = frozenset({"level", "release", "capacity"})
LONGEST_VALIDITY: Final = timedelta(days=400)
AHEAD: Final = timedelta(minutes=15)
"""How far in the future a bulletin may say that it was issued: clocks differ."""
_SERIAL_ZERO: Final = datetime(1899, 12, 30, tzinfo=OFFICE_ZONE)
_SERIAL_DAYS: Final = range(36_526, 73_051)
"""Excel's day numbers of 2000 to 2099 (ECMA-376 18.17.4.1)."""
_FORMS: Final = ("%H:%M %d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y")


@dataclass(frozen=True, slots=True)
class Kind:
    """`needs` must be there, and one of `any_of` where it names some. `hours`: how long an entry holds by default."""

    name: str
    needs: tuple[str, ...]
    any_of: tuple[str, ...]
    hours: float


@dataclass(frozen=True, slots=True)
class Kinds:
    by_name: Mapping[str, Kind]
    by_word: Mapping[str, Kind]
    """Folded, as people name the kind in a table."""
    limits: Mapping[str, int]
    headers: Mapping[str, str]
    """Folded header → column."""


@dataclass(frozen=True, slots=True)
class ContentProblem:
    """One thing that is wrong; `key` names the sentence in `locale/` (`problem.<key>`)."""

    field: str
    key: str
    params: dict[str, str | int] = dataclasses.field(default_factory=dict)


class ContentRefused(Exception):
    """The entry cannot be kept; `problems` has everything at once."""

    def __init__(self, problems: Sequence[ContentProblem]) -> None:
        super().__init__(", ".join(one.key for one in problems))
        self.problems = tuple(problems)


@cache
def load_kinds(path: Path = CONTENT_FILE) -> Kinds:
    """Raises OSError, TOMLDecodeError or KeyError at start where the file is not whole."""
    raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    kinds = {
        name: Kind(name, tuple(one["needs"]), tuple(one.get("any", ())), float(one["hours"]))
        for name, one in raw["kind"].items()
    }
    words = {fold(word): kinds[name] for name, one in raw["kind"].items() for word in (name, *one["words"])}
    headers = {fold(header): column for column, listed in raw["headers"].items() for header in listed}
    return Kinds(kinds, words, raw["limits"], headers)


def entry(tx: Tx, catalogue: UnitCatalogue, given: Mapping[str, str], author: str, now: float) -> ContentRow:
    """The row that `given` (column → what was typed) describes; not stored. Raises `ContentRefused`.

    Keys: kind, unit_code or unit_name or group (none: the province), subject, issued_at (empty: now), valid_until
    (empty: as long as the kind holds), source, and the kind's own fields.
    """
    kinds = load_kinds()
    values = {name: tidy(value) for name, value in given.items() if tidy(value)}
    kind = kinds.by_word.get(fold(values.get("kind", "")))
    if kind is None:
        raise ContentRefused([ContentProblem("kind", "content_kind", {"value": values.get("kind", "")[:40]})])
    wrong: list[ContentProblem] = []
    scope = _scope(tx, catalogue, values, wrong)
    issued_at, valid_until = _times(values, kind, now, wrong)
    fields = _fields(values, kind, kinds, wrong)
    if wrong:
        raise ContentRefused(wrong)
    subject = fields.pop("subject", "")
    source = fields.pop("source")
    return ContentRow(0, kind.name, scope, subject, fields, source, issued_at, valid_until, author, now)


def save(tx: Tx, catalogue: UnitCatalogue, given: Mapping[str, str], author: str, now: float) -> ContentRow:
    """Keep an entry. Raises `ContentRefused`."""
    row = entry(tx, catalogue, given, author, now)
    made = content.one(tx, content.insert(tx, row))
    assert made is not None
    return made


def _scope(tx: Tx, catalogue: UnitCatalogue, values: Mapping[str, str], wrong: list[ContentProblem]) -> str:
    if group := values.get("group", ""):
        name = slug(group)
        if directory.group_members(tx, name) is None:
            wrong.append(ContentProblem("group", "content_group", {"value": group[:40]}))
        return GROUP + name
    given = values.get("unit_code") or values.get("unit_name", "")
    if not given:
        return ""
    known = catalogue.by_code(given) or next((unit for unit in catalogue.all if fold(unit.name) == fold(given)), None)
    if known is None:
        wrong.append(ContentProblem("unit_code", "unit_unknown", {"value": given[:40]}))
        return ""
    return known.code


def _times(values: Mapping[str, str], kind: Kind, now: float, wrong: list[ContentProblem]) -> tuple[float, float]:
    found: dict[str, float] = {}
    for name in ("issued_at", "valid_until"):
        if text := values.get(name):
            at = when(text)
            if at is None:
                wrong.append(ContentProblem(name, "content_time", {"value": text[:40]}))
            else:
                found[name] = at.timestamp()
    issued_at = found.get("issued_at", now)
    valid_until = found.get("valid_until", issued_at + kind.hours * 3600)
    if issued_at > now + AHEAD.total_seconds():
        wrong.append(ContentProblem("issued_at", "content_ahead"))
    if not issued_at < valid_until <= issued_at + LONGEST_VALIDITY.total_seconds():
        wrong.append(ContentProblem("valid_until", "content_order"))
    return issued_at, valid_until


def when(text: str) -> datetime | None:
    """A time as offices write it: ISO 8601, "14:00 26/8/2026", "26/8/2026 14:00", a spreadsheet's day number. Without
    an offset it is on the office's clock. None: no time."""
    try:
        serial = Decimal(text)
    except InvalidOperation:
        pass
    else:
        whole = serial.is_finite() and int(serial) in _SERIAL_DAYS
        return (_SERIAL_ZERO + timedelta(days=float(serial))).astimezone(UTC) if whole else None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = next((found for form in _FORMS if (found := _parsed(text, form))), None)  # type: ignore[assignment]
    if at is None:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=OFFICE_ZONE)).astimezone(UTC)


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=OFFICE_ZONE)
    except ValueError:
        return None


def _fields(values: Mapping[str, str], kind: Kind, kinds: Kinds, wrong: list[ContentProblem]) -> dict[str, str]:
    """Checked fields, figures with a comma; `short` is there wherever `text` is."""
    found = {name: values[name] for name in kinds.limits if name in values}
    for name in (*kind.needs, "source"):
        if name not in found:
            wrong.append(ContentProblem(name, "content_missing"))
    if kind.any_of and not any(name in found for name in kind.any_of):
        wrong.append(ContentProblem(kind.any_of[0], "content_missing"))
    for name in FIGURES & found.keys():
        found[name] = _figure(name, found[name], wrong)
    if found.get("alarm", "0") not in ("0", "1", "2", "3"):
        wrong.append(ContentProblem("alarm", "content_alarm", {"value": found["alarm"][:40]}))
    if "text" in found and "short" not in found:
        if len(to_safe(found["text"]).text) > kinds.limits["short"]:
            wrong.append(ContentProblem("short", "content_short", {"limit": kinds.limits["short"]}))
        else:
            found["short"] = found["text"]
    for name, value in found.items():
        if len(value if name == "text" else to_safe(value).text) > kinds.limits[name]:
            wrong.append(ContentProblem(name, "content_long", {"limit": kinds.limits[name]}))
    return found


def _figure(name: str, text: str, wrong: list[ContentProblem]) -> str:
    """ "13,2" of "13.20"; an integer for persons."""
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0 or (name == "capacity" and value != value.to_integral_value()):
        wrong.append(ContentProblem(name, "content_figure", {"value": text[:40]}))
        return ""
    return f"{value.normalize():f}".replace(".", ",")
