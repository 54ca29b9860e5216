"""Several binds of one system_id: the carrier sends the receipt of one bind's message by any of them."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

from adapters.contract import Receipt, ReceiptState
from broadcasts.routes import Route
from loa.settings import load_settings
from loa.wiring import build_routes
from store import receipts
from tests.contract.recording import MemoryState
from tests.scenario.engine_room import EngineRoom, ScriptedChannel

NUMBERS = range(84900000001, 84900000101)
BIND = {"host": "smsc.example", "system_id": "tinh", "password": "x", "sender": "8088"}


async def test_receipts_by_the_other_bind_are_ours(tmp_path):
    one, two = ScriptedChannel("sms.one", unaccented=True), ScriptedChannel("sms.two", unaccented=True)
    room = EngineRoom(tmp_path, Route(one, "sms", system="sms.one"), Route(two, "sms", system="sms.one"), now=time.time)
    await room.start()
    no = await room.approved(numbers=NUMBERS)

    def came(ordinal: int) -> Receipt:
        by = random.Random(ordinal).choice(["sms.one", "sms.two"])
        return Receipt(by, (f"id-{(no << 24) + ordinal}-1",), ReceiptState.DELIVERED, "", datetime.now(UTC))

    await two.sink.receipts([came(ordinal) for ordinal in range(10)])
    assert await room.ledger.read(receipts.count_orphans) == 10
    await room.clockwork.fire(no)
    await room.until(lambda: len(one.left) == len(NUMBERS))
    await two.sink.receipts([came(ordinal) for ordinal in range(10, len(NUMBERS))])

    async def delivered() -> bool:
        return await room.counts(no) == {"delivered": len(NUMBERS)}

    await room.until(delivered)
    await room.stop()


def test_which_accounts_are_binds_of_one_system():
    accounts = [
        {"name": "b", **BIND}, {"name": "a", **BIND}, {"name": "c", **BIND, "system_id": "khac"},
        {"name": "d", **BIND, "port": 3550}, {"name": "e", **BIND, "enabled": False},
    ]  # fmt: skip
    settings = load_settings(None, {"adapters": {"sms": {"accounts": accounts}}})
    assert build_routes(settings.adapters, MemoryState()).systems() == {"sms.a": "sms.a", "sms.b": "sms.a"}
