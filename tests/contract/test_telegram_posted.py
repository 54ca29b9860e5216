"""The pinned roll-call on Telegram: one message, edited, whatever becomes of it; and what it says."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.abilities import Posting
from adapters.telegram.channel import TelegramChannel, TelegramGroupChannel
from broadcasts.posting import Standing, written
from simulators.telegram import TelegramSim
from tests.contract.recording import EVENTUALLY, MemoryState, RecordingSink, until
from tests.contract.runner import Rig, on_screen
from tests.contract.test_telegram import GROUP, TOPIC_GROUP, rig_for, settings_for, simulator

KEY = "TB0825-07"
SOON = {"edit_seconds": 0.05}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rig_for("poll", **SOON) as made:
        await made.channel.group.start(made.sink)  # type: ignore[attr-defined]
        yield made
        await made.channel.group.stop()  # type: ignore[attr-defined]


def group_of(rig: Rig) -> TelegramGroupChannel:
    group = rig.channel.group  # type: ignore[attr-defined]
    assert isinstance(group, TelegramGroupChannel)
    assert isinstance(group, Posting)
    return group


async def shown(rig: Rig, text: str, **more: Any) -> None:
    """Come again until the group shows it, as the clock does."""
    deadline = time.monotonic() + EVENTUALLY
    while not await group_of(rig).keep_posted(KEY, "", text, **more):
        assert time.monotonic() < deadline, f"never shown: {text}"
        await until(lambda: True)


async def test_166_confirmations_are_one_message(rig: Rig) -> None:
    sim: TelegramSim = rig.more["sim"]
    for n in range(6):
        await shown(rig, f"{n}/166")
    assert on_screen(rig, GROUP) == ("5/166",)
    assert sim.calls["sendmessage"] == 1
    assert sim.world.pinned == {int(GROUP): 101}
    await shown(rig, "166/166", last=True)
    assert on_screen(rig, GROUP) == ("166/166",)
    assert sim.world.pinned == {}
    state: MemoryState = rig.more["state"]
    assert not await state.items("telegram.posted.")


async def test_edits_are_spaced_and_only_the_last_state_counts() -> None:
    async with rig_for("poll", edit_seconds=0.4) as rig:
        await rig.channel.group.start(rig.sink)  # type: ignore[attr-defined]
        group, began = group_of(rig), time.monotonic()
        assert await group.keep_posted(KEY, "", "0/166")
        assert not await group.keep_posted(KEY, "", "1/166")
        assert await group.keep_posted(KEY, "", "0/166")  # it does say so
        await shown(rig, "2/166")
        assert time.monotonic() - began >= 0.35
        assert rig.more["sim"].calls["editmessagetext"] == 1
        await group.stop()


async def test_told_to_wait_it_waits(rig: Rig) -> None:
    await shown(rig, "0/166")
    rig.sim.set_faults({"throttle_next": 1, "retry_after": 1})
    began = time.monotonic()
    await shown(rig, "1/166")
    assert time.monotonic() - began >= 1.0
    assert on_screen(rig, GROUP) == ("1/166",)


async def test_somebody_deleted_it_and_it_is_written_anew(rig: Rig) -> None:
    await shown(rig, "0/166")
    rig.more["sim"].api.delete(int(GROUP), 101)
    await shown(rig, "1/166")
    assert on_screen(rig, GROUP)[-1] == "1/166"
    assert rig.more["sim"].world.pinned == {int(GROUP): 102}


async def test_telegram_says_that_it_stands_so_already(rig: Rig) -> None:
    await shown(rig, "0/166")
    state: MemoryState = rig.more["state"]
    key = f"telegram.posted.{KEY}"
    state.values[key] = state.values[key].replace(b"0/166", b"lost.")  # the edit's commit was lost in a crash
    await shown(rig, "0/166")
    assert on_screen(rig, GROUP) == ("0/166",)


async def test_the_group_moved_meanwhile(rig: Rig) -> None:
    await shown(rig, "0/166")
    sim: TelegramSim = rig.more["sim"]
    new = sim.migrate(GROUP)
    await shown(rig, "1/166")
    assert on_screen(rig, new) == ("1/166",)


async def test_a_topic_of_a_forum() -> None:
    async with rig_for("poll", group_chat_id=f"{TOPIC_GROUP}:45", **SOON) as rig:
        await rig.channel.group.start(rig.sink)  # type: ignore[attr-defined]
        await shown(rig, "0/166")
        await shown(rig, "1/166")
        sim: TelegramSim = rig.more["sim"]
        (message,) = [one for (chat, _), one in sim.world.messages.items() if str(chat) == TOPIC_GROUP]
        assert (message["message_thread_id"], message["text"]) == (45, "1/166")
        await rig.channel.group.stop()  # type: ignore[attr-defined]


async def test_a_bot_that_may_not_pin_shows_it_all_the_same(rig: Rig) -> None:
    sim: TelegramSim = rig.more["sim"]

    async def refuse(_: Any) -> bool:
        from simulators.telegram.methods import ApiError

        raise ApiError(400, "Bad Request: not enough rights to manage pinned messages in the chat")

    sim.api.methods["pinchatmessage"] = refuse
    await shown(rig, "0/166")
    await shown(rig, "1/166")
    assert on_screen(rig, GROUP) == ("1/166",)


@pytest.mark.parametrize("trouble", [{"outage": "502"}, {"outage": "refuse"}, {"fail_next": 1, "fail_status": 403}])
async def test_trouble_is_no_exception_and_says_not_yet(rig: Rig, trouble: dict[str, Any]) -> None:
    rig.sim.set_faults(trouble)
    assert not await group_of(rig).keep_posted(KEY, "", "0/166")


async def test_after_a_restart_the_same_message_is_edited() -> None:
    async with simulator() as sim:
        state = MemoryState()
        for text in ("0/166", "1/166"):
            channel = TelegramChannel(settings_for(sim, **SOON), state)
            await channel.group.start(RecordingSink())
            assert await channel.group.keep_posted(KEY, "", text)
            await channel.group.stop()
        assert sim.calls["sendmessage"] == 1


async def test_nothing_is_begun_for_what_has_ended(rig: Rig) -> None:
    assert await group_of(rig).keep_posted(KEY, "", "đã kết thúc", last=True)
    assert on_screen(rig, GROUP) == ()


MANY = tuple(f"Xã {n}" for n in range(1, 41))


@pytest.mark.parametrize(
    ("standing", "lines"),
    [
        (Standing(KEY, 0, 40, (), MANY), ["ĐIỂM DANH TB0825-07: 0/40 nơi đã xác nhận", "Chưa xác nhận (40): Xã 1, "]),
        (Standing(KEY, 2, 3, ("Xã 7",), ("Xã 9",)), ["Cần hỗ trợ: Xã 7", "Chưa xác nhận (1): Xã 9"]),
        (Standing(KEY, 3, 3, (), ()), ["Tất cả đã xác nhận."]),
        (Standing(KEY, 1, 2, (), ("Xã 9",), end="closed"), ["Chưa xác nhận (1): Xã 9", "Đã kết thúc điểm danh."]),
        (Standing(KEY, 1, 2, (), ("Xã 9",), end="cancelled"), ["Tin đã huỷ, không cần xác nhận nữa."]),
        (Standing(KEY, 1, 2, (), ("Xã 9",), mode="exercise"), ["DIỄN TẬP – KHÔNG PHẢI THẬT"]),
    ],
)
def test_what_it_says(standing: Standing, lines: list[str]) -> None:
    text = written(standing, 1_790_000_000.0)
    for line in lines:
        assert line in text
    assert text.endswith("Cập nhật 21:13 21/09")
    assert len(text) < 1_000


def test_a_long_list_is_cut_and_says_so() -> None:
    text = written(Standing(KEY, 0, 40, (), MANY), 0.0)
    assert "Xã 30 và 10 nơi khác" in text
