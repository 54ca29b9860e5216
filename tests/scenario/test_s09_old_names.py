"""S9. "sotan ngu loc" is answered for Xã Vạn Lộc and says so; "SOTAN dong tien" is asked back with numbers, and "2"
within half an hour gives Xã Đồng Tiến's point. By Zalo, by Telegram and by SMPP, for anybody."""

from __future__ import annotations

from tests.scenario.street import Street
from text.folding import fold


async def test_s09_an_old_name_is_answered_for_the_unit_of_today_and_says_so(street: Street) -> None:
    answer = fold(await street.phone(1).says("sotan ngu loc"))
    assert "xa van loc" in answer
    assert "ngu loc cu" in answer


async def test_s09_two_units_of_one_name_are_asked_for_and_a_number_answers(street: Street) -> None:
    phone = street.phone(1)
    answer = await phone.says("SOTAN dong tien")
    assert fold(answer) == fold("Anh/chi o: 1. Phuong Dong Tien 2. Xa Dong Tien? Tra loi 1 hoac 2")
    answer = fold(await phone.says("2"))
    assert "xa dong tien" in answer
    assert "phuong dong tien" not in answer


async def test_s09_the_number_belongs_to_who_was_asked(street: Street) -> None:
    asked, other = street.phone(1), street.phone(2)
    await asked.says("SOTAN dong tien")
    assert "dong tien" not in fold(await other.says("2"))
    assert "phuong dong tien" in fold(await asked.says("1"))
