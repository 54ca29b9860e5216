"""Ghi danh: the page, the decision, the printed sheet, the group's list, and who may do what."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.joining import Invitation
from broadcasts.routes import Route
from directory import enrolment, enrolment_codes
from directory.enrolment import Account, Confirm
from loa.doctor import _paths as blocked
from loa.enrolment import EnrolmentRoom
from loa.settings import load_settings
from store import directory, group_members, paths
from store import enrolment as rows
from store.engine import Tx
from tests.ledgers import ledger_url
from tests.scenario.engine_room import ScriptedChannel
from tests.web_stand import Stand

UNIT = "15106"
GROUP = "group-1"


class Found(ScriptedChannel):
    """A channel with an address of its own, whose events carry no names."""

    def invitation(self, code: str) -> Invitation:
        return Invitation(f"https://t.me/mau_bot?start={code}", carries_code=True)

    async def name_of(self, account: str) -> str:
        return f"Tên của {account}"


class Grouped(ScriptedChannel):
    listed: list[tuple[str, str]] | None = None

    async def members(self) -> list[tuple[str, str]] | None:
        return self.listed


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    group = Grouped("zalo.group", group=True)
    more = (Route(Found("telegram"), "telegram"), Route(group, "zalo", GROUP))
    stand = Stand(tmp_path, more=more)
    room = stand.room
    stand.enrolment = EnrolmentRoom(room.ledger, room.bus, stand.desk, room.routes, stand.units, now=stand.clock)
    stand.services = replace(stand.services, enrolling=stand.enrolment)
    stand.group = group
    await stand.open()
    yield stand
    await stand.close()


async def text_of(stand: Stand, path: str, name: str = "canbo", expected: int = 200) -> str:
    browser = await stand.browser(name)
    async with browser.get(path) as answer:
        assert answer.status == expected, await answer.text()
        return await answer.text()


async def send(stand: Stand, path: str, expected: int = 303, by: str = "canbo", **form: str) -> tuple[str, str]:
    stand.clock.at += 1  # the newest session is the one whose token is sent
    browser = await stand.browser(by)
    form["csrf"] = await stand.csrf(by)
    async with browser.post(path, data=form, allow_redirects=False) as answer:
        text = await answer.text()
        assert answer.status == expected, text
        return answer.headers.get("Location", ""), text


async def leader(stand: Stand) -> directory.PersonRow:
    found = await stand.room.ledger.read(lambda tx: directory.people_of(tx, UNIT))
    return next(one for one in found if one.role == "chairman")


async def asked(stand: Stand, person: int, value: str = "555000111") -> int:
    """Somebody named this person's code from an account."""

    def write(tx: Tx) -> int:
        row = enrolment.issue(tx, person, "telegram", "canbo", stand.clock())
        account = Account("telegram", "telegram", value, "telegram", value, "")
        code, now = enrolment.text_of(tx, row), stand.clock()
        result = enrolment.redeem(tx, code, account, now, 10_000 + person, Confirm.OFFICER)
        assert result.request_id is not None
        return result.request_id

    return await stand.room.ledger.write(write)


async def test_an_officer_sees_the_account_and_confirms(stand: Stand) -> None:
    person = await leader(stand)
    request = await asked(stand, person.id)
    await stand.enrolment.tick()  # asks what the account calls itself
    page = await text_of(stand, "/enrolment?channel=telegram")
    assert person.name in page
    assert "Tên của 555000111" in page
    assert "1 tài khoản chờ xác nhận" in await text_of(stand, "/")
    await send(stand, f"/enrolment/requests/{request}/confirm")
    owner = await stand.room.ledger.read(lambda tx: directory.owner(tx, "telegram", "555000111"))
    assert owner is not None
    assert owner.id == person.id
    assert "đã có người quyết định" in (await send(stand, f"/enrolment/requests/{request}/confirm", 409))[1]


async def test_refusing_needs_a_reason(stand: Stand) -> None:
    request = await asked(stand, (await leader(stand)).id)
    await send(stand, f"/enrolment/requests/{request}/refuse", 422, reason=" ")
    await send(stand, f"/enrolment/requests/{request}/refuse", reason="gọi lại không đúng người")
    assert "gọi lại không đúng người" in await text_of(stand, "/enrolment")


async def test_an_account_of_somebody_else_is_named_before_it_moves(stand: Stand) -> None:
    person = await leader(stand)
    others = await stand.room.ledger.read(directory.addresses)
    taken = next(one for one in others if one.channel == "telegram" and one.person_id != person.id)
    await asked(stand, person.id, taken.value)
    page = await text_of(stand, "/enrolment")
    owner = await stand.room.ledger.read(lambda tx: directory.person(tx, taken.person_id))
    assert owner is not None
    assert f"đang là của {owner.name}" in page
    assert "Xác nhận và chuyển tài khoản" in page


async def test_a_sheet_for_all_who_are_not_enrolled_is_the_same_when_printed_again(stand: Stand) -> None:
    where, _ = await send(stand, "/enrolment/codes", channel="telegram", who="chairman")
    sheet = await text_of(stand, where)
    bound = await stand.room.ledger.read(directory.addresses)
    leaders = [one for one in await stand.room.ledger.read(directory.people) if one.role == "chairman"]
    have = {one.person_id for one in bound if one.channel == "telegram"}
    codes = re.findall(r'class="say">GHIDANH <b>([^<]+)</b>', sheet)
    assert len(codes) == len(set(codes)) == sum(one.id not in have for one in leaders)
    assert all(enrolment_codes.is_code(enrolment_codes.read(code)) for code in codes)
    assert sheet.count("<svg") == len(codes)
    assert f"https://t.me/mau_bot?start={codes[0].replace('-', '')}" in sheet
    assert "style=" not in sheet  # the page's policy allows none
    await send(stand, "/enrolment/codes", channel="telegram", who="chairman")
    assert re.findall(r'class="say">GHIDANH <b>([^<]+)</b>', await text_of(stand, where)) == codes


async def test_one_persons_card_and_taking_it_back(stand: Stand) -> None:
    person = await leader(stand)
    where, _ = await send(stand, f"/enrolment/people/{person.id}/code", channel="telegram", does="issue")
    sheet = await text_of(stand, where)
    assert sheet.count('class="ticket"') == 1
    assert person.name in sheet
    await send(stand, f"/enrolment/people/{person.id}/code", channel="telegram", does="withdraw")
    assert 'class="ticket"' not in await text_of(stand, where)
    await send(stand, f"/enrolment/people/{person.id}/code", 422, channel="fax", does="issue")
    await send(stand, "/enrolment/people/999999/code", 404, channel="telegram", does="issue")


async def test_a_code_by_sms_needs_a_telephone(stand: Stand) -> None:
    person = await leader(stand)
    await send(stand, f"/enrolment/people/{person.id}/code", channel="telegram", does="send")
    await stand.room.until(lambda: any("GHIDANH" in one.text for one in stand.sms.left))
    assert "GHIDANH" in stand.sms.left[-1].text
    live = await stand.room.ledger.read(lambda tx: rows.live_codes(tx, stand.clock(), person.id))
    assert live[0].sent_at == stand.clock()
    numbers = await stand.room.ledger.read(lambda tx: directory.addresses_of(tx, person.id))
    await stand.room.ledger.write(lambda tx: directory.retire_addresses(tx, [one.id for one in numbers]))
    text = (await send(stand, f"/enrolment/people/{person.id}/code", 409, channel="telegram", does="send"))[1]
    assert "chưa có số di động" in text


async def test_codes_are_for_officers(stand: Stand) -> None:
    assert "ticket" not in await text_of(stand, "/enrolment/sheet", "khach", 403)
    await send(stand, "/enrolment/codes", 403, by="khach", channel="telegram", who="chairman")
    page = await text_of(stand, "/enrolment", "khach")
    assert "/enrolment/sheet" not in page


async def test_who_is_in_the_group_by_the_providers_list(stand: Stand) -> None:
    person = await leader(stand)
    own = await stand.room.ledger.read(lambda tx: directory.addresses_of(tx, person.id))
    zalo = next(one.value for one in own if one.channel == "zalo")
    stand.group.listed = [(zalo, "Anh Chủ Tịch"), ("stranger", "Ai đó")]
    await send(stand, "/enrolment/groups/read")
    inside = await text_of(stand, "/enrolment/groups?show=in")
    assert person.name in inside
    browser = await stand.browser()
    async with browser.get("/enrolment/groups/export/csv") as answer:
        table = list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    unit = stand.units.by_code(UNIT)
    assert unit is not None
    line = next(one for one in table if (one[0], one[2]) == (unit.name, person.name))
    assert line[3:] == ["Đã vào nhóm", "Anh Chủ Tịch"]
    stand.group.listed = None  # the provider does not answer: nobody is taken for absent
    stand.clock.at += 10_000
    await stand.enrolment.tick()
    members = await stand.room.ledger.read(group_members.members)
    assert {one.value for one in members} == {zalo, "stranger"}
    stand.group.listed = []
    await stand.enrolment.read_groups()
    assert await stand.room.ledger.read(group_members.members) == []


async def test_doctor_names_who_blocks_us(stand: Stand) -> None:
    person = await leader(stand)
    own = await stand.room.ledger.read(lambda tx: directory.addresses_of(tx, person.id))
    settings = load_settings(overrides={"store": {"url": ledger_url(stand.folder)}})
    assert [check["ok"] for check in await asyncio.to_thread(lambda: list(blocked(settings)))] == [True]
    await stand.room.ledger.write(lambda tx: paths.blocked(tx, own[0].channel, own[0].value, stand.clock()))
    (check,) = await asyncio.to_thread(lambda: list(blocked(settings)))
    assert not check["ok"]
    assert person.name in check["says"]
    assert "Danh bạ" in check["mend"] or "directory" in check["mend"]
    assert "1 người đang chặn" in await text_of(stand, "/")
