"""The arithmetic of a common rate: no moment twice, never above the rate wherever a window begins, nothing saved up."""

from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanes.memory_rates import MemoryRates
from lanes.slots import ASKING_SECONDS, HORIZON_SECONDS, LATE_SECONDS, SLACK_SECONDS, Purse, grant

RATES = st.floats(0.2, 5_000)
ASKS = st.lists(st.tuples(st.floats(0, 2), st.integers(0, 400)), min_size=1, max_size=60)
"""(seconds since the one before, moments wanted) of questions, whoever asks."""


class Clock:
    def __init__(self, at=1_000.0):
        self.at = at

    def __call__(self):
        return self.at


def given_moments(rate, asks, free=0.0):
    now, found = 1_000.0, []
    for pause, wanted in asks:
        now += pause
        free, answer = grant(free, now, 1 / rate, wanted)
        assert answer.count <= wanted
        assert answer.count or not wanted or answer.retry >= 0
        found.append((now, [now + answer.first + n * answer.spacing for n in range(answer.count)]))
    return found


@given(RATES, ASKS)
def test_moments_are_apart_and_within_the_horizon(rate, asks):
    found = given_moments(rate, asks)
    moments = [moment for _, some in found for moment in some]
    assert moments == sorted(moments)
    for one, next_ in pairwise(moments):
        assert next_ - one >= 1 / rate - 1e-6
    for now, some in found:
        assert all(now - SLACK_SECONDS - 1e-6 <= moment <= now + HORIZON_SECONDS + 1e-6 for moment in some)


@given(RATES, ASKS, st.floats(0.5, 10))
def test_no_window_holds_more_than_the_rate(rate, asks, window):
    moments = [moment for _, some in given_moments(rate, asks) for moment in some]
    for at, begin in enumerate(moments):
        assert bisect_left(moments, begin + window) - at <= rate * window + 1 + 1e-6


@given(RATES, st.integers(1, 400))
def test_nothing_is_known_so_everything_is_handed_out(rate, wanted):
    """A Redis that was just emptied: whatever anybody holds is over before the first new moment."""
    free, answer = grant(None, 1_000.0, 1 / rate, wanted)
    assert answer.count == 0
    assert answer.retry > 0
    later = 1_000.0 + answer.retry + 1e-6
    _, answer = grant(free, later, 1 / rate, wanted)
    assert answer.count >= 1
    assert later + answer.first >= 1_000.0 + HORIZON_SECONDS + 1 / rate - 1e-3


@given(RATES)
def test_a_clock_that_was_set_back_stops_nothing_for_long(rate):
    free, _ = grant(5_000.0, 1_000.0, 1 / rate, 1)
    assert free - 1_000.0 <= HORIZON_SECONDS + 1 / rate + 1e-6


@given(RATES, st.floats(0.5, 60))
def test_who_always_asks_gets_the_whole_rate(rate, seconds):
    moments, now, free = [], 1_000.0, 1_000.0
    while now < 1_000.0 + seconds and len(moments) < 20_000:
        free, answer = grant(free, now, 1 / rate, 1_000_000)
        moments += [now + answer.first + n * answer.spacing for n in range(answer.count)]
        now += max(answer.retry, HORIZON_SECONDS / 2)
    expected = (moments[-1] - 1_000.0) * rate
    assert abs(len(moments) - expected) <= 2


@given(
    st.lists(st.tuples(st.floats(0.0005, 0.4), st.integers(1, 50)), max_size=120), st.sampled_from([5.0, 50.0, 800.0])
)
def test_two_accounts_of_one_contract_stay_below_its_rate(steps, rate):
    """Whatever they want and however late they wake: what leaves is what the contract allows, and what is late."""
    clock = Clock()
    rates = MemoryRates(clock)
    shares = [rates.share("contract", rate), rates.share("contract", rate)]
    left = []
    for turn, (pause, wanted) in enumerate(steps):
        clock.at += pause
        share = shares[turn % 2]
        allowed = share.allowance(wanted)
        assert allowed <= wanted
        share.spend(allowed)
        left += [clock.at] * allowed
        assert share.wait() >= 0
    tolerance = rate * (LATE_SECONDS + SLACK_SECONDS) + 2
    for n, begin in enumerate(left):
        assert bisect_left(left, begin + 1.0) - n <= rate + tolerance


def test_what_is_late_is_lost_and_told():
    asked, clock = [], Clock(10.0)
    purse = Purse(100.0, lambda wanted, lost: asked.append((wanted, lost)), clock)
    assert purse.allowance(3) == 0
    assert asked == [(3, 0)]
    assert purse.wait() == ASKING_SECONDS
    purse.add(grant(10.0, 10.0, 0.01, 3)[1], 10.0)
    clock.at += 0.005
    assert purse.allowance(3) == 1
    purse.spend(1)
    clock.at += 1.0
    assert purse.allowance(3) == 0
    assert asked[-1] == (3, 2)


def test_moments_that_were_lost_are_handed_out_again_while_others_wait():
    free, first = grant(10.0, 10.0, 0.01, 20)
    again, second = grant(free, 10.0, 0.01, 5, lost=5)
    assert (first.count, second.count) == (20, 5)
    assert again == pytest.approx(free)


def test_one_that_is_not_answered_asks_again_after_a_pause():
    asked, clock = [], Clock()
    purse = Purse(100.0, lambda wanted, lost: asked.append(wanted), clock)
    purse.allowance(1)
    purse.allowance(1)
    assert len(asked) == 1
    purse.failed()
    purse.allowance(1)
    assert len(asked) == 1
    clock.at += purse.wait()
    purse.allowance(1)
    assert len(asked) == 2
