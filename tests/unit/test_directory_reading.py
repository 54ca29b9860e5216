"""Tables as they really come: encodings, delimiters, forgotten quotes, workbooks that are bombs."""

from __future__ import annotations

import unicodedata
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from directory import reading
from directory.csv_records import LINE_LIMIT, detect_encoding
from directory.reading import FileRefused, Record, read_records

TABLE = "mã đơn vị;họ tên;điện thoại\n15106;Nguyễn Mẫu Ất;0900000001\n15112;Đỗ Mẫu Quỳ;0900000002\n"
CELLS = [
    ("mã đơn vị", "họ tên", "điện thoại"),
    ("15106", "Nguyễn Mẫu Ất", "0900000001"),
    ("15112", "Đỗ Mẫu Quỳ", "0900000002"),
]


def cells(path: Path) -> list[tuple[str, ...]]:
    return [record.cells for record in read_records(path)]


def make(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def windows_1258(text: str) -> bytes:
    """As Windows writes Vietnamese: base letter with hat, then the tone as a combining mark."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    out = []
    for ch in text:
        whole = unicodedata.normalize("NFD", ch)
        tone = next((mark for mark in whole if mark in tones), "")
        out.append(unicodedata.normalize("NFC", whole.replace(tone, "") if tone else ch) + tone)
    return "".join(out).encode("cp1258")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TABLE.encode("utf-8"), "utf-8-sig"),
        (TABLE.encode("utf-8-sig"), "utf-8-sig"),
        (unicodedata.normalize("NFD", TABLE).encode("utf-8"), "utf-8-sig"),
        (TABLE.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TABLE.encode("utf-16-be"), "utf-16"),
        (TABLE.encode("utf-16-le"), "utf-16-le"),
        (TABLE.encode("utf-16-be"), "utf-16-be"),
        (windows_1258(TABLE), "cp1258"),
        (b"a;b;c\n" * 100_000 + "Ất;b;c\n".encode(), "utf-8-sig"),
        (b"a;b;c\n" * 100_000 + windows_1258("Ất;Đỗ;c\n"), "cp1258"),
    ],
)
def test_every_encoding_of_an_office(tmp_path: Path, content: bytes, encoding: str) -> None:
    path = make(tmp_path / "t.csv", content)
    assert detect_encoding(path) == encoding
    read = [tuple(unicodedata.normalize("NFC", cell) for cell in row) for row in cells(path)]
    if len(read) == len(CELLS):
        assert read == CELLS
    else:
        assert read[-1][0] == "Ất"


@pytest.mark.parametrize("sign", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_delimiter_and_line_end(tmp_path: Path, sign: str, end: str) -> None:
    assert cells(make(tmp_path / "t.csv", TABLE.replace(";", sign).replace("\n", end))) == CELLS


def test_excels_hint_is_followed(tmp_path: Path) -> None:
    assert cells(make(tmp_path / "t.csv", "sep=;\na,b;c\n")) == [("a,b", "c")]


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert cells(make(tmp_path / "t.csv", "0900000001\n\n  \n0900000002,x")) == [("0900000001",), ("0900000002", "x")]


def test_commas_inside_names_do_not_divide(tmp_path: Path) -> None:
    text = "DANH SÁCH\nhọ tên;nơi ở\nA;Thôn 1, xã B, tỉnh C\nD;Thôn 2, xã E, tỉnh F\n"
    assert cells(make(tmp_path / "t.csv", text))[2:] == [("A", "Thôn 1, xã B, tỉnh C"), ("D", "Thôn 2, xã E, tỉnh F")]


def test_quotes(tmp_path: Path) -> None:
    text = 'a,b\n"x, y","hai\ndòng"\n"nói ""ừ""",\'=1+1\n5" ống,=CMD()\n'
    assert cells(make(tmp_path / "t.csv", text)) == [
        ("a", "b"),
        ("x, y", "hai\ndòng"),
        ('nói "ừ"', "'=1+1"),
        ('5" ống', "=CMD()"),  # looks like a formula: stays text
    ]


def test_a_forgotten_quote_costs_one_line(tmp_path: Path) -> None:
    rows = [f'{number},"Nguyễn' if number == 3 else f"{number},x" for number in range(1, 60)]
    records = list(read_records(make(tmp_path / "t.csv", "\n".join(rows))))
    assert records[2] == Record(3, (), "broken_quotes")
    assert [record.cells for record in records if record.line > 3] == [(str(n), "x") for n in range(4, 60)]
    assert [record.line for record in records] == list(range(1, 60))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'"a"b,c', "broken_quotes"),
        (b"a,\xff\xfe b", "broken_encoding"),
        (b"a" * (LINE_LIMIT + 10), "line_too_long"),
        (b"a" * (reading.CELL_LIMIT + 1), "line_too_long"),
        (b"," * reading.COLUMN_LIMIT, "line_too_long"),
    ],
)
def test_a_broken_line_is_named_and_the_next_one_read(tmp_path: Path, line: bytes, why: str) -> None:
    good = "họ tên,điện thoại và tên thôn\n".encode()
    records = list(read_records(make(tmp_path / "t.csv", good + line + b"\n" + good)))
    assert [(record.line, record.broken) for record in records] == [(1, ""), (2, why), (3, "")]


@given(st.binary(max_size=400))
def test_any_bytes_are_records_or_one_refusal(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = make(tmp_path_factory.mktemp("any") / "t", content)
    with suppress(FileRefused):
        for record in read_records(path):
            assert record.line >= 1
            assert bool(record.cells) != bool(record.broken)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "file_empty"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "file_is_old_excel"),
        (b"%PDF-1.7\n" + b"\0\1\2" * 100, "file_not_a_table"),
        (b"PK\x03\x04 and then nothing", "file_unreadable"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, key: str) -> None:
    with pytest.raises(FileRefused) as refused:
        list(read_records(make(tmp_path / "t.csv", content)))
    assert refused.value.key == key


def test_a_missing_or_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileRefused) as refused:
        read_records(tmp_path / "none.csv")
    assert refused.value.key == "file_missing"
    monkeypatch.setattr(reading, "FILE_LIMIT", 10)
    with pytest.raises(FileRefused) as refused:
        read_records(make(tmp_path / "t.csv", TABLE))
    assert refused.value.key == "file_too_large"


def workbook(path: Path, *, constant_memory: bool) -> Path:
    book = xlsxwriter.Workbook(path, {"constant_memory": constant_memory})
    hidden = book.add_worksheet("ẩn")
    hidden.hide()
    hidden.write(0, 0, "không phải bảng này")
    sheet = book.add_worksheet("Danh bạ")
    sheet.activate()
    sheet.set_first_sheet()
    sheet.write_row(0, 0, ["mã đơn vị", "họ tên", "điện thoại"])
    sheet.write_row(1, 0, [15106, "Nguyễn Mẫu Ất", 900000001])
    sheet.write_row(3, 0, ["15112", "Đỗ & <Mẫu>", "0900000002"])
    sheet.write_row(4, 1, [0.5, True])
    sheet.write_formula(5, 1, "=1+1", None, 2)
    sheet.write_rich_string(6, 0, "một ", book.add_format({"bold": True}), "hai", " ba")
    sheet.write_number(7, 0, 1234567890123456789)
    book.close()
    return path


@pytest.mark.parametrize("constant_memory", [False, True])
def test_a_workbook_reads_as_the_reference_reader_reads_it(tmp_path: Path, constant_memory: bool) -> None:
    path = workbook(tmp_path / "t.xlsx", constant_memory=constant_memory)
    ours = {record.line: record.cells for record in read_records(path)}
    assert ours == {
        1: ("mã đơn vị", "họ tên", "điện thoại"),
        2: ("15106", "Nguyễn Mẫu Ất", "900000001"),
        4: ("15112", "Đỗ & <Mẫu>", "0900000002"),
        5: ("", "0.5", "1"),
        6: ("", "2"),
        7: ("một hai ba",),
        8: ("1.234567890123457E+18",),  # what Excel left of it: whoever needs it whole must refuse it
    }
    theirs = CalamineWorkbook.from_path(path).get_sheet_by_name("Danh bạ").to_python(skip_empty_area=False)
    for line, row in enumerate(theirs[:7], start=1):
        assert [plain(cell) for cell in row if cell != ""] == [cell for cell in ours.get(line, ()) if cell]


def plain(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, (bool, int, float)) and cell == int(cell) else str(cell)


PARTS = {
    "xl/workbook.xml": '<x:workbook xmlns:x="m" xmlns:r="r"><x:sheets><x:sheet name="s" r:id="r1"/></x:sheets>'
    "</x:workbook>",
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="p"><Relationship Id="r1" Type="t/worksheet" '
    'Target="/xl/worksheets/sheet1.xml"/></Relationships>',
    "xl/sharedStrings.xml": "<sst><si><t>một</t></si><si><r><t>ha</t></r><r><t>i</t></r><rPh><t>x</t></rPh></si></sst>",
}


def packed(path: Path, sheet: str, **other: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in {**PARTS, "xl/worksheets/sheet1.xml": sheet, **other}.items():
            if content:
                book.writestr(name, content)
    return path


def test_prefixed_names_absolute_targets_and_missing_references(tmp_path: Path) -> None:
    sheet = (
        '<x:worksheet xmlns:x="m"><x:row><x:c t="s"><x:v>1</x:v></x:c><x:c/><x:c t="s"><x:v>0</x:v></x:c>'
        '</x:row><x:row r="9"><x:c r="B9" t="str"><x:v> a </x:v></x:c>'
        '<x:c t="inlineStr"><x:is><x:t>b</x:t></x:is></x:c></x:row></x:worksheet>'
    )
    assert list(read_records(packed(tmp_path / "t.xlsx", sheet))) == [
        Record(1, ("hai", "", "một")),
        Record(9, ("", "a", "b")),
    ]


def test_a_cell_in_the_last_corner_costs_no_memory(tmp_path: Path) -> None:
    """The file whose rectangle would take 512 GB."""
    sheet = (
        '<worksheet><dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData></worksheet>'
    )
    assert list(read_records(packed(tmp_path / "t.xlsx", sheet))) == [
        Record(1, ("1",)),
        Record(1048576, (), "line_too_long"),
    ]


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet><row><c><v>&b;</v></c></row></worksheet>'


@pytest.mark.parametrize(
    ("sheet", "other", "key"),
    [
        (LAUGHS, {}, "file_unreadable"),
        ("<worksheet><row><c><v>1</v>", {}, "file_unreadable"),
        ('<worksheet><row><c t="s"><v>7</v></c></row></worksheet>', {}, "file_unreadable"),
        ('<worksheet><row><c t="s"><v>-1</v></c></row></worksheet>', {}, "file_unreadable"),
        ('<worksheet><row><c r="?7"><v>7</v></c></row></worksheet>', {}, "file_unreadable"),
        ("<worksheet/>", {"xl/workbook.xml": ""}, "file_unreadable"),
        ("<worksheet/>", {"xl/workbook.xml": "<workbook/>"}, "file_unreadable"),
        ("<worksheet/>", {"xl/workbook.xml": "<w>" + " " * (2**20 + 1) + "</w>"}, "file_swells"),
        ("<worksheet/>", {"xl/sharedStrings.xml": "<sst>" + " " * (64 * 2**20 + 1) + "</sst>"}, "file_swells"),
    ],
)
def test_a_broken_or_swelling_workbook_is_refused(tmp_path: Path, sheet: str, other: dict[str, str], key: str) -> None:
    with pytest.raises(FileRefused) as refused:
        list(read_records(packed(tmp_path / "t.xlsx", sheet, **other)))
    assert refused.value.key == key
