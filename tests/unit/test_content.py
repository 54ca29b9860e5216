"""Entries that answers are made of: what is refused, how times are read, tables, and what holds where."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter

from directory import content as entries
from directory import groups, units
from directory.content import ContentRefused, load_kinds, when
from directory.content_book import TOPIC, ContentBook
from directory.content_import import import_content
from directory.reading import FileRefused
from lanes.memory import MemoryBus
from store import content
from tests.ledgers import ledger_of
from web.locale import LANGUAGES, catalogue

UNITS = units.load()
NOW = datetime(2026, 8, 26, 7, 30, tzinfo=UTC).timestamp()  # 14:30 in the office
UNIT = next(unit for unit in UNITS.all if unit.name == "Xã Hoằng Châu")
OTHER = next(unit for unit in UNITS.all if unit.name == "Xã Pù Nhi")
STORM = {"kind": "bao", "source": "Đài KTTV", "issued_at": "14:00 26/8/2026", "text": "Bão số 5 cách bờ 200 km"}


@pytest.fixture
async def ledger(tmp_path):
    ledger = ledger_of(tmp_path)
    ledger.open()
    yield ledger
    await ledger.close()


async def kept(ledger, **given):
    return await ledger.write(lambda tx: entries.save(tx, UNITS, {**STORM, **given}, "canbo", NOW))


async def refused(ledger, **given):
    with pytest.raises(ContentRefused) as caught:
        await ledger.read(lambda tx: entries.entry(tx, UNITS, {**STORM, **given}, "canbo", NOW))
    return {(one.field, one.key) for one in caught.value.problems}


async def test_an_entry_is_kept_as_it_was_typed_with_its_time_and_end(ledger):
    row = await kept(ledger)
    assert (row.kind, row.scope, row.source, row.author) == ("storm", "", "Đài KTTV", "canbo")
    assert row.issued_at == NOW - 1_800
    assert row.valid_until == row.issued_at + 6 * 3_600
    assert row.fields == {"text": "Bão số 5 cách bờ 200 km", "short": "Bão số 5 cách bờ 200 km"}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"kind": "xổ số"}, ("kind", "content_kind")),
        ({"source": " "}, ("source", "content_missing")),
        ({"text": ""}, ("text", "content_missing")),
        ({"text": "Bão " * 60}, ("short", "content_short")),
        ({"short": "x" * 91}, ("short", "content_long")),
        ({"issued_at": "hôm qua"}, ("issued_at", "content_time")),
        ({"issued_at": "18:00 26/8/2026"}, ("issued_at", "content_ahead")),
        ({"valid_until": "13:00 26/8/2026"}, ("valid_until", "content_order")),
        ({"valid_until": "13:00 26/8/2036"}, ("valid_until", "content_order")),
        ({"unit_code": "00000"}, ("unit_code", "unit_unknown")),
        ({"unit_name": "Xã Không Có"}, ("unit_code", "unit_unknown")),
        ({"group": "không có"}, ("group", "content_group")),
        ({"kind": "song", "subject": "sông Mã", "station": "Giàng"}, ("level", "content_missing")),
        ({"kind": "song", "subject": "sông Mã", "station": "G", "level": "cao"}, ("level", "content_figure")),
        ({"kind": "song", "subject": "sông Mã", "station": "G", "level": "-1"}, ("level", "content_figure")),
        (
            {"kind": "song", "subject": "sông Mã", "station": "G", "level": "1", "alarm": "4"},
            ("alarm", "content_alarm"),
        ),
        ({"kind": "hochua", "subject": "hồ Cửa Đạt", "text": ""}, ("level", "content_missing")),
        ({"kind": "sotan", "name": "Trường", "capacity": "2,5"}, ("capacity", "content_figure")),
        ({"kind": "trucban"}, ("phone", "content_missing")),
    ],
)
async def test_what_is_wrong_is_named(ledger, given, problem):
    assert problem in await refused(ledger, **given)
    field, key = problem
    for lang in LANGUAGES:
        assert catalogue(lang).has(f"problem.{key}")
        assert catalogue(lang).has(f"content.field.{field}") or field in ("unit_code", "group")


async def test_everything_wrong_is_told_at_once(ledger):
    assert len(await refused(ledger, source="", text="", issued_at="?")) == 3


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-08-26T14:00", "2026-08-26T07:00:00+00:00"),
        ("2026-08-26T14:00:00+00:00", "2026-08-26T14:00:00+00:00"),
        ("14:00 26/8/2026", "2026-08-26T07:00:00+00:00"),
        ("26/08/2026 14:00", "2026-08-26T07:00:00+00:00"),
        ("26/8/2026", "2026-08-25T17:00:00+00:00"),
        ("46260.583333333336", "2026-08-26T07:00:00+00:00"),
        ("14:00", None), ("", None), ("99999", None), ("1e999", None), ("nan", None), ("32/8/2026", None),
    ],
)  # fmt: skip
def test_times_as_offices_write_them(text, wanted):
    found = when(text)
    assert (found and found.replace(microsecond=0).isoformat()) == wanted


def test_every_kind_and_column_has_a_word():
    for lang in LANGUAGES:
        say = catalogue(lang)
        assert all(say.has(f"content.kind.{kind}") for kind in load_kinds().by_name)
        assert all(say.has(f"content.field.{name}") for name in load_kinds().limits)


# -- what holds where ---------------------------------------------------------------------------------------------


async def test_the_unit_comes_before_its_group_and_the_province(ledger):
    clock = {"at": NOW}
    book = ContentBook(ledger, lambda: clock["at"])
    await ledger.write(lambda tx: groups.save_group(tx, UNITS, "ven bien", "Ven biển", [UNIT.code], NOW))

    async def latest(unit):
        await book.refresh()
        return [row.fields["text"] for row in book.latest(("storm",), unit, ())]

    assert await latest(UNIT) == []
    await kept(ledger, text="tỉnh")
    assert await latest(UNIT) == await latest(OTHER) == await latest(None) == ["tỉnh"]
    await kept(ledger, text="nhóm", group="ven-bien")
    assert (await latest(UNIT), await latest(OTHER)) == (["nhóm"], ["tỉnh"])
    own = await kept(ledger, text="xã", unit_code=UNIT.code)
    assert (await latest(UNIT), await latest(OTHER), await latest(None)) == (["xã"], ["tỉnh"], ["tỉnh"])
    assert await ledger.write(lambda tx: content.end(tx, own.id, "canbo", NOW))
    assert not await ledger.write(lambda tx: content.end(tx, own.id, "canbo", NOW))
    assert await latest(UNIT) == ["nhóm"]
    clock["at"] += 6 * 3_600
    assert [row.fields["text"] for row in book.latest(("storm",), UNIT, ())] == []
    assert len(await ledger.read(lambda tx: content.listing(tx, None, None, 10))) == 3


async def test_newer_comes_first_whatever_the_order_of_entry(ledger):
    book = ContentBook(ledger, lambda: NOW)
    await kept(ledger, text="mới", issued_at="14:00 26/8/2026")
    await kept(ledger, text="cũ", issued_at="12:00 26/8/2026")
    await book.refresh()
    assert [row.fields["text"] for row in book.latest(("storm",), None, ())] == ["mới", "cũ"]


@pytest.mark.parametrize(
    ("subject", "asked", "about"),
    [
        ("sông Mã", "sông Mã", True), ("đê sông Chu", "sông Chu", True), ("hồ Cửa Đạt", "thủy điện Cửa Đạt", True),
        ("sông Mã", "sông Chu", False), ("thủy điện Cẩm Thủy 1", "thủy điện Cẩm Thủy 2", False),
        ("hồ Sông Mực", "hồ Sông Mực", True), ("", "sông Mã", False),
    ],
)  # fmt: skip
async def test_an_entry_is_about_the_water_that_it_names(ledger, subject, asked, about):
    book = ContentBook(ledger, lambda: NOW)
    await kept(ledger, subject=subject)
    await book.refresh()
    assert bool(book.latest(("storm",), None, (asked,))) is about


async def test_a_change_that_is_told_is_read_at_once(ledger):
    import asyncio

    bus, book = MemoryBus(), ContentBook(ledger, lambda: NOW)
    task = asyncio.create_task(book.run(bus))
    await asyncio.sleep(0)
    await kept(ledger)
    bus.publish(TOPIC, {"type": "added"})
    for _ in range(200):
        if book.latest(("storm",), None, ()):
            break
        await asyncio.sleep(0.01)
    assert len(book.latest(("storm",), None, ())) == 1
    task.cancel()


# -- tables -------------------------------------------------------------------------------------------------------

HEAD = "Loại,Mã xã,Nội dung,Thời điểm,Nguồn\n"


async def imported(ledger, path, **more):
    return await import_content(ledger, UNITS, path, "canbo", NOW, **more)


async def test_a_table_adds_its_good_lines_and_tells_the_bad_ones(ledger, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        HEAD + f'bão,,"Bão số 5",14:00 26/8/2026,Đài\nmưa,{UNIT.code},Mưa to,26/8/2026 13:00,Đài\n'
        "xổ số,,Trúng,14:00 26/8/2026,Đài\nbão,99999,Bão,14:00 26/8/2026,Đài\nbão,,Bão,,Đài\n",
        encoding="utf-8",
    )
    dry = await imported(ledger, path, dry_run=True)
    assert (dry.added, dry.unchanged, [(one.line, one.key) for one in dry.rejected]) == (
        2, 0, [(4, "content_kind"), (5, "unit_unknown"), (6, "content_undated")]
    )  # fmt: skip
    assert await ledger.read(lambda tx: content.listing(tx, None, None, 10)) == []
    assert await imported(ledger, path) == dry
    again = await imported(ledger, path)
    assert (again.added, again.unchanged) == (0, 2)
    say = catalogue("vi")
    for one in dry.rejected:
        assert say.has(f"reject.{one.key}") or say.has(f"problem.{one.key}")


async def test_a_spreadsheet_is_a_table_too(ledger, tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Loại", "Sông, hồ", "Trạm", "Mực nước", "Báo động", "Thời điểm", "Nguồn"])
        sheet.write_row(1, 0, ["sông", "sông Mã", "Giàng", 4.2, 1])
        sheet.write_datetime(1, 5, datetime(2026, 8, 26, 14, 0), book.add_format({"num_format": "hh:mm dd/mm/yyyy"}))  # noqa: DTZ001
        sheet.write(1, 6, "Đài")
    report = await imported(ledger, path)
    assert (report.added, report.rejected) == (1, ())
    (row,) = await ledger.read(lambda tx: content.listing(tx, None, None, 10))
    assert (row.subject, row.fields["level"], row.fields["alarm"]) == ("sông Mã", "4,2", "1")
    assert abs(row.issued_at - (NOW - 1_800)) < 1


@pytest.mark.parametrize(("table", "key"), [("a,b\n1,2\n", "columns_missing"), ("", "file_empty")])
async def test_a_file_that_is_no_such_table_is_refused(ledger, tmp_path, table, key):
    path = tmp_path / "a.csv"
    path.write_text(table)
    with pytest.raises(FileRefused) as caught:
        await imported(ledger, path)
    assert caught.value.key == key


async def test_the_demos_sample_is_whole_and_dated_by_whoever_imports_it(ledger):
    path = Path(__file__).parents[2] / "data" / "sample" / "content.csv"
    await ledger.write(lambda tx: groups.save_group(tx, UNITS, "ven-bien", "Ven biển", [UNIT.code], NOW))
    with pytest.raises(FileRefused):
        await imported(ledger, path)
    report = await imported(ledger, path, undated=NOW - 600)
    assert (report.added, report.rejected) == (len(path.read_text("utf-8").splitlines()) - 1, ())
    assert {row.kind for row in await ledger.read(lambda tx: content.current(tx, NOW))} == set(load_kinds().by_name)
    assert (await imported(ledger, path, undated=NOW - 600)).added == 0
