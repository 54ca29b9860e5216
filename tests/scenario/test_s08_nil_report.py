"""S8. "bc khong co thiet hai" is a report: with zeros, counted as given, and the unit is not urged. By Zalo,
by Telegram and by SMPP."""

from __future__ import annotations

import pytest

from tests.scenario.street import Street
from text.folding import fold


@pytest.mark.parametrize("text", ["bc khong co thiet hai", "BC KHONG"])
async def test_s08_a_nil_report_is_a_report(street: Street, text: str) -> None:
    contact, phone = await street.chairman("Xã Mậu Lâm")
    other, _ = await street.chairman("Xã Xuân Chinh")
    assert "xa mau lam khong co thiet hai" in fold(await phone.says(text))
    (current,) = await street.reports.rounds()
    (given,) = await street.reports.history(current.id, contact.unit)
    assert given.nil
    assert await street.total("TM") == 0
    late = {unit.code for unit in await street.reports.late_units(current.id)}
    assert contact.unit not in late
    assert other.unit in late
