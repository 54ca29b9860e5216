"""What is recorded many at a time ends as what is recorded one by one: random nights go both ways."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.contract import Accepted, Outcome, Receipt, ReceiptState, RejectClass, Rejected, Unknown
from broadcasts import ordinary
from broadcasts.record import ChunkRanges, Flush
from broadcasts.recorded import Came, Recorded, Sent
from store import chunks, deliveries
from store.chunks import ORDINAL_BITS
from store.engine import Tx
from tests import ledgers

NOW = 1_790_000_000.0
AT = datetime.fromtimestamp(NOW, UTC)
MESSAGES = 12
CHUNK = 5
NIGHTS = 60
OTHER_WAY = 10
"""What is added to an account's number for the twin that goes the long way."""
COLUMNS = "id, recipient, status, account, attempts, cause, parts, parts_done, sent_at, done_at"
STATES = (0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 7, 10)


def begin(tx: Tx, no: int, seed: int) -> None:
    """Most are queued for a number, some are in person, some are on their way or over."""
    dice = random.Random(seed)
    first = no << ORDINAL_BITS
    recipients = [
        dice.choice((84_900_000_000 + n, 84_900_000_000 + n, 84_900_000_000 + n, -n)) for n in range(MESSAGES)
    ]
    tx.insert_many("delivery", ("id", "recipient"), list(enumerate(recipients, first)))
    for start in range(first, first + MESSAGES, CHUNK):
        chunks.insert(tx, start, min(start + CHUNK, first + MESSAGES) - 1, no, "sms", 0, 3, 0.0)
    for n in range(MESSAGES):
        state = dice.choice(STATES)
        if state:
            tx.execute("UPDATE delivery SET status = ?, attempts = 1 WHERE id = ?", (state, first + n))
            delta = [0] * 11
            delta[0], delta[state] = -1, 1
            chunks.add_counts(tx, {first + n // CHUNK * CHUNK: delta})


def outcome_of(dice: random.Random, night: int) -> Outcome:
    pmid = f"{night:x}{dice.randrange(16):x}"
    return dice.choice(
        (
            Accepted((pmid,)), Accepted((pmid,)), Accepted((pmid,), vnd=300.0), Accepted((pmid,), "000"),
            Accepted((pmid,), parts=2), Accepted((pmid, pmid + "b")), Accepted(("",)), Unknown("no_answer"),
            Rejected("throttled", RejectClass.RETRY_LATER, "88"),
            Rejected("invalid_recipient", RejectClass.RECIPIENT, "11"),
        )
    )  # fmt: skip


def receipt_of(dice: random.Random, night: int) -> Receipt:
    said = f"{night:x}{dice.randrange(16):x}"
    keys = (said,) if dice.random() < 0.8 else ("f" + said, said)
    state = dice.choice((ReceiptState.DELIVERED, ReceiptState.DELIVERED, ReceiptState.DELIVERED, *ReceiptState))
    return Receipt(
        "sms", keys, state, dice.choice(("", "", "000")), AT, told_vnd=dice.choice((None, None, None, 290.0))
    )


def flushes(seed: int, no: int, shift: int) -> Iterator[tuple[list[Sent], list[Came]]]:
    """The same for the same seed, but for the broadcast and the accounts."""
    dice = random.Random(seed)
    for _ in range(4):
        ids = [(no << ORDINAL_BITS) + dice.randrange(MESSAGES) for _ in range(dice.randrange(8))]
        sent = [Sent(one, dice.choice((1, 1, 2)) + shift, outcome_of(dice, seed)) for one in ids]
        came = [Came(dice.choice((1, 1, 2)) + shift, receipt_of(dice, seed)) for _ in range(dice.randrange(8))]
        yield sent, came


def play(tx: Tx, no: int, seed: int, shift: int) -> list[Recorded]:
    begin(tx, no, seed)
    ranges, causes, told = ChunkRanges(), dict[tuple[str, str], int](), []
    for sent, came in flushes(seed, no, shift):
        flush = Flush(tx, ranges, causes, NOW)
        flush.outcomes(sent, orphans_wait=True)
        flush.receipts(came)
        told.append(flush.close())
    return told


def end(tx: Tx, no: int, shift: int) -> dict[str, Any]:
    """All that the ledger holds of it, with the numbers of its twin. Where both ids of a second try are told in one
    flush, what it was in between may be no event."""
    first, last = no << ORDINAL_BITS, ((no + 1) << ORDINAL_BITS) - 1
    causes = deliveries.causes(tx)

    def twin(row: Sequence[Any]) -> tuple[Any, ...]:
        return (row[0] - first, *row[1:3], row[3] - shift if row[3] else 0, row[4], causes.get(row[5]), *row[6:])

    rows = tx.execute(f"SELECT {COLUMNS} FROM delivery WHERE id BETWEEN ? AND ? ORDER BY id", (first, last))
    accounts = (1 + shift, 2 + shift)
    told = [row[0] for row in tx.execute("SELECT delivery_id FROM receipt WHERE account IN (?, ?)", accounts)]
    return {
        "deliveries": [twin(row) for row in rows],
        "chunks": chunks.counts(tx, no),
        "events": [
            [one[1:] for one in deliveries.events_of(tx, n)]
            for n in range(first, first + MESSAGES)
            if told.count(n) < 2
        ],
        "receipts": sorted(
            (bytes(row[0]), row[1] - shift, row[2] - first, row[3])
            for row in tx.execute(
                "SELECT pmid, account, delivery_id, part FROM receipt WHERE account IN (?, ?)", accounts
            )
        ),
        "orphans": sorted(
            (row[0] - shift, *row[1:])
            for row in tx.execute(
                "SELECT account, pmid, keys, state, code FROM receipt_orphan WHERE account IN (?, ?)", accounts
            )
        ),
        "charged": sorted(
            (row[0] - shift, *row[1:])
            for row in tx.execute(
                "SELECT account, messages, parts, vnd, told_messages, told_vnd FROM charge WHERE broadcast_no = ?",
                (no,),
            )
        ),
    }  # fmt: skip


def moves(told: Sequence[Recorded], no: int) -> list[list[tuple[int, int, int]]]:
    """What listeners hear: (message, from, to), flush by flush."""
    first = no << ORDINAL_BITS
    return [
        sorted(
            [(one.delivery_id - first, one.old, one.new) for one in flush.changes if one.old != one.new]
            + [(one - first, step.old, step.new) for step in flush.together for one in step.ids]
        )
        for flush in told
    ]


async def test_both_ways_end_the_same(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledgers.ledger_of(tmp_path)
    ledger.open()
    together = 0
    try:
        for seed in range(1, NIGHTS + 1):
            ordinary_no, long_no, shift = 2 * seed, 2 * seed + 1, 4 * seed
            told = await ledger.write(lambda tx, no=ordinary_no, s=shift, seed=seed: play(tx, no, seed, s))
            with monkeypatch.context() as long_way:
                long_way.setattr(ordinary, "is_ordinary", lambda one: False)
                long_way.setattr(ordinary, "deliver", lambda tx, came, *rest: ([], list(came)))
                alone = await ledger.write(lambda tx, no=long_no, s=shift + 2, seed=seed: play(tx, no, seed, s))
            assert not any(flush.together for flush in alone)
            together += sum(len(step.ids) for flush in told for step in flush.together)
            kept = await ledger.read(lambda tx, no=ordinary_no, s=shift: end(tx, no, s))
            expected = await ledger.read(lambda tx, no=long_no, s=shift + 2: end(tx, no, s))
            assert kept == expected, seed
            assert [flush.broadcasts for flush in told] == [{one - 1 for one in flush.broadcasts} for flush in alone], (
                seed
            )
            assert moves(told, ordinary_no) == moves(alone, long_no), seed
        assert together > NIGHTS
    finally:
        await ledger.close()
