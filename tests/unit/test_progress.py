"""The curve of confirmations; the schematic map; how tiles are laid out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.progress import Progress, progress, steps_of
from broadcasts.shown import RollcallRow
from directory import units
from directory.schematic import COLUMNS, ROWS, cells
from web.console.tiles import by_group

ALL = units.load().all


def row(unit="1", state="acknowledged", seconds=None, name="Xã A", district=""):
    at = datetime.fromtimestamp(0, UTC) if seconds is not None else None
    return RollcallRow(unit, name, district, state, "", "", at, seconds, 0, "", "")


def test_times_to_half_nine_tenths_and_all():
    rows = [row(str(n), seconds=float(n)) for n in range(1, 11)] + [row("x", "exempt")]
    found = progress(rows)
    assert (found.total, [found.time_to(mark) for mark in (50, 90, 100)]) == (10, [5.0, 9.0, 10.0])
    assert found.share_at(5.0) == 0.5


def test_who_is_silent_counts_and_who_needs_help_has_answered():
    found = progress(
        [row("1", seconds=1.0), row("2", "needs_help", 2.0), row("3", "awaiting"), row("4", "unreachable")]
    )
    assert (found.total, found.time_to(50), found.time_to(90)) == (4, 2.0, None)


def test_nobody_addressed():
    found = progress([])
    assert (found.time_to(50), found.share_at(9), steps_of(found, 10, 10, 60)) == (None, 0.0, [(0.0, 10), (10, 10)])


@given(st.lists(st.floats(0, 10_000), max_size=60), st.integers(0, 20))
def test_the_curve_only_rises_and_stays_inside(times, silent):
    found = Progress(len(times) + silent, sorted(times))
    corners = steps_of(found, 720, 240, 3_600)
    assert all(0 <= x <= 720 and 0 <= y <= 240 for x, y in corners)
    assert [y for _, y in corners] == sorted((y for _, y in corners), reverse=True)
    assert [x for x, _ in corners] == sorted(x for x, _ in corners)


def test_every_unit_has_a_cell_of_its_own_near_its_place():
    found = cells(ALL)
    assert len(set(found.values())) == len(ALL) == 166
    assert all(0 <= cell.column < COLUMNS and 0 <= cell.row < ROWS for cell in found.values())
    by_place = sorted(ALL, key=lambda unit: unit.lon)
    west = sum(found[unit.code].column for unit in by_place[:40]) / 40
    east = sum(found[unit.code].column for unit in by_place[-40:]) / 40
    assert east - west > COLUMNS / 3
    north = sorted(ALL, key=lambda unit: -unit.lat)
    top = sum(found[unit.code].row for unit in north[:40]) / 40
    bottom = sum(found[unit.code].row for unit in north[-40:]) / 40
    assert bottom - top > ROWS / 3


def test_too_many_units_for_the_cells():
    with pytest.raises(ValueError, match="more units"):
        cells(ALL, 3, 3)


def test_groups_hold_each_unit_once_worst_first_and_the_rest_last():
    rows = [row("1"), row("2", "awaiting"), row("3", "needs_help"), row("4")]
    groups = {("a", "Ven biển"): frozenset("12"), ("b", ""): frozenset("23"), ("c", "Trống"): frozenset("9")}
    found = by_group(rows, groups)
    assert [(one.name, [two.unit for two in one.rows]) for one in found] == [
        ("b", ["3"]), ("Ven biển", ["1", "2"]), ("", ["4"])
    ]  # fmt: skip
