"""Who is asked at 2 a.m., what happens when nobody answers, and how one officer's warning is answered for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.approval_asker import ApprovalAsker
from bot.break_glass_teller import BreakGlassTeller
from broadcasts.approval_rules import ApprovalRules, WhoApproves, next_review
from broadcasts.break_glass import REVIEW, SENT_ALONE, BreakGlass
from broadcasts.duty_roster import DutyRoster
from broadcasts.model import Actor, Refusal, Role
from directory.staff_addresses import bind_address
from store import access, alarms, break_glass
from store.engine import Tx
from tests.unit.test_desk import Office, codes, draft
from text.dates import OFFICE_ZONE

OFFICER, OTHER = Actor("truc", Role.OFFICER), Actor("truc2", Role.OFFICER)
FIRST, SECOND, ADMIN = (
    Actor("pho1", Role.APPROVER), Actor("pho2", Role.APPROVER), Actor("chanh", Role.ADMIN)
)  # fmt: skip
PHONES = {"truc": "84900009000", "pho1": "84900009001", "pho2": "84900009002", "chanh": "84900009003"}
DECISIONS = ("approved", "break_glass", "rejected", "cancelled")
NIGHT = datetime(2026, 8, 25, 2, 0, tzinfo=OFFICE_ZONE)


class Night(Office):
    """One officer, two deputies and an admin; the first deputy is on duty."""

    async def begin(self, rules: ApprovalRules) -> None:
        self.clock.at = NIGHT.timestamp()
        self.desk._rules = rules
        await self.open()

        def hire(tx: Tx) -> None:
            for who in (OFFICER, OTHER, FIRST, SECOND, ADMIN):
                access.add_staff(tx, who.name, who.role.value, "x", self.clock.at)
                if who.name in PHONES:
                    bind_address(tx, who.name, "sms", PHONES[who.name], self.clock.at)

        ledger, bus = self.room.ledger, self.room.bus
        await ledger.write(hire)
        self.roster = DutyRoster(ledger, bus, self.clock)
        self.alone = BreakGlass(ledger, bus, self.room.clockwork, rules, self.clock)
        self.asker = ApprovalAsker(ledger, self.desk, self.room.routes, now=self.clock, rules=rules)
        self.teller = BreakGlassTeller(ledger, bus, self.desk, self.room.routes, rules, self.clock)
        await self.shift("pho1", "approver")

    async def shift(self, who: str, duty: str, hours: float = 8) -> None:
        start = NIGHT - timedelta(hours=4)
        await self.roster.add(who, duty, start, start + timedelta(hours=hours), "", ADMIN)

    async def asked(self, **values):
        made = await self.desk.draft(draft(audience=codes(self), urgency="hoa-toc", **values), OFFICER)
        return await self.desk.submit(made.code, OFFICER)

    async def after(self, minutes: float) -> None:
        self.clock.at = NIGHT.timestamp() + minutes * 60
        await self.asker.tick()
        await self.teller.tick()
        await self.alone.tick_review()
        await asyncio.sleep(0.05)

    async def heard(self, name: str) -> list[str]:
        """What somebody's telephone got; commands only."""
        wanted = PHONES[name]
        return [one.text for one in self.sms.left if one.to == wanted]

    async def ringing(self, kind: str) -> list[alarms.Alarm]:
        return [one for one in await self.room.ledger.read(alarms.ringing) if one.kind == kind]


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    night = Night(tmp_path)
    await night.begin(ApprovalRules())
    yield night
    await night.room.stop()


async def telephones(night: Night, *names: str) -> None:
    """Exactly these have been asked to approve."""

    async def so() -> bool:
        asked = {name for name in PHONES if any("CAN DUYET" in text for text in await night.heard(name))}
        return asked == set(names)

    await night.room.until(so, 5)


# -- the order ---------------------------------------------------------------------------------------------------------


async def test_who_is_on_duty_is_asked_first_and_the_next_after_five_minutes(night: Night) -> None:
    await night.asked()
    await night.after(0)
    await telephones(night, "pho1")
    await night.after(4.9)
    await telephones(night, "pho1")
    await night.after(5)
    await telephones(night, "pho1", "pho2")
    await night.after(9)
    await telephones(night, "pho1", "pho2")
    await night.after(10)
    await telephones(night, "pho1", "pho2", "chanh")
    await night.after(11)
    assert sum("CAN DUYET" in text for text in await night.heard("pho1")) == 1


async def test_nobody_on_duty_means_everybody_at_once(night: Night) -> None:
    night.clock.at += 30 * 3600
    await night.asked()
    await night.asker.tick()
    await telephones(night, "pho1", "pho2", "chanh")


async def test_a_decision_ends_the_asking(night: Night) -> None:
    view = await night.asked()
    await night.after(1)
    await night.desk.approve(view.code, view.content_hash, FIRST)
    await night.after(30)
    await telephones(night, "pho1")
    assert not await night.ringing("approval_silent")


# -- nobody answers ----------------------------------------------------------------------------------------------------


async def test_after_ten_minutes_the_officer_hears_what_is_possible_and_the_board_rings(night: Night) -> None:
    view = await night.asked()
    await night.after(9.9)
    assert not await night.heard("truc")
    assert not await night.ringing("approval_silent")
    await night.after(10)
    await night.after(11)

    async def told() -> bool:
        return len(await night.heard("truc")) == 1

    await night.room.until(told, 5)
    assert re.search(
        rf"{view.code}: 10 phut chua ai duyet\. Anh/chi duoc gui tin canh bao", (await night.heard("truc"))[0]
    )
    assert [one.detail["code"] for one in await night.ringing("approval_silent")] == [view.code]
    await night.desk.approve(view.code, view.content_hash, SECOND)
    await night.after(12)
    assert not await night.ringing("approval_silent")


async def test_one_officer_warns_alone_leaders_hear_at_once_and_review_in_the_morning(night: Night) -> None:
    view = await night.asked(text="Lũ lên nhanh")
    await night.after(3)
    with pytest.raises(Refusal) as early:
        await night.alone.send(view.code, view.content_hash, "không ai nghe máy", OFFICER)
    assert (early.value.key, early.value.params["at"]) == ("break_glass_too_early", "02:10")
    assert not night.zalo.left
    await night.after(10)
    code = await night.alone.send(view.code, view.content_hash, "không ai nghe máy", OFFICER)
    await night.room.until(lambda: len(night.zalo.left) == 9)
    sent = await night.desk.view(code)
    assert (sent.approved_by, sent.break_glass["reason"], sent.break_glass["ground"]) == (
        "truc", "không ai nghe máy", "unanswered"
    )  # fmt: skip
    await night.after(10.1)

    async def all_told() -> bool:
        texts = [await night.heard(name) for name in ("pho1", "pho2", "chanh")]
        return all(any("DA GUI KHONG CHO DUYET" in one for one in some) for some in texts)

    await night.room.until(all_told, 5)
    assert not any("DA GUI KHONG CHO DUYET" in one for one in await night.heard("truc"))
    assert [one.detail["code"] for one in await night.ringing(SENT_ALONE)] == [code]
    await night.after(11)
    told = await night.room.ledger.read(lambda tx: break_glass.told(tx, view.id))
    assert sorted(one.name for one in told) == ["chanh", "pho1", "pho2"]
    await night.after(4 * 60)
    assert not await night.ringing(REVIEW)
    await night.after(5 * 60)
    assert len(await night.ringing(REVIEW)) == 1
    await night.after(6 * 60)
    assert len(await night.ringing(REVIEW)) == 1


async def test_it_rings_each_morning_until_another_has_reviewed_it(night: Night) -> None:
    view = await night.asked()
    await night.after(10)
    await night.alone.send(view.code, view.content_hash, "mất liên lạc", OFFICER)
    await night.after(5 * 60)
    (alarm,) = await night.ringing(REVIEW)
    await night.room.ledger.write(lambda tx: alarms.take(tx, alarm.id, "pho1", night.clock.at))
    await night.after(20 * 60)
    assert not await night.ringing(REVIEW)
    await night.after(29 * 60 + 1)
    assert len(await night.ringing(REVIEW)) == 1
    for who, key in ((OTHER, "role_too_low"), (Actor("truc", Role.APPROVER), "own_break_glass")):
        with pytest.raises(Refusal) as refused:
            await night.alone.review(view.code, "right", "", who)
        assert refused.value.key == key
    with pytest.raises(Refusal) as bare:
        await night.alone.review(view.code, "wrong", " ", SECOND)
    assert bare.value.problems[0].field == "note"
    await night.alone.review(view.code, "right", "đúng lúc", SECOND)
    assert not await night.ringing(REVIEW)
    assert not await night.ringing(SENT_ALONE)
    with pytest.raises(Refusal) as twice:
        await night.alone.review(view.code, "wrong", "khác", FIRST)
    assert twice.value.key == "break_glass_reviewed"
    await night.after(60 * 60)
    assert not await night.ringing(REVIEW)
    shown = (await night.desk.view(view.code)).break_glass
    assert (shown["reviewed_by"], shown["verdict"]) == ("pho2", "right")
    assert [case.row.verdict for case in await night.alone.cases()] == ["right"]


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"kind": "directive", "document_number": "4/CĐ-UBND", "signer": "A"}, "break_glass_directive"),
        ({}, "wrong_state"),
    ],
)
async def test_what_nobody_may_send_alone(night: Night, values: dict[str, str], key: str) -> None:
    view = await night.asked(**values)
    await night.after(20)
    if not values:
        await night.desk.give_back(view.code, "sửa", FIRST)
    with pytest.raises(Refusal) as refused:
        await night.alone.send(view.code, view.content_hash, "gấp", OFFICER)
    assert refused.value.key == key
    assert not night.zalo.left


async def test_an_update_of_a_directive_is_one_and_an_old_hash_or_no_reason_sends_nothing(night: Night) -> None:
    first = await night.asked(kind="directive", document_number="4/CĐ-UBND", signer="A")
    await night.desk.approve(first.code, first.content_hash, FIRST)
    update = await night.desk.supersede(first.code, None, OFFICER)
    asked = await night.desk.submit(update.code, OFFICER)
    night.clock.at += 1200
    assert (await night.alone.way(asked.code)).key == "break_glass_directive"
    view = await night.asked(text="khác")
    night.clock.at += 1200
    for content_hash, reason, key in (("x", "gấp", "stale_hash"), (view.content_hash, "  ", "invalid_input")):
        with pytest.raises(Refusal) as refused:
            await night.alone.send(view.code, content_hash, reason, OFFICER)
        assert refused.value.key == key
    with pytest.raises(Refusal) as viewer:
        await night.alone.send(view.code, view.content_hash, "gấp", Actor("khach", Role.VIEWER))
    assert viewer.value.key == "role_too_low"


async def test_settings_shut_the_way_or_open_it_for_a_flash(night: Night) -> None:
    view = await night.asked()
    ledger, clockwork = night.room.ledger, night.room.clockwork
    shut = BreakGlass(ledger, night.room.bus, clockwork, ApprovalRules(break_glass=False), night.clock)
    assert (await shut.way(view.code)).key == "break_glass_off"
    flash = BreakGlass(ledger, night.room.bus, clockwork, ApprovalRules(flash_at_once=True), night.clock)
    assert (await flash.way(view.code)).ground == "flash"
    await flash.send(view.code, view.content_hash, "vỡ đê", OFFICER)
    await night.room.until(lambda: len(night.zalo.left) == 9)


# -- at once -----------------------------------------------------------------------------------------------------------


async def test_cancel_approve_and_break_glass_at_once_have_one_winner(night: Night) -> None:
    for place in range(8):
        view = await night.asked(text=f"lần {place}")
        night.clock.at += 900
        code, given = view.code, view.content_hash
        left = len(night.zalo.left)
        acts = [
            night.desk.cancel(code, "nhầm", OTHER, seen=view.state),
            night.desk.approve(code, given, FIRST),
            night.desk.approve(code, given, SECOND),
            night.alone.send(code, given, "gấp", OFFICER),
            night.desk.reject(code, "sai", SECOND),
        ]
        acts = acts[place % len(acts) :] + acts[: place % len(acts)]
        done = await asyncio.gather(*acts, return_exceptions=True)
        refused = [one for one in done if isinstance(one, Refusal)]
        others = [one for one in done if isinstance(one, BaseException) and not isinstance(one, Refusal)]
        assert not others
        assert len(refused) == len(acts) - 1, "exactly one wins"
        assert {one.key for one in refused} <= {"wrong_state", "break_glass_not_asked", "approved_meanwhile"}
        view = await night.desk.view(code)
        wins = [event.event for event in await night.desk.events(code) if event.event in DECISIONS]
        assert len(wins) == 1
        if wins[0] in ("cancelled", "rejected"):
            assert (view.state, len(night.zalo.left)) == (wins[0], left)
        else:
            await night.room.until(lambda left=left: len(night.zalo.left) == left + 9)
            assert len({one.to for one in night.zalo.left[left:]}) == 9


async def test_a_page_that_shows_what_was_cancels_nothing_that_was_approved_since(night: Night) -> None:
    view = await night.asked()
    await night.desk.approve(view.code, view.content_hash, FIRST)
    with pytest.raises(Refusal) as refused:
        await night.desk.cancel(view.code, "nhầm", OFFICER, seen="pending_approval")
    assert (refused.value.key, refused.value.params["by"]) == ("approved_meanwhile", "pho1")
    assert (await night.desk.cancel(view.code, "vẫn dừng", OFFICER)).state == "cancelled"


# -- on duty only ------------------------------------------------------------------------------------------------------


async def test_only_who_is_on_duty_approves_where_the_office_says_so(tmp_path: Path) -> None:
    night = Night(tmp_path)
    await night.begin(ApprovalRules(who=WhoApproves.ON_DUTY, always=("chanh",)))
    try:
        view = await night.asked()
        await night.after(30)
        await telephones(night, "pho1", "chanh")
        with pytest.raises(Refusal) as refused:
            await night.desk.approve(view.code, view.content_hash, SECOND)
        assert refused.value.key == "not_on_duty"
        assert (await night.desk.approve(view.code, view.content_hash, ADMIN)).approved_by == "chanh"
        night.clock.at += 20 * 3600
        late = await night.asked(text="đêm sau, không ai trực")
        assert (await night.desk.approve(late.code, late.content_hash, SECOND)).approved_by == "pho2"
    finally:
        await night.room.stop()


async def test_an_approver_who_touched_the_words_does_not_approve_them(night: Night) -> None:
    made = await night.desk.draft(draft(audience=codes(night)), OFFICER)
    await night.desk.edit(made.code, draft(audience=codes(night), text="lời của lãnh đạo"), FIRST)
    view = await night.desk.submit(made.code, OFFICER)
    with pytest.raises(Refusal) as refused:
        await night.desk.approve(view.code, view.content_hash, FIRST)
    assert refused.value.key == "own_draft"
    await night.after(0)
    assert not any("CAN DUYET" in text for text in await night.heard("pho1"))
    assert (await night.desk.approve(view.code, view.content_hash, SECOND)).approved_by == "pho2"


def test_the_review_is_asked_for_the_next_morning() -> None:
    at = datetime(2026, 8, 25, 6, 59, tzinfo=OFFICE_ZONE).timestamp()
    seven = datetime(2026, 8, 25, 7, 0, tzinfo=OFFICE_ZONE).timestamp()
    assert next_review(at, "07:00") == seven
    assert next_review(seven, "07:00") == seven + 86_400
