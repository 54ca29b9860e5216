"""From the records of a people's table to checked lines. What is wrong with a line never stops the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from directory.columns import Family, Form, Words, match_header
from directory.names import tidy, unit_names
from directory.reading import FileRefused, Record, Reject
from directory.roles import ContactRole
from directory.units import UnitCatalogue
from text import numbers
from text.folding import tone_key

NAME_LIMIT: Final = 120
"""Characters of a person's name."""

_BETWEEN: Final = re.compile(r"[;,/|\n]|\s+(?:hoặc|và|or)\s+")
_TEXT_FORMULA: Final = re.compile(r'="([^"]*)"')
"""How spreadsheets keep long digits whole in CSV."""
_ROUNDED: Final = re.compile(r"[0-9][.,][0-9]+[eE]\+?[0-9]+|[0-9][eE]\+[0-9]+|[0-9]{16,}\.0+")
"""What a spreadsheet leaves of a number longer than 15 digits: the rest is lost."""
_WHOLE_FLOAT: Final = re.compile(r"([0-9]+)\.0+")


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One good line. `addresses` has an entry, perhaps empty, for every address column that the table has."""

    line: int
    unit_code: str
    role: ContactRole
    name: str
    addresses: Mapping[str, tuple[str, ...]]


class _Wrong(Exception):
    def __init__(self, key: str, **params: str | int) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


def read_people(records: Iterator[Record], words: Words, catalogue: UnitCatalogue) -> Iterator[PersonLine | Reject]:
    """The lines of a table whose first record is its header. Raises `FileRefused` (file_empty, columns_missing).

    Reject keys: what a record's `broken` says, cells_missing, cells_extra, unit_missing, unit_unknown, role_missing,
    role_unknown, name_missing, name_too_long, number_wrong, number_landline, number_mobile, id_wrong, id_rounded.
    """
    header = next(records, None)
    if header is None:
        raise FileRefused("file_empty")
    columns = match_header(header.cells, words)
    _require(columns, words)
    reader = _Reader(columns, len(header.cells), words, catalogue)
    for record in records:
        if record.broken:
            yield Reject(record.line, record.broken, {})
            continue
        try:
            yield reader.line(record)
        except _Wrong as wrong:
            yield Reject(record.line, wrong.key, wrong.params)


def _require(columns: Mapping[str, int], words: Words) -> None:
    missing = [name for name in ("role", "name") if name not in columns]
    if "unit_code" not in columns and "unit_name" not in columns:
        missing.insert(0, "unit_code")
    if not any(name in words.families for name in columns):
        missing.append("sms")
    if missing:
        raise FileRefused("columns_missing", columns=", ".join(missing))


class _Reader:
    def __init__(self, columns: Mapping[str, int], width: int, words: Words, catalogue: UnitCatalogue) -> None:
        self._columns = columns
        self._width = width
        self._words = words
        self._catalogue = catalogue
        self._unit_names = unit_names(catalogue)

    def line(self, record: Record) -> PersonLine:
        cells = record.cells
        if any(cells[self._width :]):
            raise _Wrong("cells_extra", cells=len(cells), expected=self._width)
        if len(cells) <= max(self._columns[name] for name in ("role", "name")):
            raise _Wrong("cells_missing", cells=len(cells), expected=self._width)
        role = self._role(self._cell(cells, "role"))
        addresses = {
            name: _addresses(self._cell(cells, name), family)
            for name, family in self._words.families.items()
            if name in self._columns
        }
        unit = self._unit(self._cell(cells, "unit_code"), self._cell(cells, "unit_name"), role)
        return PersonLine(record.line, unit, role, self._name(self._cell(cells, "name"), role), addresses)

    def _cell(self, cells: tuple[str, ...], name: str) -> str:
        index = self._columns.get(name, len(cells))
        return cells[index] if index < len(cells) else ""

    def _unit(self, code: str, name: str, role: ContactRole) -> str:
        if code:
            found = self._catalogue.by_code(_digits(code))
            if found is None:
                raise _Wrong("unit_unknown", value=code)
            return found.code
        if name:
            by_name = self._unit_names.get(tone_key(name))
            if by_name is None:
                raise _Wrong("unit_unknown", value=name)
            return by_name.code
        if role is not ContactRole.MEMBER:
            raise _Wrong("unit_missing")
        return ""

    def _role(self, cell: str) -> ContactRole:
        if not cell:
            raise _Wrong("role_missing")
        role = self._words.role(cell)
        if role is None:
            raise _Wrong("role_unknown", value=cell)
        return role

    def _name(self, cell: str, role: ContactRole) -> str:
        name = tidy(cell) or self._words.unnamed.get(role, "")
        if not name:
            raise _Wrong("name_missing")
        if len(name) > NAME_LIMIT:
            raise _Wrong("name_too_long", limit=NAME_LIMIT)
        return name


def _digits(cell: str) -> str:
    """15106 of 15106.0, which a spreadsheet makes of a code."""
    whole = _WHOLE_FLOAT.fullmatch(cell)
    return whole[1] if whole else cell


def _addresses(cell: str, family: Family) -> tuple[str, ...]:
    """The addresses of one cell, in order of preference, each once."""
    cell = _TEXT_FORMULA.sub(r"\1", cell)
    if family.form is Form.ID and _ROUNDED.fullmatch(cell):
        raise _Wrong("id_rounded", family=family.name, value=cell)
    pieces = (piece.strip() for piece in _BETWEEN.split(cell))
    return tuple(dict.fromkeys(_address(piece, family) for piece in pieces if piece))


def _address(raw: str, family: Family) -> str:
    if family.form is Form.ID:
        value = _digits(raw)
        if not re.fullmatch(family.pattern, value):
            raise _Wrong("id_wrong", family=family.name, value=value)
        return value
    number = numbers.parse(raw)
    if number.e164 is None:
        raise _Wrong("number_wrong", family=family.name, value=numbers.mask(raw), reason=number.reason)
    if family.form is Form.MOBILE and number.kind != "mobile":
        raise _Wrong("number_landline", family=family.name, value=numbers.mask(raw))
    if family.form is Form.LANDLINE and number.kind == "mobile":
        raise _Wrong("number_mobile", family=family.name, value=numbers.mask(raw))
    return number.e164[1:]
