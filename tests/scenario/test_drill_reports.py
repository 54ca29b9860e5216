"""Damage reports that say "DIEN TAP" belong to an exercise, others are real; neither counts among the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broadcasts.model import Mode, Refusal
from store.damage_reports import RoundRow
from tests.scenario.bot_office import OFFICER, UNITS
from tests.scenario.test_bot_reports import Reported
from text.safe import is_safe, to_safe
from text.segments import measure

HOURS = 3_600.0


class Drill(Reported):
    async def round(self, name: str, mode: str = "actual") -> RoundRow:
        return await self.reports.open_round(name, self.clock.at, self.clock.at + 2 * HOURS, OFFICER, Mode(mode))

    async def sums(self, mode: str) -> dict[str, int]:
        """Of everything that was reported in this mode."""
        found: dict[str, int] = {}
        for one in await self.reports.rounds():
            if one.mode == mode:
                view = await self.reports.view(one.id)
                found |= {code: int(sums[0]) + found.get(code, 0) for code, sums in view.totals.items()}
        return found


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Drill]:
    office = Drill(tmp_path)
    await office.begin()
    yield office
    await office.end()


async def test_a_drills_reports_never_count_in_an_open_actual_round(office: Drill) -> None:
    leader = await office.register("Xã Mậu Lâm")
    real, drill = await office.round("chiều 25/8"), await office.round("chiều 25/8", "exercise")
    (answer,) = await office.hears("BC DIEN TAP TM12 LUA30", leader.phone)
    assert answer == "DIEN TAP. Xa Mau Lam: 12 nha toc mai, 30 ha lua. Dung tra loi DUNG, sai gui lai"
    (answer,) = await office.hears("BC NGAP5", leader.phone)
    assert answer == "THAT, khong phai dien tap. Xa Mau Lam: 5 nha ngap. Dung tra loi DUNG, sai tra loi SAI"
    assert await office.sums("exercise") == {"TM": 12, "LUA": 30}
    assert await office.sums("actual") == {"NGAP": 5}
    assert {len((await office.reports.view(one.id)).missing) for one in (real, drill)} == {165}


async def test_an_exercise_round_says_so_wherever_its_name_is_read(office: Drill) -> None:
    leader = await office.register("Xã Mậu Lâm")
    drill = await office.round("chiều 25/8", "exercise")
    assert drill.name == "DIỄN TẬP – chiều 25/8"
    await office.hears("BC DIEN TAP TM12", leader.phone)
    (answer,) = await office.hears("DUNG", leader.phone)
    assert "ky DIEN TAP - chieu 25/8 cua Xa Mau Lam" in answer
    assert (await office.round("Diễn tập tối 25/8", "exercise")).name == "DIỄN TẬP – tối 25/8"


@pytest.mark.parametrize("name", ["diễn tập sáng 26/8", "DIEN TAP sang"])
async def test_an_actual_round_may_not_look_like_an_exercise(office: Drill, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        await office.round(name)
    assert [one.key for one in refused.value.problems] == ["round_says_exercise"]


@pytest.mark.parametrize(
    "text",
    [
        "BC DIEN TAP TM12", "bc diễn tập tm12", "DIEN TAP BC TM12", "Diễn tập: BC TM12", "DIEN TAP TM12",
        "BC TM12 (diễn tập)", "DIEN TAP - KHONG PHAI THAT. BC TM12", "[DIỄN TẬP] bc 12 nhà tốc mái",
    ],
)  # fmt: skip
async def test_the_mark_is_understood_as_people_write_it(office: Drill, text: str) -> None:
    leader = await office.register("Xã Mậu Lâm")
    await office.hears(text, leader.phone)
    assert await office.sums("exercise") == {"TM": 12}
    assert await office.sums("actual") == {}


@pytest.mark.parametrize(
    "text",
    [
        "BC TM12, khong phai dien tap",
        "BC TM12 không diễn tập",
        "BC TM12 mat dien tap the 3 xom",
        "BC TM12 điện tập trung",
    ],
)
async def test_what_is_no_mark_leaves_a_report_real(office: Drill, text: str) -> None:
    leader = await office.register("Xã Mậu Lâm")
    await office.hears(text, leader.phone)
    assert await office.sums("actual") == {"TM": 12}
    assert await office.sums("exercise") == {}


async def test_a_nil_report_of_an_exercise_is_one(office: Drill) -> None:
    leader = await office.register("Xã Mậu Lâm")
    drill, real = await office.round("sáng", "exercise"), await office.round("trưa")
    (answer,) = await office.hears("BC DIEN TAP KHONG", leader.phone)
    assert answer == "DIEN TAP. Xa Mau Lam: khong co thiet hai. Dung tra loi DUNG, sai gui lai"
    assert len(await office.reports.late_units(drill.id)) == 165
    assert len(await office.reports.late_units(real.id)) == 166


async def test_an_unmarked_report_is_real_even_while_only_an_exercise_is_open(office: Drill) -> None:
    """Nothing real is ever lost in a drill: it counts in the day's own round, and who sees both puts it right."""
    leader = await office.register("Xã Mậu Lâm")
    drill = await office.round("sáng", "exercise")
    await office.hears("BC TM3 NGAP1", leader.phone)  # before that, in the same day
    office.clock.at += 60
    await office.hears("BC TM12", leader.phone)
    assert await office.sums("actual") == {"TM": 12, "NGAP": 1}
    (stray,) = (await office.reports.view(drill.id)).strays
    assert (stray.unit_code, stray.figures["TM"]) == (leader.unit, ("12", None))

    await office.reports.move(stray.id, drill.id, OFFICER)
    assert await office.sums("exercise") == {"TM": 12}
    assert await office.sums("actual") == {"TM": 3, "NGAP": 1}
    assert leader.unit not in {unit.code for unit in await office.reports.late_units(drill.id)}
    (answer,) = await office.hears("DUNG", leader.phone)
    assert answer.startswith("Da ghi nhan bao cao ky DIEN TAP - sang")


async def test_a_marked_report_while_only_an_actual_round_is_open_is_kept_apart(office: Drill) -> None:
    leader = await office.register("Xã Mậu Lâm")
    real = await office.round("sáng")
    await office.hears("BC DIEN TAP TM12", leader.phone)
    assert await office.sums("actual") == {}
    assert sorted(one.name for one in await office.reports.rounds()) == ["DIỄN TẬP – ngày 25/8/2025", "sáng"]
    (stray,) = (await office.reports.view(real.id)).strays
    await office.reports.move(stray.id, real.id, OFFICER)
    assert await office.sums("actual") == {"TM": 12}
    assert (await office.reports.view(real.id)).strays == []
    with pytest.raises(Refusal):  # it was moved already
        await office.reports.move(stray.id, real.id, OFFICER)


async def test_only_what_lies_beside_a_round_is_moved_into_it(office: Drill) -> None:
    leader = await office.register("Xã Mậu Lâm")
    real, drill = await office.round("sáng"), await office.round("sáng", "exercise")
    await office.hears("BC TM12", leader.phone)
    (report,) = [row.report for row in (await office.reports.view(real.id)).rows if row.report]
    assert (await office.reports.view(drill.id)).strays == []
    with pytest.raises(Refusal):
        await office.reports.move(report.id, drill.id, OFFICER)


async def test_a_report_taken_back_in_an_exercise_is_sent_again_with_the_mark(office: Drill) -> None:
    leader = await office.register("Xã Mậu Lâm")
    await office.round("sáng", "exercise")
    for text in ("BC DIEN TAP TM12", "BC TM12"):
        await office.hears(text, leader.phone)
        (answer,) = await office.hears("SAI", leader.phone)
        assert answer.endswith("So lieu dien tap gui: BC DIEN TAP TM12 LUA30")
    assert await office.sums("actual") == await office.sums("exercise") == {}


async def test_an_urging_of_an_exercise_is_marked_and_one_part(office: Drill) -> None:
    with pytest.raises(Refusal):
        await office.round("W" * 30, "exercise")
    drill = await office.round("W" * 29, "exercise")
    for unit in UNITS.all:
        text = to_safe(office.reports.urging(drill, unit)).text
        assert text.startswith("DIEN TAP - KHONG PHAI THAT. ")
        assert "BC DIEN TAP" in text
        assert is_safe(text)
        assert len(measure(text).parts) == 1, text
    listed = office.reports.urging_group(drill, UNITS.all[:2])
    assert listed.startswith("DIỄN TẬP – KHÔNG PHẢI THẬT. ")
