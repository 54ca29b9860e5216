"""Two SMS accounts of one contract, by the real session and the simulated carrier: together within its rate."""

import asyncio
import time

import pytest

from adapters.contract import Accepted
from adapters.sms.smpp.channel import SmppChannel
from lanes.opening import opened
from tests.contract.recording import MemoryState, RecordingSink
from tests.contract.smpp_stand import account, some
from tests.redis_stand import fresh_url

TPS = 60.0
MESSAGES = 100


@pytest.fixture(params=["memory", "redis"])
async def houses(request):
    """One process with both accounts, or two with one each."""
    if request.param == "memory":
        house = opened("memory://", "one")
        yield house, house
        return
    url = fresh_url()
    both = opened(url, "one"), opened(url, "two")
    for house in both:
        await house.start("office", "Văn phòng")
    yield both
    for house in both:
        await house.stop()


async def test_together_they_keep_to_the_contract(houses, carrier):
    channels = [
        SmppChannel(
            account(carrier.port, name=name, tps=TPS, contract="c"), MemoryState(),
            share=house.rates.share("contract.c", TPS),
        )
        for name, house in zip(("a", "b"), houses, strict=True)
    ]  # fmt: skip
    for channel in channels:
        await channel.start(RecordingSink())
    answered, everything = [], asyncio.Event()

    def report(delivery_id, outcome):
        answered.append(outcome)
        if len(answered) == MESSAGES:
            everything.set()

    began = time.monotonic()
    await asyncio.gather(*(channel.send(some(MESSAGES // 2), report) for channel in channels))
    await asyncio.wait_for(everything.wait(), 20)
    took = time.monotonic() - began
    for channel in channels:
        await channel.stop()
    assert {type(outcome) for outcome in answered} == {Accepted}
    assert took >= (MESSAGES - 1) / TPS * 0.9, "faster than the contract allows"
