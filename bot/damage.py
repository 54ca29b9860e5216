"""The quick damage report: "BC TM12 LUA30", "bc 3 nhà tốc mái, 20ha lúa", "bc khong co thiet hai".

Fields: `[[damage]]` in `data/keywords.toml` (groups of TTLT 43/2015/TTLT-BNNPTNT-BKHĐT). A nil report is a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal

from bot.damage_clauses import (
    Clause,
    Named,
    Token,
    clauses,
    figure_value,
    is_figure,
    read_clause,
    strange_fields,
    tokens,
)
from bot.damage_clauses import written as as_typed
from bot.keywords import Keywords
from bot.phrase_set import PhraseSet

Problem = Literal["not_a_number", "not_whole", "too_large", "unknown_field", "fewer_persons", "contradiction"]

_ORDER_WORDS: Final = PhraseSet(["bao cao nhanh", "bao cao", "bc"])
_NEGATION: Final = frozenset({"khong", "chua", "ko", "k"})
_BUT: Final = frozenset({"nhung", "tuy", "tru", "ngoai", "rieng", "song"})
_NEGATION_REACH: Final = 3  # words
_LONGEST_UNREAD: Final = 6  # characters of a figure; longer ones are telephone numbers, "26/8" is a date
_MOST_UNKNOWN: Final = 6  # words of a nil report that may name a place or an office


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
        first = "" if self.value is None else written(self.value)
        return first if self.persons is None else f"{first}/{written(self.persons)}"


@dataclass(frozen=True, slots=True)
class Report:
    """`nil`: nothing happened. `figures` in the order in which they were written, without those in `errors`. `unread`:
    what was typed with a figure that belongs to no field ("cây đổ 30"), so that nobody thinks it was counted.
    `exercise`: it says that it is one of an exercise (`bot.exercise_mark`)."""

    figures: tuple[Figure, ...] = ()
    nil: bool = False
    errors: tuple[FieldError, ...] = ()
    unread: tuple[str, ...] = ()
    exercise: bool = False

    @property
    def argument(self) -> str:
        """ "TM=12;LUA=30", "KHONG=1", "" for nothing understood."""
        return "KHONG=1" if self.nil else ";".join(f"{figure.field}={figure.written}" for figure in self.figures)

    @property
    def is_empty(self) -> bool:
        return not (self.figures or self.nil)


def written(value: Decimal) -> str:
    """ "12,5"."""
    return f"{value.normalize():f}".replace(".", ",")


def parse_report(text: str, keywords: Keywords) -> Report:
    """The report in `text`, which may begin with "BC". Pure; never raises."""
    found = tokens(text)
    span = _ORDER_WORDS.find([token.folded for token in found])
    found = found[span[1] :] if span is not None else found
    if _is_nil(found, keywords):
        return Report(nil=True)
    figures: dict[str, Figure] = {}
    errors: list[FieldError] = []
    unpaired: list[Named] = []
    unread: list[str] = []
    denied = False
    read_clauses = [(clause, read_clause(clause, keywords.damage, keywords.foreign_units)) for clause in clauses(found)]
    _join_persons([read for _, read in read_clauses])
    for clause, read in read_clauses:
        names = read.names
        if any(len(number.raw) <= _LONGEST_UNREAD and "/" not in number.raw for number in read.left):
            unread.append(as_typed(clause))
        errors.extend(FieldError(typed, "unknown_field", value) for typed, value in strange_fields(clause, names))
        for name in names:
            if name.figures:
                _add(name, figures, errors)
            elif name.in_words:
                errors.append(FieldError(name.field.code, "not_a_number", name.in_words))
            elif name.denied:
                denied = True  # "không có nhà sập" alone; the report is read back before it counts
            elif not any(other.figures for other in names):
                unpaired.append(name)
    if denied and not (figures or errors or unpaired):
        return Report(nil=True)
    if not figures and not errors:
        errors.extend(FieldError(name.field.code, "not_a_number") for name in unpaired[:1])
    return Report(tuple(figures.values()), errors=tuple(errors), unread=tuple(unread))


def _join_persons(read: Sequence[Clause]) -> None:
    """ "sơ tán 12 hộ, 40 khẩu": the persons of the clause before."""
    for before, after in pairwise(read):
        if after.names or len(after.left) != 1 or not before.names:
            continue
        name, number = before.names[-1], after.left[0]
        if name.field.pair and len(name.figures) == 1 and number.unit in name.field.persons and _lacks_persons(name):
            name.figures.append(number)
            after.left.clear()


def _lacks_persons(name: Named) -> bool:
    first = name.figures[0]
    return "/" not in first.raw and first.unit not in name.field.persons


def _is_nil(found: Sequence[Token], keywords: Keywords) -> bool:
    """ "khong co thiet hai", "KHONG", "0": a nil phrase, and no figure, no damage and no "but" beside it."""
    said = [token for token in found if token.folded not in keywords.manners]
    rest = [token.folded for token in said if token.is_word or is_figure(token)]
    if rest in (["0"], ["khong", "1"]):
        return True
    span = keywords.nil.find(rest)
    if span is None or any(is_figure(token) for token in found) or not _BUT.isdisjoint(rest):
        return False
    if _damage_beside(rest, span, keywords):
        return False
    around = keywords.nil_around | keywords.manners | {word for words in keywords.nil for word in words}
    unknown = sum(word not in around for word in (*rest[: span[0]], *rest[span[1] :]))
    return unknown <= (_MOST_UNKNOWN if span[1] - span[0] > 1 else 0)


def _damage_beside(rest: Sequence[str], nil: tuple[int, int], keywords: Keywords) -> bool:
    """True where a field is named and not denied: "không chết người" is nil, "không có gì, nhà sập" is not."""
    for start, _ in (span for one in keywords.damage for span in one.names.spans(rest)):
        before = rest[max(0, start - _NEGATION_REACH) : start]
        if not nil[0] <= start < nil[1] and _NEGATION.isdisjoint(before):
            return True
    return False


def _add(name: Named, figures: dict[str, Figure], errors: list[FieldError]) -> None:
    """The figure of `name`, or what is wrong with it."""
    one = name.field
    raw = [part.strip() for number in name.figures for part in number.raw.split("/")]
    if len(raw) > (2 if one.pair else 1):
        errors.append(FieldError(one.code, "not_a_number", " ".join(raw)))
        return
    values: list[Decimal] = []
    for part in raw:
        value = figure_value(part)
        problem = _problem(value, whole=one.whole, most=one.most)
        if problem is not None or value is None:
            errors.append(FieldError(one.code, problem or "not_a_number", part))
            return
        values.append(value)
    figure = _figure(name, values)
    if figure.value is not None and figure.persons is not None and figure.persons < figure.value:
        errors.append(FieldError(one.code, "fewer_persons", figure.written))
    elif one.code in figures and figures[one.code] != figure:
        errors.append(FieldError(one.code, "contradiction", f"{figures.pop(one.code).written}, {figure.written}"))
    else:
        figures[one.code] = figure


def _problem(value: Decimal | None, *, whole: bool, most: int) -> Problem | None:
    if value is None or value < 0:
        return "not_a_number"
    if whole and value != value.to_integral_value():
        return "not_whole"
    return "too_large" if value > most else None


def _figure(name: Named, values: Sequence[Decimal]) -> Figure:
    one = name.field
    if not one.pair:
        return Figure(one.code, values[0])
    first_is_persons = name.figures[0].unit in one.persons
    if len(values) == 2:
        swapped = first_is_persons and len(name.figures) == 2  # "98 khẩu 25 hộ"
        return Figure(one.code, values[swapped], values[not swapped])
    return Figure(one.code, None, values[0]) if first_is_persons else Figure(one.code, values[0])
