"""Tables that an office sends: CSV in whatever encoding, or XLSX, as a stream of records in flat memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

FILE_LIMIT: Final = 256 * 2**20
"""Bytes of a file; five million numbers with a name beside each take about 200 MB."""
CELL_LIMIT: Final = 2_000
"""Characters of a cell; an office's longest remark is a few hundred."""
COLUMN_LIMIT: Final = 200
"""Cells of a record; people's tables have about ten."""

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
"""An .xls of before 2007, or an .xlsx with a password."""


class FileRefused(Exception):
    """The file as a whole cannot be imported. `key` names the sentence in `locale/` (`refusal.<key>`).

    Keys: file_missing, file_too_large (limit_mb), file_empty, file_not_a_table, file_is_old_excel, file_unreadable,
    file_swells, encoding_unknown, columns_missing (columns), no_numbers, list_too_long (limit), list_name_missing.
    """

    def __init__(self, key: str, **params: str | int) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


class Record(NamedTuple):
    """One line of a table. `line` is where it begins in the file, from 1. `broken` is "" or why it cannot be read:
    broken_quotes, broken_encoding, line_too_long; then it has no cells."""

    line: int
    cells: tuple[str, ...]
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is left out. `key` names the sentence in `locale/` (`reject.<key>`); phone numbers are masked."""

    line: int
    key: str
    params: dict[str, str | int]


def read_records(path: Path) -> Iterator[Record]:
    """The records of `path` that hold anything, in order. What it is, is told by its content and not by its name.

    Raises `FileRefused`, at the first record or later.
    """
    # Here and not above: both of them build records.
    from directory.csv_records import read_csv
    from directory.xlsx_records import read_xlsx

    head = _head(path)
    if head.startswith(_ZIP):
        return read_xlsx(path)
    if head.startswith(_OLE):
        raise FileRefused("file_is_old_excel")
    return read_csv(path)


def _head(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > FILE_LIMIT:
            raise FileRefused("file_too_large", limit_mb=FILE_LIMIT // 2**20)
        with path.open("rb") as file:
            head = file.read(len(_ZIP))
    except OSError as missing:
        raise FileRefused("file_missing") from missing
    if not head:
        raise FileRefused("file_empty")
    return head
