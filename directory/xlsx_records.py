"""The first visible sheet of an XLSX file, as a stream.

Our own reader, for two reasons that were measured: the usual ones hold the whole sheet in memory, and they reserve the
rectangle between the outermost cells, so that a file of 1 kB with one cell in XFD1048576 ends the whole process.
Structure: ECMA-376 Part 1, 18.2 (workbook), 18.3 (worksheet), 18.4 (shared strings).
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import IO, Final
from xml.parsers import expat

from directory.reading import CELL_LIMIT, COLUMN_LIMIT, FileRefused, Record

SHEET_LIMIT: Final = 512 * 2**20
"""Bytes of a sheet's XML; a million numbers take about 60 MB."""
STRINGS_LIMIT: Final = 64 * 2**20
"""Bytes of the shared strings' XML: they are held in memory, about a third of it."""
PART_LIMIT: Final = 2**20
"""Bytes of the small parts that say which sheet is first."""
EXACT_DIGITS: Final = 15
"""Excel keeps no more digits of a number (ECMA-376 18.3.1.96 stores a double)."""

_CHUNK: Final = 2**16
_WORKBOOK: Final = "xl/workbook.xml"
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    UnicodeError,
    ValueError,
    OSError,
)

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


def read_xlsx(path: Path) -> Iterator[Record]:
    """Raises `FileRefused` (file_unreadable, file_swells)."""
    try:
        with zipfile.ZipFile(path) as book:
            strings = _shared_strings(book)
            with _open(book, _first_sheet(book), SHEET_LIMIT) as file:
                yield from _Sheet(strings).records(file)
    except _UNREADABLE as wrong:
        raise FileRefused("file_unreadable") from wrong


def _open(book: zipfile.ZipFile, name: str, limit: int) -> IO[bytes]:
    """A part for reading. `zipfile` never gives more bytes than the directory declares, so that is what is judged."""
    if book.getinfo(name).file_size > limit:
        raise FileRefused("file_swells", limit_mb=limit // 2**20)
    return book.open(name)


def _parse(file: IO[bytes], start: Start, end: End, text: Callable[[str], None]) -> Iterator[None]:
    """Feed a parser chunk by chunk. A document type is refused: entities can explode."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    while chunk := file.read(_CHUNK):
        parser.Parse(chunk, False)
        yield
    parser.Parse(b"", True)
    yield


def _refuse_doctype(*_: object) -> None:
    raise FileRefused("file_unreadable")


def _local(name: str) -> str:
    """A name without its prefix: some writers prefix every element."""
    return name.rpartition(":")[2] if ":" in name else name


def _ignore(_: str) -> None:
    pass


def _elements(book: zipfile.ZipFile, name: str, tag: str) -> list[dict[str, str]]:
    """Attributes, without prefixes, of every `tag` in a small part."""
    found: list[dict[str, str]] = []

    def start(here: str, attributes: dict[str, str]) -> None:
        if _local(here) == tag:
            found.append({_local(key): value for key, value in attributes.items()})

    with _open(book, name, PART_LIMIT) as file:
        for _ in _parse(file, start, _ignore, _ignore):
            pass
    return found


def _first_sheet(book: zipfile.ZipFile) -> str:
    """Name of the part that holds the first sheet which is not hidden."""
    relations = {one["Id"]: one for one in _elements(book, "xl/_rels/workbook.xml.rels", "Relationship")}
    for sheet in _elements(book, _WORKBOOK, "sheet"):
        relation = relations[sheet["id"]]
        if sheet.get("state", "visible") == "visible" and relation["Type"].endswith("/worksheet"):
            target = relation["Target"]
            return target[1:] if target.startswith("/") else posixpath.normpath(f"xl/{target}")
    raise KeyError("no visible sheet")


class _Strings:
    """Shared strings by number, packed: a million phone numbers as text take 20 MB and not 80."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])

    def add(self, text: str) -> None:
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise ValueError("no such shared string")
        return self._bytes[self._ends[number] : self._ends[number + 1]].decode()


def _shared_strings(book: zipfile.ZipFile) -> _Strings:
    strings = _Strings()
    if "xl/sharedStrings.xml" not in book.namelist():
        return strings
    run = _Text("si")

    def end(tag: str) -> None:
        if run.end(tag):
            strings.add(run.value)

    with _open(book, "xl/sharedStrings.xml", STRINGS_LIMIT) as file:
        for _ in _parse(file, run.start, end, run.text):
            pass
    return strings


class _Text:
    """Collects the `t` runs of one element; `rPh`, the reading of East Asian letters, is left out."""

    def __init__(self, element: str) -> None:
        self._element = element
        self._pieces: list[str] = []
        self._inside = self._phonetic = False
        self.value = ""

    def start(self, tag: str, _: dict[str, str]) -> None:
        tag = _local(tag)
        if tag == "rPh":
            self._phonetic = True
        elif tag == "t":
            self._inside = not self._phonetic

    def text(self, piece: str) -> None:
        if self._inside and len(self._pieces) <= CELL_LIMIT:
            self._pieces.append(piece)

    def end(self, tag: str) -> bool:
        """True where the element is over and `value` is its text."""
        tag = _local(tag)
        if tag == "t":
            self._inside = False
        elif tag == "rPh":
            self._phonetic = False
        elif tag == self._element:
            self.value = "".join(self._pieces)
            self._pieces = []
            return True
        return False


class _Sheet:
    """Turns the events of one sheet into records."""

    def __init__(self, strings: _Strings) -> None:
        self._strings = strings
        self._inline = _Text("is")
        self._done: list[Record] = []
        self._row = self._column = 0
        self._cells: dict[int, str] = {}
        self._kind = ""
        self._value = ""
        self._in_value = False

    def records(self, file: IO[bytes]) -> Iterator[Record]:
        for _ in _parse(file, self._start, self._end, self._text):
            yield from self._done
            self._done.clear()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if ":" in tag:
            tag = _local(tag)
        if tag == "v":
            self._in_value = True
        elif tag == "c":
            reference = attributes.get("r")
            self._column = _column(reference) if reference else self._column + 1
            self._kind = attributes.get("t", "n")
            self._value = ""
        elif tag == "row":
            self._row = int(attributes["r"]) if "r" in attributes else self._row + 1
            self._column = 0
            self._cells = {}
        else:
            self._inline.start(tag, attributes)

    def _text(self, piece: str) -> None:
        if not self._in_value:
            self._inline.text(piece)
        elif len(self._value) <= CELL_LIMIT:
            self._value += piece

    def _end(self, tag: str) -> None:
        if ":" in tag:
            tag = _local(tag)
        if tag == "v":
            self._in_value = False
        elif tag == "c":
            if self._value:
                self._put(self._cell(self._value))
        elif tag == "row":
            self._finish_row()
        elif self._inline.end(tag):
            self._put(self._inline.value)

    def _put(self, text: str) -> None:
        text = text.strip()
        if text:
            self._cells[self._column] = text

    def _cell(self, raw: str) -> str:
        if self._kind == "s":
            return self._strings[int(raw)]
        return raw if self._kind != "n" or raw.isdigit() else _plain_number(raw)

    def _finish_row(self) -> None:
        cells = self._cells
        if not cells:
            return
        last = max(cells)
        if last == len(cells) <= COLUMN_LIMIT and max(map(len, cells.values())) <= CELL_LIMIT:
            self._done.append(Record(self._row, tuple(cells[column] for column in range(1, last + 1))))
        elif last > COLUMN_LIMIT or any(len(cell) > CELL_LIMIT for cell in cells.values()):
            self._done.append(Record(self._row, (), "line_too_long"))
        else:
            self._done.append(Record(self._row, tuple([cells.get(column, "") for column in range(1, last + 1)])))


@lru_cache(COLUMN_LIMIT)
def _column_number(letters: str) -> int:
    """A → 1, Z → 26, AA → 27."""
    if not letters.isalpha() or not letters.isascii() or len(letters) > len("XFD"):
        raise ValueError("no column")
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _column(reference: str) -> int:
    """B7 → 2."""
    return _column_number(reference.rstrip("0123456789"))


def _plain_number(raw: str) -> str:
    """9.00001234E8 → 900001234. A number of more digits than Excel keeps stays as it is, for whoever needs it whole."""
    try:
        number = Decimal(raw)
    except InvalidOperation:
        return raw
    if number.is_finite() and number == number.to_integral_value() and number.adjusted() < EXACT_DIGITS:
        return str(int(number))
    return raw
