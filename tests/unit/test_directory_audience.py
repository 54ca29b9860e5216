"""The audience grammar, and who is meant by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.seal import SealedNumbers, audience_seal
from directory.audience import Audience, Gap, resolve
from directory.expression import Term, TermKind, parse_audience
from directory.groups import save_group
from directory.importing import import_numbers, import_people
from directory.number_lists import freeze_numbers
from directory.sample import FOLDER
from directory.units import load
from store import directory, opt_outs
from store.broadcasts import MemberRow
from store.engine import Ledger
from tests.ledgers import ledger_of

UNITS = load()
NOW = 1_760_000_000.0
A, B, C = "15106", "15112", "15715"
ALL = ("zalo", "telegram", "sms")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("all-units", [(True, "all-units", ())]),
        ("ALL-UNITS", [(True, "all-units", ())]),
        ("unit:15106,15112", [(True, "unit", (A, B))]),
        ("unit: 15106 , 15106,15112", [(True, "unit", (A, B))]),
        ("group:ven-bien", [(True, "group", ("ven-bien",))]),
        ("group:Ven biển", [(True, "group", ("ven-bien",))]),
        ("group:ven-bien-list:a", [(True, "group", ("ven-bien",)), (False, "list", ("a",))]),
        ("group:a-unit-b", [(True, "group", ("a-unit-b",))]),
        ("role:chairman", [(True, "role", ("chairman",))]),
        ("role:Phó Chủ tịch, duty", [(True, "role", ("deputy", "duty"))]),
        ("all-units + role:deputy", [(True, "all-units", ()), (True, "role", ("deputy",))]),
        (
            "all-units-unit:15106+list:dân cư-2025-list:từ chối",
            [
                (True, "all-units", ()),
                (False, "unit", (A,)),
                (True, "list", ("dan-cu-2025",)),
                (False, "list", ("tu-choi",)),
            ],
        ),
        ("file:/tmp/a-b+c.csv+all-units", [(True, "file", ("/tmp/a-b+c.csv",)), (True, "all-units", ())]),
        ("+all-units", [(True, "all-units", ())]),
    ],
)
def test_grammar(text: str, terms: list[tuple[bool, str, tuple[str, ...]]]) -> None:
    parsed = parse_audience(text)
    assert parsed.problems == ()
    assert parsed.terms == tuple(Term(plus, TermKind(kind), values) for plus, kind, values in terms)


@pytest.mark.parametrize(
    ("text", "key", "params"),
    [
        ("", "audience_missing", {}),
        (" \u200b ", "audience_missing", {}),
        ("everybody", "term_unknown", {"term": "everybody"}),
        ("all-units2", "term_unknown", {"term": "all-units2"}),
        ("all-units+everybody", "term_unknown", {"term": "all-units+everybody"}),
        ("group:a+everybody", "term_unknown", {"term": "everybody"}),
        ("all-units+", "term_unknown", {"term": "all-units+"}),
        ("unit:", "term_empty", {"term": "unit:"}),
        ("unit:,,", "term_empty", {"term": "unit:,,"}),
        ("group:…", "term_empty", {"term": "group:..."}),
        ("role:", "term_empty", {"term": "role:"}),
        ("file:", "term_empty", {"term": "file:"}),
        ("role:king", "role_unknown", {"value": "king"}),
        ("-all-units", "audience_starts_with_minus", {}),
        ("unit:" + "1," * 20_000, "audience_too_long", {"limit": 20_000}),
    ],
)
def test_what_is_no_audience_is_named(text: str, key: str, params: dict[str, object]) -> None:
    problems = parse_audience(text).problems
    assert [problem.key for problem in problems] == [key]
    if key != "term_empty":
        assert problems[0].params == params


@given(
    st.text(max_size=80) | st.lists(st.sampled_from(["all-units", "unit:", "list:", "file:", *"+-a,7"])).map("".join)
)
def test_any_text_is_terms_or_problems(text: str) -> None:
    parsed = parse_audience(text)
    assert bool(parsed.terms) or bool(parsed.problems)


PEOPLE = """unit_code,role,name,phone,zalo,telegram
15106,chairman,Nguyễn Mẫu An,0900000001,100000001,1001
15106,deputy,Lê Mẫu Bình,0900000002,100000002,
15106,duty,,0900000003,,
15112,chairman,Trần Mẫu Cường,,,
15112,deputy,Hà Mẫu Yên,,,1002
15112,deputy,Vi Mẫu Hoa,0900000005,,
15112,duty,,0900000006,,
15715,secretary,Cao Mẫu Ngân,,,
,member,Bùi Mẫu Kiên,0900000007,,
"""


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = ledger_of(tmp_path)
    opened.open()
    table = tmp_path / "people.csv"
    table.write_text(PEOPLE, "utf-8")
    report = await import_people(opened, UNITS, table, NOW)
    assert (report.added, report.rejected) == (9, ())
    for name, first in (("dân", 84_900_100_000), ("đã gửi", 84_900_100_005)):
        path = tmp_path / "numbers.csv"
        path.write_text("".join(f"{first + n}\n" for n in range(10)), "utf-8")
        await import_numbers(opened, path, name, NOW)
    await opened.write(lambda tx: save_group(tx, UNITS, "hai xã", "Hai xã", [A, C], NOW))
    yield opened
    await opened.close()


async def meant(ledger: Ledger, text: str, families: tuple[str, ...] = ALL, **options: bool) -> Audience:
    def find(path: str) -> int | None:
        return 1 if path == "/tmp/x.csv" else None

    return await ledger.read(lambda tx: resolve(tx, UNITS, parse_audience(text), families, file_list=find, **options))


def names(audience: Audience) -> list[str]:
    return [f"{one.unit_code}:{one.role}" for one in audience.members]


@pytest.mark.parametrize(
    ("text", "units", "people"),
    [
        (f"unit:{A}", [A], [f"{A}:chairman"]),
        (f"unit:{B},{A}", [A, B], [f"{A}:chairman", f"{B}:deputy"]),
        ("group:hai-xa", [A, C], [f"{A}:chairman"]),
        (f"group:hai-xa-unit:{A}+unit:{B}", [B, C], [f"{B}:deputy"]),
        (f"unit:{A}+role:deputy", [A], [f"{A}:chairman", f"{A}:deputy"]),
        (f"unit:{B}+role:deputy", [B], [f"{B}:deputy", f"{B}:deputy"]),
        (f"unit:{A}+role:deputy,duty-role:chairman", [A], [f"{A}:deputy", f"{A}:duty"]),
        (f"unit:{A}+role:member", [A], [f"{A}:chairman"]),
        ("role:member", [], [":member"]),
    ],
)
async def test_who_is_meant(ledger: Ledger, text: str, units: list[str], people: list[str]) -> None:
    audience = await meant(ledger, text)
    assert audience.problems == ()
    assert list(audience.units) == units
    assert names(audience) == people


async def test_a_role_alone_means_every_unit_and_nobody_stands_in(ledger: Ledger) -> None:
    audience = await meant(ledger, "role:chairman")
    assert len(audience.units) == 166
    assert names(audience) == [f"{A}:chairman"]
    assert len(audience.unreachable) == 165
    deputies = await meant(ledger, "role:deputy")
    assert names(deputies) == [f"{A}:deputy", f"{B}:deputy", f"{B}:deputy"]


async def test_who_stands_in_is_marked_and_reached(ledger: Ledger) -> None:
    audience = await meant(ledger, f"unit:{B}", ("sms",))
    (member,) = audience.members
    assert (member.person_name, member.stands_for) == ("Vi Mẫu Hoa", "chairman")
    assert (await meant(ledger, f"unit:{A}")).members[0].stands_for == ""
    assert names(await meant(ledger, f"unit:{B}", ("zalo",))) == []


async def test_addresses_of_the_wanted_families_only(ledger: Ledger) -> None:
    (member,) = (await meant(ledger, f"unit:{A}", ("sms", "zalo"))).members
    assert {family: to.value for family, to in member.addresses.items()} == {"sms": "84900000001", "zalo": "100000001"}


async def test_gaps_are_named(ledger: Ledger) -> None:
    audience = await meant(ledger, f"unit:{A},{B},{C},14758")
    assert set(audience.gaps) == {
        Gap("14758", "", "no_contact"),
        Gap(C, "", "no_address"),
        Gap(B, "zalo", "no_family"),
        Gap(B, "sms", "no_family"),  # the deputy who stands in has Telegram alone
    }
    assert {gap.unit_code for gap in audience.unreachable} == {"14758", C}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("list:dân", 10),
        ("list:dan+list:đã gửi", 15),
        ("list:dan-list:da-gui", 5),
        ("list:dan-list:da-gui+list:da-gui", 15),
        ("file:/tmp/x.csv", 10),
        (f"unit:{A}+list:dan", 10),
        (f"list:dan+unit:{A}-list:da-gui", 5),
    ],
)
async def test_numbers(ledger: Ledger, text: str, size: int) -> None:
    audience = await meant(ledger, text)
    assert audience.problems == ()
    assert audience.number_count.size == size
    frozen = await freeze_numbers(ledger, audience.numbers, NOW)
    assert frozen is not None
    assert frozen.size == size
    if A in text:
        assert names(audience) == [f"{A}:chairman"]  # a list never takes a leader away


async def test_campaigns_leave_out_who_opted_out(ledger: Ledger) -> None:
    await ledger.write(lambda tx: opt_outs.add(tx, 84_900_100_003, "sms", NOW))
    audience = await meant(ledger, "list:dan", without_opted_out=True)
    assert (audience.number_count.size, audience.number_count.opted_out) == (9, 1)
    assert (await meant(ledger, "list:dan")).number_count.size == 10


@pytest.mark.parametrize(
    ("text", "key", "params"),
    [
        ("unit:99999", "unit_unknown", {"value": "99999"}),
        ("group:khong-co", "group_unknown", {"name": "khong-co"}),
        ("list:khong-co", "list_unknown", {"name": "khong-co"}),
        ("file:/tmp/y.csv", "file_unknown", {"path": "/tmp/y.csv"}),
        ("all-units-list:dan", "nothing_to_take_from", {"term": "list:dan"}),
        ("list:dan-all-units", "nothing_to_take_from", {"term": "all-units"}),
        ("list:dan-role:chairman", "nothing_to_take_from", {"term": "role:chairman"}),
        ("all-units-role:chairman", "role_nobody", {}),
        ("all-units-all-units", "audience_empty", {}),
        ("list:dan-list:dan", "audience_empty", {}),
        (f"unit:{C}", "audience_empty", {}),
        ("role:secretary", "audience_empty", {}),
        ("", "audience_missing", {}),
    ],
)
async def test_what_means_nobody_is_refused(ledger: Ledger, text: str, key: str, params: dict[str, str]) -> None:
    audience = await meant(ledger, text)
    assert [(problem.key, problem.params) for problem in audience.problems] == [(key, params)]


async def test_the_sample_reaches_every_chairman(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path)
    ledger.open()
    try:
        await import_people(ledger, UNITS, FOLDER / "people.csv", NOW)
        audience = await meant(ledger, "all-units")
        assert audience.units == tuple(unit.code for unit in UNITS.all)
        assert [one.unit_code for one in audience.members] == list(audience.units)
        assert all(one.role == "chairman" and {"zalo", "sms"} <= set(one.addresses) for one in audience.members)
        assert audience.unreachable == ()
        assert {gap.family for gap in audience.gaps} == {"telegram"}
        # frozen in a fixed order: asked again, the same
        assert await meant(ledger, "all-units") == audience
        person = audience.members[0].person_id
        await ledger.write(lambda tx: directory.retire_person(tx, person, NOW))
        assert await meant(ledger, "all-units") != audience
    finally:
        await ledger.close()


def test_the_seal_sees_every_change() -> None:
    one = MemberRow(A, 1, "Người Mẫu", "chairman", "zalo", 5, "z1")
    other, numbers = replace(one, person_id=2, address_id=6, value="z2"), SealedNumbers(10, "ab")
    whole = audience_seal([one, other], [A], numbers)
    others = [
        ([other, one], [A], numbers), ([one], [A], numbers), ([one, replace(other, value="z3")], [A], numbers),
        ([one, replace(other, role="deputy")], [A], numbers), ([one, other], [], numbers), ([one, other], [A], None),
        ([one, other], [A], SealedNumbers(10, "ac")), ([one, other], [A], SealedNumbers(11, "ab")),
    ]  # fmt: skip
    assert len({whole, *(audience_seal(*each) for each in others)}) == 9
