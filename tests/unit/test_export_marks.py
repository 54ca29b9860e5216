"""Every file of what was not real says so, on each page and in each line; and what was sent alone says that."""

from __future__ import annotations

import csv

import orjson
import pytest
from python_calamine import CalamineWorkbook
from reportlab.pdfgen.canvas import Canvas

from broadcasts.export import write_export
from web.locale import Catalogue

SAY = Catalogue("vi").say
DRILL, ALONE = "DIỄN TẬP – KHÔNG PHẢI THẬT", "Gửi không chờ duyệt: canbo"
ROLLCALL = [
    {"unit": "14758", "name": "Phường Hàm Rồng", "district": "TP", "state": "acknowledged", "person": "A",
     "via": "zalo", "at": "2026-11-22T02:00:00+07:00", "seconds": 31.0, "level": 0, "by_staff": "", "note": ""},
    {"unit": "16012", "name": "Xã Mậu Lâm", "district": "NT", "state": "acknowledged_late", "person": "B", "via": "sms",
     "at": "2026-11-22T05:00:00+07:00", "seconds": 9000.0, "level": 1, "by_staff": "", "note": ""},
]  # fmt: skip
RESULT = {
    "at": "2026-11-22T02:30:00+07:00", "answered": 1, "total": 2, "silent": ["Xã Mậu Lâm"],
    "units": [
        {"unit": "16012", "name": "Xã Mậu Lâm", "answered": False, "state": "awaiting", "seconds": None, "channel": "",
         "person": ""},
        {"unit": "14758", "name": "Phường Hàm Rồng", "answered": True, "state": "acknowledged", "seconds": 31.0,
         "channel": "zalo", "person": "A"},
    ],
}  # fmt: skip
EXERCISE = {
    "code": "TB1126-01", "title": "DIỄN TẬP – Bão", "mode": "exercise", "rollcall": {"acknowledged": 1},
    "texts": {"chat": DRILL}, "exercise_result": {"answered": 1, "total": 2},
}  # fmt: skip
SENT_ALONE = {
    "code": "TB1126-02", "title": "Lũ", "mode": "actual", "rollcall": {}, "texts": {"chat": "Lũ"},
    "break_glass": {"by": "canbo", "at": "2026-11-22T02:10:00+07:00", "reason": "không ai nghe", "verdict": ""},
}  # fmt: skip


def made(tmp_path, kind, view, rows=ROLLCALL, exercise=None):
    path = tmp_path / f"x.{kind}"
    write_export(path, view, rows, iter(()), SAY, exercise=exercise)
    return path


def test_a_table_says_it_in_every_line_and_an_actual_one_has_no_such_column(tmp_path):
    lines = made(tmp_path, "csv", EXERCISE, exercise=RESULT).read_text("utf-8-sig").splitlines()
    assert all(one.endswith(DRILL) for one in lines[1:])
    read = list(csv.DictReader(lines))
    assert [one[SAY("column.seconds")] for one in read] == ["31.0", ""]
    actual = made(tmp_path, "csv", SENT_ALONE).read_text("utf-8-sig").splitlines()
    assert SAY("column.mode") not in actual[0]


def test_a_workbook_says_it_on_every_sheet_and_has_the_result_of_each_unit(tmp_path):
    book = CalamineWorkbook.from_path(str(made(tmp_path, "xlsx", EXERCISE, exercise=RESULT)))
    for name in book.sheet_names:
        assert DRILL in book.get_sheet_by_name(name).to_python()[0], name
    result = book.get_sheet_by_name(SAY("sheet.exercise")).to_python()
    assert [row[1:5] for row in result[2:]] == [
        ["Xã Mậu Lâm", "Không", "", ""], ["Phường Hàm Rồng", "Có", 31.0, "zalo"]
    ]  # fmt: skip
    head = CalamineWorkbook.from_path(str(made(tmp_path, "xlsx", SENT_ALONE))).get_sheet_by_index(0).to_python()[0]
    assert any(str(cell).startswith(ALONE) and "không ai nghe" in str(cell) for cell in head)


@pytest.mark.parametrize(
    ("view", "mark"), [(EXERCISE, DRILL), (SENT_ALONE, ALONE), ({**EXERCISE, "mode": "test"}, "THỬ")]
)
def test_paper_says_it_on_every_page(tmp_path, monkeypatch, view, mark):
    stamped, shown = [], []
    draw, show = Canvas.drawCentredString, Canvas.showPage

    def stamp(self, x, y, text, *rest, **more):
        stamped.append((self.getPageNumber(), text))
        return draw(self, x, y, text, *rest, **more)

    def turn(self):
        shown.append(self.getPageNumber())
        return show(self)

    monkeypatch.setattr(Canvas, "drawCentredString", stamp)
    monkeypatch.setattr(Canvas, "showPage", turn)
    made(tmp_path, "pdf", view, ROLLCALL * 90)
    assert len(shown) > 3
    assert {page for page, text in stamped if text.startswith(mark)} >= set(shown)


def test_json_holds_marks_and_result(tmp_path):
    whole = orjson.loads(made(tmp_path, "json", EXERCISE, exercise=RESULT).read_bytes())
    assert whole["marks"] == [DRILL, "1/2 đã trả lời"]
    assert whole["exercise"]["silent"] == ["Xã Mậu Lâm"]
    alone = orjson.loads(made(tmp_path, "json", SENT_ALONE).read_bytes())
    assert alone["marks"][0].startswith(ALONE)
    assert alone["broadcast"]["break_glass"]["reason"] == "không ai nghe"
