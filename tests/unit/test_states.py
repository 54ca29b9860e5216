"""The state machines: monotone, order-free, and only along the drawn ways."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import PARTS_MOST
from broadcasts.model import AckState, BroadcastState, DeliveryState
from broadcasts.states import BROADCAST_MOVES, FINAL, PRECEDENCE, RANK, acknowledge, fold, fold_part, may_move

D = DeliveryState
PROVIDER_EVENTS = [D.UNKNOWN, D.ACCEPTED, D.DELIVERED, D.SEEN, D.FAILED, D.EXPIRED]


@given(st.lists(st.sampled_from(PROVIDER_EVENTS), max_size=6), st.randoms(), st.integers(1, 3))
def test_shuffled_and_repeated_events_give_the_same_end(events, random, times):
    def end(of):
        state = D.SENDING
        for event in of:
            state = fold(state, event)
        return state

    shuffled = events * times
    random.shuffle(shuffled)
    assert end(shuffled) == end(events)


@given(st.lists(st.sampled_from(list(D)), max_size=8))
def test_what_a_delivery_was_told_never_goes_back(events):
    state = D.QUEUED
    for event in events:
        after = fold(state, event)
        assert PRECEDENCE[D(after)] >= PRECEDENCE[D(state)]
        state = after


@pytest.mark.parametrize(
    ("now", "event", "after"),
    [
        (D.QUEUED, D.SENDING, D.SENDING),
        (D.SENDING, D.RETRYING, D.RETRYING),
        (D.RETRYING, D.SENDING, D.SENDING),
        (D.UNKNOWN, D.RETRYING, D.UNKNOWN),
        (D.UNKNOWN, D.DELIVERED, D.DELIVERED),
        (D.DELIVERED, D.ACCEPTED, D.DELIVERED),
        (D.DELIVERED, D.FAILED, D.DELIVERED),
        (D.FAILED, D.DELIVERED, D.DELIVERED),
        (D.EXPIRED, D.SEEN, D.SEEN),
        (D.FAILED, D.ACCEPTED, D.FAILED),
        (D.SEEN, D.DELIVERED, D.SEEN),
        (D.QUEUED, D.CANCELLED, D.CANCELLED),
        (D.UNKNOWN, D.CANCELLED, D.UNKNOWN),
        (D.CANCELLED, D.ACCEPTED, D.ACCEPTED),
    ],
)
def test_table_of_steps(now, event, after):
    assert fold(now, event) == after


def test_every_state_has_a_rank_or_is_an_end():
    assert {state for state, rank in RANK.items() if rank is None} <= FINAL
    assert set(RANK) == set(D) == set(PRECEDENCE)


@given(st.integers(1, PARTS_MOST), st.randoms())
def test_a_message_is_delivered_only_when_all_its_parts_are(parts, random):
    order = list(range(parts))
    random.shuffle(order)
    done = 0
    for place, part in enumerate(order):
        done, event = fold_part(parts, done, part, D.DELIVERED)
        assert (event is not None) == (place == parts - 1)


def test_one_failed_part_fails_the_message_and_a_late_delivery_corrects_it():
    done, event = fold_part(2, 0, 0, D.DELIVERED)
    assert event is None
    done, event = fold_part(2, done, 1, D.FAILED)
    assert event == D.FAILED
    done, event = fold_part(2, done, 1, D.DELIVERED)
    assert event == D.DELIVERED
    assert fold(D.FAILED, event) == D.DELIVERED


def test_broadcast_moves_are_closed_and_ends_are_ends():
    for state in BroadcastState:
        assert BROADCAST_MOVES[state] <= set(BroadcastState)
    for end in ("closed", "cancelled", "expired", "rejected"):
        assert not any(may_move(BroadcastState(end), to) for to in BroadcastState)
    reachable = {BroadcastState.DRAFT}
    for _ in BroadcastState:
        reachable |= {to for state in reachable for to in BROADCAST_MOVES[state]}
    assert reachable == set(BroadcastState)
    assert not may_move(BroadcastState.DRAFT, BroadcastState.SCHEDULED)


@pytest.mark.parametrize(
    ("late", "first"), list(itertools.product([True, False], [AckState.AWAITING, AckState.UNREACHABLE]))
)
def test_the_first_confirmation_stands(late, first):
    after = acknowledge(first, late=late)
    assert after == (AckState.ACKNOWLEDGED_LATE if late else AckState.ACKNOWLEDGED)
    assert acknowledge(after, late=not late) == after
    assert acknowledge(AckState.NEEDS_HELP, late=False) == AckState.NEEDS_HELP
