"""The result of an exercise as a file for the office: a line a unit, and the mark on every one of them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Final

from broadcasts.exercises import ExerciseResult, UnitResult
from text.cells import plain_cell
from text.dates import moment

Say = Callable[..., str]
COLUMNS: Final = ("exercise.unit", "exercise.answered", "exercise.after", "exercise.channel", "exercise.person",
                  "column.mode")  # fmt: skip


def _head(result: ExerciseResult, say: Say) -> list[str]:
    total = say("exercise.result", answered=result.answered, total=result.total)
    return [say("export.exercise"), f"{result.code} {result.title}", total, moment(result.at)]


def _cells(one: UnitResult, say: Say) -> list[str | float]:
    answered = say("exercise.yes" if one.answered else "exercise.no")
    seconds: str | float = "" if one.seconds is None else round(one.seconds)
    return [
        str(plain_cell(one.name)),
        answered,
        seconds,
        one.channel,
        str(plain_cell(one.person)),
        say("export.exercise"),
    ]


def as_csv(result: ExerciseResult, say: Say) -> bytes:
    """With a BOM, which Excel needs for accents; seconds in the third column."""
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_head(result, say))
    writer.writerow([say(column) for column in COLUMNS])
    writer.writerows(_cells(one, say) for one in result.units)
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(result: ExerciseResult, say: Say) -> bytes:
    out = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    import xlsxwriter  # loaded by the first export

    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet(say("sheet.exercise"))
        sheet.write_row(0, 0, _head(result, say), bold)
        sheet.write_row(1, 0, [say(column) for column in COLUMNS], bold)
        for at, one in enumerate(result.units, start=2):
            sheet.write_row(at, 0, _cells(one, say))
        sheet.set_header(f"&C{say('export.exercise')}")
    return out.getvalue()
