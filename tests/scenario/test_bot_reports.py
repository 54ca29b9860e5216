"""S6 to S8: damage reports by SMS, read back, corrected, confirmed, counted; and who is still to be urged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from broadcasts.damage_reports import DamageReports
from broadcasts.model import Refusal
from store import inbox
from store.engine import Tx
from tests.scenario.bot_office import OFFICER, UNITS, Contact, Office
from text.dates import local
from text.safe import is_safe, to_safe
from text.segments import measure

STRANGER = "84933333333"


class Reported(Office):
    async def begin(self) -> None:
        await super().begin()
        self.reports = DamageReports(self.room.ledger, self.room.bus, UNITS, self.clock)

    async def totals(self) -> dict[str, Decimal]:
        rounds = await self.reports.rounds()
        return {} if not rounds else {c: sums[0] for c, sums in (await self.reports.view(rounds[0].id)).totals.items()}

    async def history(self, contact: Contact) -> list[tuple[dict[str, str], str]]:
        (current,) = await self.reports.rounds()
        rows = await self.reports.history(current.id, contact.unit)
        return [({code: pair[0] for code, pair in row.figures.items()}, row.state) for row in rows]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Reported]:
    office = Reported(tmp_path)
    await office.begin()
    yield office
    await office.end()


async def test_s7_a_report_is_read_back_counted_and_corrected(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    (answer,) = await office.hears("BC TM12 LUA30 NGAP5", leader.phone)
    assert answer == "Xa Mau Lam: 12 nha toc mai, 30 ha lua, 5 nha ngap. Dung tra loi DUNG, sai gui lai"
    assert await office.totals() == {"TM": 12, "LUA": 30, "NGAP": 5}
    last = await office.last()
    assert (last.state, last.intent, last.note, last.unit_code) == ("acknowledged", "BC", "reported", leader.unit)
    office.clock.at += 600
    (answer,) = await office.hears("BC TM15 LUA30 NGAP5", leader.phone)
    assert answer.startswith("Xa Mau Lam: 15 nha toc mai, 30 ha lua")
    assert await office.totals() == {"TM": 15, "LUA": 30, "NGAP": 5}
    assert [one[0]["TM"] for one in await office.history(leader)] == ["12", "15"]
    assert await office.hears("BC LUA ba chuc", leader.phone) == ["LUA phai la so (ha). Vi du: LUA30"]
    assert await office.totals() == {"TM": 15, "LUA": 30, "NGAP": 5}


async def test_s7_chat_reads_back_with_accents(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    (answer,) = await office.hears("bc 3 nhà tốc mái, 20ha lúa", leader.zalo, "zalo.user")
    assert answer == "Xã Mậu Lâm: 3 nhà tốc mái, 20 ha lúa. Đúng trả lời DUNG, sai gửi lại"


@pytest.mark.parametrize("word", ["DUNG", "đúng", "Dung roi a", "dạ đúng rồi ạ!", "chinh xac"])
async def test_s7_dung_confirms_within_half_an_hour(office: Reported, word: str) -> None:
    leader = await office.register("Xã Mậu Lâm")
    await office.hears("BC TM12", leader.phone)
    office.clock.at += 1_790
    (answer,) = await office.hears(word, leader.phone)
    assert answer.startswith("Da ghi nhan bao cao ky ngay 25/8/2025 cua Xa Mau Lam")
    assert await office.history(leader) == [({"TM": "12"}, "confirmed")]


async def test_after_half_an_hour_the_report_stays_as_it_was_given(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    await office.hears("BC TM12", leader.phone)
    office.clock.at += 1_801
    await office.hears("SAI", leader.phone)
    assert await office.history(leader) == [({"TM": "12"}, "given")]


async def test_s7_sai_takes_it_back_to_what_was_before(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    await office.hears("BC TM12", leader.phone)
    await office.hears("BC TM120", leader.phone)
    (answer,) = await office.hears("sai", leader.phone)
    assert answer.startswith("Da bo so lieu vua gui cua Xa Mau Lam. Gui lai")
    assert await office.totals() == {"TM": 12}
    assert [state for _, state in await office.history(leader)] == ["given", "withdrawn"]


@pytest.mark.parametrize("word", ["đừng", "dung lai ngay", "ok", "sai roi phai la 13 nha"])
async def test_other_words_settle_nothing(office: Reported, word: str) -> None:
    leader = await office.register("Xã Mậu Lâm")
    await office.hears("BC TM12", leader.phone)
    await office.hears(word, leader.phone)
    assert [state for _, state in await office.history(leader)] == ["given"]


async def test_a_correction_of_one_figure_keeps_the_others_and_reads_all_back(office: Reported) -> None:
    leader, deputy = await office.register("Xã Mậu Lâm"), await office.register("Xã Mậu Lâm", role="deputy")
    await office.hears("BC TM12 LUA30", leader.phone)
    (answer,) = await office.hears("BC TM15", deputy.phone)
    assert answer.startswith("Xa Mau Lam: 15 nha toc mai, 30 ha lua.")


async def test_s8_a_nil_report_counts_as_reported(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    current = await office.reports.open_round("chiều 25/8", office.clock.at, office.clock.at + 7_200, OFFICER)
    (answer,) = await office.hears("bc khong co thiet hai", leader.phone)
    assert answer == "Xa Mau Lam: khong co thiet hai. Dung tra loi DUNG, sai gui lai"
    late = await office.reports.late_units(current.id)
    assert len(late) == len(UNITS) - 1
    assert leader.unit not in {unit.code for unit in late}
    assert await office.totals() == {}


async def test_a_nil_report_takes_back_figures_and_figures_take_back_nil(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    await office.hears("BC TM12", leader.phone)
    await office.hears("bc khong co thiet hai", leader.phone)
    assert await office.totals() == {}
    await office.hears("BC NGAP5", leader.phone)
    assert await office.totals() == {"NGAP": 5}


async def test_s6_only_the_late_are_to_be_urged_and_how(office: Reported) -> None:
    afternoon = local(office.clock.at).replace(hour=16, minute=0)
    office.clock.at = (afternoon - timedelta(minutes=30)).timestamp()
    current = await office.reports.open_round("chiều 25/8", office.clock.at - 3_600, afternoon.timestamp(), OFFICER)
    reported = await office.register("Xã Hậu Lộc")
    await office.hears("BC TM1", reported.phone)
    late = await office.reports.late_units(current.id)
    assert len(late) == 165
    mau_lam = next(unit for unit in late if unit.name == "Xã Mậu Lâm")
    urging = to_safe(office.reports.urging(current, mau_lam)).text
    assert urging.startswith("Xa Mau Lam chua gui bao cao nhanh ky chieu 25/8, han 16:00 ngay 25/8")
    assert "165 đơn vị chưa gửi báo cáo nhanh: " in office.reports.urging_group(current, late)
    office.clock.at += 600
    leader = await office.register("Xã Mậu Lâm")
    await office.hears("BC KHONG", leader.phone)
    assert mau_lam not in await office.reports.late_units(current.id)


async def test_an_urging_of_the_longest_unit_and_round_is_one_part(office: Reported) -> None:
    current = await office.reports.open_round("W" * 40, office.clock.at, office.clock.at + 3_600, OFFICER)
    for unit in UNITS.all:
        text = to_safe(office.reports.urging(current, unit)).text
        assert is_safe(text)
        assert len(measure(text).parts) == 1, text


async def test_a_report_after_the_deadline_is_late_and_much_later_the_days_own(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    current = await office.reports.open_round("sáng 25/8", office.clock.at, office.clock.at + 600, OFFICER)
    office.clock.at += 1_200
    await office.hears("BC TM1", leader.phone)
    view = await office.reports.view(current.id)
    assert [row.late for row in view.rows if row.report] == [True]
    office.clock.at += 3 * 3_600
    await office.hears("BC TM2", leader.phone)
    assert sorted(one.name for one in await office.reports.rounds()) == ["ngày 25/8/2025", "sáng 25/8"]


async def test_a_strangers_report_goes_to_a_person_and_counts_nowhere(office: Reported) -> None:
    (answer,) = await office.hears("BC TM12 LUA30", STRANGER)
    assert "chuyen truc ban" in answer
    last = await office.last()
    assert (last.state, last.intent, last.note) == ("human", "BC", "report_stranger")
    assert await office.reports.rounds() == []


async def test_another_units_figures_are_not_counted_for_the_senders(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    (answer,) = await office.hears("bao cao nhanh xa Hau Loc: 5 nha ngap", leader.phone)
    assert "chua ghi" in answer
    assert ((await office.last()).state, (await office.last()).note) == ("human", "other_unit")
    assert await office.reports.rounds() == []
    (answer,) = await office.hears("bao cao nhanh xa Mau Lam: so tan 25 ho 98 khau", leader.phone)
    assert answer.startswith("Xa Mau Lam: so tan 25 ho 98 khau.")


async def test_a_provincial_member_reports_for_no_unit(office: Reported) -> None:
    member = await office.register("", role="member")
    await office.hears("BC TM12", member.phone)
    assert (await office.last()).state == "human"
    assert await office.reports.rounds() == []


async def test_a_report_that_asks_for_help_is_counted_and_rings_a_person(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    (answer,) = await office.hears("BC SAP3 can ho tro", leader.phone)
    assert "can ho tro" in answer
    assert (await office.last()).state == "human"
    assert await office.totals() == {"SAP": 3}


async def test_a_message_that_is_handled_again_is_one_report(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    await office.hears("BC TM12", leader.phone)
    one = (await office.last()).id
    figures = {"TM": ("99", None)}
    again = await office.reports.give(
        leader.unit, figures, nil=False, person=(None, "x"), via="sms", at=office.clock.at, inbox_id=one
    )
    assert again.figures == {"TM": ("12", None)}
    assert len(await office.history(leader)) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("BC", "gui so lieu sau chu BC"), ("BC TM12.5", "TM phai la so nguyen"), ("BC TM -3", "TM phai la so nha"),
        ("BC XX5 TM3", "Khong co muc XX"), ("BC LUA 99999999", "LUA 99999999 lon bat thuong"),
        ("BC SOTAN 98/25", "so khau it hon so ho"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_in_one_part_and_nothing_is_counted(office: Reported, text: str, says: str) -> None:
    leader = await office.register("Xã Mậu Lâm")
    (answer,) = await office.hears(text, leader.phone)
    assert says in answer
    assert is_safe(answer)
    assert len(measure(answer).parts) == 1
    assert await office.reports.rounds() == []


async def test_every_field_at_once_is_still_read_back_in_one_part(office: Reported) -> None:
    leader = await office.register("Phường Nam Sầm Sơn")
    text = "BC CHET1 MT2 BT30 SAP400 TM5000 NGAP6000 LUA700,5 HM800 SL90 SOTAN1000/4000 COLAP200/900"
    (answer,) = await office.hears(text, leader.phone)
    assert len(measure(answer).parts) == 1, answer
    assert "LUA700,5" in answer
    assert "SOTAN1000/4000" in answer


async def test_in_the_group_a_report_counts_for_the_senders_unit(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    (answer,) = await office.in_group("BC TM12", leader.zalo)
    assert answer.startswith("Xã Mậu Lâm: 12 nhà tốc mái")
    assert await office.totals() == {"TM": 12}


async def test_a_round_needs_a_name_of_its_own_and_a_future(office: Reported) -> None:
    now = office.clock.at
    await office.reports.open_round("sáng", now, now + 600, OFFICER)
    for name, opens_at, deadline in (
        ("sáng", now, now + 600),
        (" ", now, now + 600),
        ("a", now, now),
        ("b", now, now + 9e9),
    ):
        with pytest.raises(Refusal):
            await office.reports.open_round(name, opens_at, deadline, OFFICER)


async def test_reports_leave_nothing_new_in_the_inbox(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    await office.hears("BC TM12", leader.phone)
    await office.hears("DUNG", leader.phone)

    def states(tx: Tx) -> list[str]:
        return [row.state for row in inbox.listing(tx, limit=10)]

    assert await office.room.ledger.read(states) == ["acknowledged", "acknowledged"]


async def test_what_was_not_counted_is_said(office: Reported) -> None:
    leader = await office.register("Xã Mậu Lâm")
    (answer,) = await office.hears("BC TM12, cay do 30", leader.phone)
    assert answer == "Xa Mau Lam: 12 nha toc mai. CHUA TINH: cay do 30. Dung tra loi DUNG, sai gui lai"
    (answer,) = await office.hears(f"BC TM12, {'cây rất to ở đầu làng ' * 5} 30", leader.zalo, "zalo.user")
    assert "CHƯA TÍNH: cây rất to ở đầu làng" in answer
    assert len(answer) < 150
