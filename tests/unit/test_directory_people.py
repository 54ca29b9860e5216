"""People in: what is added, changed, removed and refused, that a dry run says the same, and who is who afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory import people
from directory.columns import load_words
from directory.groups import GroupRefused, import_groups, save_group
from directory.importing import PeopleReport, import_people
from directory.names import same_name, slug, unit_names
from directory.people_plan import Stored, plan_people
from directory.person_lines import PersonLine
from directory.reading import FileRefused
from directory.roles import ContactRole
from directory.sample import FOLDER
from directory.units import load
from store import directory, paths
from store.directory import AddressRow, PersonRow
from store.engine import Ledger
from tests.ledgers import ledger_of
from text.folding import tone_key

UNITS = load()
NOW = 1_760_000_000.0
HEADER = "unit_code,role,name,phone,zalo,telegram\n"
THREE = (
    "15106,chairman,Nguyễn Mẫu An,0900000001,100000001,1001\n"
    "15106,deputy,Lê Mẫu Bình,0900000002,100000002,\n"
    "15106,duty,,0900000003,,\n"
)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = ledger_of(tmp_path)
    opened.open()
    yield opened
    await opened.close()


class Desk:
    """Imports one text after another."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger = ledger
        self.path = folder / "people.csv"

    async def take(self, lines: str, *, header: str = HEADER, dry: bool = False, replace: bool = False) -> PeopleReport:
        self.path.write_text(header + lines, "utf-8")
        if not dry:
            said = await import_people(self.ledger, UNITS, self.path, NOW, dry_run=True, replace=replace)
        done = await import_people(self.ledger, UNITS, self.path, NOW, dry_run=dry, replace=replace)
        if not dry:
            assert done == said  # a dry run says exactly what then happens
        return done

    async def listed(self, unit: str = "15106") -> list[tuple[str, str, dict[str, tuple[str, ...]]]]:
        contacts = await self.ledger.read(lambda tx: people.contacts_of(tx, unit))
        return [
            (one.person.role, one.person.name, {f: tuple(a.value for a in some) for f, some in one.addresses.items()})
            for one in contacts
        ]


@pytest.fixture
def desk(ledger: Ledger, tmp_path: Path) -> Desk:
    return Desk(ledger, tmp_path)


def counts(report: PeopleReport) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.removed, len(report.rejected)


async def test_first_import_adds_in_the_order_of_posts(desk: Desk) -> None:
    assert counts(await desk.take(THREE)) == (3, 0, 0, 0)
    assert await desk.listed() == [
        ("chairman", "Nguyễn Mẫu An", {"sms": ("84900000001",), "zalo": ("100000001",), "telegram": ("1001",)}),
        ("deputy", "Lê Mẫu Bình", {"sms": ("84900000002",), "zalo": ("100000002",)}),
        ("duty", "Trực ban", {"sms": ("84900000003",)}),
    ]


async def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    await desk.take(THREE)
    again = await desk.take(THREE, replace=True)
    assert counts(again) == (0, 0, 0, 0)
    assert again.unchanged == 3
    assert again.steps == ()


async def test_a_dry_run_writes_nothing(desk: Desk) -> None:
    assert counts(await desk.take(THREE, dry=True)) == (3, 0, 0, 0)
    assert await desk.listed() == []


async def test_a_new_number_is_a_new_row_and_the_old_one_stays_in_the_record(desk: Desk) -> None:
    await desk.take(THREE)
    old = await desk.ledger.read(lambda tx: people.contacts_of(tx, "15106")[0])
    report = await desk.take("15106,chairman,Nguyễn Mẫu An,0900000009,,\n")
    assert counts(report) == (0, 1, 0, 0)
    assert report.steps[0].before["sms"] == ("84900000001",)
    assert report.steps[0].after["sms"] == ("84900000009",)
    new = await desk.ledger.read(lambda tx: people.contacts_of(tx, "15106")[0])
    assert new.person.id == old.person.id
    assert new.best("sms") != old.best("sms")
    assert new.best("zalo") == old.best("zalo")  # an empty cell says nothing
    rows = await desk.ledger.read(
        lambda tx: tx.execute("SELECT value, active FROM address WHERE channel = 'sms' ORDER BY id").fetchall()
    )
    assert ("84900000001", 0) in rows
    assert await desk.ledger.read(lambda tx: people.who_is(tx, "sms", "84900000001")) is None


async def test_several_numbers_keep_their_order_and_may_change_it(desk: Desk) -> None:
    await desk.take('15106,chairman,Nguyễn Mẫu An,"0900 000 001; 0900.000.002 / +84900000003",,\n')
    assert (await desk.listed())[0][2]["sms"] == ("84900000001", "84900000002", "84900000003")
    report = await desk.take('15106,chairman,Nguyễn Mẫu An,"0900000003,0900000001",,\n')
    assert counts(report) == (0, 1, 0, 0)
    assert (await desk.listed())[0][2]["sms"] == ("84900000003", "84900000001")


async def test_two_lines_of_one_person_are_one_person(desk: Desk) -> None:
    lines = "15106,chairman,Nguyễn Mẫu An,0900000001,,\n15106,Chủ tịch,Nguyễn Mẫu An,0900000002,,\n"
    assert counts(await desk.take(lines)) == (1, 0, 0, 0)
    assert (await desk.listed())[0][2]["sms"] == ("84900000001", "84900000002")


async def test_a_new_chairman_succeeds_the_old_one(desk: Desk) -> None:
    await desk.take(THREE)
    report = await desk.take("15106,chairman,Trần Mẫu Cường,0900000001,,\n")
    assert counts(report) == (0, 1, 0, 0)
    assert (report.steps[0].old_name, report.steps[0].name) == ("Nguyễn Mẫu An", "Trần Mẫu Cường")
    listed = await desk.listed()
    assert [(role, name) for role, name, _ in listed][:2] == [
        ("chairman", "Trần Mẫu Cường"),
        ("deputy", "Lê Mẫu Bình"),
    ]
    assert listed[0][2] == {"sms": ("84900000001",)}  # the office's telephone goes on, the account does not


async def test_a_deputy_who_becomes_chairman_keeps_being_the_same_person(desk: Desk) -> None:
    await desk.take(THREE)
    before = await desk.ledger.read(lambda tx: people.who_is(tx, "sms", "0900 000 002"))
    report = await desk.take("15106,chairman,Lê Mẫu Bình,0900000002,,\n")
    assert counts(report) == (0, 1, 0, 0)
    after = await desk.ledger.read(lambda tx: people.who_is(tx, "sms", "84900000002"))
    assert before is not None
    assert after is not None
    assert (after.id, before.role, after.role) == (before.id, "deputy", "chairman")
    assert [role for role, _, _ in await desk.listed()] == ["chairman", "duty"]


async def test_deputies_may_be_several_and_swap_numbers(desk: Desk) -> None:
    await desk.take("15106,deputy,Lê Mẫu Bình,0900000001,,\n15106,deputy,Hà Mẫu Yên,0900000002,,\n")
    swap = "15106,deputy,Lê Mẫu Bình,0900000002,,\n15106,deputy,Hà Mẫu Yên,0900000001,,\n"
    assert counts(await desk.take(swap)) == (0, 2, 0, 0)
    assert {name: at["sms"] for _, name, at in await desk.listed()} == {
        "Lê Mẫu Bình": ("84900000002",),
        "Hà Mẫu Yên": ("84900000001",),
    }


async def test_full_replacement_removes_within_the_files_units_and_posts(desk: Desk) -> None:
    other = "15112,deputy,Cao Mẫu Ngân,0900000011,,\n"
    await desk.take(THREE + "15106,deputy,Hà Mẫu Yên,0900000004,,\n" + other)
    without = await desk.take("15106,deputy,Lê Mẫu Bình,0900000002,,\n", dry=True)
    assert counts(without) == (0, 0, 0, 0)
    report = await desk.take("15106,deputy,Lê Mẫu Bình,0900000002,,\n", replace=True)
    assert counts(report) == (0, 1, 1, 0)  # one lost the account, one left
    assert [name for _, name, _ in await desk.listed()] == ["Nguyễn Mẫu An", "Lê Mẫu Bình", "Trực ban"]
    assert len(await desk.listed("15112")) == 1
    assert await desk.ledger.read(lambda tx: people.who_is(tx, "sms", "84900000004")) is None


async def test_nobody_is_removed_by_a_file_with_a_wrong_line(desk: Desk) -> None:
    await desk.take(THREE)
    report = await desk.take("15106,deputy,Hà Mẫu Yên,0900000004,,\n15106,deputy,Lê Mẫu Bình,09,,\n", replace=True)
    assert counts(report) == (1, 0, 0, 1)


async def test_who_left_and_comes_back_is_the_same_row(desk: Desk) -> None:
    await desk.take(THREE)
    first = await desk.ledger.read(lambda tx: people.who_is(tx, "sms", "84900000001"))
    await desk.take("15106,chairman,Trần Mẫu Cường,0900000005,,\n")
    assert counts(await desk.take("15106,chairman,Nguyễn Mẫu An,0900000001,,\n")) == (0, 1, 0, 0)
    again = await desk.ledger.read(lambda tx: people.who_is(tx, "sms", "84900000001"))
    assert first == again


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("99999,chairman,Nguyễn Mẫu An,0900000007,,", "unit_unknown"),
        (",chairman,Nguyễn Mẫu An,0900000007,,", "unit_missing"),
        ("15112,thủ quỹ,Nguyễn Mẫu An,0900000007,,", "role_unknown"),
        ("15112,,Nguyễn Mẫu An,0900000007,,", "role_missing"),
        ("15112,chairman,,0900000007,,", "name_missing"),
        (f"15112,chairman,{'x' * 121},0900000007,,", "name_too_long"),
        ("15112,chairman,Nguyễn Mẫu An,chưa có,,", "number_wrong"),
        ("15112,chairman,Nguyễn Mẫu An,09000,,", "number_wrong"),
        ("15112,chairman,Nguyễn Mẫu An,112,,", "number_wrong"),
        ("15112,chairman,Nguyễn Mẫu An,02373000001,,", "number_landline"),
        ("15112,chairman,Nguyễn Mẫu An,,1.23457E+18,", "id_rounded"),
        ('15112,chairman,Nguyễn Mẫu An,,"1,23457E+18",', "id_rounded"),
        ("15112,chairman,Nguyễn Mẫu An,,ai đó,", "id_wrong"),
        ("15112,chairman,Nguyễn Mẫu An,,,@nick", "id_wrong"),
        ("15112,chairman,Nguyễn Mẫu An,0900000002,,", "address_taken"),
        ("15112,chairman,Nguyễn Mẫu An,,100000002,", "address_taken"),
        ("15106,secretary,Vi Mẫu Hoa,0900000011,,", "address_repeated"),
        ("15106,chairman,Vi Mẫu Hoa,0900000012,,", "role_taken"),
        ("15112,chairman", "cells_missing"),
        ("15112,chairman,Nguyễn, Mẫu An,0900000007,,x", "cells_extra"),
        ('15112,chairman,"Nguyễn Mẫu An,0900000007,,', "broken_quotes"),
    ],
)
async def test_a_wrong_line_is_named_and_the_others_go_in(desk: Desk, line: str, key: str) -> None:
    await desk.take(THREE)
    good = "15106,chairman,Nguyễn Mẫu An,0900000011,,\n"
    report = await desk.take(good + line + "\n" + "14758,chairman,Bùi Mẫu Kiên,0900000013,,\n", dry=True)
    rejected = {reject.line: reject for reject in report.rejected}
    assert rejected[3].key == key
    assert report.changed == 1
    assert report.added == 1
    assert "0900000002" not in str(report.rejected)  # numbers are masked


async def test_formulas_stay_text(desk: Desk) -> None:
    lines = '15106,chairman,=HYPERLINK(1),"=""0900000001""","=""1000000000000000001""",\n'
    assert counts(await desk.take(lines)) == (1, 0, 0, 0)
    assert await desk.listed() == [
        ("chairman", "=HYPERLINK(1)", {"sms": ("84900000001",), "zalo": ("1000000000000000001",)})
    ]


async def test_vietnamese_headers_unit_names_and_desk_telephones(desk: Desk) -> None:
    name = UNITS.by_code("15106")
    assert name is not None
    header = "STT;Xã, phường;Họ và tên;Chức vụ;Số điện thoại;Máy bàn\n"
    lines = f"1;{name.name};Nguyễn Mẫu An;Phó Chủ tịch UBND xã;0900.000.001;0237 300 0001\n"
    assert counts(await desk.take(lines, header=header)) == (1, 0, 0, 0)
    assert await desk.listed() == [("deputy", "Nguyễn Mẫu An", {"sms": ("84900000001",), "voice": ("842373000001",)})]
    contacts = await desk.ledger.read(lambda tx: people.contacts_of(tx, "15106"))
    assert [line.phone for line in people.phones_of(contacts)] == ["84900000001", "842373000001"]


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("unit_code,role,name\n", "sms"),
        ("role,name,phone\n", "unit_code"),
        ("a;b;c\n", "unit_code, role, name, sms"),
    ],
)
async def test_missing_columns_are_named(desk: Desk, header: str, missing: str) -> None:
    with pytest.raises(FileRefused) as refused:
        await desk.take("15106,chairman,x\n", header=header)
    assert refused.value.key == "columns_missing"
    assert refused.value.params == {"columns": missing}


async def test_an_endless_table_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("directory.importing.PEOPLE_LIMIT", 2)
    with pytest.raises(FileRefused, match="people_too_many"):
        await desk.take(THREE)
    assert await desk.listed() == []


async def test_the_sample_goes_in_whole(ledger: Ledger) -> None:
    report = await import_people(ledger, UNITS, FOLDER / "people.csv", NOW)
    assert counts(report) == (498, 0, 0, 0)
    everybody = await ledger.read(people.all_contacts)
    assert {code: [one.person.role for one in some] for code, some in everybody.items()} == {
        unit.code: ["chairman", "deputy", "duty"] for unit in UNITS.all
    }


async def test_lookups(desk: Desk) -> None:
    await desk.take(THREE + ",member,Hà Mẫu Yên,0900000004,,\n")
    ledger = desk.ledger

    async def who(family: str, value: str) -> people.Person | None:
        return await ledger.read(lambda tx: people.who_is(tx, family, value))

    chairman = await who("sms", "+84 900 000 001")
    assert chairman is not None
    assert (chairman.name, chairman.role, chairman.unit_code) == ("Nguyễn Mẫu An", "chairman", "15106")
    assert await who("zalo", "100000001") == chairman
    assert await who("zalo", "84900000001") is None
    assert await who("sms", "nobody") is None
    member = await who("sms", "0900000004")
    assert member is not None
    assert member.unit_code == ""
    assert await ledger.read(lambda tx: people.by_id(tx, chairman.id)) == chairman
    assert await ledger.read(lambda tx: people.by_id(tx, 999)) is None


async def test_an_account_is_bound_once(desk: Desk) -> None:
    await desk.take(THREE)
    ledger = desk.ledger
    duty = await ledger.read(lambda tx: people.who_is(tx, "sms", "0900000003"))
    assert duty is not None
    first = await ledger.write(lambda tx: people.bind_address(tx, duty.id, "zalo", "100000077", NOW))
    assert first is not None
    assert await ledger.write(lambda tx: people.bind_address(tx, duty.id, "zalo", "100000077", NOW)) == first
    assert await ledger.write(lambda tx: people.bind_address(tx, duty.id, "zalo", "100000001", NOW)) is None
    await ledger.write(lambda tx: paths.proved(tx, "zalo", "100000077", NOW, paths.INBOUND))
    proved = await ledger.read(lambda tx: tx.execute("SELECT id FROM address WHERE proved_at = ?", (NOW,)).fetchall())
    assert proved == [(first,)]


async def test_groups(ledger: Ledger, tmp_path: Path) -> None:
    path = FOLDER / "groups.csv"
    for dry, expected in ((True, (1, 0, 0)), (False, (1, 0, 0)), (False, (0, 0, 1))):
        report = await import_groups(ledger, UNITS, path, NOW, dry_run=dry)
        assert (report.added, report.changed, report.unchanged) == expected
    rows = await ledger.read(directory.groups)
    assert [(row.name, row.size) for row in rows] == [("ven-bien", 27)]
    table = tmp_path / "g.csv"
    table.write_text("Nhóm;Mã đơn vị\nVen biển;15106\nVen biển;99999\n;15106\n", "utf-8")
    report = await import_groups(ledger, UNITS, table, NOW)
    assert (report.added, report.changed) == (0, 1)
    assert [reject.key for reject in report.rejected] == ["unit_unknown", "group_name_missing"]
    assert await ledger.read(lambda tx: directory.group_members(tx, "ven-bien")) == {"15106"}
    assert [row.title for row in await ledger.read(directory.groups)] == ["Ven biển (mẫu, cần văn phòng xác nhận)"]
    table.write_text("nhóm\nx\n", "utf-8")
    with pytest.raises(FileRefused, match="columns_missing"):
        await import_groups(ledger, UNITS, table, NOW)


@pytest.mark.parametrize(
    ("name", "codes", "key"),
    [("!!", ["15106"], "group_name_missing"), ("a", [], "group_empty"), ("a", ["1"], "unit_unknown")],
)
async def test_a_wrong_group_is_refused(ledger: Ledger, name: str, codes: list[str], key: str) -> None:
    with pytest.raises(GroupRefused) as refused:
        await ledger.write(lambda tx: save_group(tx, UNITS, name, "", codes, NOW))
    assert refused.value.key == key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Nguyễn Mẫu Hoà", "Nguyễn Mẫu Hòa", True),
        ("NGUYỄN MẪU AN", "Nguyễn Mẫu An", True),
        ("Nguyen Mau An", "Nguyễn Mẫu An", True),
        ("Nguyễn Mẫu Ân", "Nguyễn Mẫu An", False),
        ("Nguyễn Mẫu An", "Nguyễn Mẫu Anh", False),
    ],
)
def test_same_name(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) is same
    assert same_name(other, one) is same


def test_names_of_units() -> None:
    names = unit_names(UNITS)
    assert len({unit.short_name for unit in UNITS.all}) == len(UNITS.all)
    for written, code in [("Xã Hoằng Hoá", "15865"), ("HOẰNG HÓA", "15865"), ("Phường Sầm Sơn", "16531")]:
        assert names[tone_key(written)].code == code
    assert tone_key("Hoang Hoa") not in names


def test_slug() -> None:
    assert slug("Ven biển (1)") == "ven-bien-1"
    assert slug("…") == ""


@pytest.mark.parametrize(
    ("written", "role"),
    [
        ("Chủ tịch UBND xã Hậu Lộc", "chairman"),
        ("PCT", "deputy"),
        ("Bí thư Đảng uỷ", "secretary"),
        ("TRỰC BAN", "duty"),
        ("Phó Chủ tịch HĐND", "member"),
        ("Chủ tịch Hội Nông dân", None),
        ("", None),
    ],
)
def test_posts_as_offices_write_them(written: str, role: str | None) -> None:
    assert load_words().role(written) == role


lines = st.lists(
    st.builds(
        PersonLine,
        line=st.integers(2, 10_000),
        unit_code=st.sampled_from(["15106", "15112"]),
        role=st.sampled_from([ContactRole.CHAIRMAN, ContactRole.DEPUTY]),
        name=st.sampled_from(["An Mẫu", "Bình Mẫu", "Cao Mẫu"]),
        addresses=st.fixed_dictionaries(
            {"sms": st.lists(st.sampled_from("123456"), max_size=2, unique=True).map(tuple)}
        ),
    ),
    max_size=6,
    unique_by=lambda line: line.line,
)


class Book:
    """A directory in memory that carries out plans as the ledger does."""

    def __init__(self) -> None:
        self.people: list[Stored] = []
        self.ids = 0

    def carry_out(self, wanted: list[PersonLine], *, replace: bool) -> bool:
        plan = plan_people(self.people, wanted, replace=replace)
        by_id = {person.row.id: person for person in self.people}
        for step in plan.steps:
            for gone in step.retires:
                row = by_id[gone].row
                by_id[gone] = Stored(PersonRow(row.id, row.unit_code, row.role, row.name, False), ())
            if step.what in ("removed", "same"):
                continue
            self.ids += 1
            one = step.person_id or self.ids + 10_000
            rows = tuple(
                AddressRow(n, one, "sms", value, n) for n, value in enumerate(step.after.get("sms", ()), self.ids * 10)
            )
            by_id[one] = Stored(PersonRow(one, step.unit_code, step.role, step.name, True), rows)
        self.people = list(by_id.values())
        assert all(reject.line in {line.line for line in wanted} for reject in plan.rejected)
        return not plan.rejected


@given(st.lists(st.tuples(lines, st.booleans()), max_size=4))
def test_whatever_comes_the_directory_stays_sound(imports: list[tuple[list[PersonLine], bool]]) -> None:
    book = Book()
    for wanted, replace in imports:
        clean = book.carry_out(wanted, replace=replace)
        active = [person for person in book.people if person.row.active]
        values = [address.value for person in active for address in person.addresses]
        assert len(set(values)) == len(values)
        chairs = [person.row.unit_code for person in active if person.row.role == "chairman"]
        assert len(set(chairs)) == len(chairs)
        if clean:
            again = plan_people(book.people, wanted, replace=replace)
            assert {step.what for step in again.steps} <= {"same"}
            assert not again.rejected
