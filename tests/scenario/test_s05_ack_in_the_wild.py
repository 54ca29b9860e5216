"""S5. One directive is open: "Dạ rõ ạ" confirms it, with name and time. Two are open: we ask which. A number that
nobody registered writes "ok": nothing changes. Each by a Zalo Official Account, by Telegram and by SMPP."""

from __future__ import annotations

import time

from store import rollcalls
from tests.scenario.bot_office import code_of
from tests.scenario.street import Street
from text.folding import fold


async def test_s05_one_open_directive_is_confirmed_with_name_and_time(street: Street) -> None:
    contact, phone = await street.chairman("Xã Sơn Điện")
    no = await street.directive("TB0825-07")
    answer = await phone.says("Dạ rõ ạ")
    assert "xa son dien xac nhan tin tb0825 07 luc" in fold(answer)
    row = await street.room.ledger.read(lambda tx: rollcalls.one(tx, no, contact.unit))
    assert row is not None
    assert (row.state, row.person_id, row.person_name) == ("acknowledged", contact.person, contact.name)
    assert row.via.startswith(street.family)
    assert row.at is not None
    assert abs(row.at - time.time()) < 60
    assert "da xac nhan tin tb0825 07 truoc do roi" in fold(await phone.says("đã nhận"))


async def test_s05_of_two_open_directives_we_ask_which(street: Street) -> None:
    contact, phone = await street.chairman("Xã Sơn Điện")
    four = await street.directive("TB0825-04", "CĐ 04")
    five = await street.directive("TB0825-05", "CĐ 05")
    answer = fold(await phone.says("Dạ rõ ạ"))
    assert "xac nhan" in answer
    assert all(choice in answer for choice in ("1 ", "cd 04", "2 ", "cd 05"))
    assert {await street.state(no, contact) for no in (four, five)} == {"awaiting"}
    picked = "2" if answer.index("cd 04") < answer.index("cd 05") else "1"
    assert "tb0825 05" in fold(await phone.says(picked))
    assert await street.state(four, contact) == "awaiting"
    assert await street.state(five, contact) == "acknowledged"


async def test_s05_ok_of_a_number_that_nobody_registered_changes_nothing(street: Street) -> None:
    contact, _ = await street.chairman("Xã Sơn Điện")
    no = await street.directive("TB0825-07")
    stranger = street.phone(77)
    answer = await stranger.says("ok")
    assert "112" in answer
    await stranger.writes("Dạ rõ ạ")
    await stranger.writes("DANHAN TB0825-07")
    assert await street.state(no, contact) == "awaiting"
    assert len(stranger.shown()) == 1, "the menu once a day, and nothing else"
    unit = await street.room.ledger.read(lambda tx: rollcalls.one(tx, no, code_of("Xã Sơn Điện")))
    assert unit is not None
    assert unit.at is None
