"""The directory as a table that the office keeps and brings back: the columns of the import, and lists for a look."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from directory.book import Entry, UnitEntry

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by spreadsheets as a formula (OWASP, CSV injection)."""
BOM: Final = "\ufeff"
"""Which Excel needs for accents in CSV."""
FAMILIES: Final = (("sms", "phone"), ("voice", "landline"), ("zalo", "zalo"), ("telegram", "telegram"))
"""Family → header that the import knows (`data/import/columns.toml`)."""
BETWEEN: Final = "; "
"""Between several addresses in a cell, as the import reads them."""
HEADER: Final = ("unit_code", "unit_name", "role", "name", *(header for _, header in FAMILIES))

Table = Sequence[Sequence[str]]


def people_table(units: Iterable[UnitEntry]) -> list[list[str]]:
    """A line for each person; brought back, it changes nothing."""
    return [list(HEADER), *(_line(unit, person) for unit in units for person in unit.people)]


def _line(unit: UnitEntry, person: Entry) -> list[str]:
    cells = [
        BETWEEN.join(path.value for path in person.paths if path.channel == family) for family, _ in FAMILIES
    ]  # a channel with ids of its own is no column: its accounts come by enrolment only
    return [unit.code, unit.name, person.role, person.name, *cells]


def safe(cell: str) -> str:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def as_csv(table: Table) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([[safe(cell) for cell in line] for line in table])
    return (BOM + out.getvalue()).encode()


def as_xlsx(table: Table) -> bytes:
    """Every cell is a text, so that long ids and leading zeros stay what they are."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    import xlsxwriter  # loaded by the first export

    with xlsxwriter.Workbook(out, options) as book:
        bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        sheet = book.add_worksheet()
        sheet.set_column(0, max((len(line) for line in table), default=1), 22, text)
        for at, line in enumerate(table):
            for column, cell in enumerate(line):
                sheet.write_string(at, column, safe(cell), bold if at == 0 else text)
        sheet.freeze_panes(1, 0)
    return out.getvalue()


EXPORTS: Final = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
