"""Leafing through deliveries: the rows that are asked for in their order, found by the chunks' counters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import chunks, deliveries, delivery_pages, outcomes, receipts
from store.chunks import ORDINAL_BITS, STATE_COLUMNS
from store.engine import Tx
from store.outcomes import Cause
from store.partitions import DAY_SECONDS, day_of
from store.provider_ids import packed
from tests.ledgers import transaction

NO, CHUNK, ACCOUNT, NOW = 7, 5, 1, 1_795_000_000.0
FIRST = NO << ORDINAL_BITS
EVERY = tuple(range(len(STATE_COLUMNS)))


class Watched:
    """A transaction that counts what it is asked."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.asked: list[str] = []

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        self.asked.append(sql)
        return self._tx.execute(sql, parameters)


def put(tx: Tx, states: Sequence[int]) -> None:
    for name in ("delivery", "chunk", "receipt"):
        tx.execute(f"DELETE FROM {name}")
    tx.insert_many("delivery", ("id", "recipient", "status", "sent_at"), (
        (FIRST + n, 1, state, int(NOW)) for n, state in enumerate(states)
    ))  # fmt: skip
    for begin in range(0, len(states), CHUNK):
        some = states[begin : begin + CHUNK]
        chunks.insert(tx, FIRST + begin, FIRST + begin + len(some) - 1, NO, "sms", 0, 3, 0.0)
        counts = [some.count(state) for state in EVERY]
        counts[0] -= len(some)  # they were put in as queued
        chunks.add_counts(tx, {FIRST + begin: counts})
    receipts.map_receipts(tx, ((f"{n:08x}", ACCOUNT, FIRST + n, 0) for n in range(0, len(states), 2)), NOW)


def test_any_page_of_any_state_is_the_rows_of_that_state_in_order(tmp_path: Path) -> None:
    with transaction(tmp_path) as tx:

        @settings(max_examples=60)
        @given(
            st.lists(st.sampled_from(EVERY), max_size=40), st.sampled_from([None, *EVERY]), st.integers(-1, 45),
            st.integers(1, 12),
        )  # fmt: skip
        def leafed(states: list[int], wanted: int | None, after: int, limit: int) -> None:
            put(tx, states)
            rows = delivery_pages.page(tx, NO, wanted, FIRST + after, limit)
            right = [FIRST + n for n, one in enumerate(states) if wanted in (None, one) and n > after][:limit]
            assert [row[0] for row in rows] == right
            found = delivery_pages.provider_ids(tx, [(one, int(NOW)) for one in right])
            assert found == {one: f"{one - FIRST:08x}" for one in right if (one - FIRST) % 2 == 0}

        leafed()


def test_a_state_that_nobody_is_in_reads_no_delivery(tmp_path: Path) -> None:
    with transaction(tmp_path) as tx:
        put(tx, [5] * 40)
        watched = Watched(tx)
        assert delivery_pages.page(watched, NO, 7, 0, 10) == []  # type: ignore[arg-type]
        assert not any("FROM delivery d" in sql for sql in watched.asked)


@pytest.mark.parametrize(("gap", "statements"), [(1, 1), (50, 1), (51, 200), (15_000, 200)])
def test_ids_far_apart_are_asked_for_by_themselves(tmp_path: Path, gap: int, statements: int) -> None:
    """Never by a range over all of a long list."""
    with transaction(tmp_path) as tx:
        watched = Watched(tx)
        delivery_pages.provider_ids(watched, [(FIRST + gap * n, int(NOW)) for n in range(200)])  # type: ignore[arg-type]
        assert len(watched.asked) == statements


@pytest.mark.parametrize("mapped_on", [0, -1, None])
def test_an_id_is_found_where_the_map_has_it(tmp_path: Path, mapped_on: int | None) -> None:
    """On the day of the send, on the day before by an earlier try, or on no day, from before days were noted."""
    with transaction(tmp_path) as tx:
        put(tx, [5])
        tx.execute("DELETE FROM receipt")
        day = 0 if mapped_on is None else day_of(NOW) + mapped_on
        row = (packed("0a"), ACCOUNT, FIRST, 0, day)
        tx.insert_many("receipt", receipts.COLUMNS, [row])
        assert delivery_pages.provider_ids(tx, [(FIRST, int(NOW))]) == {FIRST: "0a"}


def test_of_two_ids_the_newest_is_shown(tmp_path: Path) -> None:
    with transaction(tmp_path) as tx:
        for pmid, at in (("0b", NOW), ("0a", NOW - DAY_SECONDS)):
            receipts.map_receipts(tx, [(pmid, ACCOUNT, FIRST, 0)], at)
        assert delivery_pages.provider_ids(tx, [(FIRST, int(NOW))]) == {FIRST: "0b"}


def test_an_id_between_those_that_are_asked_for_is_left_out(tmp_path: Path) -> None:
    with transaction(tmp_path) as tx:
        put(tx, [5] * 4)
        assert delivery_pages.provider_ids(tx, [(FIRST + 1, int(NOW)), (FIRST + 3, int(NOW))]) == {}


def test_what_never_left_is_not_asked_for(tmp_path: Path) -> None:
    with transaction(tmp_path) as tx:
        watched = Watched(tx)
        assert delivery_pages.provider_ids(watched, [(FIRST, 0), (FIRST + 1, 0)]) == {}  # type: ignore[arg-type]
        assert not watched.asked


def test_causes_are_counted_by_channel_over_pieces_of_a_list(tmp_path: Path) -> None:
    states = [7, 7, 5, 5, 5, 5, 5, 5, 5, 5, 3, 7, 8, 5, 5, 7, 5, 5, 5, 5]
    """Chunks of five: the second has no unhappy one, the last goes by another channel."""
    with transaction(tmp_path) as tx:
        put(tx, states)
        beyond = FIRST + len(states)  # another broadcast's row may lie there: it is not counted
        tx.insert_many("delivery", ("id", "recipient", "status"), [(beyond, 1, 7)])
        known = deliveries.cause_id(tx, "not_reachable", "0x0b")
        tx.execute("UPDATE delivery SET cause = ? WHERE id IN (?, ?)", (known, FIRST, FIRST + 11))
        tx.execute("UPDATE chunk SET channel = 'zalo' WHERE id = ?", (FIRST + 15,))
        found = outcomes.causes(tx, NO)
        assert found[0] == Cause("sms", 7, "not_reachable", "0x0b", 2)
        assert found[1:] == [
            Cause("sms", 3, "", "", 1), Cause("sms", 7, "", "", 1), Cause("sms", 8, "", "", 1),
            Cause("zalo", 7, "", "", 1),
        ]  # fmt: skip
        assert outcomes.rows_to_read(tx, NO) == 15
        assert outcomes.causes(tx, NO + 1) == []
