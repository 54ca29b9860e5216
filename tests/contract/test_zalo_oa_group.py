"""`zalo.oa_group` against the simulated OA: the promises of every channel, the group's own troubles, lookups."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.contract import (
    Accepted,
    Envelope,
    HealthState,
    IncomingKind,
    ReceiptState,
    RejectClass,
    Rejected,
    Unknown,
)
from simulators.zalo import GROUP_ID, GROUP_LINK
from simulators.zalo.control import does
from tests.contract.recording import MemoryState, ReportBook, until
from tests.contract.runner import (
    Case,
    Heard,
    Rig,
    Says,
    accepted,
    common_cases,
    label,
    on_screen,
    rejected,
    run,
    unknown,
)
from tests.contract.zalo_stand import DEPUTY, LEADER, Clock, Stand, simulator, stand

NAME = "zalo.oa_group"
ONE = (Envelope(1, GROUP_ID, "canh bao lu"),)
LONG = "\n".join(f"{n}. Xã thứ {n} báo cáo số hộ phải sơ tán trước 17 giờ hôm nay" for n in range(90))


class InTheGroup:
    """The simulator, with people who write into the group where the common cases let them write to the service."""

    def __init__(self, made: Stand) -> None:
        self._sim = made.sim
        self.stage = made.sim.stage
        self.set_faults = made.sim.set_faults
        self.person_presses = made.sim.person_presses

    async def person_says(self, sender: str, chat: str | None, text: str) -> None:
        await self._sim.person_says(sender, chat or GROUP_ID, text)


@pytest.fixture
async def made() -> AsyncIterator[Stand]:
    async with stand(oa_group={}) as it:
        yield it


@pytest.fixture
def rig(made: Stand) -> Rig:
    return made.rig(NAME, InTheGroup(made))


async def people_come_and_go(rig: Rig) -> None:
    sim = rig.more["stand"].sim
    sim.add_user("8000000000000000077", "Khách")
    does(sim, {"user_id": "8000000000000000077", "does": "join", "group_id": GROUP_ID})
    does(sim, {"user_id": DEPUTY, "does": "leave", "group_id": GROUP_ID})
    does(sim, {"user_id": LEADER, "does": "photo", "group_id": GROUP_ID, "url": "https://anh.example/de.jpg"})


async def found_in_the_group(rig: Rig) -> None:
    accepted(1).check(await rig.channel.ask(ONE[0], sent_at=0.0), "ask")
    assert on_screen(rig, GROUP_ID) == ("canh bao lu",)


CASES = (
    *common_cases(GROUP_ID, LEADER),
    Case("the echo is the best proof there is", send=ONE, outcomes=accepted(1),
         receipts={1: (ReceiptState.ACCEPTED,)}),
    Case("the configured group", send=(Envelope(1, "", "tin"),), outcomes=accepted(1), phone={GROUP_ID: ("tin",)}),
    Case("a group of somebody else", send=(Envelope(1, "ff00ff00", "tin"),),
         outcomes=rejected(RejectClass.CONFIG, "not_in_group", "-403")),
    Case("package too low", faults={"no_package": True}, send=ONE,
         outcomes=rejected(RejectClass.CONFIG, "package_too_low", "-224")),
    Case("everybody is heard, mention or not", says=(Says(LEADER, "đã nhận"), Says(DEPUTY, "nước lên")),
         heard=(Heard(LEADER, "đã nhận", chat=GROUP_ID), Heard(DEPUTY, "nước lên", chat=GROUP_ID))),
    Case("coming, going, a picture", act=people_come_and_go,
         heard=(Heard("8000000000000000077", kind=IncomingKind.JOIN, chat=GROUP_ID),
                Heard(DEPUTY, kind=IncomingKind.LEAVE, chat=GROUP_ID),
                Heard(LEADER, kind=IncomingKind.MEDIA, payload="https://anh.example/de.jpg", chat=GROUP_ID))),
    Case("cut after it was taken", faults={"drop_after_commit": 1}, send=ONE, outcomes=unknown("connection_lost", 1),
         check=found_in_the_group),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
async def test_contract(case: Case, rig: Rig) -> None:
    await run(case, rig)


async def test_disabled_group(made: Stand) -> None:
    made.sim.world.groups[GROUP_ID].status = "disabled"
    book = ReportBook()
    await made.channels[NAME].send(ONE, book)
    assert book.one(1) == Rejected("group_disabled", RejectClass.CONFIG, "-237")
    assert (await made.channels[NAME].probe()).key == "zalo_group_disabled"


async def test_long_text_goes_in_marked_parts_in_order(made: Stand, rig: Rig) -> None:
    await made.channels[NAME].send([Envelope(1, GROUP_ID, LONG)], rig.book)
    outcome = rig.book.one(1)
    shown = on_screen(rig, GROUP_ID)
    assert isinstance(outcome, Accepted)
    assert len(outcome.provider_ids) == len(set(outcome.provider_ids)) == len(shown) == 3
    assert [text[:6] for text in shown] == ["(1/3)\n", "(2/3)\n", "(3/3)\n"]
    assert "\n".join(text[6:] for text in shown) == LONG
    assert max(map(len, shown)) <= 1900


async def test_refused_part_goes_on_where_it_stopped(made: Stand, rig: Rig) -> None:
    """The second part is refused for now: the repeat, even of a new process, sends only what is missing."""
    made.sim.set_faults({"fail_after": 1, "fail_next": 1, "fail_code": 200})
    await made.channels[NAME].send([Envelope(1, GROUP_ID, LONG)], rig.book)
    first = rig.book.one(1)
    assert isinstance(first, Rejected)
    assert first.cls is RejectClass.RETRY_LATER
    assert [bool(one) for one in first.provider_ids] == [True, False, False]
    async with stand(sim=made.sim, state=made.state, oa_group={}) as again:
        book = ReportBook()
        await again.channels[NAME].send([Envelope(1, GROUP_ID, LONG)], book)
    outcome = book.one(1)
    assert isinstance(outcome, Accepted)
    assert outcome.provider_ids[0] == first.provider_ids[0]
    assert [text[:6] for text in on_screen(rig, GROUP_ID)] == ["(1/3)\n", "(2/3)\n", "(3/3)\n"]
    assert not any("parts" in key for key in made.state.values)


async def test_a_part_without_answer_is_looked_up_and_the_rest_sent() -> None:
    clock = Clock()
    async with stand(now=clock, oa_group={}) as made:
        rig, whole = made.rig(NAME), Envelope(1, GROUP_ID, LONG)
        made.sim.set_faults({"drop_after_commit": 1})
        sent_at = clock()
        await rig.channel.send([whole], rig.book)
        assert rig.book.one(1) == Unknown("connection_lost", ("", "", ""))
        assert await rig.channel.ask(whole, sent_at) is None  # too early to call the other parts lost
        clock.now += 30
        assert await rig.channel.ask(whole, sent_at) == Rejected("lost", RejectClass.RETRY_LATER, after=0.0)
        book = ReportBook()
        await rig.channel.send([whole], book)
        accepted(3).check(book.one(1), "repeat")
        assert [text[:6] for text in on_screen(rig, GROUP_ID)] == ["(1/3)\n", "(2/3)\n", "(3/3)\n"]


async def test_lost_send_is_called_lost_only_after_a_while() -> None:
    clock = Clock()
    async with stand(now=clock, oa_group={}) as made:
        made.sim.set_faults({"outage": "502"})
        book = ReportBook()
        sent_at = clock()
        await made.channels[NAME].send(ONE, book)
        assert isinstance(book.one(1), Unknown)
        assert await made.channels[NAME].ask(ONE[0], sent_at) is None  # cannot be asked now
        made.sim.set_faults({"outage": ""})
        assert await made.channels[NAME].ask(ONE[0], sent_at) is None  # may still arrive
        clock.now += 30
        assert await made.channels[NAME].ask(ONE[0], sent_at) == Rejected("lost", RejectClass.RETRY_LATER, after=0.0)


async def test_lookup_neither_reaches_back_nor_takes_anothers_message() -> None:
    clock = Clock()
    async with stand(now=clock, oa_group={}) as made:
        book = ReportBook()
        await made.channels[NAME].send(ONE, book)  # the same text, long ago and well known
        clock.now += 60
        later = clock()
        assert await made.channels[NAME].ask(Envelope(2, GROUP_ID, "canh bao lu"), later) is None
        assert await made.channels[NAME].ask(Envelope(2, GROUP_ID, "canh bao lu"), 0.0) == Rejected(
            "lost", RejectClass.RETRY_LATER, after=0.0
        )
        assert await made.channels[NAME].ask(ONE[0], 0.0) == book.one(1)


async def test_long_history_proves_no_loss() -> None:
    """More was written since than one reads back: absence proves nothing."""
    clock = Clock()
    async with stand(now=clock, oa_group={}) as made:
        sent_at = clock()
        for n in range(60):
            await made.sim.person_says(LEADER, GROUP_ID, f"tin {n}")
        clock.now += 60
        assert await made.channels[NAME].ask(ONE[0], sent_at) is None


async def test_names_of_members_come_with_what_they_write(made: Stand, rig: Rig) -> None:
    await until(lambda: LEADER in made.oa.names)
    await made.sim.person_says(LEADER, GROUP_ID, "đã nhận")
    await until(lambda: bool(made.sink.inbox))
    assert next(iter(made.sink.inbox.values())).sender_name == "Chủ tịch xã A"


async def test_what_the_webhook_missed_is_read_back_once() -> None:
    async with stand(oa_group={"catch_up_seconds": 0}) as made:
        catch_up = made.channels[NAME].catch_up  # type: ignore[attr-defined]
        assert await catch_up.once() == 0
        await made.sim.person_says(LEADER, GROUP_ID, "một")
        await until(lambda: len(made.sink.inbox) == 1)
        made.sim.webhook.enabled = False
        for n in range(25):
            await made.sim.person_says(DEPUTY, GROUP_ID, f"mất {n}")
        made.sim.says(LEADER, GROUP_ID, "ảnh", photo="https://anh.example/de.jpg")
        assert await catch_up.once() == 26
        assert await catch_up.once() == 0
        assert [one.text for one in made.sink.inbox.values()] == ["một", *[f"mất {n}" for n in range(25)], "ảnh"]
        last = list(made.sink.inbox.values())[-1]
        assert (last.kind, last.payload, last.sender_name) == (
            IncomingKind.MEDIA,
            "https://anh.example/de.jpg",
            "Chủ tịch xã A",
        )


async def test_outage_across_a_restart_is_caught_up() -> None:
    async with simulator() as sim:
        state = MemoryState()
        async with stand(sim=sim, state=state, oa_group={}) as made:
            await until(lambda: any("caught_up" in key for key in state.values))
        sim.webhook.enabled = False
        await sim.person_says(LEADER, GROUP_ID, "trong lúc tắt")
        async with stand(sim=sim, state=state, oa_group={}) as made:
            await until(lambda: [one.text for one in made.sink.inbox.values()] == ["trong lúc tắt"])


async def test_history_with_other_ids_is_not_trusted() -> None:
    """Were Zalo to number histories otherwise, each message would come twice: rather none from there."""
    async with stand(oa_group={"catch_up_seconds": 0}) as made:
        catch_up = made.channels[NAME].catch_up  # type: ignore[attr-defined]
        await catch_up.once()
        for n in range(5):
            await made.sim.person_says(LEADER, GROUP_ID, f"tin {n}")
        await until(lambda: len(made.sink.inbox) == 5)
        for message in made.sim.world.chats[GROUP_ID]:
            message.message_id = f"other-{message.message_id}"
        assert await catch_up.once() == 0
        assert catch_up.trusted is False
        assert len(made.sink.inbox) == 5


async def test_catch_up_without_an_answer_keeps_its_mark() -> None:
    clock = Clock()
    async with stand(now=clock, oa_group={"catch_up_seconds": 0}) as made:
        catch_up = made.channels[NAME].catch_up  # type: ignore[attr-defined]
        await catch_up.once()
        made.sim.webhook.enabled = False
        await made.sim.person_says(LEADER, GROUP_ID, "mất")
        clock.now += 3600
        made.sim.set_faults({"outage": "502"})
        assert await catch_up.once() == 0
        made.sim.set_faults({"outage": ""})
        clock.now += 60
        assert await catch_up.once() == 1


@pytest.mark.parametrize(
    ("group", "state", "key"),
    [
        ({}, HealthState.OK, "zalo_oa_ok"),
        ({"valid_through": "01/01/2020"}, HealthState.DEGRADED, "zalo_group_expires"),
        ({"max_member": 2}, HealthState.DEGRADED, "zalo_group_full"),
        ({"owned": False}, HealthState.DOWN, "zalo_not_in_group"),
    ],
)
async def test_probe_says_what_to_do(made: Stand, group: dict[str, object], state: HealthState, key: str) -> None:
    for name, value in group.items():
        setattr(made.sim.world.groups[GROUP_ID], name, value)
    health = await made.channels[NAME].probe()
    assert (health.state, health.key) == (state, key)


async def test_probe_finds_the_group_by_its_link() -> None:
    async with stand(oa_group={"group_id": "", "group_link": GROUP_LINK}) as made:
        health = await made.channels[NAME].probe()
        assert (health.key, health.params) == ("zalo_group_id_missing", {"found": GROUP_ID})
