"""What holds of a ledger whatever keeps it: shared commits, closures that fail alone, readers that cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from store import charges, deliveries, receipts
from store.charges import Charge
from store.engine import Ledger, LedgerWriteError, Tx
from tests.ledgers import ledger_of

NOW = 1_795_000_000.0
SIDES = pytest.mark.parametrize("beside", [False, True])


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = ledger_of(tmp_path)
    ledger.open()
    yield ledger
    await ledger.close()


def add(reason: str) -> Callable[[Tx], object]:
    return lambda tx: tx.execute("INSERT INTO cause (reason, code) VALUES (?, '')", (reason,))


def all_reasons(tx: Tx) -> set[str]:
    return {row[0] for row in tx.execute("SELECT reason FROM cause")}


@SIDES
async def test_writes_that_wait_together_are_all_stored(ledger: Ledger, beside: bool) -> None:
    await asyncio.gather(*(ledger.write(add(str(n)), beside=beside) for n in range(500)))
    assert len(await ledger.read(all_reasons)) == 500
    assert beside or ledger.commits < 250, "ordinary ones share a commit"


@SIDES
async def test_one_failure_among_many_undoes_only_itself(ledger: Ledger, beside: bool) -> None:
    def half(tx: Tx) -> None:
        add("half")(tx)
        raise ValueError("no")

    def refused(tx: Tx) -> None:
        add("a")(tx)
        tx.execute("INSERT INTO cause (reason, code) VALUES ('a', '')")

    results = await asyncio.gather(
        *(ledger.write(one, beside=beside) for one in (add("a"), half, add("b"), refused, add("c"))),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert isinstance(results[3], Exception)
    assert await ledger.read(all_reasons) == {"a", "b", "c"}
    with pytest.raises(ValueError, match="no"):
        await ledger.write(half, beside=beside)
    assert await ledger.read(all_reasons) == {"a", "b", "c"}


async def test_ordinary_writers_never_overtake_each_other(ledger: Ledger) -> None:
    """What one read is still so when it writes, without a lock of its own; also among those of the hot path."""

    def count(tx: Tx) -> None:
        row = tx.execute("SELECT max(id) FROM channel_account").fetchone()
        tx.execute("INSERT INTO channel_account (id, name) VALUES (?, ?)", ((row[0] or 0) + 1, str(row[0])))

    await asyncio.gather(
        *(ledger.write(count) for _ in range(60)), *(ledger.write(add(str(n)), beside=True) for n in range(60))
    )
    ids = await ledger.read(lambda tx: [row[0] for row in tx.execute("SELECT id FROM channel_account ORDER BY id")])
    assert ids == list(range(1, 61))


async def test_a_caller_that_goes_away_leaves_no_open_transaction(ledger: Ledger) -> None:
    task = asyncio.create_task(ledger.write(add("gone")))
    await asyncio.sleep(0)
    task.cancel()
    await ledger.write(add("next"))
    assert await ledger.read(all_reasons) == {"gone", "next"}


async def test_readers_cannot_write(ledger: Ledger) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only"):
        await ledger.read(add("by a reader"))
    assert await ledger.read(all_reasons) == set()


async def test_a_reader_sees_one_moment(ledger: Ledger) -> None:
    """Whatever is stored while it reads."""
    loop = asyncio.get_running_loop()

    def look(tx: Tx) -> tuple[int, int]:
        before = len(all_reasons(tx))
        asyncio.run_coroutine_threadsafe(ledger.write(add("meanwhile")), loop).result(10)
        return before, len(all_reasons(tx))

    assert await ledger.read(look) == (0, 0)
    assert len(await ledger.read(all_reasons)) == 1


async def test_after_close_nothing_is_taken(ledger: Ledger) -> None:
    await ledger.close()
    with pytest.raises(LedgerWriteError):
        await ledger.write(add("late"))


async def test_texts_are_ordered_and_compared_by_code_point(ledger: Ledger) -> None:
    names = ["b", "B", "a", "é", "Đ", "đ", "z", "_", "á", "TB-2", "TB1"]

    def look(tx: Tx) -> tuple[list[str], list[str]]:
        tx.insert_many("channel_account", ("name",), [(name,) for name in names])
        ordered = [row[0] for row in tx.execute("SELECT name FROM channel_account ORDER BY name")]
        between = tx.execute(
            "SELECT name FROM channel_account WHERE name >= ? AND name < ? ORDER BY name", ("TB", "TB\uffff")
        )
        return ordered, [row[0] for row in between]

    assert await ledger.write(look) == (sorted(names), ["TB-2", "TB1"])


async def test_sums_are_whole_numbers(ledger: Ledger) -> None:
    await ledger.write(add("x"))
    assert repr(await ledger.read(lambda tx: tx.execute("SELECT sum(id * 3) FROM cause").fetchone())) == "(3,)"


@pytest.mark.parametrize("count", [1, 7, 1_500])
async def test_many_rows_in_one_statement(ledger: Ledger, count: int) -> None:
    """Inserted, changed with values of their own, with one for all and with none, and found again."""
    ids = list(range(count))

    def work(tx: Tx) -> list[tuple[int, ...]]:
        assert tx.insert_many("delivery", ("id", "recipient"), [(one, one * 2) for one in ids]) == count
        rows = [(3, None if one % 2 else 5, one, 9, one, 0, 0, 0) for one in ids]
        deliveries.update_receipt(tx, rows)
        return tx.among("SELECT id, recipient, status, cause, parts_done, done_at FROM delivery WHERE id IN (?*)", ids)

    found = await ledger.write(work)
    assert sorted(found) == [(one, one * 2, 3, 0 if one % 2 else 5, one, 9) for one in ids]
    assert await ledger.write(lambda tx: tx.among("DELETE FROM delivery WHERE id IN (?*)", [])) == []


async def test_what_changed_since_it_was_read_is_not_overwritten(ledger: Ledger) -> None:
    await ledger.write(lambda tx: tx.insert_many("delivery", ("id", "recipient"), [(1, 1), (2, 2)]))

    def late(tx: Tx) -> None:
        deliveries.update_receipt(tx, [(4, 0, 0, 1, 1, 0, 0, 0), (4, 0, 0, 1, 2, 3, 0, 0)])

    try:
        await ledger.write(late, beside=True)
    except LedgerWriteError:
        stored = {1: 0, 2: 0}  # where others may write, the whole transaction is undone
    else:
        stored = {1: 4, 2: 0}
    rows = await ledger.read(lambda tx: deliveries.rows_of(tx, [1, 2]))
    assert {one: row[2] for one, row in rows.items()} == stored


async def test_a_provider_id_belongs_to_the_newest_send(ledger: Ledger) -> None:
    def work(tx: Tx) -> list[int]:
        tx.insert_many("delivery", ("id", "recipient"), [(n, n) for n in range(1, 5)])
        receipts.map_receipts(tx, [("a", 1, 1, 0), ("b", 1, 1, 1), ("a", 2, 4, 0)], NOW)
        receipts.map_receipts(tx, [("a", 1, 2, 0), ("c", 1, 2, 1)], NOW)
        receipts.map_receipts(tx, [("a", 1, 3, 0)], NOW + 40 * 86_400)
        found = receipts.match_receipts(tx, 1, ["a", "b", "c", "none"], NOW + 40 * 86_400)
        return [found[one][0] for one in ("a", "b", "c")]

    assert await ledger.write(work) == [3, 1, 2]


MANY = 60
"""Enough for an engine to choose its way for many."""


@SIDES
async def test_ids_that_a_provider_uses_again_among_many_new_ones(ledger: Ledger, beside: bool) -> None:
    """Nobody else's closure suffers from it, and both sends of this one are stored with it."""

    def send(tx: Tx, first: int, first_id: int) -> None:
        tx.insert_many("delivery", ("id", "recipient"), [(first_id + n, n + 1) for n in range(MANY)])
        receipts.map_receipts(tx, [(f"{first + n:08x}", 1, first_id + n, 0) for n in range(MANY)], NOW)

    await ledger.write(lambda tx: send(tx, 0, 1_000), beside=beside)
    again = ledger.write(lambda tx: send(tx, MANY // 2, 2_000), beside=beside)
    await asyncio.gather(again, ledger.write(add("another"), beside=beside))
    keys = [f"{n:08x}" for n in range(MANY + MANY // 2)]
    found = await ledger.read(lambda tx: receipts.match_receipts(tx, 1, keys, NOW))
    first, second = [1_000 + n for n in range(MANY // 2)], [2_000 + n for n in range(MANY)]
    assert [found[key][0] for key in keys] == first + second
    assert await ledger.read(all_reasons) == {"another"}


@SIDES
async def test_many_rows_in_any_order_get_each_its_own_values(ledger: Ledger, beside: bool) -> None:
    ids = [n * n % 997 for n in range(1, 300)]
    rows = {no: (no % 11, (None, no)[no % 3 > 0], no % 7, no + 1) for no in dict.fromkeys(ids)}

    def make(tx: Tx) -> None:
        tx.insert_many("delivery", ("id", "recipient", "cause"), [(no, 1, 5) for no in range(1_000)])

    def change(tx: Tx) -> None:
        deliveries.update_receipt(tx, [(*values, no, 0, 0, 0) for no, values in rows.items()])

    await ledger.write(make)
    await ledger.write(change, beside=beside)
    columns = "SELECT id, status, cause, parts_done, done_at FROM delivery"
    found = {row[0]: tuple(row[1:]) for row in await ledger.read(lambda tx: tx.execute(columns).fetchall())}
    expected = {no: (status, 5 if cause is None else cause, *rest) for no, (status, cause, *rest) in rows.items()}
    assert found == {no: (0, 5, 0, 0) for no in range(1_000)} | expected


async def test_what_several_add_is_summed(ledger: Ledger) -> None:
    def charge(tx: Tx) -> None:
        charges.add(tx, [(1, account, Charge(1, 2, 100.0)) for account in (1, 2)])

    await ledger.write(lambda tx: deliveries.account_id(tx, "sms"))
    await asyncio.gather(*(ledger.write(charge, beside=True) for _ in range(40)))
    (found,) = (await ledger.read(lambda tx: charges.of_broadcast(tx, 1))).values()
    assert (found.messages, found.parts, found.vnd) == (40, 80, 4000.0)


class Counted:
    """A transaction that counts its statements."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        self.statements += name in ("execute", "executemany", "among", "insert_many", "update_many")
        return getattr(self._tx, name)


async def test_receipts_that_waited_are_taken_in_a_few_statements_however_many_they_are(ledger: Ledger) -> None:
    """Where several processes listen to one carrier, a tenth of its receipts overtakes the send."""
    waiting = [
        receipts.Orphan(1, ("1f", "31"), "delivered", "a", 1.0),
        receipts.Orphan(1, ("1f", "31"), "delivered", "b", 2.0),
        receipts.Orphan(2, ("1f", "31"), "failed", "of another account", 3.0),
        receipts.Orphan(1, ("31", "49"), "failed", "under another id", 4.0),
        *(receipts.Orphan(1, (f"id-{n}",), "delivered", "", 5.0) for n in range(MANY)),
    ]
    await ledger.write(lambda tx: receipts.insert_orphans(tx, waiting, NOW))

    def take(tx: Tx) -> tuple[list[tuple[str, str, str, float]], int]:
        counted = Counted(tx)
        taken = receipts.take_orphans(counted, 1, ["1f", "unknown", *(f"id-{n}" for n in range(MANY - 1))])
        return taken, counted.statements

    taken, statements = await ledger.write(take)
    expected = [("1f", "delivered", "a", 1.0), ("1f", "delivered", "b", 2.0)]
    assert taken == expected + [(f"id-{n}", "delivered", "", 5.0) for n in range(MANY - 1)]
    assert statements <= 3
    left = "SELECT account, pmid, code FROM receipt_orphan ORDER BY id"
    assert await ledger.read(lambda tx: [tuple(row) for row in tx.execute(left)]) == [
        (2, "1f", "of another account"), (2, "31", "of another account"),
        (1, "31", "under another id"), (1, "49", "under another id"), (1, f"id-{MANY - 1}", ""),
    ]  # fmt: skip
