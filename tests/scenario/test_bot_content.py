"""S9 and answers with what officers keep: the right place, its time, and never what has run out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.answering import Answering
from bot.answers import Answers
from directory import content as entries
from directory.content_book import ContentBook
from store import content
from tests.scenario.bot_office import LANGUAGE, OFFICE, UNITS, WORDING, Office, code_of

RESIDENT = "84933333333"


class Answered(Office):
    async def begin(self) -> None:
        await super().begin()
        self.book = ContentBook(self.room.ledger, self.clock)
        answers = Answers(OFFICE, facts=self.book, now=self.clock)
        self.ears = replace(self.ears, answering=Answering(LANGUAGE, answers, WORDING, UNITS))
        await self.stop_listening()
        self.listen_again()

    async def keep(self, kind: str, unit: str = "", **given: str) -> int:
        values = {"kind": kind, "source": "VP PCTT", "unit_code": code_of(unit) if unit else "", **given}
        row = await self.room.ledger.write(lambda tx: entries.save(tx, UNITS, values, "canbo", self.clock.at))
        await self.book.refresh()
        return row.id


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Answered]:
    office = Answered(tmp_path)
    await office.begin()
    yield office
    await office.end()


async def test_s9_an_old_name_gets_the_point_of_the_new_unit_and_says_so(office: Answered) -> None:
    await office.keep("evacuation", "Xã Vạn Lộc", name="Trường THCS Vạn Lộc", phone="0900009003")
    (answer,) = await office.hears("sotan ngu loc", RESIDENT)
    assert answer == (
        "Diem so tan Xa Van Loc (Ngu Loc cu): Truong THCS Van Loc, DT 0900009003 (luc 02:20 25/8, VP PCTT)."
        " Khan cap goi 112."
    )


async def test_s9_two_of_one_name_and_2_gives_the_point_of_the_second(office: Answered) -> None:
    await office.keep("evacuation", "Phường Đông Tiến", name="Trường THPT")
    await office.keep("evacuation", "Xã Đồng Tiến", name="Nhà văn hóa")
    (question,) = await office.hears("SOTAN dong tien", RESIDENT)
    assert question == "Anh/chi o: 1. Phuong Dong Tien 2. Xa Dong Tien? Tra loi 1 hoac 2"
    office.clock.at += 1_790
    (answer,) = await office.hears("2", RESIDENT)
    assert answer.startswith("Diem so tan Xa Dong Tien: Nha van hoa (luc 02:20 25/8")


async def test_what_has_run_out_or_was_withdrawn_is_not_said(office: Answered) -> None:
    one = await office.keep("storm", text="Bão số 5 cách bờ 200 km")
    assert "cach bo 200 km (luc 02:20 25/8, VP PCTT)" in (await office.hears("bao so 5 den dau roi", RESIDENT))[0]
    office.clock.at += 6 * 3_600
    assert "chua co so lieu moi" in (await office.hears("bao so 5 o dau", RESIDENT))[0]
    office.clock.at -= 3_600
    await office.room.ledger.write(lambda tx: content.end(tx, one, "canbo", office.clock.at))
    await office.book.refresh()
    assert "chua co so lieu moi" in (await office.hears("tin bao so 5", RESIDENT))[0]


async def test_a_damaged_dyke_is_answered_and_read_by_a_person(office: Answered) -> None:
    await office.keep("dyke", subject="đê sông Chu", text="An toàn")
    (answer,) = await office.hears("ro ri chan de song Chu", RESIDENT)
    assert "An toan (luc 02:20 25/8" in answer
    last = await office.last()
    assert (last.state, last.intent, last.note) == ("human", "DE", "damage")


async def test_chat_gets_the_whole_text_with_accents(office: Answered) -> None:
    await office.keep("weather", "Xã Hậu Lộc", text="Mưa rất to. " * 20, short="Mua rat to")
    (answer,) = await office.hears("thời tiết hậu lộc", "z-resident", "zalo.user")
    assert answer.startswith("Xã Hậu Lộc: Mưa rất to. Mưa rất to.")
    assert "(lúc 02:20 25/8, nguồn VP PCTT)" in answer
