"""S7. "BC TM12 LUA30 NGAP5" is read back and counted for the province; ten minutes later "BC TM15 …" replaces 12 by 15
and keeps both; "BC LUA ba chuc" is told what is wrong. By a Zalo Official Account, by Telegram and by SMPP."""

from __future__ import annotations

from tests.scenario.street import Street
from text.folding import fold
from text.safe import is_safe
from text.segments import measure


async def test_s07_a_report_is_read_back_counted_and_corrected(street: Street) -> None:
    contact, phone = await street.chairman("Xã Mậu Lâm")
    answer = await phone.says("BC TM12 LUA30 NGAP5")
    assert fold(answer) == fold("Xa Mau Lam: 12 nha toc mai, 30 ha lua, 5 nha ngap. Dung tra loi DUNG, sai gui lai")
    if street.family == "sms":
        assert is_safe(answer)
        assert len(measure(answer).parts) == 1
    assert [await street.total(field) for field in ("TM", "LUA", "NGAP")] == [12, 30, 5]
    assert "15 nha toc mai" in fold(await phone.says("BC TM15 LUA30 NGAP5"))
    assert [await street.total(field) for field in ("TM", "LUA", "NGAP")] == [15, 30, 5]
    (current,) = await street.reports.rounds()
    history = await street.reports.history(current.id, contact.unit)
    assert [row.figures["TM"][0] for row in history] == ["12", "15"]
    assert "da ghi nhan bao cao" in fold(await phone.says("đúng rồi ạ"))


async def test_s07_what_is_wrong_is_told_and_nothing_is_counted(street: Street) -> None:
    _, phone = await street.chairman("Xã Mậu Lâm")
    assert fold(await phone.says("BC LUA ba chuc")) == "lua phai la so ha vi du lua30"
    assert await street.total("LUA") == 0


async def test_s07_two_leaders_add_up_and_a_stranger_does_not_count(street: Street) -> None:
    _, one = await street.chairman("Xã Mậu Lâm")
    _, other = await street.chairman("Xã Xuân Chinh")
    await one.says("BC TM12")
    await other.says("báo cáo: 3 nhà tốc mái")
    await street.phone(77).says("BC TM500")
    assert await street.total("TM") == 15
