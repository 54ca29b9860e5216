"""A round of damage reports in the office's columns, as CSV or XLSX."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Final

from broadcasts.damage_reports import RoundView, UnitReport
from broadcasts.damage_words import DamageWords
from broadcasts.marks import load_marks
from broadcasts.model import Mode
from text.cells import plain_cell
from text.dates import local

Cell = str | float
BOM: Final = "\ufeff"
"""Which Excel needs for accents in CSV."""


def table(view: RoundView, words: DamageWords) -> list[list[Cell]]:
    """Header, a line for every unit, the province's sums."""
    column, drill = words.column, _drill_mark(view)
    marked: list[Cell] = [drill] if drill else []  # in each line: lines are copied out of files
    figures = [header for field in words.fields.values() for header in field.columns]
    header = [column["code"], column["unit"], *figures]
    lines: list[list[Cell]] = [[*header, column["nil"], column["person"], column["at"], column["state"]]]
    lines[0] += [column["mode"]] if drill else []
    lines += [[*_line(row, words), *marked] for row in view.rows]
    sums: list[Cell] = [column["total"], ""]
    for code, field in words.fields.items():
        value, persons = view.totals.get(code, (Decimal(0), Decimal(0)))
        sums += [float(value), float(persons)][: len(field.columns)]
    return [*lines, [*sums, "", "", "", "", *marked]]


def _drill_mark(view: RoundView) -> str:
    """What a table of an exercise says, "" for a real one."""
    return load_marks().mode[Mode.EXERCISE]["chat"] if view.round.mode == Mode.EXERCISE else ""


def _line(row: UnitReport, words: DamageWords) -> list[Cell]:
    report = row.report
    line: list[Cell] = [row.unit.code, row.unit.name]
    for code, field in words.fields.items():
        pair = (None, None) if report is None else report.figures.get(code, (None, None))
        zero = report is not None and report.nil
        line += [float(one) if one is not None else 0.0 if zero else "" for one in pair][: len(field.columns)]
    if report is None:
        return [*line, "", "", "", words.state["missing"]]
    state = words.state[report.state] + (f", {words.state['late']}" if row.late else "")
    at = f"{local(report.at):%H:%M %d/%m/%Y}"
    return [*line, "x" if report.nil else "", str(plain_cell(report.person_name)), at, state]


def as_csv(view: RoundView, words: DamageWords) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([[_plain(cell) for cell in line] for line in table(view, words)])
    return (BOM + out.getvalue()).encode()


def _plain(cell: Cell) -> Cell:
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def as_xlsx(view: RoundView, words: DamageWords) -> bytes:
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    import xlsxwriter  # loaded by the first export

    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet()
        sheet.write_string(0, 0, view.round.name, bold)
        if mark := _drill_mark(view):
            sheet.write_string(0, 1, mark, bold)
            sheet.set_header(f"&C{mark}")
        for at, line in enumerate(table(view, words), start=1):
            sheet.write_row(at, 0, line, bold if at == 1 else None)
        sheet.freeze_panes(2, 2)
    return out.getvalue()
