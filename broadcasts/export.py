"""A broadcast as a file for people: XLSX with two sheets, CSV or PDF of the roll-call, or JSON of everything."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from broadcasts.edxml import status_file
from text.cells import plain_cell

ROLLCALL_COLUMNS = ("unit", "name", "district", "state", "person", "via", "at", "seconds", "level", "by_staff", "note")
DELIVERY_COLUMNS = (
    "id", "unit", "person", "channel", "step", "state", "reason", "provider_id", "provider_code", "parts", "at", "to",
)  # fmt: skip
STATUS_COLUMNS = ("unit", "name", "code", "says", "at", "person", "via", "note", "counts")
ATTACHMENT_COLUMNS = ("name", "media", "size", "sha256", "url")
RESULT_COLUMNS = ("unit", "name", "answered", "seconds", "channel", "person")
"""What each unit of an exercise gave; the time to answer is over by then."""
HEADER_LONGEST = 255
"""Characters of a printed page's header (ECMA-376 part 1, 18.3.1.46)."""
PDF_COLUMNS = ("name", "district", "state", "person", "via", "at", "note")

CODES_ENDING = ".codes.csv"


class UnknownKind(ValueError):
    """No file of this ending is made."""


Say = Callable[..., str]
Row = Mapping[str, Any]


def write_export(
    to: Path,
    view: Row,
    rollcall: Sequence[Row],
    deliveries: Iterable[Row],
    say: Say,
    statuses: Sequence[Row] = (),
    organ_id: str = "",
    exercise: Row | None = None,
) -> int:
    """Write the file that its ending names; how many rows it has. `.xml` is the statuses alone, as status messages of
    the document axis; `.codes.csv` the same as a table. Raises `UnknownKind` for another ending."""
    kind = to.suffix.lower()
    if kind == ".json":
        everything = list(deliveries)
        to.write_bytes(
            orjson.dumps(
                {
                    "marks": marks_of(view, say),
                    "broadcast": view,
                    "rollcall": rollcall,
                    "deliveries": everything,
                    "statuses": statuses,
                    "exercise": exercise,
                }
            )
        )
        return len(rollcall) + len(everything)
    names = {row["unit"]: row["name"] for row in rollcall}
    statuses = [{**row, "name": names.get(row["unit"], row["unit"])} for row in statuses]
    if kind == ".xml":
        to.write_bytes(
            status_file(_timed(view, "created_at"), _all_timed(statuses), lambda one: names.get(one, one), organ_id)
        )
        return sum(1 for row in statuses if row["counts"])
    if to.name.lower().endswith(CODES_ENDING):
        return _table(to, *_marked(view, STATUS_COLUMNS, statuses, say), say)
    if kind == ".csv":
        columns, lines = (ROLLCALL_COLUMNS, rollcall) if rollcall else (DELIVERY_COLUMNS, deliveries)
        return _table(to, *_marked(view, columns, with_result(lines, exercise), say), say)
    if kind == ".xlsx":
        return _xlsx(to, view, rollcall, deliveries, say, statuses, exercise)
    if kind == ".pdf":
        from broadcasts.export_pdf import write_pdf

        rows = [[str(_cell(row, name, say) or "") for name in PDF_COLUMNS] for row in rollcall]
        return write_pdf(to, view, _heads(PDF_COLUMNS, say), rows, say, marks_of(view, say))
    raise UnknownKind(kind or to.name)


def _timed(row: Row, key: str) -> dict[str, Any]:
    return {**row, key: datetime.fromisoformat(row[key])}


def _all_timed(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [_timed(row, "at") for row in rows]


def _heads(columns: Sequence[str], say: Say) -> list[str]:
    return [say(f"column.{column}") for column in columns]


def _cell(row: Row, column: str, say: Say) -> Any:
    value = row.get(column)
    if column == "state" and value:
        return say(f"state.{'ack' if 'district' in row else 'delivery'}.{value}")
    if column == "answered":
        return say("exercise.yes" if value else "exercise.no")
    return value


def marks_of(view: Row, say: Say) -> list[str]:
    """What every page of a file must say: that it was not real, that it was sent without an approval, what it gave."""
    marks = [] if _is_actual(view) else [say(f"export.{view['mode']}")]
    if alone := view.get("break_glass"):
        at = datetime.fromisoformat(alone["at"])
        verdict = say(f"verdict.{alone['verdict']}") if alone["verdict"] else say("break_glass.waiting")
        reason = f"{say('break_glass.reason')}: {alone['reason']}"
        marks.append(f"{say('broadcast.sent_alone', name=alone['by'], at=at)}. {reason}. {verdict}")
    if result := view.get("exercise_result"):
        marks.append(say("exercise.result", answered=result["answered"], total=result["total"]))
    return marks


def _is_actual(view: Row) -> bool:
    return bool(view.get("mode", "actual") == "actual")


def _marked(view: Row, columns: Sequence[str], rows: Iterable[Row], say: Say) -> tuple[Sequence[str], Iterable[Row]]:
    """A table of something that is not real says so in each of its lines: lines are copied out of files."""
    if _is_actual(view):
        return columns, rows
    return (*columns, "mode"), ({**row, "mode": say(f"export.{view['mode']}")} for row in rows)


def with_result(rows: Iterable[Row], exercise: Row | None) -> Iterable[Row]:
    """The roll-call as it stood when the time to answer was over: what came later has no seconds."""
    if exercise is None or not exercise.get("at"):
        return rows
    units = {one["unit"]: one for one in exercise["units"]}
    return [{**row, "seconds": units[row["unit"]]["seconds"]} if row.get("unit") in units else row for row in rows]


def _table(to: Path, columns: Sequence[str], rows: Iterable[Row], say: Say) -> int:
    """With a BOM, which Excel needs for accents."""
    count = 0
    with to.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_heads(columns, say))
        for row in rows:
            writer.writerow([plain_cell(_cell(row, column, say)) for column in columns])
            count += 1
    return count


def _xlsx(
    to: Path,
    view: Row,
    rollcall: Sequence[Row],
    deliveries: Iterable[Row],
    say: Say,
    statuses: Sequence[Row],
    exercise: Row | None,
) -> int:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    count, marks = 0, marks_of(view, say)
    import xlsxwriter  # loaded by the first export

    with xlsxwriter.Workbook(str(to), options) as book:
        bold = book.add_format({"bold": True})
        for name, columns, rows in (
            (say("sheet.rollcall"), ROLLCALL_COLUMNS, rollcall),
            (say("sheet.deliveries"), DELIVERY_COLUMNS, deliveries),
            (say("sheet.attachments"), ATTACHMENT_COLUMNS, view.get("attachments", ())),
            (say("sheet.statuses"), STATUS_COLUMNS, statuses),
            *(((say("sheet.exercise"), RESULT_COLUMNS, exercise["units"]),) if exercise else ()),
        ):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, [view["code"], view["title"], *marks], bold)
            if marks:
                sheet.set_header(f"&C{marks[0].replace('&', '&&')}"[:HEADER_LONGEST])
            shown, marked_rows = _marked(view, columns, rows, say)
            sheet.write_row(1, 0, _heads(shown, say), bold)
            for at, row in enumerate(marked_rows, start=2):
                for place, column in enumerate(shown):
                    value = _cell(row, column, say)
                    sheet.write(at, place, str(value) if column == "id" else value)
                count += 1
    return count
