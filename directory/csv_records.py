"""CSV as it really comes: UTF-8 with or without a mark, UTF-16 from Excel, windows-1258 from old programs; comma,
semicolon or tab; a quote that somebody forgot to close."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from directory.reading import CELL_LIMIT, COLUMN_LIMIT, FileRefused, Record

DELIMITERS: Final = "\t;,|"
"""In order of preference where a header holds several."""
LINE_LIMIT: Final = CELL_LIMIT * 32
"""Characters of a line."""
LINES_PER_RECORD: Final = 20
"""Lines that one quoted record may take; beyond it a quote was not closed."""

LOOK_AHEAD: Final = 20
"""Lines from which the delimiter is told."""

_CHUNK: Final = 2**18
_SAMPLE: Final = 4096
_LOST: Final = "\ufffd"


def read_csv(path: Path) -> Iterator[Record]:
    """Raises `FileRefused` (encoding_unknown, file_not_a_table)."""
    encoding = detect_encoding(path)
    with path.open(encoding=encoding, errors="replace") as file:
        yield from _records(_Lines(file))


def detect_encoding(path: Path) -> str:
    """The codec's name, after one pass over the file."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
        if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if b"\0" in sample:
            return _utf16_without_mark(sample)
        file.seek(0)
        good, bad = _count_utf8(file)
        # Vietnamese in windows-1258 almost never happens to be UTF-8: more good letters than bad bytes is damage.
        if not bad or good > bad:
            return "utf-8-sig"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("cp1258")()
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        except UnicodeDecodeError as odd:
            raise FileRefused("encoding_unknown") from odd
    return "cp1258"


def _utf16_without_mark(sample: bytes) -> str:
    """ASCII digits and commas in UTF-16 are every second byte zero; anything else with zeros is no text."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 4
    if odd > half and not even:
        return "utf-16-le"
    if even > half and not odd:
        return "utf-16-be"
    raise FileRefused("file_not_a_table")


def _count_utf8(file: BinaryIO) -> tuple[int, int]:
    """(letters beyond ASCII, bytes that are no UTF-8) of a whole file."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    good = bad = 0
    ended = False
    while not ended:
        chunk = file.read(_CHUNK)
        ended = not chunk
        text = decoder.decode(chunk, final=ended)
        if not text.isascii():
            lost = text.count(_LOST)
            bad += lost
            good += sum(not ch.isascii() for ch in text) - lost
    return good, bad


class _Lines:
    """Numbered lines of bounded length, which can be put back."""

    def __init__(self, file: TextIO) -> None:
        self._readline = file.readline
        self._back: list[str] = []
        self.number = 0

    def next(self) -> str | None:
        """The next line with its end, None at the end of the file. An overlong one is cut: its end is missing."""
        line = self._back.pop() if self._back else self._readline(LINE_LIMIT)
        if not line:
            return None
        self.number += 1
        if len(line) == LINE_LIMIT and not line.endswith("\n"):
            while (rest := self._readline(LINE_LIMIT)) and not rest.endswith("\n"):
                pass
        return line

    def peek(self, line: str) -> list[str]:
        """`line`, which was the last one taken, and some of those that follow it."""
        following = [more for _ in range(LOOK_AHEAD) if (more := self.next()) is not None]
        self.put_back(following)
        return [line, *following]

    def put_back(self, lines: list[str]) -> None:
        self._back.extend(reversed(lines))
        self.number -= len(lines)


def _records(lines: _Lines) -> Iterator[Record]:
    delimiter = ""
    while (line := lines.next()) is not None:
        start = lines.number
        if not line.strip():
            continue
        if not delimiter:
            if line.lower().startswith("sep=") and len(line.strip()) == len("sep=;"):
                delimiter = line.strip()[-1]  # Excel's own hint
                continue
            delimiter = _delimiter(lines.peek(line))
        if '"' in line or len(line) > CELL_LIMIT or _LOST in line:
            record = _record(lines, line, start, delimiter)
        else:
            record = Record(start, tuple([cell.strip() for cell in line.split(delimiter)]))
        if len(record.cells) > COLUMN_LIMIT:
            record = Record(start, (), "line_too_long")
        if record.broken or any(record.cells):
            yield record


def _record(lines: _Lines, line: str, start: int, delimiter: str) -> Record:
    if len(line) >= LINE_LIMIT:
        return Record(start, (), "line_too_long")
    if _LOST in line:
        return Record(start, (), "broken_encoding")
    if '"' not in line:
        return _bounded(start, line.split(delimiter))
    taken = [line]
    while len(taken) <= LINES_PER_RECORD:
        try:
            return _bounded(start, next(csv.reader(taken, delimiter=delimiter, strict=True)))
        except csv.Error as wrong:
            more = lines.next() if "unexpected end" in str(wrong) else None
            if more is None:
                break
            taken.append(more)
    lines.put_back(taken[1:])
    return Record(start, (), "broken_quotes")


def _bounded(line: int, cells: list[str]) -> Record:
    if max(map(len, cells)) > CELL_LIMIT:
        return Record(line, (), "line_too_long")
    return Record(line, tuple([cell.strip() for cell in cells]))


def _delimiter(lines: Sequence[str]) -> str:
    """The sign that most of the first lines hold, outside quotes: names and addresses hold commas too."""
    outside = ["".join(line.split('"')[::2]) for line in lines]

    def weight(sign: str) -> tuple[int, int, int]:
        counts = [line.count(sign) for line in outside]
        return sum(count > 0 for count in counts), max(counts), -DELIMITERS.index(sign)

    best = max(DELIMITERS, key=weight)
    return best if any(best in line for line in outside) else ","
