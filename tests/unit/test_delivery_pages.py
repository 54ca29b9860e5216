"""Leafing through deliveries: the rows that are asked for in their order, found by the chunks' counters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import chunks, delivery_pages, receipts
from store.chunks import ORDINAL_BITS, STATE_COLUMNS
from store.engine import Tx
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
    tx.insert_many("delivery", ("id", "recipient", "status"), ((FIRST + n, 1, s) for n, s in enumerate(states)))
    for begin in range(0, len(states), CHUNK):
        some = states[begin : begin + CHUNK]
        chunks.insert(tx, FIRST + begin, FIRST + begin + len(some) - 1, NO, "sms", 0, 3, 0.0)
        counts = [some.count(state) for state in EVERY]
        counts[0] -= len(some)  # they were put in as queued
        chunks.add_counts(tx, {FIRST + begin: counts})
    receipts.map_receipts(tx, ((f"{n:08x}", ACCOUNT, FIRST + n, 0) for n in range(0, len(states), 2)), NOW)


def test_any_page_of_any_state_is_the_rows_of_that_state_in_order(tmp_path: Path) -> None:
    with transaction(tmp_path) as tx:

        @settings(max_examples=60, deadline=None)
        @given(
            st.lists(st.sampled_from(EVERY), max_size=40), st.sampled_from([None, *EVERY]), st.integers(-1, 45),
            st.integers(1, 12),
        )  # fmt: skip
        def leafed(states: list[int], wanted: int | None, after: int, limit: int) -> None:
            put(tx, states)
            rows = delivery_pages.page(tx, NO, wanted, FIRST + after, limit)
            right = [FIRST + n for n, one in enumerate(states) if wanted in (None, one) and n > after][:limit]
            assert [row[0] for row in rows] == right
            found = delivery_pages.provider_ids(tx, right)
            assert found == {one: f"{one - FIRST:08x}" for one in right if (one - FIRST) % 2 == 0}

        leafed()


def test_a_state_that_nobody_is_in_reads_no_delivery(tmp_path: Path) -> None:
    with transaction(tmp_path) as tx:
        put(tx, [5] * 40)
        watched = Watched(tx)
        assert delivery_pages.page(watched, NO, 7, 0, 10) == []  # type: ignore[arg-type]
        assert not any("FROM delivery d" in sql for sql in watched.asked)


@pytest.mark.parametrize(("rows", "statements"), [(1, 1), (20, 1), (21, 2), (200, 10)])
def test_ids_far_apart_are_asked_for_in_few_statements(tmp_path: Path, rows: int, statements: int) -> None:
    """And never by a range over all of a long list."""
    with transaction(tmp_path) as tx:
        watched = Watched(tx)
        delivery_pages.provider_ids(watched, [FIRST + 15_000 * n for n in range(rows)])  # type: ignore[arg-type]
        assert len(watched.asked) == statements
