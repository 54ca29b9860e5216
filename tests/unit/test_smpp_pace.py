"""The carrier's pace, on a clock that the test turns."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sms.smpp.pace import UNLIMITED, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def drive(pace: Pace, clock: Clock, steps: Sequence[float]) -> list[float]:
    """Send all that is allowed after each step; the times of the messages."""
    sent: list[float] = []
    for step in steps:
        clock.now += step
        count = pace.allowance()
        pace.spend(count)
        sent += [clock.now] * count
    return sent


def most_in_a_second(sent: list[float]) -> int:
    return max((sum(1 for at in sent if start <= at < start + 1) for start in sent), default=0)


@given(st.lists(st.floats(0.0005, 0.3), min_size=5, max_size=120), st.sampled_from([1, 7, 50, 500]))
def test_no_second_holds_more_than_the_limit_however_we_are_woken(steps: list[float], limit: int) -> None:
    clock = Clock()
    assert most_in_a_second(drive(Pace(limit, clock), clock, steps)) <= limit


@pytest.mark.parametrize("limit", [10, 100, 500])
@pytest.mark.parametrize("step", [0.001, 0.007, 0.02])
def test_the_limit_is_used_to_97_percent(limit: int, step: float) -> None:
    clock = Clock()
    sent = drive(Pace(limit, clock), clock, [step] * int(20 / step))
    assert len(sent) >= 0.97 * limit * 20


def test_without_a_limit_nothing_holds() -> None:
    clock = Clock()
    pace = Pace(0, clock)
    for _ in range(3):
        assert pace.allowance() == UNLIMITED
        pace.spend(10_000)
        clock.now += 0.01


def test_throttled_halves_once_a_second_and_comes_back_by_ten_percent_in_ten_seconds() -> None:
    clock = Clock()
    pace = Pace(100, clock)
    for _ in range(20):
        pace.throttled()
    assert pace.rate == 50
    clock.now += 1.0
    for _ in range(20):
        pace.throttled()
    assert pace.rate == 25
    rates = []
    for _ in range(20):
        clock.now += 10.0
        pace.allowance()
        rates.append(round(pace.rate, 2))
    assert rates[:3] == pytest.approx([27.5, 30.25, 33.28], abs=0.02)
    assert rates[-1] == pytest.approx(100), "never above what the carrier allows"
    assert pace.slowed == 2


def test_never_below_one_a_second() -> None:
    clock = Clock()
    pace = Pace(3, clock)
    for _ in range(9):
        clock.now += 1.0
        for _ in range(3):
            pace.throttled()
    assert pace.rate == 1
    assert len(drive(pace, clock, [0.1] * 100)) in (9, 10, 11)


def test_throttled_without_a_limit_halves_what_went_out_in_the_last_second() -> None:
    clock = Clock()
    pace = Pace(0, clock)
    for _ in range(10):
        clock.now += 0.05
        pace.allowance()
        pace.spend(60)
    for _ in range(31):
        pace.throttled()
    assert pace.rate == 300
    assert pace.allowance() == 0
    clock.now += 0.05
    assert 0 <= pace.allowance() <= 15


def test_a_few_throttled_answers_among_many_cost_a_hundredth() -> None:
    """Messages that we space evenly arrive unevenly: the edge of the carrier's counting is no reason to halve."""
    clock = Clock()
    pace = Pace(500, clock)
    drive(pace, clock, [0.01] * 200)
    for _ in range(10):
        pace.throttled()
    assert pace.rate == 495
    clock.now += 1.1
    pace.allowance()
    assert 499 < pace.rate <= 500


@pytest.mark.parametrize(("level", "rate"), [(0, 100), (90, 100), (91, 90), (99, 90), (100, 50)])
def test_congestion_state(level: int, rate: float) -> None:
    clock = Clock()
    pace = Pace(100, clock)
    pace.congested(level)
    assert pace.rate == rate


def test_wait_is_until_the_next_message() -> None:
    clock = Clock()
    pace = Pace(2, clock)
    pace.spend(pace.allowance())
    assert 0.4 <= pace.wait() <= 0.6
