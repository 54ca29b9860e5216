"""A person asks Zalo to withdraw: their words, name and account go at once; the commune's confirmation stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.contract import IncomingKind
from store import directory
from tests.scenario.bot_office import Office

SON_DIEN, VAN_LOC = "Xã Sơn Điện", "Xã Vạn Lộc"
TABLES = ("inbox", "conversation", "single", "direct", "address")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    await office.begin()
    yield office
    await office.end()


async def everything(office: Office) -> dict[str, str]:
    """Every row of the tables that hold people's accounts and words, as text."""

    def read(tx):
        return {table: repr(tx.execute(f"SELECT * FROM {table}").fetchall()) for table in TABLES}

    return await office.room.ledger.read(read)


async def withdraws(office: Office, sender: str, event_id: str = "w1") -> None:
    await office.hears("", sender, "zalo.user", kind=IncomingKind.WITHDRAW, event_id=event_id, raw=sender.encode())


async def test_account_and_words_go_and_the_record_stays(office: Office) -> None:
    chairman, other = await office.register(SON_DIEN), await office.register(VAN_LOC)
    no = await office.directive("TB0825-07", "Bão số 5")
    await office.hears("dạ rõ", chairman.zalo, "zalo.user", sender_name="Nguyễn Văn Mẫu")
    await office.hears("nhà tôi ở thôn Đông", chairman.zalo, "zalo.user", sender_name="Nguyễn Văn Mẫu")
    await office.hears("dạ rõ", other.zalo, "zalo.user")
    assert "thôn Đông" in (await everything(office))["inbox"]
    await withdraws(office, chairman.zalo)
    left = await everything(office)
    for table, rows in left.items():
        assert f"'{chairman.zalo}'" not in rows, f"the account still stands in {table}"
        assert "thôn Đông" not in rows
        assert "Nguyễn Văn Mẫu" not in rows
    assert f"'{other.zalo}'" in left["address"], "nobody else loses anything"
    assert chairman.phone in left["address"], "the post keeps its telephone"
    assert await office.state(no, chairman) == "acknowledged"
    last = await office.last()
    assert (last.state, last.note) == ("human", "withdraw"), "an officer hears of it"
    assert await office.room.ledger.read(lambda tx: directory.owner(tx, "zalo", chairman.zalo)) is None


async def test_asking_twice_and_strangers_change_nothing_more(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    await withdraws(office, chairman.zalo)
    before = (await everything(office))["address"]
    await withdraws(office, chairman.zalo, "w2")
    await withdraws(office, "z-stranger", "w3")
    assert (await everything(office))["address"] == before


async def test_a_telephone_of_the_same_digits_is_another_account(office: Office) -> None:
    chairman = await office.register(SON_DIEN)
    await office.hears("mực nước", chairman.phone, "sms.one")
    await withdraws(office, chairman.phone)
    assert chairman.phone in (await everything(office))["inbox"]
