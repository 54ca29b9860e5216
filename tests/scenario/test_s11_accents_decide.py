"""S11. Accents decide: "để em hỏi lại đã" is no dyke, "bao gio co dien lai" no storm; a reservoir that lets water out
is asked for, and no commune is guessed from a power plant. By Zalo, by Telegram and by SMPP."""

from __future__ import annotations

import pytest

from tests.scenario.street import Street
from text.folding import fold


@pytest.mark.parametrize("text", ["để em hỏi lại đã", "bao gio co dien lai"])
async def test_s11_what_is_no_keyword_gets_the_menu_and_a_reader(street: Street, text: str) -> None:
    phone = street.phone(1)
    answer = fold(await phone.says(text))
    assert "sotan trucban" in answer.replace(" hoac ", " ")
    row = await street.last()
    assert (row.intent, row.state, row.note) == ("UNKNOWN", "human", "menu")


@pytest.mark.parametrize("text", ["hồ Cửa Đạt có xả lũ không", "xa lu thuy dien cam thuy 1 may gio"])
async def test_s11_a_reservoir_is_asked_for_and_no_commune_is_guessed(street: Street, text: str) -> None:
    phone = street.phone(1)
    answer = fold(await phone.says(text))
    assert "xa cam thuy" not in answer
    row = await street.last()
    assert (row.intent, row.state, row.unit_code) == ("HOCHUA", "answered", "")
