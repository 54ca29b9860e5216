"""S3 and the commands of officers: only from a registered address, only this version, only once, never one's own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.approval_asker import ApprovalAsker
from bot.intake import Intake
from bot.officer_words import WRONG_MOST, one_time_code, parse_command
from broadcasts.model import Actor, Draft, Role
from broadcasts.shown import BroadcastView
from directory.staff_addresses import AddressRefused, bind_address
from store import access, audit
from store.engine import Tx
from tests.scenario.bot_office import OFFICER, Office
from text.segments import measure

APPROVER = "84900009100"
SECOND = "84900009101"
STRANGER = "84933333333"


class Commanded(Office):
    async def begin(self) -> None:
        await super().begin()

        def hire(tx: Tx) -> None:
            now = self.clock.at
            for name, role, phone in (
                ("lanhdao", Role.APPROVER, APPROVER), ("lanhdao2", Role.ADMIN, SECOND), (OFFICER.name, Role.OFFICER, "")
            ):  # fmt: skip
                access.add_staff(tx, name, role.value, "x", now)
                if phone:
                    bind_address(tx, name, "sms", phone, now)

        await self.room.ledger.write(hire)
        self.asker = ApprovalAsker(self.room.ledger, self.desk, self.room.routes, now=self.clock)
        self.leaders = [await self.register("Xã Mậu Lâm"), await self.register("Xã Hậu Lộc")]

    def _intake(self) -> Intake:
        room = self.room
        return self.ears.intake(room.ledger, room.bus, room.routes, self.acks, self.desk, self.clock, self.desk)

    def words(self, text: str) -> Draft:
        return Draft(text=text, title="Bão số 5", audience="all-units", channels=["zalo"], urgency="hoa-toc")

    async def asked(self, ref: str = "", text: str = "chào các xã", author: Actor = OFFICER) -> BroadcastView:
        """A new draft, or another version of one that is given back, for which approval is asked."""
        if ref:
            view = await self.desk.edit(ref, self.words(text), author)
        else:
            view = await self.desk.draft(self.words(text), author)
        view = await self.desk.submit(view.code, author)
        await self.asker.tick()
        await self.settled()
        return view

    def otp(self, phone: str = APPROVER) -> str:
        """The newest code that a telephone got."""
        found = [re.search(r"DUYET (\d{4}-\d+ \d{4})$", text) for text in self.left("sms.one", phone)]
        return [one[1] for one in found if one is not None][-1]

    async def state(self, ref: str) -> str:  # type: ignore[override]
        return (await self.desk.view(ref)).state

    async def sent(self) -> int:
        """Broadcasts that ever left."""

        def count(tx: Tx) -> int:
            sql = "SELECT COUNT(*) FROM broadcast WHERE kind <> 'single' AND started_at IS NOT NULL"
            return int(tx.execute(sql).fetchone()[0])

        return await self.room.ledger.read(count)

    async def trail(self) -> list[tuple[str, str]]:
        lines = await self.room.ledger.read(audit.lines)
        return [(line.actor, line.action) for line in lines]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Commanded]:
    office = Commanded(tmp_path)
    await office.begin()
    yield office
    await office.end()


async def test_s3_the_code_of_an_older_version_sends_nothing_and_that_of_the_new_one_once(office: Commanded) -> None:
    view = await office.asked()
    await office.desk.give_back(view.code, "sửa", Actor("khac", Role.APPROVER))
    second = await office.asked(view.code, "chào bản hai")
    old = office.otp()
    assert second.version == 2
    await office.desk.give_back(view.code, "sửa nữa", Actor("khac", Role.APPROVER))
    draft = await office.desk.edit(view.code, office.words("chào bản ba"), OFFICER)
    assert await office.hears(f"DUYET {old}", APPROVER) == ["Noi dung da thay doi, vui long xem ban 3"]
    await office.desk.submit(draft.code, OFFICER)
    await office.asker.tick()
    await office.settled()
    assert await office.hears(f"DUYET {old}", APPROVER) == ["Noi dung da thay doi, vui long xem ban 3"]
    assert (await office.sent(), await office.state(view.code)) == (0, "pending_approval")
    new = office.otp()
    (answer,) = await office.hears(f"DUYET {new}", APPROVER)
    assert answer.startswith(f"Da duyet {view.code} ban 3")
    (again,) = await office.hears(f"duyệt {new}", APPROVER)
    assert again.startswith(f"Tin {view.code} da duoc lanhdao duyet luc")
    assert await office.sent() == 1
    assert {one.text for one in office.zalo.left} == {"chào bản ba"}
    assert ("lanhdao", "approve_by_message") in await office.trail()


async def test_s3_chat_says_it_with_accents(office: Commanded) -> None:
    await office.room.ledger.write(lambda tx: bind_address(tx, "lanhdao", "zalo", "zalo-sep", office.clock.at))
    view = await office.asked()
    await office.desk.give_back(view.code, "sửa", Actor("khac", Role.APPROVER))
    old = office.otp()
    await office.asked(view.code, "chào bản hai")
    answers = await office.hears(f"DUYET {old}", "zalo-sep", "zalo.user")
    assert answers == ["Nội dung đã thay đổi, vui lòng xem bản 2"]


async def test_an_approver_is_asked_once_with_everything_to_decide_on(office: Commanded) -> None:
    await office.room.ledger.write(lambda tx: bind_address(tx, "lanhdao", "zalo", "zalo-sep", office.clock.at))
    view = await office.asked(text="chào. Đề nghị các xã trực 24/24.")
    assert await office.asker.tick() == 0
    (sms,) = office.left("sms.one", APPROVER)
    assert sms.startswith(f"CAN DUYET {view.code} ban 1: Bao so 5. HOA TOC; 166 xa phuong, 2 nguoi")
    assert f"DUYET {view.code.removeprefix('TB')} " in sms
    assert measure(sms).encoding == "GSM-7"
    (chat,) = [one.text for one in office.zalo.left if one.to == "zalo-sep"]
    assert "chào. Đề nghị các xã trực 24/24." in chat
    assert len(office.left("sms.one", SECOND)) == 1


async def test_every_approver_has_a_code_of_their_own(office: Commanded) -> None:
    view = await office.asked()
    mine, theirs = office.otp(), office.otp(SECOND)
    assert mine != theirs
    (answer,) = await office.hears(f"DUYET {theirs}", APPROVER)
    assert "khong dung" in answer
    assert await office.state(view.code) == "pending_approval"


async def test_a_stranger_with_the_right_code_approves_nothing(office: Commanded) -> None:
    view = await office.asked()
    await office.hears(f"DUYET {office.otp()}", STRANGER)
    assert await office.state(view.code) == "pending_approval"
    assert (await office.last()).state == "human"
    leader = office.leaders[0]
    await office.hears(f"DUYET {office.otp()}", leader.phone)
    assert await office.state(view.code) == "pending_approval"


async def test_who_left_the_office_commands_no_more(office: Commanded) -> None:
    view = await office.asked()
    await office.room.ledger.write(lambda tx: tx.execute("UPDATE staff SET active = 0 WHERE name = 'lanhdao'"))
    await office.hears(f"DUYET {office.otp()}", APPROVER)
    assert await office.state(view.code) == "pending_approval"


async def test_nobody_is_asked_for_or_approves_an_own_draft(office: Commanded) -> None:
    author = Actor("lanhdao", Role.APPROVER)
    view = await office.asked(author=author)
    assert office.left("sms.one", APPROVER) == []

    def code(tx: Tx) -> str:
        from store import approvals

        return one_time_code(approvals.secret(tx, "approval"), view.id, view.content_hash, "lanhdao")

    own = await office.room.ledger.write(code)
    (answer,) = await office.hears(f"DUYET {view.code} {own}", APPROVER)
    assert answer.startswith("Khong duoc tu duyet tin do minh soan")
    assert await office.state(view.code) == "pending_approval"


async def test_an_officer_cannot_approve_by_message(office: Commanded) -> None:
    phone = "84900009102"
    await office.room.ledger.write(lambda tx: bind_address(tx, OFFICER.name, "sms", phone, office.clock.at))
    view = await office.asked()
    assert office.left("sms.one", phone) == []
    (answer,) = await office.hears(f"DUYET {office.otp()}", phone)
    assert "khong co quyen duyet" in answer
    assert await office.state(view.code) == "pending_approval"


async def test_guessing_is_stopped_and_logged(office: Commanded) -> None:
    view = await office.asked()
    right = office.otp()
    short, digits = right.split()
    for number in range(WRONG_MOST):
        wrong = f"{(int(digits) + 1 + number) % 10_000:04}"
        (answer,) = await office.hears(f"DUYET {short} {wrong}", APPROVER)
        assert "khong dung" in answer
        office.clock.at += 61
    (answer,) = await office.hears(f"DUYET {right}", APPROVER)
    assert "sai ma nhieu lan" in answer
    assert await office.state(view.code) == "pending_approval"
    assert (await office.trail()).count(("lanhdao", "approve_by_message_refused")) == WRONG_MOST
    office.clock.at += 61
    await office.hears(f"DUYET {office.otp(SECOND)}", SECOND)
    assert await office.sent() == 1


async def test_a_command_in_the_group_is_not_carried_out(office: Commanded) -> None:
    await office.room.ledger.write(lambda tx: bind_address(tx, "lanhdao", "zalo", "zalo-sep", office.clock.at))
    view = await office.asked()
    assert await office.in_group(f"DUYET {office.otp()}", "zalo-sep") == []
    assert await office.state(view.code) == "pending_approval"
    assert ((await office.last()).state, (await office.last()).note) == ("human", "command_in_group")


async def test_an_expired_request_is_not_approved(office: Commanded) -> None:
    view = await office.asked()
    office.clock.at += 7 * 3_600
    (answer,) = await office.hears(f"DUYET {office.otp()}", APPROVER)
    assert "qua han gui" in answer
    assert await office.state(view.code) == "expired"


async def test_status_and_who_is_silent(office: Commanded) -> None:
    no = await office.directive("TB0825-07")
    (answer,) = await office.hears("AI CHUA NHAN", APPROVER)
    assert answer == "TB0825-07: 2 don vi chua nhan: Xa Hau Loc, Xa Mau Lam"
    await office.hears("dạ rõ", office.leaders[0].phone)
    (answer,) = await office.hears("TINHTRANG TB0825-07", APPROVER)
    assert "xac nhan 1/2; can ho tro 0; chua 1" in answer
    (answer,) = await office.hears("ai chưa nhận 0825-07", APPROVER)
    assert answer == "TB0825-07: 1 don vi chua nhan: Xa Hau Loc"
    await office.hears("dạ rõ", office.leaders[1].phone)
    (answer,) = await office.hears("Ai chua nhan TB0825-07?", APPROVER)
    assert "tat ca 2 don vi da xac nhan" in answer
    (answer,) = await office.hears("TINHTRANG TB0825-99", APPROVER)
    assert answer == "Khong co tin mang ma TB0825-99."
    assert no > 0


async def test_a_stranger_learns_nothing(office: Commanded) -> None:
    await office.directive("TB0825-07")
    (menu,) = await office.hears("AI CHUA NHAN", STRANGER)
    assert "Hau Loc" not in menu
    assert "TB0825" not in menu


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("DUYET 1126-07 4831", ("approve", "TB1126-07", "4831")),
        ("duyệt tb1126-07 4831.", ("approve", "TB1126-07", "4831")),
        ("Duyet TB 1126 07 4831", ("approve", "TB1126-07", "4831")), ("TINHTRANG", ("status", "", "")),
        ("tình trạng 1126-07", ("status", "TB1126-07", "")), ("AI CHUA NHAN TB1126-07", ("silent", "TB1126-07", "")),
        ("DUYET", None), ("DUYET 1126-07", None), ("duyet 1126-07 48312", None), ("ok duyet 1126-07 4831", None),
        ("", None), ("tinh trang nha em ngap", None), ("DUYET 1126-07 4831 va 1126-08 1234", None),
    ],
)  # fmt: skip
def test_what_is_a_command(text: str, wanted: tuple[str, str, str] | None) -> None:
    found = parse_command(text, "TB")
    assert (None if found is None else (found.act, found.ref, found.otp)) == wanted


def test_a_code_is_of_one_version_and_one_person() -> None:
    codes = {
        one_time_code(secret, no, content, who)
        for secret in (b"a" * 32, b"b" * 32) for no in (1, 2) for content in ("x", "y") for who in ("p", "q")
    }  # fmt: skip
    assert len(codes) == 16
    assert all(re.fullmatch(r"\d{4}", code) for code in codes)


async def test_what_may_be_bound(office: Commanded) -> None:
    def bind(name: str, channel: str, value: str, *, remove: bool = False) -> object:
        now = office.clock.at
        return office.room.ledger.write(lambda tx: bind_address(tx, name, channel, value, now, remove=remove))

    assert await bind("lanhdao", "sms", "0900 009 110") == "84900009110"
    for name, channel, value, key in (
        ("khong-co", "sms", "0900009111", "staff_unknown"), ("lanhdao", "fax", "0900009111", "family_unknown"),
        ("lanhdao", "voice", "02373000000", "family_unknown"), ("lanhdao", "sms", "abc", "address_wrong"),
        ("lanhdao2", "sms", "0900009110", "address_bound"), ("lanhdao", "zalo", "a b", "address_wrong"),
    ):  # fmt: skip
        with pytest.raises(AddressRefused) as caught:
            await bind(name, channel, value)
        assert caught.value.key == key
    assert await bind("lanhdao", "sms", "84900009110", remove=True)
    with pytest.raises(AddressRefused):
        await bind("lanhdao", "sms", "84900009110", remove=True)


async def test_an_approver_reads_what_an_update_changes(office: Commanded) -> None:
    first = await office.asked(text="Bão vào 16-19h, xong trước 9:00")
    await office.desk.approve(first.code, first.content_hash, Actor("lanhdao", Role.APPROVER))
    await office.settled()
    newer = office.words("Bão vào 13-16h, xong trước 9:00").model_copy(update={"supersedes": first.code})
    made = await office.desk.draft(newer, OFFICER)
    await office.desk.submit(made.code, OFFICER)
    await office.asker.tick()
    await office.settled()
    told = office.left("sms.one", APPROVER)[-1]
    assert f"(Thay doi so voi {first.code}: 16-19h, thanh 13-16h,)" in told


async def test_the_next_version_says_what_differs_from_the_one_seen_last(office: Commanded) -> None:
    await office.room.ledger.write(lambda tx: bind_address(tx, "lanhdao", "zalo", "zalo-sep", office.clock.at))
    view = await office.asked(text="Đề nghị các xã trực 24/24, xong trước 15:00.")
    (first,) = [one.text for one in office.zalo.left if one.to == "zalo-sep"]
    assert "Thay đổi so với" not in first
    await office.desk.give_back(view.code, "sửa", Actor("khac", Role.APPROVER))
    await office.asked(view.code, "Đề nghị các xã trực 24/24, xong trước 13:00.")
    second = [one.text for one in office.zalo.left if one.to == "zalo-sep"][-1]
    assert "Thay đổi so với bản 1: 15:00. → 13:00." in second
    assert "166 xã, phường" in second
    assert "Duyệt trước" in second


async def test_the_request_has_buttons_that_do_what_the_words_do(office: Commanded) -> None:
    await office.room.ledger.write(lambda tx: bind_address(tx, "lanhdao", "zalo", "zalo-sep", office.clock.at))
    view = await office.asked()
    (request,) = [one for one in office.zalo.left if one.to == "zalo-sep"]
    assert [one.label for one in request.buttons] == ["DUYỆT", "SỬA", "TRẢ LẠI"]
    assert not [one for one in office.sms.left if one.buttons]
    (answer,) = await office.hears("", "zalo-sep", "zalo.user", payload=request.buttons[0].payload)
    assert answer.startswith(f"Đã duyệt {view.code} bản 1")
    assert await office.sent() == 1


@pytest.mark.parametrize(
    ("place", "asks", "reason"),
    [(1, "cần sửa gì", "Cần sửa: đổi hạn thành 15h"), (2, "Vì sao trả lại", "đổi hạn thành 15h")],
)
async def test_a_button_asks_for_the_reason_and_the_next_words_are_it(
    office: Commanded, place: int, asks: str, reason: str
) -> None:
    await office.room.ledger.write(lambda tx: bind_address(tx, "lanhdao", "zalo", "zalo-sep", office.clock.at))
    view = await office.asked()
    (request,) = [one for one in office.zalo.left if one.to == "zalo-sep"]
    (question,) = await office.hears("", "zalo-sep", "zalo.user", payload=request.buttons[place].payload)
    assert asks in question
    assert await office.state(view.code) == "pending_approval"
    (answer,) = await office.hears("đổi hạn thành 15h", "zalo-sep", "zalo.user")
    assert answer == f"Đã trả {view.code} bản 1 cho {OFFICER.name}: {reason}"
    assert (await office.desk.view(view.code)).reason == reason
    assert ("lanhdao", "return_by_message") in await office.trail()


async def test_words_give_it_back_with_the_reason_as_it_was_written(office: Commanded) -> None:
    view = await office.asked()
    (answer,) = await office.hears(f"TRALAI {office.otp()}: thiếu xã Hậu Lộc", APPROVER)
    assert answer == f"Da tra {view.code} ban 1 cho Nguyen Truc: thieu xa Hau Loc"
    after = await office.desk.view(view.code)
    assert (after.state, after.reason) == ("returned", "thiếu xã Hậu Lộc")
    (answer,) = await office.hears(f"DUYET {office.otp()}", APPROVER)
    assert "khong cho duyet" in answer
    assert await office.sent() == 0


async def test_a_reason_for_an_older_version_gives_nothing_back(office: Commanded) -> None:
    view = await office.asked()
    old = office.otp()
    (question,) = await office.hears(f"SUA {old}", APPROVER)
    assert "can sua gi" in question
    await office.desk.give_back(view.code, "sửa", Actor("khac", Role.APPROVER))
    await office.asked(view.code, "chào bản hai")
    assert await office.hears("đổi hạn", APPROVER) == ["Noi dung da thay doi, vui long xem ban 2"]
    assert await office.state(view.code) == "pending_approval"


async def test_a_cry_for_help_is_no_reason(office: Commanded) -> None:
    view = await office.asked()
    await office.hears(f"TRALAI {office.otp()}", APPROVER)
    (answer,) = await office.hears("cuu voi nuoc ngap den mai nha roi", APPROVER)
    assert "112" in answer
    assert await office.state(view.code) == "pending_approval"


async def test_a_stranger_gives_nothing_back(office: Commanded) -> None:
    view = await office.asked()
    await office.hears(f"TRALAI {office.otp()} vì thích", STRANGER)
    assert await office.state(view.code) == "pending_approval"
