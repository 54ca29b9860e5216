"""Danh bạ: found without accents, gaps in red, edited in place, out and back unchanged, imports shown before done."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broadcasts.model import Actor, Role
from directory import book
from store import directory, paths
from tests.web_stand import Stand

UNIT = "15106"
OFFICER = Actor("canbo", Role.OFFICER)


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def page(stand: Stand, path: str, name: str = "canbo") -> str:
    browser = await stand.browser(name)
    async with browser.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.text()


async def sent(stand: Stand, path: str, expected: int = 303, by: str = "canbo", **form: str) -> str:
    stand.clock.at += 1  # the newest session is the one whose token is sent
    browser = await stand.browser(by)
    form["csrf"] = await stand.csrf(by)
    async with browser.post(path, data=form, allow_redirects=False) as answer:
        text = await answer.text()
        assert answer.status == expected, text
        return text


async def person_of(stand: Stand, role: str = "chairman", unit: str = UNIT) -> directory.PersonRow:
    rows = await stand.room.ledger.read(lambda tx: directory.people_of(tx, unit))
    return next(row for row in rows if row.role == role)


async def addresses(stand: Stand, person: int) -> list[tuple[str, str]]:
    rows = await stand.room.ledger.read(lambda tx: directory.addresses_of(tx, person))
    return [(row.channel, row.value) for row in rows]


async def test_it_is_found_without_accents(stand: Stand) -> None:
    unit = stand.units.by_code(UNIT)
    assert unit is not None
    found = await page(stand, f"/directory?q={unit.ascii}")
    assert unit.name in found
    chairman = await person_of(stand)
    assert unit.name in await page(stand, f"/directory?q={chairman.name}")
    number = next(value for channel, value in await addresses(stand, chairman.id) if channel == "sms")
    assert unit.name in await page(stand, f"/directory?q=0{number[2:]}")
    assert unit.name not in await page(stand, "/directory?q=khong+co+dau")


async def test_a_gap_is_named_and_filters(stand: Stand) -> None:
    chairman = await person_of(stand)
    await sent(stand, f"/directory/people/{chairman.id}/retire")
    unit = stand.units.by_code(UNIT)
    assert unit is not None
    found = await page(stand, "/directory?gap=no_leader")
    assert unit.name in found
    assert "Thiếu chủ tịch" in found
    assert unit.name not in await page(stand, "/directory?gap=no_duty")


async def test_a_changed_number_is_a_new_unproved_one(stand: Stand) -> None:
    chairman = await person_of(stand)
    rows = await stand.room.ledger.read(lambda tx: directory.addresses_of(tx, chairman.id))
    old = next(row for row in rows if row.channel == "sms")
    await stand.room.ledger.write(lambda tx: paths.proved(tx, "sms", old.value, stand.clock(), paths.DELIVERED))
    path = f"/directory/people/{chairman.id}/addresses/{old.id}"
    await sent(stand, path, does="replace", address="0900 111 222")
    found = await stand.room.ledger.read(lambda tx: paths.paths_of_unit(tx, UNIT))
    new = next(one for one in found if one.value == "84900111222")
    assert (new.proved_at, new.place, new.person_id) == (None, old.place, chairman.id)
    assert old.value not in {one.value for one in found}
    assert await stand.room.ledger.read(lambda tx: directory.owner(tx, "sms", old.value)) is None


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("12345", "Địa chỉ không đúng dạng"),
        ("0237 3852 116", "số bàn"),
        ("0900000000", "Đang là của"),
    ],
)
async def test_a_wrong_number_is_refused_in_place(stand: Stand, typed: str, says: str) -> None:
    person = await person_of(stand, "deputy")
    before = await addresses(stand, person.id)
    text = await sent(stand, f"/directory/people/{person.id}/addresses", 422, channel="sms", address=typed)
    assert says in text
    assert await addresses(stand, person.id) == before


async def test_a_single_post_is_held_once(stand: Stand) -> None:
    text = await sent(stand, f"/directory/{UNIT}/people", 422, role="chairman", name="Trần Mẫu Mới", phone="")
    assert "đã có người giữ chức này" in text
    await sent(stand, f"/directory/{UNIT}/people", role="deputy", name="Trần Mẫu Mới", phone="0900111333")
    assert ("sms", "84900111333") in await addresses(stand, (await person_named(stand, "Trần Mẫu Mới")).id)


async def person_named(stand: Stand, name: str) -> directory.PersonRow:
    rows = await stand.room.ledger.read(directory.people)
    return next(row for row in rows if row.name == name)


async def test_a_viewer_sees_no_number_and_changes_nothing(stand: Stand) -> None:
    chairman = await person_of(stand)
    number = next(value for channel, value in await addresses(stand, chairman.id) if channel == "sms")
    shown = await page(stand, f"/directory/{UNIT}", "khach")
    assert number not in shown
    assert f"0{number[2:5]} {number[5:8]} {number[8:]}" not in shown
    await sent(stand, f"/directory/people/{chairman.id}/retire", 403, "khach")


async def test_what_goes_out_comes_back_unchanged(stand: Stand) -> None:
    browser = await stand.browser()
    for kind in ("csv", "xlsx"):
        async with browser.get(f"/directory/export/{kind}") as answer:
            content = await answer.read()
        report = await stand.services.importing.people(f"x.{kind}", content, OFFICER, dry_run=True, replace=True)
        assert (report.added, report.changed, report.removed, report.rejections) == (0, 0, 0, 0)


async def test_a_name_is_never_a_formula(stand: Stand) -> None:
    await sent(stand, f"/directory/{UNIT}/people", role="deputy", name='=HYPERLINK("http://x.example","y")', phone="")
    browser = await stand.browser()
    async with browser.get("/directory/export/csv") as answer:
        table = list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    names = [line[table[0].index("name")] for line in table]
    assert '\'=HYPERLINK("http://x.example","y")' in names
    async with browser.get("/directory/export/xlsx") as answer:
        sheet = zipfile.ZipFile(io.BytesIO(await answer.read())).read("xl/worksheets/sheet1.xml")
    assert b"<row" in sheet
    assert b"<f>" not in sheet


TABLE = "unit_code,role,name,phone\n15106,chairman,Lê Mẫu Kế Nhiệm,0900777888\n15106,deputy,,12\n"


async def test_an_import_shows_first_and_does_exactly_that(stand: Stand) -> None:
    before = await person_of(stand)
    shown = await uploaded(stand, TABLE)
    assert "Lê Mẫu Kế Nhiệm" in shown
    assert before.name in shown
    assert "Dòng 3:" in shown
    assert (await person_of(stand)).name == before.name  # nothing is done yet
    hidden = dict(re.findall(r'name="(file_name|content|digest)" value="([^"]*)"', shown))
    done = await sent(stand, "/directory/import", 200, **hidden)
    assert "Đã nhập xong" in done
    assert (await person_of(stand)).name == "Lê Mẫu Kế Nhiệm"


async def test_an_import_that_is_not_what_was_shown_is_shown_again(stand: Stand) -> None:
    shown = await uploaded(stand, TABLE)
    hidden = dict(re.findall(r'name="(file_name|content|digest)" value="([^"]*)"', shown))
    chairman = await person_of(stand)
    await sent(stand, f"/directory/people/{chairman.id}", role="chairman", name="Người Khác Hẳn")
    again = await sent(stand, "/directory/import", 200, **hidden)
    assert "Danh bạ vừa thay đổi" in again
    assert (await person_of(stand)).name == "Người Khác Hẳn"


async def uploaded(stand: Stand, table: str) -> str:
    from aiohttp import FormData

    browser = await stand.browser()
    form = FormData()
    form.add_field("csrf", await stand.csrf("canbo"))
    form.add_field("file", table.encode(), filename="moi.csv", content_type="text/csv")
    async with browser.post("/directory/import", data=form) as answer:
        text = await answer.text()
        assert answer.status == 200, text
        return text


async def test_each_post_of_a_page_is_searched_by_the_whole_book(stand: Stand) -> None:
    now = stand.clock()
    units = await stand.room.ledger.read(lambda tx: book.book(tx, stand.units, now))
    assert len([unit for unit in units if unit.code]) == 166
    assert [unit.code for unit in book.search(units, "")] == [unit.code for unit in units]
