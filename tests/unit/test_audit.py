"""The audit log: numbered without gaps, each line holding the one before."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import audit, broadcasts
from tests.ledgers import ledger_of

NOW = 1_790_000_000.0


@pytest.fixture
async def ledger(tmp_path):
    ledger = ledger_of(tmp_path)
    ledger.open()
    yield ledger
    await ledger.close()


async def written(ledger, lines=6):
    for n in range(lines):
        await ledger.write(lambda tx, n=n: audit.record(tx, NOW + n / 7, "an", "sign_in", n=n, text='Điểm"\n'))


async def test_a_log_that_nobody_touched_is_whole(ledger):
    assert (await ledger.read(audit.verify)).whole
    await written(ledger)
    verdict = await ledger.read(audit.verify)
    assert verdict.whole
    assert (verdict.lines, verdict.broken_at) == (6, None)
    assert [one.id for one in await ledger.read(audit.lines)] == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("sql", "broken_at"),
    [
        ("UPDATE audit SET actor = 'binh' WHERE id = 3", 3),
        ("UPDATE audit SET action = 'x' WHERE id = 1", 1),
        ("UPDATE audit SET at = at + 0.001 WHERE id = 2", 2),
        ("UPDATE audit SET detail = '{}' WHERE id = 6", 6),
        ("UPDATE audit SET chain = '' WHERE id = 4", 4),
        ("DELETE FROM audit WHERE id = 3", 4),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("UPDATE audit SET id = -id WHERE id IN (2, 3)", 4),
        ("INSERT INTO audit (id, at, actor, action, detail, chain) VALUES (7, 1.0, 'an', 'x', '{}', '')", 7),
    ],
)
async def test_a_line_that_was_changed_shows(ledger, sql, broken_at):
    await written(ledger)
    await ledger.write(lambda tx: tx.execute(sql))
    verdict = await ledger.read(audit.verify)
    assert verdict.broken_at == broken_at
    assert not verdict.whole


async def test_an_end_that_was_cut_off_shows_to_whoever_noted_the_head(ledger):
    await written(ledger)
    noted = (await ledger.read(audit.head)).chain
    assert (await ledger.read(lambda tx: audit.verify(tx, noted))).whole
    await ledger.write(lambda tx: tx.execute("DELETE FROM audit WHERE id > 4"))
    assert (await ledger.read(audit.verify)).whole  # by itself it cannot know
    verdict = await ledger.read(lambda tx: audit.verify(tx, noted))
    assert (verdict.known_head_found, verdict.whole, verdict.broken_at) == (False, False, None)


async def test_somebodys_decision_about_a_broadcast_stands_in_it_and_what_the_clock_does_not(ledger):
    def note(tx):
        broadcasts.note(tx, 7, NOW, "an", "approved", {"hash": "abc"})
        broadcasts.note(tx, 7, NOW, "loa", "started")

    await ledger.write(note)
    assert [(one.actor, one.action, one.detail) for one in await ledger.read(audit.lines)] == [
        ("an", "broadcast_approved", {"broadcast": 7, "hash": "abc"})
    ]


async def test_it_is_searched_by_who_what_and_text_literally(ledger):
    def write(tx):
        audit.record(tx, NOW, "an", "sign_in", address="127.0.0.1")
        audit.record(tx, NOW, "binh", "sign_in", address="10_0%")
        audit.record(tx, NOW, "binh", "set_mode", mode="exercise")

    await ledger.write(write)

    async def found(**wanted):
        return [one.id for one in await ledger.read(lambda tx: audit.lines(tx, **wanted))]

    assert await found(actor="binh") == [3, 2]
    assert await found(action="sign_in") == [2, 1]
    assert await found(text="0%") == [2]
    assert await found(text="_") == [2]
    assert await found(actor="binh", text="exercise") == [3]
    assert await found(before=3, limit=1) == [2]
    assert await ledger.read(audit.actions) == ["set_mode", "sign_in"]


@settings(max_examples=200)
@given(a=st.tuples(st.text(), st.text()), b=st.tuples(st.text(), st.text()))
def test_no_two_lines_look_alike_to_the_chain(a, b):
    one, two = (audit._link(audit.START, 1, NOW, *pair, "{}") for pair in (a, b))
    assert (one == two) == (a == b)
