"""From the records of a table to phone numbers, and their order: millions in a few bytes each."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, islice
from typing import Final

from directory.columns import Form, Words, match_header
from directory.reading import FileRefused, Record, Reject
from text import numbers

LIST_LIMIT: Final = 5_000_000
"""Numbers of one list: more than the province has people; 8 bytes each are held while a file is read."""
REJECTS_SHOWN: Final = 200
"""Rejected lines that are listed; all are counted."""
HEADER_WITHIN: Final = 20
"""Records among which the header, or the first number, must be."""
RUN: Final = 50_000
"""Numbers sorted at a time."""


@dataclass(slots=True)
class Collected:
    """What a file holds. `runs` are sorted, each within itself."""

    runs: list[array[int]] = field(default_factory=list)
    valid: int = 0
    rejected: list[Reject] = field(default_factory=list)
    rejections: int = 0

    def reject(self, reject: Reject) -> None:
        self.rejections += 1
        if len(self.rejected) < REJECTS_SHOWN:
            self.rejected.append(reject)


def collect(records: Iterable[Record], words: Words) -> Collected:
    """Every number of the table's number column. Raises `FileRefused` (no_numbers, list_too_long)."""
    collected = Collected()
    records, column = _find_column(iter(records), words)
    run: list[int] = []
    msisdn = numbers.msisdn
    for record in records:
        cells = record.cells
        number = msisdn(cells[column]) if column < len(cells) else None
        if number is None:
            collected.reject(_why_not(record, column))
            continue
        run.append(number)
        if len(run) == RUN:
            _keep(collected, run)
            run = []
    _keep(collected, run)
    if not collected.valid:
        raise FileRefused("no_numbers", rejections=collected.rejections)
    return collected


def _keep(collected: Collected, run: list[int]) -> None:
    if run:
        collected.runs.append(array("Q", sorted(run)))
        collected.valid += len(run)
    if collected.valid > LIST_LIMIT:
        raise FileRefused("list_too_long", limit=LIST_LIMIT)


def _find_column(records: Iterator[Record], words: Words) -> tuple[Iterator[Record], int]:
    """The records that hold numbers, and which cell. Lines above a header are titles; without a header the first
    cell anywhere that is a mobile number shows the column."""
    mobile = {name for name, family in words.families.items() if family.form is Form.MOBILE}
    first = list(islice(records, HEADER_WITHIN))
    for place, record in enumerate(first):
        header = match_header(record.cells, words)
        for name in mobile & header.keys():
            return chain(first[place + 1 :], records), header[name]
        for column, cell in enumerate(record.cells):
            if numbers.msisdn(cell) is not None:
                return chain(first, records), column
    return chain(first, records), 0


def _why_not(record: Record, column: int) -> Reject:
    if record.broken:
        return Reject(record.line, record.broken, {})
    cell = record.cells[column] if column < len(record.cells) else ""
    number = numbers.parse(cell)
    if number.kind == "landline":
        return Reject(record.line, "number_landline", {"value": numbers.mask(cell)})
    return Reject(record.line, "number_wrong", {"value": numbers.mask(cell[:40]), "reason": number.reason})


def ascending(runs: Iterable[array[int]]) -> Iterator[int]:
    """All numbers of the runs in order, each once."""
    last = 0
    for number in merge(*runs):
        if number != last:
            yield number
            last = number


class ListDigest:
    """SHA-256 over numbers in ascending order, each in decimal with a line feed."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def add(self, batch: list[int]) -> None:
        self._hash.update("".join([f"{number}\n" for number in batch]).encode("ascii"))
        self.size += len(batch)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
