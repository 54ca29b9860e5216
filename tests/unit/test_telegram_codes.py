"""Every refusal of the Bot API has a class, and the pace keeps what Telegram asks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Rejected, Unknown
from adapters.telegram import codes
from adapters.telegram.delivery import parse_address, utf16_units
from adapters.telegram.pace import Pace, Window
from adapters.telegram.request import BotApiFault


@pytest.mark.parametrize("row", codes.ROWS, ids=lambda row: f"{row.status} {row.says}")
def test_each_row_is_reached_by_its_own_words(row: codes.Row) -> None:
    outcome = codes.classify(BotApiFault(row.status, f"Bad Request: {row.says.upper()}"))
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.cls) == (row.reason, row.cls)
    assert outcome.code == f"{row.status} Bad Request: {row.says.upper()}".strip()


@given(st.integers(300, 599), st.text(max_size=40))
def test_any_answer_has_an_outcome(status: int, says: str) -> None:
    outcome = codes.classify(BotApiFault(status, says))
    assert isinstance(outcome, Rejected | Unknown)
    assert outcome.code.startswith(str(status))
    assert isinstance(outcome, Unknown) == (status >= 500 and status != 503)


def test_the_wait_of_a_429_is_the_provider_s() -> None:
    outcome = codes.classify(BotApiFault(429, "Too Many Requests: retry after 17", retry_after=17))
    assert isinstance(outcome, Rejected)
    assert outcome.after == 17.0


@pytest.mark.parametrize(
    ("to", "chat", "topic"),
    [("71000001", "71000001", None), ("-5001", "-5001", None), ("-1001234567890:45", "-1001234567890", 45),
     ("@nhomtruc", "@nhomtruc", None)],
)  # fmt: skip
def test_addresses(to: str, chat: str, topic: int | None) -> None:
    address = parse_address(to)
    assert address is not None
    assert (address.chat, address.topic) == (chat, topic)


@pytest.mark.parametrize(
    "to", ["", "84 900", "+84900001111", "a", "-", "1:", ":1", "@", "1:x", "²", "٣", "1\n", "9" * 20]
)
def test_what_is_no_address(to: str) -> None:
    assert parse_address(to) is None


def test_utf16_units() -> None:
    assert [utf16_units(text) for text in ("", "ả", "🌀", "a🌀ê")] == [0, 1, 2, 4]


@given(st.integers(1, 40), st.floats(0.1, 60), st.lists(st.floats(0, 2), max_size=120))
def test_no_window_ever_holds_more_than_its_limit(limit: int, seconds: float, gaps: list[float]) -> None:
    window, now, taken = Window(limit, seconds), 0.0, []
    for gap in gaps:
        now = max(now + gap, window.free_at(now + gap))
        window.take(now)
        taken.append(now)
        assert sum(1 for at in taken if at > now - seconds + 1e-9) <= limit


def test_a_rate_below_one_stretches_the_time() -> None:
    window = Window(0.5, 1.0)
    window.take(10.0)
    assert window.free_at(10.0) == 12.0


def pace() -> Pace:
    return Pace(per_chat_per_second=1, per_group_per_minute=20, per_second=30)


def test_one_a_second_into_a_chat_and_twenty_a_minute_into_a_group() -> None:
    own, now = pace(), 100.0
    for _ in range(20):
        now = own.free_at("-5", now)
        own.take("-5", now)
    assert now == pytest.approx(100 + 19 * 1.02)
    assert own.free_at("-5", now) == 160.0
    assert own.free_at("7", now) == now


def test_thirty_a_second_in_all() -> None:
    own = pace()
    for chat in range(30):
        own.take(str(chat), 50.0)
    assert own.free_at("99", 50.0) == pytest.approx(51.02)


def test_a_hold_of_a_person_stops_all_and_of_a_group_only_itself() -> None:
    own = pace()
    own.hold("-5", 40, 0.0)
    assert own.free_at("-5", 0.0) == 40.0
    assert own.free_at("7", 0.0) == 0.0
    own.hold("-6", 10, 1.0)  # a second chat during a hold: the bot itself is meant
    assert own.free_at("7", 1.0) == 11.0
    assert own.held_for(1.0) == 10.0
    fresh = pace()
    fresh.hold("7", 2, 0.0)
    assert fresh.free_at("8", 0.0) == 2.0
    assert fresh.free_at("8", 2.0) == 2.0
