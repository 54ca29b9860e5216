"""Clauses of a damage report: which figure belongs to which field.

One grammar for "TM12 LUA30" and "12 nhà tốc mái, 30 ha lúa": a figure belongs to the nearest name of a field in its
clause, if the unit behind the figure is one of that field's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from decimal import Decimal, InvalidOperation
from typing import Final

from bot.keywords import DamageField
from text.folding import nfc, unaccent

_TOKEN: Final = re.compile(r"-?\d+(?:[.,]\d+)*(?: ?/ ?\d+(?:[.,]\d+)*)?|[^\W\d_]+|[,;.\n+]|(?<=\s)-(?=\s)")
_DATE: Final = re.compile(r"(?:\bngày )?\b\d{1,2}[/.-]\d{1,2}[/.-](?:20)?\d{2}\b", re.IGNORECASE)
_ENDS_CLAUSE: Final = frozenset(",;.\n+-")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:\.\d{3})+")
_LONGEST_FIGURE: Final = 12  # characters; longer ones are telephone numbers and nonsense
_NEGATION: Final = frozenset({"khong", "chua", "ko", "k"})
_NEGATION_REACH: Final = 3  # words
_FIELD_LIKE: Final = range(2, 7)  # letters of what may be meant as a field's code
_IN_WORDS: Final = frozenset(
    ["mot", "hai", "ba", "bon", "bay", "tam", "chin", "muoi", "chuc", "tram", "nghin", "ngan", "vai", "may", "nhieu"]
)
_NO_FIGURE_BEHIND: Final = frozenset(
    [
        "bc",
        "xa",
        "thon",
        "xom",
        "ban",
        "to",
        "doi",
        "khu",
        "pho",
        "ql",
        "tb",
        "cd",
        "cv",
        "bd",
        "so",
        "cap",
        "ngay",
        "h",
        "nam",
        "ky",
        "lan",
    ]
)
"""Words whose number is no figure: "thôn 3", "ngày 26/8", "bão số 5"."""
_OF_TIME: Final = frozenset({"h", "gio", "phut", "ngay"})
_FAR: Final = 4  # words between a figure and the name of its field


@dataclass(frozen=True, slots=True)
class Token:
    """`glued`: it stands directly behind the token before it ("TM12")."""

    raw: str
    folded: str
    glued: bool

    @property
    def is_word(self) -> bool:
        return self.folded[0].isalpha()


@dataclass(frozen=True, slots=True)
class Number:
    """A figure at token `at`; `unit` are the folded unit words behind it, `end` is behind those."""

    raw: str
    unit: tuple[str, ...]
    at: int
    end: int


@dataclass(slots=True)
class Named:
    """A field named at tokens `at` to `end`. `denied`: "không có nhà sập". `in_words`: "ba chục" stands behind it."""

    field: DamageField
    at: int
    end: int
    denied: bool
    in_words: str = ""
    figures: list[Number] = made_by(default_factory=list)


@dataclass(frozen=True, slots=True)
class Clause:
    """What a clause names, and the figures in it that belong to nothing ("cây đổ 30")."""

    names: list[Named]
    left: list[Number]


def tokens(text: str) -> list[Token]:
    clean = _DATE.sub(" ", nfc(text))
    found: list[Token] = []
    last = -1
    for match in _TOKEN.finditer(clean):
        raw = match.group()
        folded = unaccent(raw).lower()
        if folded and (folded[0].isascii()):
            found.append(Token(raw, folded, match.start() == last))
            last = match.end()
    return found


def clauses(found: Sequence[Token]) -> list[Sequence[Token]]:
    parts: list[list[Token]] = [[]]
    for token in found:
        if token.folded in _ENDS_CLAUSE:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def is_figure(token: Token) -> bool:
    return token.folded[0].isdigit() or (token.folded[0] == "-" and len(token.folded) > 1)


def figure_value(raw: str) -> Decimal | None:
    """A figure as Vietnamese write it: comma for decimals, dots for thousands ("1.250", "12,5"); "12.5" is 12,5."""
    if len(raw) > _LONGEST_FIGURE:
        return None
    plain = raw.replace(".", "") if _THOUSANDS.fullmatch(raw) else raw.replace(",", ".")
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


def read_clause(
    clause: Sequence[Token], fields: Sequence[DamageField], foreign_units: frozenset[tuple[str, ...]]
) -> Clause:
    """The fields that the clause names, in order, each with its figures. A figure with a foreign unit fits none."""
    folded = [token.folded for token in clause]
    units = foreign_units.union(*(one.units | one.persons for one in fields))
    spans = {span for one in fields for span in one.names.everywhere(folded)}
    numbers = _numbers(clause, folded, units, foreign_units, spans)
    taken = {at for number in numbers for at in range(number.at, number.end)}
    names = _names(folded, fields, taken)
    strange = {at for at, _ in _strange(clause, names)}
    numbers = [number for number in numbers if number.at not in strange]
    _pair(names, numbers)
    paired = {number.at for name in names for number in name.figures}
    return Clause(names, [number for number in numbers if number.at not in paired])


def written(clause: Sequence[Token]) -> str:
    """The clause as it was typed."""
    said = "".join(token.raw if token.glued else f" {token.raw}" for token in clause)
    return said.strip()


def strange_fields(clause: Sequence[Token], names: Sequence[Named]) -> list[tuple[str, str]]:
    """What is written like a field and is none of ours ("XYZ5"), with its figure."""
    return [(clause[at - 1].raw, clause[at].raw) for at, _ in _strange(clause, names)]


def _strange(clause: Sequence[Token], names: Sequence[Named]) -> list[tuple[int, Token]]:
    known = {at for name in names for at in range(name.at, name.end)}
    return [
        (at, token)
        for at, token in enumerate(clause)
        if at
        and is_figure(token)
        and token.glued
        and at - 1 not in known
        and clause[at - 1].is_word
        and len(clause[at - 1].folded) in _FIELD_LIKE
        and clause[at - 1].folded not in _NO_FIGURE_BEHIND
    ]


def _numbers(
    clause: Sequence[Token],
    folded: Sequence[str],
    units: frozenset[tuple[str, ...]],
    foreign_units: frozenset[tuple[str, ...]],
    spans: set[tuple[int, int]],
) -> list[Number]:
    name_ends = {end for _, end in spans}
    by_length = sorted(units, key=lambda unit: (-len(unit), unit))
    numbers: list[Number] = []
    for at, token in enumerate(clause):
        if not is_figure(token):
            continue
        counted = numbers[-1].end if numbers else 0  # "2 thôn 40 hộ" is no "thôn 40"
        if at and at not in name_ends and at != counted and folded[at - 1] in _NO_FIGURE_BEHIND:
            continue
        if at + 1 < len(folded) and folded[at + 1] in _OF_TIME:
            continue
        unit = next((one for one in by_length if tuple(folded[at + 1 : at + 1 + len(one)]) == one), ())
        end = at + 1 + len(unit)
        counted_itself = token.glued and unit in foreign_units and end < len(clause) and is_figure(clause[end])
        if counted_itself or _begins_name(at + 1, end, spans):  # "LUA30 cây 50"
            unit = ()
        numbers.append(Number(token.folded, unit, at, at + 1 + len(unit)))
    return numbers


def _begins_name(start: int, end: int, spans: set[tuple[int, int]]) -> bool:
    """True where the unit is needed by a name behind it: "3 nhà đổ", where "đổ" alone names nothing."""
    return any(begin == start and end < stop and (end, stop) not in spans for begin, stop in spans)


def _names(folded: Sequence[str], fields: Sequence[DamageField], taken: set[int]) -> list[Named]:
    spans = [(start, end, one) for one in fields for start, end in one.names.everywhere(folded)]
    names: list[Named] = []
    for start, end, one in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if taken.isdisjoint(range(start, end)):
            taken.update(range(start, end))
            denied = not _NEGATION.isdisjoint(folded[max(0, start - _NEGATION_REACH) : start])
            names.append(Named(one, start, end, denied, _figure_in_words(folded, end)))
    return sorted(names, key=lambda name: name.at)


def _figure_in_words(folded: Sequence[str], start: int) -> str:
    """ "ba chuc" behind a name: a figure that we do not read."""
    end = start
    while end < len(folded) and folded[end] in _IN_WORDS:
        end += 1
    return " ".join(folded[start:end])


def _pair(names: Sequence[Named], numbers: Sequence[Number]) -> None:
    """Each figure to the nearest free name that its unit fits. A clause that begins with a name ("TM12 LUA30") has its
    figures behind the names, one that begins with a figure ("12 nhà tốc mái") before them."""
    name_first = bool(names and numbers) and names[0].at < numbers[0].at
    for number in numbers:
        best: tuple[int, Named] | None = None
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


def _fits(number: Number, name: Named) -> bool:
    one = name.field
    if one.pair and name.figures:  # "25 hộ 98 khẩu"
        first = name.figures[0]
        wanted = one.units if first.unit in one.persons else one.persons
        return len(name.figures) == 1 and number.unit in wanted and "/" not in first.raw
    if name.figures or name.denied or (not one.pair and "/" in number.raw):
        return False
    return not number.unit or number.unit in one.units or number.unit in one.persons
