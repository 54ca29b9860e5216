"""Carrier orders as pure code: the text, the areas, the window, the hash, the states."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.carrier_orders.areas import resolve_areas
from broadcasts.carrier_orders.content import Surroundings, check, content_hash, count
from broadcasts.carrier_orders.model import OrderState
from broadcasts.carrier_orders.states import LEFT, MOVES, reached
from directory import units
from store.carrier_orders import CopyRow
from tests.order_stand import CARRIERS, SHORTENED, SOURCE_003, START, iso, order_draft
from text.safe import is_safe

CATALOGUE = units.load()
GROUPS = {"ven-bien": frozenset({"16012", "14812"}), "trong": frozenset()}
AROUND = Surroundings(CATALOGUE, GROUPS.get, CARRIERS, "", START)


def problems(**values: object) -> dict[str, str]:
    return {one.key: one.field for one in check(order_draft(**values), AROUND).problems}


def missing(**values: object) -> set[str]:
    return {one.key for one in check(order_draft(**values), AROUND).missing}


def test_the_message_of_2020_is_refused_with_its_counts():
    found = [one for one in check(order_draft(text=SOURCE_003), AROUND).problems]
    assert [one.key for one in found] == ["carrier_text_too_long"]
    assert found[0].params == {
        "units": 332, "parts": 3, "limit": 160, "over": 172, "accented_units": 332, "accented_parts": 5,
    }  # fmt: skip


def test_its_shortened_form_fits_and_says_what_was_replaced():
    checked = check(order_draft(), AROUND)
    assert (checked.problems, checked.missing) == ((), ())
    assert (checked.counted.units, checked.counted.parts, checked.counted.encoding) == (160, 1, "GSM-7")
    assert [(one.source, one.target) for one in checked.counted.changes] == [("–", "-")]
    assert checked.content.text.endswith("phong Covid - 19")


@pytest.mark.parametrize(("length", "refused"), [(160, False), (161, True)])
def test_the_limit_is_one_part(length, refused):
    assert ("carrier_text_too_long" in problems(text="x" * length)) is refused


@given(st.text(max_size=400))
def test_whatever_is_typed_what_leaves_is_safe(typed):
    counted = count(typed)
    assert is_safe(counted.text)
    assert counted.units == len(counted.text)


@pytest.mark.parametrize(
    ("values", "key", "field"),
    [
        ({"text": " \n"}, "text_missing", "text"),
        ({"text": "Sơ tán 紧急"}, "carrier_text_unreadable", "text"),
        ({"areas": ""}, "audience_missing", "areas"),
        ({"areas": "unit:99999"}, "unit_unknown", "areas"),
        ({"areas": "99999"}, "unit_unknown", "areas"),
        ({"areas": "group:khong-co"}, "group_unknown", "areas"),
        ({"areas": "group:trong"}, "areas_empty", "areas"),
        ({"areas": "unit:14812-unit:14812"}, "areas_empty", "areas"),
        ({"areas": "role:chairman"}, "areas_units_only", "areas"),
        ({"areas": "list:dan"}, "areas_units_only", "areas"),
        ({"areas": "Hậu Lộc"}, "term_unknown", "areas"),
        ({"starts_at": ""}, "window_missing", "starts_at"),
        ({"starts_at": "mai"}, "window_form", "starts_at"),
        ({"starts_at": "2026-09-22T03:00"}, "window_no_offset", "starts_at"),
        ({"starts_at": "0001-01-01T00:00+14:00"}, "window_too_long", "ends_at"),
        ({"ends_at": iso(START + 60), "starts_at": iso(START + 60)}, "window_reversed", "ends_at"),
        ({"starts_at": iso(START - 7200), "ends_at": iso(START - 1)}, "window_past", "ends_at"),
        ({"ends_at": iso(START + 9 * 86_400)}, "window_too_long", "ends_at"),
        ({"carriers": ["Nhà mạng X"]}, "carrier_unknown", "carriers"),
        ({"mode": "test"}, "mode_unknown", "mode"),
        ({"document_no": "mười hai"}, "document_no_form", "document_no"),
        ({"document_date": "2026-02-30"}, "document_date_form", "document_date"),
    ],
)
def test_each_wrong_field_is_named(values, key, field):
    assert problems(**values).get(key) == field


@pytest.mark.parametrize("number", ["04/CĐ-UBND", "4168/QĐ-UBND", "20631/UBND-NN", "12/PCTT,TKCN&PTDS", "7a/CV-VP"])
def test_numbers_of_documents_as_offices_write_them(number):
    assert "document_no_form" not in problems(document_no=number)


@pytest.mark.parametrize("field", ["basis", "signer", "signer_title", "document_no", "document_date", "ring_back"])
def test_what_may_stay_empty_until_approval_is_asked_for(field):
    assert missing(**{field: " "}) == {f"{field}_missing"}
    assert problems(**{field: " "}) == {}


def test_without_configured_carriers_nothing_can_be_ordered():
    around = Surroundings(CATALOGUE, GROUPS.get, (), "", START)
    assert [one.key for one in check(order_draft(), around).problems] == ["no_carriers_configured"]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("16012, 14812", ["14812", "16012"]),
        ("16012\n14812;", ["14812", "16012"]),
        ("unit:16012+unit:14812", ["14812", "16012"]),
        ("group:ven-bien-unit:16012", ["14812"]),
        ("all-units", [unit.code for unit in CATALOGUE.all]),
    ],
)
def test_areas_in_the_order_of_their_codes(typed, wanted):
    areas, wrong = resolve_areas(typed, CATALOGUE, GROUPS.get)
    assert ([code for code, _ in areas], wrong) == (wanted, [])


def test_the_hash_is_over_everything_that_leaves():
    base = content_hash(check(order_draft(), AROUND).content)
    assert base == content_hash(check(order_draft(), AROUND).content)
    changes = [
        {"text": SHORTENED[:-1]}, {"areas": "unit:14812"}, {"starts_at": iso(START + 3_601)},
        {"ends_at": iso(START + 14_401)}, {"basis": "khác"}, {"signer": "khác"}, {"signer_title": "khác"},
        {"document_no": "13/VPTT-PCTT"}, {"document_date": "2026-09-20"}, {"ring_back": "0237 000 0009"},
        {"carriers": ["Nhà mạng A"]}, {"mode": "exercise"},
    ]  # fmt: skip
    hashes = {content_hash(check(order_draft(**one), AROUND).content) for one in changes}
    assert len(hashes | {base}) == len(changes) + 1


def copy(handed: bool = False, acknowledged: bool = False, reported: bool = False) -> CopyRow:
    at = [1.0 if one else None for one in (handed, acknowledged, reported)]
    return CopyRow(1, 0, "A", "", "", "", "t", at[0], "", at[1], "", "", None, None, None, None, None, at[2], "")


@pytest.mark.parametrize(
    ("copies", "state"),
    [
        ([copy(), copy(handed=True)], OrderState.APPROVED),
        ([copy(handed=True), copy(handed=True)], OrderState.SENT),
        ([copy(acknowledged=True), copy(handed=True)], OrderState.SENT),
        ([copy(acknowledged=True), copy(reported=True)], OrderState.ACKNOWLEDGED),
        ([copy(reported=True), copy(reported=True)], OrderState.REPORTED),
    ],
)
def test_an_order_is_as_far_as_its_slowest_carrier(copies, state):
    assert reached(OrderState.APPROVED, copies) is state


@given(st.sampled_from(OrderState), st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=4))
def test_an_order_moves_by_itself_only_forward_and_only_where_the_table_says(now, flags):
    after = reached(now, [copy(*one) for one in flags])
    assert after is now or (after in MOVES[now] and LEFT.index(after) > LEFT.index(now))


def test_every_state_is_reachable_and_ends():
    seen, edge = {OrderState.DRAFT}, [OrderState.DRAFT]
    while edge:
        for state in MOVES[edge.pop()] - seen:
            seen.add(state)
            edge.append(state)
    assert seen == set(OrderState)
