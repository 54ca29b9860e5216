"""The chairman scans, sends, the officer confirms, the next alert reaches that account; and what goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.contract import IncomingKind, ReceiptState, RejectClass, Rejected
from broadcasts.model import Actor, Refusal, Role
from directory import book, editing, enrolment, enrolment_codes
from directory.enrolment import Confirm
from directory.enrolment_sheet import memberships
from loa.enrolment import EnrolmentRoom
from store import directory, group_members, paths
from store import enrolment as rows
from store.engine import Tx
from tests.scenario.bot_office import GROUP, STEPS, UNITS, Contact, Office
from tests.scenario.engine_room import leader

CANBO = Actor("canbo", Role.OFFICER)
HAU_LOC, HOANG_CHAU = "Xã Hậu Lộc", "Xã Hoằng Châu"
NEW = "1234567890123"


class Enrolling(Office):
    async def begin(self) -> None:
        await super().begin()
        room = self.room
        self.enrolment = EnrolmentRoom(room.ledger, room.bus, self.desk, room.routes, UNITS, now=self.clock)

    async def with_confirm(self, confirm: Confirm) -> None:
        await self.stop_listening()
        self.ears = replace(self.ears, confirm=confirm)
        self.listen_again()

    async def without_account(self, unit: str) -> Contact:
        """A contact who has a telephone and no Zalo."""
        contact = await self.register(unit)

        def drop(tx: Tx) -> None:
            found = [one.id for one in directory.addresses_of(tx, contact.person) if one.channel == "zalo"]
            directory.retire_addresses(tx, found)

        await self.room.ledger.write(drop)
        return contact

    async def code(self, contact: Contact, family: str = "zalo", *, anew: bool = False) -> str:
        def make(tx: Tx) -> str:
            row = enrolment.issue(tx, contact.person, family, "canbo", self.clock.at, anew=anew)
            return enrolment_codes.shown(enrolment.text_of(tx, row))

        return await self.room.ledger.write(make)

    async def says(self, text: str, sender: str = NEW, **more: object) -> str:
        said = await self.hears(text, sender, "zalo.user", **more)
        return said[-1] if said else ""

    async def pending(self) -> list[rows.Request]:
        return await self.room.ledger.read(rows.pending)

    async def owner(self, value: str, channel: str = "zalo") -> int | None:
        row = await self.room.ledger.read(lambda tx: directory.owner(tx, channel, value))
        return row.id if row else None

    async def confirm_all(self) -> None:
        for request in await self.pending():
            await self.enrolment.confirm(request.id, CANBO)
        await self.settled()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Enrolling]:
    office = Enrolling(tmp_path)
    await office.begin()
    yield office
    await office.end()


async def test_a_code_an_officer_and_the_next_alert(office: Enrolling) -> None:
    chairman = await office.without_account(HAU_LOC)
    code = await office.code(chairman)
    said = await office.says(f"GHIDANH {code}", sender_name="Anh Chủ Tịch")
    assert "Trực ban đang xác nhận" in said
    assert chairman.name in said
    request = (await office.pending())[0]
    assert (request.person_id, request.value, request.account_name) == (chairman.person, NEW, "Anh Chủ Tịch")
    assert await office.owner(NEW) is None  # nothing yet is believed from it
    no = await office.directive("TB0825-01")
    assert "Không" not in (await office.says("dạ rõ")) or await office.state(no, chairman) == "awaiting"
    assert await office.state(no, chairman) == "awaiting"

    await office.confirm_all()
    assert office.left("zalo.user", NEW)[-1].startswith("Trực ban đã xác nhận")
    assert await office.owner(NEW) == chairman.person
    path = (await office.room.ledger.read(lambda tx: paths.paths_of_unit(tx, chairman.unit)))[-1]
    assert (path.value, path.proved_by) == (NEW, paths.ENROLLED)
    chairman.zalo = NEW
    no = await office.directive("TB0825-02")
    await office.room.until(lambda: any(one.to == NEW and one.text == "chào" for one in office.zalo.left))
    assert "Đã ghi nhận" in await office.says("DANHAN TB0825-02")
    assert await office.state(no, chairman) == "acknowledged"


@pytest.mark.parametrize(
    "text", ["ghidanh {code}", "Ghi danh {code}", "{code}", "GD {plain}", "dạ GHIDANH {code}", "ghi danh: {plain} ạ"]
)
async def test_how_people_send_it(office: Enrolling, text: str) -> None:
    chairman = await office.without_account(HAU_LOC)
    code = await office.code(chairman)
    said = await office.says(text.format(code=code, plain=code.replace("-", "").lower()))
    assert "Trực ban đang xác nhận" in said


async def test_a_deep_link_sends_it_by_itself(office: Enrolling) -> None:
    chairman = await office.without_account(HAU_LOC)
    code = (await office.code(chairman)).replace("-", "")
    said = await office.says(f"/start {code}", kind=IncomingKind.FOLLOW, payload=code)
    assert "Trực ban đang xác nhận" in said
    assert "GHIDANH" in await office.says("/start", "stranger-1", kind=IncomingKind.FOLLOW)


async def test_a_code_serves_once(office: Enrolling) -> None:
    chairman = await office.without_account(HAU_LOC)
    code = await office.code(chairman)
    await office.says(f"GHIDANH {code}")
    assert "đang chờ trực ban xác nhận" in await office.says(f"GHIDANH {code}")
    assert "đã dùng rồi" in await office.says(f"GHIDANH {code}", "other-account")
    await office.confirm_all()
    office.clock.at += 90
    assert "đã ghi danh cho" in await office.says(f"GHIDANH {code}")
    assert len(await office.pending()) == 0


async def test_expired_withdrawn_replaced_and_of_somebody_who_left(office: Enrolling) -> None:
    chairman = await office.without_account(HAU_LOC)
    old = await office.code(chairman)
    office.clock.at += enrolment_codes.VALID_SECONDS + 1
    assert "đã hết hạn" in await office.says(f"GHIDANH {old}", "a-1")
    replaced = await office.code(chairman)
    fresh = await office.code(chairman, anew=True)
    assert replaced != fresh
    assert "không còn dùng được" in await office.says(f"GHIDANH {replaced}", "a-2")
    await office.room.ledger.write(lambda tx: directory.retire_person(tx, chairman.person, office.clock.at))
    assert "không còn dùng được" in await office.says(f"GHIDANH {fresh}", "a-3")


async def test_mistyped_wrong_and_by_the_wrong_channel(office: Enrolling) -> None:
    chairman = await office.without_account(HAU_LOC)
    code = await office.code(chairman)
    wrong = code[:-1] + next(ch for ch in enrolment_codes.ALPHABET if ch != code[-1])
    assert "gõ nhầm" in await office.says(f"GHIDANH {wrong}", "a-1")
    stranger = enrolment_codes.made(b"z" * 32, 1, "zalo", 1)
    assert "Không có mã này" in await office.says(f"GHIDANH {stranger}", "a-2")
    said = await office.hears(f"GHIDANH {code}", chairman.phone)
    assert said == ["Ma nay dung tren Zalo. Mo Zalo va gui ma o do."]
    assert await office.pending() == []


async def test_guesses_are_limited_and_an_officer_hears_of_them(office: Enrolling) -> None:
    chairman = await office.without_account(HAU_LOC)
    code = await office.code(chairman)
    for n in range(1, 6):
        await office.says(f"GHIDANH {enrolment_codes.made(b'z' * 32, n, 'zalo', 1)}", "guesser")
        office.clock.at += 20
    assert "nhiều lần" in await office.says(f"GHIDANH {code}", "guesser")  # even a right one, now
    assert (await office.last()).state == "human"
    assert "Trực ban đang xác nhận" in await office.says(f"GHIDANH {code}", "honest")
    office.clock.at += 3_601
    again = await office.code(chairman, anew=True)
    assert "Trực ban đang xác nhận" in await office.says(f"GHIDANH {again}", "guesser")


async def test_an_account_of_somebody_else_moves_only_by_an_officer(office: Enrolling) -> None:
    await office.with_confirm(Confirm.CODE)
    old = await office.register(HOANG_CHAU)
    new = await office.without_account(HAU_LOC)
    code = await office.code(new)
    assert "đang ghi cho người khác" in await office.says(f"GHIDANH {code}", old.zalo)
    assert await office.owner(old.zalo) == old.person
    await office.confirm_all()
    assert await office.owner(old.zalo) == new.person


async def test_a_person_may_have_several_accounts_and_the_newest_is_written_to(office: Enrolling) -> None:
    chairman = await office.register(HAU_LOC)
    code = await office.code(chairman)
    await office.says(f"GHIDANH {code}")
    await office.confirm_all()
    kept = await office.room.ledger.read(lambda tx: directory.addresses_of(tx, chairman.person))
    assert [one.value for one in kept if one.channel == "zalo"] == [NEW, chairman.zalo]
    no = await office.directive("TB0825-03")
    assert "Đã ghi nhận" in await office.says("DANHAN TB0825-03", chairman.zalo)  # the older one still counts
    assert await office.state(no, chairman) == "acknowledged"


async def test_an_officer_refuses_and_decides_once(office: Enrolling) -> None:
    chairman = await office.without_account(HAU_LOC)
    await office.says(f"GHIDANH {await office.code(chairman)}")
    request = (await office.pending())[0]
    await office.enrolment.refuse(request.id, "gọi lại không đúng người", CANBO)
    await office.settled()
    assert "chưa xác nhận được" in office.left("zalo.user", NEW)[-1]
    assert await office.owner(NEW) is None
    for act in (office.enrolment.confirm(request.id, CANBO), office.enrolment.refuse(request.id, "x", CANBO)):
        with pytest.raises(Refusal) as refused:
            await act
        assert refused.value.key == "enrolment_decided"
    with pytest.raises(Refusal) as refused:
        await office.enrolment.confirm(999, CANBO)
    assert refused.value.key == "enrolment_unknown"


async def test_a_revoked_account_is_a_stranger(office: Enrolling) -> None:
    chairman = await office.without_account(HAU_LOC)
    await office.says(f"GHIDANH {await office.code(chairman)}")
    await office.confirm_all()
    address = (await office.room.ledger.read(lambda tx: directory.addresses_of(tx, chairman.person)))[-1]
    await office.room.ledger.write(
        lambda tx: editing.remove_address(tx, address.id, chairman.person, "canbo", office.clock.at)
    )
    no = await office.directive("TB0825-04")
    await office.says("DANHAN TB0825-04")
    assert await office.state(no, chairman) == "awaiting"
    history = await office.room.ledger.read(lambda tx: rows.of_person(tx, chairman.person))
    assert [one.state for one in history] == ["revoked"]


async def test_a_code_that_we_sent_to_the_registered_telephone_may_suffice(office: Enrolling) -> None:
    await office.with_confirm(Confirm.SENT)
    by_hand, by_sms = await office.without_account(HAU_LOC), await office.without_account(HOANG_CHAU)
    assert "Trực ban đang xác nhận" in await office.says(f"GHIDANH {await office.code(by_hand)}", "paper")
    await office.enrolment.send_code(by_sms.person, "zalo", CANBO)
    await office.settled()
    text = office.left("sms.one", by_sms.phone)[-1]
    code = text.split("GHIDANH ")[1].split()[0]
    assert "Đã ghi danh" in await office.says(f"GHIDANH {code}", "phone")
    assert await office.owner("phone") == by_sms.person
    assert await office.owner("paper") is None


async def test_everything_inbound_proves_its_path_and_leaving_shuts_it(office: Enrolling) -> None:
    chairman = await office.register(HAU_LOC)
    await office.hears("bao o dau", chairman.phone)
    await office.says("chào trực ban", chairman.zalo)

    async def seen() -> dict[str, paths.PathRow]:
        found = await office.room.ledger.read(lambda tx: paths.paths_of_unit(tx, chairman.unit))
        return {one.channel: one for one in found}

    first = await seen()
    assert {one.proved_by for one in first.values()} == {paths.INBOUND}
    office.clock.at += 60
    await office.says("", chairman.zalo, kind=IncomingKind.UNFOLLOW)
    assert (await seen())["zalo"].blocked_at == office.clock.at
    entry = await office.room.ledger.read(lambda tx: book.page_of(tx, UNITS, chairman.unit, office.clock.at))
    assert entry is not None
    assert "blocked" in entry.gaps
    office.clock.at += 60
    await office.says("", chairman.zalo, kind=IncomingKind.FOLLOW)
    assert (await seen())["zalo"].blocked_at is None


async def test_what_reached_an_account_proves_it_and_a_refusal_for_good_shuts_it(office: Enrolling) -> None:
    chairman = await office.register(HAU_LOC)
    rows_of = await office.room.ledger.read(lambda tx: directory.addresses_of(tx, chairman.person))
    address = next(one.id for one in rows_of if one.channel == "zalo")
    member = replace(leader(chairman.unit, chairman.person, "zalo", chairman.zalo), address_id=address)

    async def alert(code: str) -> None:
        no = await office.room.approved(members=[member], steps=STEPS, code=code)
        left = len(office.zalo.left)
        await office.room.clockwork.fire(no)
        await office.room.until(lambda: len(office.zalo.left) > left)
        await office.settled()

    async def path() -> paths.PathRow:
        found = await office.room.ledger.read(lambda tx: paths.paths_of_unit(tx, chairman.unit))
        return next(one for one in found if one.address_id == address)

    await alert("TB0825-05")
    assert (await path()).proved_at is None  # that the provider took it proves nothing
    await office.room.recorder.receipts([office.zalo.receipt(office.zalo.left[-1], ReceiptState.DELIVERED)])
    assert ((await path()).proved_at, (await path()).proved_by) == (office.clock.at, paths.DELIVERED)
    office.clock.at += 60
    office.zalo.answer = lambda envelope, times: Rejected("blocked", RejectClass.RECIPIENT)
    await alert("TB0825-06")
    assert (await path()).blocked_at == office.clock.at


async def test_a_button_of_another_office_is_read_by_an_officer(office: Enrolling) -> None:
    chairman = await office.register(HAU_LOC)
    said = await office.says("", chairman.zalo, kind=IncomingKind.BUTTON, payload="ACK XX0101-99")
    assert "Không có tin mang mã XX0101-99" in said
    row = await office.last()
    assert (row.state, row.note) == ("human", "foreign_button")


async def test_who_is_in_the_group(office: Enrolling) -> None:
    spoke, joined = await office.register(HAU_LOC), await office.register(HOANG_CHAU)
    away, unknown = await office.register("Phường Hạc Thành"), await office.without_account("Phường Sầm Sơn")
    await office.in_group("báo cáo, xã em đã họp", spoke.zalo)
    await office.in_group("", "z-admin", kind=IncomingKind.JOIN, payload="777,888")
    await office.room.ledger.write(
        lambda tx: directory.add_address(tx, joined.person, "zalo", "888", 5, office.clock.at)
    )

    async def inside() -> dict[int, bool | None]:
        def read(tx: Tx) -> dict[int, bool | None]:
            units = book.book(tx, UNITS, office.clock.at)
            return {one.person.person_id: one.inside for one in memberships(units, "zalo", GROUP)}

        return await office.room.ledger.read(read)

    found = await inside()
    assert [found[one.person] for one in (spoke, joined, away, unknown)] == [True, True, False, None]
    office.clock.at += 10
    await office.in_group("", "888", kind=IncomingKind.LEAVE, payload="888")
    assert (await inside())[joined.person] is False
    office.clock.at += 10
    await office.in_group("", "z-admin", kind=IncomingKind.LEAVE)  # we were taken out: says nothing of the others
    assert (await inside())[spoke.person] is True
    listed = [(away.zalo, "Anh Ba")]
    await office.room.ledger.write(
        lambda tx: group_members.replace_list(tx, "zalo", GROUP, listed, office.clock.at + 1)
    )
    found = await inside()
    assert [found[one.person] for one in (spoke, away)] == [False, True]
