"""The quick damage report: "BC TM12 LUA30", "bc 3 nhà tốc mái, 20ha lúa", "bc khong co thiet hai".

One grammar for both forms: a figure belongs to the nearest name of a field in its clause, if the unit behind the figure
is one of that field's. Fields: `[[damage]]` in `data/keywords.toml` (groups of TTLT 43/2015/TTLT-BNNPTNT-BKHĐT).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from bot.keywords import DamageField, Keywords
from bot.phrases import find
from text.folding import nfc, unaccent

Problem = Literal["not_a_number", "not_whole", "too_large", "unknown_field", "fewer_persons", "contradiction", "empty"]

_TOKEN: Final = re.compile(r"-?\d+(?:[.,]\d+)*(?:\s?/\s?\d+(?:[.,]\d+)*)?|[^\W\d_]+|[,;.\n+]|(?<=\s)-(?=\s)")
_ENDS_CLAUSE: Final = frozenset(",;.\n+-")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:\.\d{3})+")
_NEGATION: Final = frozenset({"khong", "chua", "ko", "k"})
_FIELD_LIKE: Final = re.compile(r"[A-Z]{2,6}")
_ORDER_WORDS: Final = (("bao", "cao", "nhanh"), ("bao", "cao"), ("bc",))
_NOT_FIELDS: Final = frozenset(
    {
        "bc",
        "xa",
        "thon",
        "xom",
        "ngay",
        "luc",
        "so",
        "to",
        "doi",
        "khu",
        "pho",
        "tb",
        "cd",
        "cv",
        "bd",
        "ky",
        "lan",
        "dot",
        "den",
    }
)
"""Words whose number is no figure: "thôn 3", "ngày 26/8", "bão số 5"."""
_OF_TIME: Final = (["h"], ["gio"], ["phut"], ["ngay"])
_FAR: Final = 4  # words between a figure and the name of its field


@dataclass(frozen=True, slots=True)
class FieldError:
    """`field` is the code (or what was typed for one), `value` what was found there."""

    field: str
    problem: Problem
    value: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is a count or hectares; `persons` only for fields of households and persons. None: not said."""

    field: str
    value: Decimal | None
    persons: Decimal | None = None

    @property
    def written(self) -> str:
        """ "30", "12,5", "25/98", "/98"."""
        first = "" if self.value is None else _written(self.value)
        return first if self.persons is None else f"{first}/{_written(self.persons)}"


@dataclass(frozen=True, slots=True)
class Report:
    """`nil`: nothing happened, which is a report, too. Figures in the order in which they were written."""

    figures: tuple[Figure, ...] = ()
    nil: bool = False
    errors: tuple[FieldError, ...] = ()

    @property
    def argument(self) -> str:
        """ "TM=12;LUA=30", "KHONG=1", "" for nothing understood."""
        return "KHONG=1" if self.nil else ";".join(f"{figure.field}={figure.written}" for figure in self.figures)

    @property
    def is_empty(self) -> bool:
        return not (self.figures or self.nil)


@dataclass(slots=True)
class _Number:
    raw: str
    unit: tuple[str, ...]
    at: int
    end: int


@dataclass(slots=True)
class _Name:
    field: DamageField
    at: int
    end: int
    typed: str
    denied: bool = False
    figures: list[_Number] = dataclasses.field(default_factory=list)


def parse_report(text: str, keywords: Keywords) -> Report:
    """The report in `text`, which may begin with "BC". Pure; never raises."""
    raw = _TOKEN.findall(nfc(text))
    folded = [unaccent(token).lower() for token in raw]
    start = _after_order(folded)
    raw, folded = raw[start:], folded[start:]
    if _is_nil(folded, keywords):
        return Report(nil=True)
    figures: dict[str, Figure] = {}
    errors: list[FieldError] = []
    unpaired: list[_Name] = []
    for begin, end in _clauses(folded):
        names, numbers = _read_clause(raw[begin:end], folded[begin:end], keywords.damage)
        strange = _strange_fields(raw[begin:end], folded[begin:end], names)
        errors.extend(error for error, _ in strange)
        no_figures = {at for _, at in strange}
        _pair(names, [number for number in numbers if number.at not in no_figures])
        for name in names:
            if name.figures:
                _add(name, figures, errors)
            elif not name.denied and not any(other.figures for other in names):
                unpaired.append(name)
    if not figures and not errors:
        errors.extend(FieldError(name.field.code, "not_a_number") for name in unpaired[:1])
    else:
        errors.extend(FieldError(name.field.code, "not_a_number") for name in unpaired if name.typed.isupper())
    return Report(tuple(figures.values()), errors=tuple(errors))


def _after_order(folded: Sequence[str]) -> int:
    span = find(folded, _ORDER_WORDS)
    return span[1] if span is not None else 0


def _is_nil(folded: Sequence[str], keywords: Keywords) -> bool:
    """ "khong co thiet hai", "KHONG", "0": a nil phrase, and no figure or field beside it."""
    rest = [token for token in folded if token not in _ENDS_CLAUSE]
    if rest == ["0"]:
        return True
    span = find(rest, keywords.nil)
    if span is None or any(token[0].isdigit() or token[0] == "-" for token in rest):
        return False
    others = [*rest[: span[0]], *rest[span[1] :]]
    names = [name for one in keywords.damage for name in one.names]
    plain_words = [word for phrase in keywords.nil for word in phrase]
    if find(others, names) is not None and rest[span[0]] not in _NEGATION:
        return False
    unknown = [word for word in others if word not in keywords.nil_around and word not in plain_words]
    return span[1] - span[0] > 1 or not unknown


def _clauses(folded: Sequence[str]) -> list[tuple[int, int]]:
    ends = [at for at, token in enumerate(folded) if token in _ENDS_CLAUSE]
    starts = [0, *(at + 1 for at in ends)]
    return [(begin, end) for begin, end in zip(starts, [*ends, len(folded)], strict=True) if begin < end]


def _read_clause(
    raw: Sequence[str], folded: Sequence[str], fields: Sequence[DamageField]
) -> tuple[list[_Name], list[_Number]]:
    units = sorted({unit for one in fields for unit in one.units | one.persons}, key=lambda unit: -len(unit))
    numbers: list[_Number] = []
    taken: set[int] = set()
    for at, token in enumerate(folded):
        if (at and folded[at - 1] in _NOT_FIELDS) or folded[at + 1 : at + 2] in _OF_TIME:
            continue
        if token[0].isdigit() or token[0] == "-":
            unit = next((one for one in units if tuple(folded[at + 1 : at + 1 + len(one)]) == one), ())
            numbers.append(_Number(token, unit, at, at + 1 + len(unit)))
            taken.update(range(at, at + 1 + len(unit)))
    names: list[_Name] = []
    by_length = sorted(((name, one) for one in fields for name in one.names), key=lambda pair: -len(pair[0]))
    for name, one in by_length:
        at = 0
        while (span := find(folded, [name], at)) is not None:
            at = span[1]
            if taken.isdisjoint(range(*span)):
                taken.update(range(*span))
                denied = span[0] > 0 and bool(_NEGATION & set(folded[max(0, span[0] - 3) : span[0]]))
                names.append(_Name(one, *span, typed=raw[span[0]], denied=denied))
    return sorted(names, key=lambda name: name.at), numbers


def _pair(names: Sequence[_Name], numbers: Sequence[_Number]) -> None:
    """Each figure to the nearest free name that its unit fits. A clause that begins with a name ("TM12 LUA30") has its
    figures behind the names, one that begins with a figure ("12 nhà tốc mái") before them."""
    name_first = bool(names and numbers) and names[0].at < numbers[0].at
    for number in numbers:
        best: tuple[int, _Name] | None = None
        for name in names:
            if not _fits(number, name):
                continue
            is_before = name.at < number.at
            gap = number.at - name.end if is_before else name.at - number.end
            distance = gap * 2 + (is_before is not name_first)
            if gap <= _FAR and (best is None or distance < best[0]):
                best = (distance, name)
        if best is not None:
            best[1].figures.append(number)


def _fits(number: _Number, name: _Name) -> bool:
    one = name.field
    if one.pair and name.figures:  # "25 hộ 98 khẩu"
        return len(name.figures) == 1 and number.unit in one.persons and "/" not in name.figures[0].raw
    if name.figures or name.denied:
        return False
    return not number.unit or number.unit in one.units or number.unit in one.persons


def _add(name: _Name, figures: dict[str, Figure], errors: list[FieldError]) -> None:
    one = name.field
    raw = [part.strip() for number in name.figures for part in number.raw.split("/")]
    values = [_value(part) for part in raw]
    if len(values) > (2 if one.pair else 1):
        errors.append(FieldError(one.code, "not_a_number", " ".join(raw)))
        return
    for part, value in zip(raw, values, strict=True):
        if value is None or value < 0:
            errors.append(FieldError(one.code, "not_a_number", part))
        elif one.whole and value != value.to_integral_value():
            errors.append(FieldError(one.code, "not_whole", part))
        elif value > one.most:
            errors.append(FieldError(one.code, "too_large", part))
        else:
            continue
        return
    figure = _figure(name, [value for value in values if value is not None])
    if figure.value is not None and figure.persons is not None and figure.persons < figure.value:
        errors.append(FieldError(one.code, "fewer_persons", figure.written))
    elif one.code in figures and figures[one.code] != figure:
        errors.append(FieldError(one.code, "contradiction", f"{figures.pop(one.code).written}, {figure.written}"))
    else:
        figures[one.code] = figure


def _figure(name: _Name, values: Sequence[Decimal]) -> Figure:
    one = name.field
    if not one.pair:
        return Figure(one.code, values[0])
    if len(values) == 2:
        first_is_persons = name.figures[0].unit in one.persons and len(name.figures) == 2
        return Figure(one.code, *(reversed(values) if first_is_persons else values))
    only_persons = name.figures[0].unit in one.persons
    return Figure(one.code, None, values[0]) if only_persons else Figure(one.code, values[0])


def _value(raw: str) -> Decimal | None:
    """A figure as Vietnamese write it: comma for decimals, dots for thousands ("1.250", "12,5"); "12.5" is 12,5."""
    plain = raw.replace(".", "") if _THOUSANDS.fullmatch(raw) else raw.replace(",", ".")
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


def _written(value: Decimal) -> str:
    return f"{value.normalize():f}".replace(".", ",")


def _strange_fields(raw: Sequence[str], folded: Sequence[str], names: Sequence[_Name]) -> list[tuple[FieldError, int]]:
    """Capitals right before a figure that are no field of ours ("XYZ5"), and where that figure is."""
    known = {at for name in names for at in range(name.at, name.end)}
    strange = []
    for at, token in enumerate(raw[:-1]):
        is_figure = folded[at + 1][0].isdigit()
        if at not in known and is_figure and _FIELD_LIKE.fullmatch(token) and folded[at] not in _NOT_FIELDS:
            strange.append((FieldError(token, "unknown_field", raw[at + 1]), at + 1))
    return strange
