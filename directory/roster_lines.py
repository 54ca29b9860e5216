"""From the records of a roster's table to checked shifts. What is wrong with a line never stops the others."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from directory.names import tidy
from directory.reading import FileRefused, Record, Reject
from directory.roster import LONGEST_SHIFT, MAY_TAKE, Duty
from store.access import Staff
from text.dates import OFFICE_ZONE
from text.folding import fold

ROSTER_FILE: Final = Path(__file__).resolve().parent.parent / "data" / "import" / "roster.toml"
NOTE_LIMIT: Final = 200
"""Characters of a remark."""
EXCEL_DAY_ZERO: Final = date(1899, 12, 30)
"""Day 0 of a spreadsheet's serial dates (ECMA-376 part 1, 18.17.4.1)."""
SERIAL_MIN, SERIAL_MAX = 36_526.0, 73_050.0
"""Serial numbers from 1 January 2000 to 31 December 2099; others are no dates."""
FORMS: Final = ("%H:%M %d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S",
                "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")  # fmt: skip


@dataclass(frozen=True, slots=True)
class RosterWords:
    """Headers and duties as offices write them, folded."""

    headers: Mapping[str, str]
    duties: Mapping[str, Duty]


@dataclass(frozen=True, slots=True)
class ShiftLine:
    """One good line."""

    line: int
    staff: Staff
    duty: Duty
    starts_at: datetime
    ends_at: datetime
    note: str


class _Wrong(Exception):
    def __init__(self, key: str, **params: str | int) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


@cache
def load_roster_words(path: Path = ROSTER_FILE) -> RosterWords:
    """Raises OSError, TOMLDecodeError, KeyError or ValueError at start where the file is not whole."""
    raw = tomllib.loads(path.read_text("utf-8"))
    return RosterWords(
        headers={fold(one): name for name, headers in raw["headers"].items() for one in headers},
        duties={fold(one): Duty(duty) for duty, words in raw["duties"].items() for one in words},
    )


def read_shifts(records: Iterator[Record], words: RosterWords, staff: Sequence[Staff]) -> Iterator[ShiftLine | Reject]:
    """The lines of a table whose first record is its header. Raises `FileRefused` (file_empty, columns_missing).

    Reject keys: what a record's `broken` says, person_missing, staff_unknown, staff_ambiguous, duty_unknown,
    time_wrong, time_missing, shift_backwards, shift_too_long, shift_role, note_too_long.
    """
    header = next(records, None)
    if header is None:
        raise FileRefused("file_empty")
    columns = {
        words.headers[fold(cell)]: place for place, cell in enumerate(header.cells) if fold(cell) in words.headers
    }
    missing = [name for name in ("person", "start", "end") if name not in columns]
    if missing:
        raise FileRefused("columns_missing", columns=", ".join(missing))
    by_name = _names(staff)
    for record in records:
        if record.broken:
            yield Reject(record.line, record.broken, {})
            continue
        cells = {name: record.cells[at].strip() if at < len(record.cells) else "" for name, at in columns.items()}
        try:
            yield _line(record.line, cells, words, by_name)
        except _Wrong as wrong:
            yield Reject(record.line, wrong.key, wrong.params)


def _names(staff: Sequence[Staff]) -> dict[str, list[Staff]]:
    """Active people by sign-in name and by title, folded."""
    found: dict[str, list[Staff]] = {}
    for one in staff:
        if one.active:
            for name in {fold(one.name), fold(one.title)} - {""}:
                found.setdefault(name, []).append(one)
    return found


def _line(line: int, cells: Mapping[str, str], words: RosterWords, by_name: Mapping[str, list[Staff]]) -> ShiftLine:
    person = _person(tidy(cells["person"]), by_name)
    duty = _duty(cells.get("duty", ""), words)
    if person.role not in MAY_TAKE[duty]:
        raise _Wrong("shift_role", person=person.name, duty=duty.value)
    start = moment_of(cells["start"], None)
    end = moment_of(cells["end"], start)
    if end <= start:
        raise _Wrong("shift_backwards", start=cells["start"], end=cells["end"])
    if end - start > LONGEST_SHIFT:
        raise _Wrong("shift_too_long", hours=int(LONGEST_SHIFT.total_seconds() // 3600))
    note = cells.get("note", "")
    if len(note) > NOTE_LIMIT:
        raise _Wrong("note_too_long", limit=NOTE_LIMIT)
    return ShiftLine(line, person, duty, start, end, note)


def _person(name: str, by_name: Mapping[str, list[Staff]]) -> Staff:
    if not name:
        raise _Wrong("person_missing")
    found = by_name.get(fold(name), [])
    if not found:
        raise _Wrong("staff_unknown", value=name)
    if len(found) > 1:
        raise _Wrong("staff_ambiguous", value=name)
    return found[0]


def _duty(cell: str, words: RosterWords) -> Duty:
    if not cell:
        return Duty.OFFICER
    duty = words.duties.get(fold(cell))
    if duty is None:
        raise _Wrong("duty_unknown", value=cell)
    return duty


def moment_of(cell: str, start: datetime | None) -> datetime:
    """A moment on the office's clock: "22:00 24/8/2026", "2026-08-24 22:00", a spreadsheet's serial number; for an end
    also a bare "06:00", which is the first such time after `start`. Raises `_Wrong`."""
    text = cell.strip()
    if not text:
        raise _Wrong("time_missing")
    if re.fullmatch(r"\d{5}(\.\d+)?", text) and SERIAL_MIN <= float(text) <= SERIAL_MAX:
        days = float(text)
        seconds = round((days % 1) * 86_400 / 60) * 60
        return datetime.combine(EXCEL_DAY_ZERO, time(), OFFICE_ZONE) + timedelta(days=int(days), seconds=seconds)
    if found := re.fullmatch(r"(\d{1,2})[:hg](\d{2})?", text):
        if start is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
            raise _Wrong("time_wrong", value=cell)
        end = start.replace(hour=int(found[1]), minute=int(found[2] or 0))
        return end if end > start else end + timedelta(days=1)
    for form in FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=OFFICE_ZONE)
        except ValueError:
            continue
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong("time_wrong", value=cell) from None
    if re.fullmatch(r"[\d-]+", text):  # a day without an hour
        raise _Wrong("time_wrong", value=cell)
    return given.astimezone(OFFICE_ZONE) if given.tzinfo else given.replace(tzinfo=OFFICE_ZONE)
