"""The roster: where nobody is, who may take what, swaps, files, calendars; and the hand-over of what is open."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from broadcasts.approval_rules import ApprovalRules
from broadcasts.approvers import Standing, asked_by_now
from broadcasts.duty_roster import DutyRoster
from broadcasts.handover import Handovers
from broadcasts.model import Actor, Refusal, Role
from broadcasts.roster_gaps import GAP, RosterGaps
from directory.reading import Reject, read_records
from directory.roster import Duty, gaps_in, uncovered, week_of
from directory.roster_calendar import calendar
from directory.roster_lines import ShiftLine, load_roster_words, read_shifts
from store import access, alarms, roster
from store.access import Staff
from store.engine import Tx
from store.roster import ShiftRow
from tests.unit.test_desk import Office, codes, draft
from text.dates import OFFICE_ZONE

OFFICER, OTHER, LEADER, ADMIN = (
    Actor("truc", Role.OFFICER),
    Actor("truc2", Role.OFFICER),
    Actor("pho1", Role.APPROVER),
    Actor("chanh", Role.ADMIN),
)
EVENING = datetime(2026, 8, 24, 18, 0, tzinfo=OFFICE_ZONE)


def at(hour: float) -> datetime:
    """Hours after the evening at which everything here begins."""
    return EVENING + timedelta(hours=hour)


class Watch(Office):
    async def begin(self):
        self.clock.at = EVENING.timestamp()
        await self.open()

        def hire(tx: Tx) -> None:
            for who in (OFFICER, OTHER, LEADER, ADMIN):
                access.add_staff(tx, who.name, who.role.value, "x", self.clock.at, title=f"Ông {who.name}")
            access.add_staff(tx, "khach", "viewer", "x", self.clock.at)

        await self.room.ledger.write(hire)
        ledger, bus = self.room.ledger, self.room.bus
        self.roster = DutyRoster(ledger, bus, self.clock)
        self.gaps = RosterGaps(ledger, bus, 4 * 3600.0, self.clock)
        self.notes = Handovers(ledger, bus, self.units, self.clock)

    async def add(self, who, start, end, duty="officer", by=ADMIN):
        return await self.roster.add(who, duty, at(start), at(end), "", by)

    async def rings(self):
        return [one for one in await self.room.ledger.read(alarms.ringing) if one.kind == GAP]


@pytest.fixture
async def watch(tmp_path):
    watch = Watch(tmp_path)
    await watch.begin()
    yield watch
    await watch.room.stop()


# -- gaps, as a calculation --------------------------------------------------------------------------------------------

spans = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=12)


@given(spans)
def test_every_moment_is_either_covered_or_in_a_gap(shifts):
    found = uncovered(shifts, 0, 100)
    for moment in range(100):
        covered = any(start <= moment < end for start, end in shifts)
        gap = any(one.start <= moment < (100 if one.end is None else one.end) for one in found)
        assert covered != gap
    assert all(one.end is not None and one.end < two.start for one, two in pairwise(found))
    assert [one.end is None for one in found[:-1]] == [False] * len(found[:-1])


def shift(start, end, duty="officer", name="truc", number=1):
    return ShiftRow(number, number, name, "", "officer", duty, at(start).timestamp(), at(end).timestamp(), "")


def test_a_gap_says_from_when_to_when_and_only_for_duties_that_are_kept():
    now = at(0).timestamp()
    found = gaps_in([shift(-6, 4), shift(12, 24)], now, at(24).timestamp())
    assert [(one.duty, one.start, one.end) for one in found] == [
        (Duty.OFFICER, at(4).timestamp(), at(12).timestamp())
    ]  # fmt: skip
    begun = gaps_in([shift(-20, -2), shift(3, 30)], now, at(24).timestamp())
    assert (begun[0].start, begun[0].end) == (at(-2).timestamp(), at(3).timestamp())
    open_end = gaps_in([shift(-6, 4), shift(2, 10, "approver")], now, at(24).timestamp())
    assert [(one.duty.value, one.end) for one in open_end] == [
        ("approver", at(2).timestamp()), ("officer", None), ("approver", None)
    ]  # fmt: skip
    assert gaps_in([], now, at(24).timestamp()) == []


def test_a_week_begins_on_monday_in_the_office():
    start, end = week_of(datetime(2026, 8, 30, 23, 30, tzinfo=OFFICE_ZONE))
    assert (start.isoformat(), (end - start).days) == ("2026-08-24T00:00:00+07:00", 7)


names = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)


@given(names, names, st.lists(st.sampled_from("abcdef"), max_size=3), st.floats(0, 3600))
def test_whoever_was_asked_stays_asked_and_all_are_in_the_end(people, on_duty, always, waited):
    stand, rules = Standing(tuple(on_duty), None), ApprovalRules(always=tuple(always))
    now = asked_by_now(people, stand, rules, 0, waited)
    later = asked_by_now(people, stand, rules, 0, waited + 60)
    assert later[: len(now)] == now
    assert set(asked_by_now(people, stand, rules, 0, 3600)) == set(people)
    assert bool(now) == bool(people)


# -- shifts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "duty", "start", "end", "keys"),
    [
        ("ai-do", "officer", 0, 8, {"staff_unknown"}),
        ("truc", "giám đốc", 0, 8, {"not_a_choice"}),
        ("truc", "approver", 0, 8, {"shift_role_approver"}),
        ("khach", "officer", 0, 8, {"shift_role_officer"}),
        ("truc", "officer", 8, 0, {"shift_backwards"}),
        ("truc", "officer", 8, 8, {"shift_backwards"}),
        ("truc", "officer", 0, 73, {"shift_too_long"}),
        ("khach", "approver", 8, 0, {"shift_role_approver", "shift_backwards"}),
    ],
)
async def test_a_shift_that_cannot_be_is_refused_with_every_reason(watch, person, duty, start, end, keys):
    with pytest.raises(Refusal) as refused:
        await watch.add(person, start, end, duty)
    assert {one.key for one in refused.value.problems} == keys
    assert not (await watch.roster.who()).kept


async def test_overlapping_shifts_are_fine_the_same_twice_is_not_and_officers_do_not_plan(watch):
    await watch.add("truc", -1, 8)
    await watch.add("truc2", 0, 4)
    with pytest.raises(Refusal) as twice:
        await watch.add("truc", -1, 8)
    assert twice.value.key == "shift_twice"
    with pytest.raises(Refusal) as low:
        await watch.add("truc", 20, 28, by=OFFICER)
    assert low.value.key == "role_too_low"
    there = await watch.roster.who()
    assert [one.name for one in there.officers] == ["truc", "truc2"]
    watch.clock.at = at(4).timestamp()
    assert [one.name for one in (await watch.roster.who()).officers] == ["truc"]


async def test_a_gap_rings_ahead_once_and_stops_when_it_is_filled(watch):
    await watch.add("truc", -2, 5)
    await watch.add("truc2", 9, 80)
    assert await watch.gaps.tick() == 0
    watch.clock.at = at(1).timestamp()
    assert await watch.gaps.tick() == 1
    assert await watch.gaps.tick() == 0
    (alarm,) = await watch.rings()
    assert alarm.detail == {"duty": "officer", "start": "23:00 ngày 24/8", "end": "03:00 ngày 25/8"}
    filler = await watch.add("truc", 5, 9)
    await watch.gaps.tick()
    assert not await watch.rings()
    await watch.roster.remove(filler.id, ADMIN)
    assert await watch.gaps.tick() == 1
    (again,) = await watch.rings()
    await watch.room.ledger.write(lambda tx: alarms.take(tx, again.id, "truc", watch.clock.at))
    assert await watch.gaps.tick() == 0
    assert (await watch.roster.gaps())[0].start == at(5).timestamp()


# -- swaps -------------------------------------------------------------------------------------------------------------


async def test_one_asks_the_other_accepts(watch):
    mine = await watch.add("truc", 10, 20)
    swap = await watch.roster.ask_swap(mine.id, "truc2", "việc nhà", OFFICER)
    with pytest.raises(Refusal) as again:
        await watch.roster.ask_swap(mine.id, "pho1", "", OFFICER)
    assert again.value.key == "swap_open"
    for who in (OFFICER,):
        with pytest.raises(Refusal) as own:
            await watch.roster.decide_swap(swap.id, who, accept=True)
        assert own.value.key == "swap_of_another"
    await watch.roster.decide_swap(swap.id, OTHER, accept=True)
    week = await watch.roster.week(at(0), at(48))
    assert [(one.name, one.id) for one in week.shifts] == [("truc2", mine.id)]
    assert week.swaps == []
    with pytest.raises(Refusal) as late:
        await watch.roster.decide_swap(swap.id, OTHER, accept=False)
    assert late.value.key == "swap_decided"


async def test_a_swap_may_be_declined_taken_back_or_done_by_who_plans(watch):
    mine = await watch.add("truc", 10, 20)
    for who in (OTHER, OFFICER):
        swap = await watch.roster.ask_swap(mine.id, "truc2", "", OFFICER)
        await watch.roster.decide_swap(swap.id, who, accept=False)
    swap = await watch.roster.ask_swap(mine.id, "truc2", "", OFFICER)
    assert await watch.roster.ask_swap(mine.id, "pho1", "", ADMIN) is None
    assert [one.name for one in (await watch.roster.week(at(0), at(48))).shifts] == ["pho1"]
    with pytest.raises(Refusal):
        await watch.roster.decide_swap(swap.id, OTHER, accept=True)


async def test_swaps_that_cannot_be(watch):
    leaders = await watch.add("pho1", 10, 20, "approver")
    past = await watch.add("truc", -10, -2)
    tonight = await watch.add("truc", 10, 20)
    await watch.add("truc2", 10, 20)
    for shift_id, to, who, key in (
        (leaders.id, "truc", LEADER, "invalid_input"),
        (tonight.id, "ai-do", OFFICER, "invalid_input"),
        (past.id, "pho1", OFFICER, "shift_over"),
        (tonight.id, "truc2", OFFICER, "shift_twice"),
        (tonight.id, "truc", OFFICER, "shift_twice"),
        (tonight.id, "pho1", OTHER, "shift_of_another"),
        (999, "pho1", OFFICER, "no_such_shift"),
    ):
        with pytest.raises(Refusal) as refused:
            await watch.roster.ask_swap(shift_id, to, "", who)
        assert refused.value.key == key, (to, who)


# -- files -------------------------------------------------------------------------------------------------------------

STAFF = [
    Staff(1, "truc", "Nguyễn Văn Mẫu", "officer", True),
    Staff(2, "pho1", "Trần Thị Mẫu", "approver", True),
    Staff(3, "cu", "Người Cũ", "officer", False),
    Staff(4, "a", "Trùng Tên", "officer", True),
    Staff(5, "b", "Trùng Tên", "officer", True),
]
TABLE = """Người trực;Loại ca;Từ;Đến;Ghi chú
truc;trực ban;22:00 24/8/2026;06:00 25/8/2026;
Tran Thi Mau;Lãnh đạo duyệt;2026-08-24 22:00;06:00;điện thoại riêng
truc;;24/08/2026 06:00;18:00;
truc;lãnh đạo duyệt;22:00 24/8/2026;23:00 24/8/2026;
;trực ban;22:00 24/8/2026;06:00;
cu;trực ban;22:00 24/8/2026;06:00;
Trùng Tên;trực ban;22:00 24/8/2026;06:00;
truc;gác cổng;22:00 24/8/2026;06:00;
truc;trực ban;tối nay;06:00;
truc;trực ban;22:00 24/8/2026;20:00 24/8/2026;
truc;trực ban;22:00 24/8/2026;06:00 29/8/2026;
truc;trực ban;;06:00;
"""


def read(path):
    return list(read_shifts(read_records(path), load_roster_words(), STAFF))


def test_lines_of_a_file_are_good_or_have_a_reason(tmp_path):
    path = tmp_path / "lich.csv"
    path.write_text(TABLE, "utf-8-sig")
    found = read(path)
    good = [one for one in found if isinstance(one, ShiftLine)]
    assert [(one.staff.name, one.duty, f"{one.starts_at:%d %H}", f"{one.ends_at:%d %H}") for one in good] == [
        ("truc", "officer", "24 22", "25 06"),
        ("pho1", "approver", "24 22", "25 06"),
        ("truc", "officer", "24 06", "24 18"),
    ]  # fmt: skip
    assert {one.line: one.key for one in found if isinstance(one, Reject)} == {
        5: "shift_role", 6: "person_missing", 7: "staff_unknown", 8: "staff_ambiguous", 9: "duty_unknown",
        10: "time_wrong", 11: "shift_backwards", 12: "shift_too_long", 13: "time_missing",
    }  # fmt: skip


def test_a_spreadsheet_with_real_times(tmp_path):
    path = tmp_path / "lich.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet, form = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        sheet.write_row(0, 0, ["person", "from", "to"])
        sheet.write(1, 0, "truc")
        sheet.write_datetime(1, 1, at(4).replace(tzinfo=None), form)
        sheet.write_datetime(1, 2, at(12.5).replace(tzinfo=None), form)
    (line,) = read(path)
    assert (line.starts_at.isoformat(), line.ends_at.isoformat()) == (
        "2026-08-24T22:00:00+07:00", "2026-08-25T06:30:00+07:00"
    )  # fmt: skip


async def test_a_file_is_looked_at_first_and_brought_in_once(watch, tmp_path):
    path = tmp_path / "lich.csv"
    path.write_text("person,from,to\ntruc,22:00 24/8/2026,06:00\nnobody,22:00 24/8/2026,06:00\n")
    looked = await watch.roster.bring(path, ADMIN, dry_run=True)
    assert (looked.added, looked.same, len(looked.rejected)) == (1, 0, 1)
    assert not (await watch.roster.who()).kept
    done = await watch.roster.bring(path, ADMIN, dry_run=False)
    again = await watch.roster.bring(path, ADMIN, dry_run=False)
    assert [(one.added, one.same) for one in (done, again)] == [(1, 0), (0, 1)]
    for bad, key in (("x\n1\n", "columns_missing"), ("", "file_empty")):
        path.write_text(bad)
        with pytest.raises(Refusal) as refused:
            await watch.roster.bring(path, ADMIN, dry_run=False)
        assert refused.value.key == key


# -- the calendar ------------------------------------------------------------------------------------------------------


async def test_a_calendar_has_ones_own_shifts_and_an_address_that_can_be_taken_back(watch):
    mine = await watch.add("truc", 4, 12)
    await watch.add("truc2", 4, 12)
    token = await watch.roster.new_feed(OFFICER)
    newer = await watch.roster.new_feed(OFFICER)

    def look(tx, one):
        return roster.feed_owner(tx, one)

    owner = await watch.room.ledger.read(lambda tx: look(tx, newer))
    assert owner[1] == "truc"
    assert await watch.room.ledger.read(lambda tx: look(tx, token)) is None
    shifts = await watch.room.ledger.read(lambda tx: roster.of_person(tx, owner[0], 0))
    feed = Calendar.from_ical(calendar(shifts, "Ca trực", {"officer": "Trực ban"}, watch.clock.at))
    (event,) = feed.walk("VEVENT")
    assert (event["UID"], str(event["SUMMARY"])) == (f"shift-{mine.id}@loa", "Trực ban")
    assert event.decoded("DTSTART") == at(4)
    await watch.roster.revoke_feed(OFFICER)
    assert await watch.room.ledger.read(lambda tx: look(tx, newer)) is None
    with pytest.raises(Refusal):
        await watch.roster.new_feed(Actor("a-key", Role.OFFICER))


# -- the hand-over -----------------------------------------------------------------------------------------------------


async def test_the_note_names_what_is_open_is_signed_and_read(watch):
    await watch.add("truc", -6, 2)
    sent = await watch.desk.draft(draft(audience=codes(watch), text="Bão số 5"), OFFICER)
    asked = await watch.desk.submit(sent.code, OFFICER)
    await watch.desk.approve(sent.code, asked.content_hash, LEADER)
    waiting = await watch.desk.draft(draft(audience=codes(watch), text="Lũ sông Mã"), OFFICER)
    await watch.desk.submit(waiting.code, OFFICER)
    await watch.room.ledger.write(lambda tx: alarms.raise_once(tx, "channel_down", "sms.one", {}, watch.clock.at))
    note = await watch.notes.draft(OFFICER)
    for said in (
        f"- {sent.code} Bão số 5 (",
        ": 0/10 đã xác nhận, 10 chưa", f"- {waiting.code} Lũ sông Mã: truc trình lúc 18:00",
        "Kênh hỏng: sms.one", "Trực ban: không có ai trực từ 20:00 ngày 24/8.",
    ):  # fmt: skip
        assert said in note.note, said
    assert {one["kind"] for one in note.items} == {"broadcast", "approval", "alarm", "gap"}
    with pytest.raises(Refusal) as early:
        await watch.notes.read(note.id, OTHER)
    assert early.value.key == "handover_unsigned"
    with pytest.raises(Refusal) as stranger:
        await watch.notes.sign(note.id, "khác", OTHER)
    assert stranger.value.key == "handover_of_another"
    await watch.notes.sign(note.id, note.note + "\nGọi lại Xã A.", OFFICER)
    for act, key in (
        (watch.notes.edit(note.id, "x", OFFICER), "handover_signed"),
        (watch.notes.read(note.id, OFFICER), "own_handover")
    ):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            await act
        assert refused.value.key == key
    read_by = await watch.notes.read(note.id, OTHER)
    assert (read_by.signed_by, read_by.read_by, read_by.note.endswith("Gọi lại Xã A.")) == ("truc", "truc2", True)
    with pytest.raises(Refusal) as twice:
        await watch.notes.read(note.id, LEADER)
    assert twice.value.key == "handover_read"


async def test_an_unsigned_note_is_drafted_afresh_and_an_empty_one_refused(watch):
    first = await watch.notes.draft(OFFICER)
    assert "Không có việc đang mở." in first.note
    await watch.notes.edit(first.id, "của tôi", OFFICER)
    again = await watch.notes.draft(OFFICER)
    assert (again.id, again.note != "của tôi") == (first.id, True)
    with pytest.raises(Refusal) as refused:
        await watch.notes.sign(first.id, "  \n", OFFICER)
    assert refused.value.problems[0].key == "note_missing"
    assert len(await watch.notes.listing()) == 1
