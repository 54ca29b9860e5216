"""What a session hears is stored by the process that holds it, however long that process slept at whatever instant."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.contract import Incoming, IncomingKind, LedgerUnavailable, Receipt, ReceiptState
from bot.intake import Intake
from lanes.memory import MemoryBus
from loa.roles.own_sink import OwnSink
from loa.wiring import LedgerSink
from store import inbox, leases
from store.engine import Ledger, LedgerError, Tx
from store.migrate import migrate
from store.opening import ledger_at
from tests.keeping_stand import databases
from tests.membership_stand import HOMES, LEASE, Office, join, nothing, office_on

OTHER_HOOK = "zalo.oa_user"


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with office_on(tmp_path) as made:
        yield made


@pytest.fixture
def on_postgresql() -> Iterator[str]:
    """The URL of a ledger there, whatever the setting of the run: only there it has several processes."""
    with databases() as server:
        url = server.url(server.new())
        migrate(url)
        yield url


class Receipts:
    """The recorder's side."""

    def __init__(self) -> None:
        self.heard = 0

    async def receipts(self, batch: object) -> None:
        self.heard += len(batch)  # type: ignore[arg-type]


def sink_on(ledger: Ledger, recorder: Receipts | None = None) -> LedgerSink:
    async def handle(*_: object) -> None:
        raise AssertionError("nobody works it off here")

    return LedgerSink(recorder, Intake(ledger, MemoryBus(), handle, lambda text: False))  # type: ignore[arg-type]


def said(text: str, channel: str = "sms.a") -> Incoming:
    return Incoming(channel, text, IncomingKind.TEXT, "84900000001", "84900000001", datetime.now(UTC), text)


async def heard(ledger: Ledger) -> list[str]:
    return [row.text for row in await ledger.read(lambda tx: inbox.waiting(tx, 0, 100))]


async def test_who_slept_past_a_lease_stores_nothing_that_the_session_heard(office: Office) -> None:
    """The carrier tells it the process that has the session by now, too; a text carries no id."""
    one, _ = office.process("one")
    two, _ = office.process("two")
    await join(one, nothing)
    await join(two, nothing)
    recorder = Receipts()
    sink = OwnSink(sink_on(office.ledger, recorder), HOMES)
    await sink.incoming([said("where everything is here")])
    sink.holding = one
    await sink.incoming([said("in time")])
    asleep = one._round_at
    one._round_at -= LEASE
    with pytest.raises(LedgerUnavailable):
        await sink.incoming([said("before its round")])
    await sink.incoming([said("by a hook", OTHER_HOOK)])
    await sink.receipts([Receipt("sms.a", ("1",), ReceiptState.DELIVERED, "000", datetime.now(UTC))])
    one._round_at = asleep

    office.clock.at += LEASE + 1.0
    await two.round()
    await one.round()
    with pytest.raises(LedgerUnavailable):
        await sink.incoming([said("after its round")])
    assert await heard(office.ledger) == ["where everything is here", "in time", "by a hook"]
    assert recorder.heard == 1


async def test_who_slept_between_looking_and_storing_is_refused_by_the_ledger(office: Office) -> None:
    """By its own count it holds the session still; its row says somebody else, or nobody for much longer."""
    one, _ = office.process("one")
    two, _ = office.process("two")
    await join(one, nothing)
    await join(two, nothing)
    sink = OwnSink(sink_on(office.ledger), HOMES)
    sink.holding = one

    office.clock.at += LEASE - leases.END_IDLE_SECONDS - 0.5
    await sink.incoming([said("in time"), said("by a hook", OTHER_HOOK)])
    office.clock.at += 1.0
    with pytest.raises(LedgerUnavailable):
        await sink.incoming([said("by a hook, too", OTHER_HOOK), said("it may end before the commit")])
    await one.round()
    await sink.incoming([said("prolonged")])

    office.clock.at += LEASE + 1.0
    await two.round()
    assert one.surely_holds("sms.a")
    with pytest.raises(LedgerUnavailable):
        await sink.incoming([said("too late")])
    await sink.incoming([said("by another hook", OTHER_HOOK)])
    assert await heard(office.ledger) == ["in time", "by a hook", "prolonged", "by another hook"]


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[Ledger]:
    ledger = ledger_at(url, folder)
    ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()


async def test_who_slept_between_the_ledgers_look_and_the_commit_commits_nothing(
    on_postgresql: str, tmp_path: Path
) -> None:
    """Stopped at the worst instant: the server ends its transaction before the lease may end, and hinders nobody."""
    async with opened(on_postgresql, tmp_path) as mine, opened(on_postgresql, tmp_path) as others:
        asleep, wake = threading.Event(), threading.Event()

        def take(owner: str, seconds: float) -> Callable[[Tx], int | None]:
            return lambda tx: leases.take(tx, "sms.a", owner, tx.clock(), seconds)

        token = await mine.write_presence(take("one", leases.END_IDLE_SECONDS + 0.5))
        assert token is not None

        class Sleeper:
            def surely_holds(self, home: str) -> bool:
                return True

            def assert_held(self, tx: Tx, homes: object) -> None:
                if not leases.holds_on(tx, "sms.a", "one", token, tx.clock()):
                    raise LedgerError("lease_lost")
                if not asleep.is_set():
                    asleep.set()
                    wake.wait(30.0)

        sink = OwnSink(sink_on(mine), ("sms.a",))
        sink.holding = Sleeper()
        storing = asyncio.create_task(sink.incoming([said("asleep")]))
        await asyncio.to_thread(asleep.wait, 30.0)
        taken = None
        for _ in range(100):
            taken = await others.write_presence(take("two", LEASE))
            if taken is not None:
                break
            await asyncio.sleep(0.1)
        assert taken == token + 1, "who sleeps hinders nobody"
        wake.set()
        with pytest.raises(LedgerUnavailable):
            await storing
        assert await heard(others) == []
