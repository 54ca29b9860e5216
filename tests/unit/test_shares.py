"""Sessions spread over processes: all held, evenly, and moved only where that makes it more even."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loa.roles.shares import moves

HOMES = [f"home{n}" for n in range(7)]


def test_one_process_takes_all() -> None:
    assert moves("a", ["a"], HOMES, {}).take == tuple(HOMES)


def test_a_share_is_left_for_the_other() -> None:
    assert len(moves("a", ["a", "b"], HOMES, {}).take) == 4


def test_nothing_is_handed_to_one_that_has_just_come() -> None:
    held = dict.fromkeys(HOMES, "a")
    assert moves("a", ["a", "b"], HOMES, held, settled=["a"]).give == ()
    assert len(moves("a", ["a", "b"], HOMES, held, settled=["a", "b"]).give) == 1


def test_who_may_hold_nothing_hands_all_over() -> None:
    assert moves("a", ["b"], HOMES, {"home1": "a", "home2": "b"}).give == ("home1",)


def test_what_a_dead_process_held_is_free() -> None:
    held = {"home0": "a", "home1": "dead", "home2": "dead"}
    assert moves("a", ["a"], HOMES[:3], held).take == ("home1", "home2")


@given(
    peers=st.sets(st.sampled_from("abcde"), min_size=1),
    homes=st.integers(0, 9),
    first=st.lists(st.sampled_from("abcdefg"), max_size=9),
    order=st.randoms(use_true_random=False),
)
def test_rounds_in_any_order_end_evenly_and_then_rest(peers, homes, first, order) -> None:
    """Whoever held what at the beginning, and whoever is asked first each time."""
    names = [f"home{n}" for n in range(homes)]
    held = dict(zip(names, first, strict=False))
    for _ in range(40):
        changed = False
        for me in order.sample(sorted(peers), len(peers)):
            wanted = moves(me, peers, names, held, settled=peers)
            for home in wanted.take:
                assert held.get(home) not in peers, "taken from one that lives"
                held[home] = me
            for home in wanted.give:
                assert held.pop(home) == me
            changed |= bool(wanted.take or wanted.give)
        if not changed:
            break
    else:
        raise AssertionError("it never rests")
    counts = [sum(held.get(name) == peer for name in names) for peer in peers]
    assert sum(counts) == homes
    assert max(counts) - min(counts) <= 1
