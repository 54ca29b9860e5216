"""A list goes out by three accounts at once, over the real adapters, and past one that fails on the way."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import HealthState
from adapters.sms.esms.channel import EsmsChannel
from adapters.sms.esms.settings import EsmsAccount
from adapters.sms.routing import LearnedCarriers, SmsRouter
from adapters.sms.settings import SmppAccount
from adapters.sms.smpp.channel import SmppChannel
from adapters.sms.speedsms.channel import SpeedSmsChannel
from adapters.sms.speedsms.settings import SpeedSmsAccount
from broadcasts.routes import Route
from simulators import esms, smsc, speedsms
from store import delivery_pages
from tests.contract.recording import MemoryState
from tests.contract.smpp_stand import QUICK
from tests.contract.sms_http_stand import TOKEN, Hooks, hooks
from tests.scenario.engine_room import EngineRoom

VIETTEL = [84960000000 + n for n in range(60)]
VINAPHONE = [84910000000 + n for n in range(60)]
MOBIFONE = [84900000000 + n for n in range(60)]
ALL = [*VIETTEL, *VINAPHONE, *MOBIFONE]


@dataclass
class Office:
    room: EngineRoom
    router: SmsRouter
    carrier: smsc.SmscSim
    esms: esms.EsmsSim
    speed: speedsms.SpeedSmsSim

    def shown(self) -> Counter[str]:
        """How often a text of ours came onto each phone, whoever brought it."""
        stages = (self.carrier.stage, self.esms.stage, self.speed.stage)
        return Counter(line.address for stage in stages for line in stage.lines if line.sender == "loa")

    async def accounts(self, no: int) -> Counter[str]:
        def read(tx: Any) -> Counter[str]:
            return Counter(row[3] for row in delivery_pages.page(tx, no, None, 0, 10_000))

        return await self.room.ledger.read(read)


def accounts(office: Any, door: Hooks) -> list[Any]:
    carrier, aggregator, batches = office
    return [
        SmppAccount(
            name="vt", host="127.0.0.1", port=carrier.port, system_id=smsc.SYSTEM_ID, password=smsc.PASSWORD,
            window=20, timers=QUICK, carriers=("viettel",), price=250,
        ),
        EsmsAccount(
            name="esms", base_url=aggregator.base_url, api_key=esms.API_KEY, secret_key=esms.SECRET_KEY,
            sender=esms.BRANDNAME, tps=400, public_url=door.url, hook_token=TOKEN, price=850, status_after=0.5,
        ),
        SpeedSmsAccount(
            name="speed", base_url=batches.base_url, access_token=speedsms.ACCESS_TOKEN, hook_token=TOKEN,
            carriers=("vinaphone",), price=400, status_after=0.5,
        ),
    ]  # fmt: skip


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    sims = (await smsc.start(), await esms.start(), await speedsms.start())
    async with hooks() as door:
        state = MemoryState()
        learned = LearnedCarriers(state)
        vt, aggregator, batches = accounts(sims, door)
        router = SmsRouter(
            [
                (vt, SmppChannel(vt, state)),
                (aggregator, EsmsChannel(aggregator, state, time.time, learned.learn)),
                (batches, SpeedSmsChannel(batches, state)),
            ],
            learned,
            state,
        )
        routes = [Route(router, "sms"), *(Route(view, "sms") for view in router.views)]
        door.table = {name: hook for view in router.views for name, hook in view.hooks.items()}
        sims[2].hook_url = f"{door.url}/hooks/{batches.hook}"
        room = EngineRoom(tmp_path, *routes, now=time.time)
        await room.start()

        async def bound() -> bool:
            return (await router.members[0].channel.probe()).state is HealthState.OK

        await room.until(bound)
        yield Office(room, router, *sims)
        await router.stop()
        await room.stop()
    for sim in sims:
        await sim.close()


async def test_each_network_by_its_account_and_receipts_find_their_messages(office: Office) -> None:
    no = await office.room.approved(numbers=ALL)
    assert await office.room.clockwork.fire(no)

    async def delivered() -> bool:
        return (await office.room.counts(no)).get("delivered", 0) == len(ALL)

    await office.room.until(delivered, 20)
    assert office.shown() == Counter({str(number): 1 for number in ALL})
    assert await office.accounts(no) == {"sms.vt": 60, "sms.speed": 60, "sms.esms": 60}
    assert set(office.carrier.received()) == {str(number) for number in VIETTEL}
    costs = office.router.estimate(office.router.count_by_carrier(ALL), 1)
    assert sum(cost.vnd for cost in costs.values()) == 60 * (250 + 850 + 400)
    spent = {member.name: member.spending.vnd for member in office.router.members}
    assert spent == {name: cost.vnd for name, cost in costs.items()}, "as it was foretold"


async def test_a_carrier_goes_away_on_the_way_and_nobody_gets_it_twice(office: Office) -> None:
    """What may have left with it stays in doubt; what surely did not goes by the aggregator, at once."""
    no = await office.room.approved(numbers=VIETTEL)
    office.carrier.set_faults({"throttle_tps": 8.0})
    assert await office.room.clockwork.fire(no)
    await office.room.until(lambda: len(office.shown()) >= 4)
    office.carrier.set_faults({"outage": True})

    async def settled() -> bool:
        counts = await office.room.counts(no)
        return not any(counts.get(state) for state in ("queued", "sending", "retrying"))

    await office.room.until(settled, 30)
    counts = await office.room.counts(no)
    shown = office.shown()
    assert max(shown.values()) == 1
    assert set(counts) <= {"accepted", "delivered", "unknown"}
    assert counts.get("unknown", 0) <= 20, "no more than the window"
    assert len(shown) >= len(VIETTEL) - counts.get("unknown", 0)
    by_account = await office.accounts(no)
    assert by_account["sms.esms"] > 0
    assert by_account["sms.vt"] >= 4


async def test_no_money_at_one_aggregator(office: Office) -> None:
    office.speed.set_faults({"balance": 0.0})
    no = await office.room.approved(numbers=VINAPHONE)
    assert await office.room.clockwork.fire(no)

    async def delivered() -> bool:
        return (await office.room.counts(no)).get("delivered", 0) == len(VINAPHONE)

    await office.room.until(delivered, 20)
    assert await office.accounts(no) == {"sms.esms": 60}
    assert (await office.router.views[2].probe()).key == "speedsms.refused"
