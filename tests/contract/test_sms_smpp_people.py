"""What people write, through crashes, broken links and a ledger that cannot write: stored once, never lost."""

from __future__ import annotations

import asyncio

from adapters.contract import IncomingKind
from adapters.sms.smpp.pdu import Command, Message, message_body
from adapters.sms.smpp.reassembly import GAP
from simulators import smsc
from simulators.smsc.messages import Delivery, person_writes
from tests.contract.recording import EVENTUALLY, MemoryState, RecordingSink, until
from tests.contract.runner import Rig, ready
from tests.contract.smpp_stand import LONG, OTHER, Stand


def texts(rig: Rig) -> list[str]:
    return [event.text for event in rig.sink.inbox.values()]


def parts_of(carrier: smsc.SmscSim, text: str, ref: int = 7) -> list[Delivery]:
    return person_writes(carrier.carrier.faults, OTHER, "8099", text, ref, carrier.carrier.phones.random)


def put(carrier: smsc.SmscSim, *deliveries: Delivery) -> None:
    carrier.carrier.systems[smsc.SYSTEM_ID].put(list(deliveries))


async def acknowledged(carrier: smsc.SmscSim, count: int, within: float = EVENTUALLY) -> None:
    await until(lambda: carrier.stage.counters["acknowledged"] >= count, within, f"{count} acknowledged")


class TestOneMessage:
    async def test_our_answer_is_lost(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open()
        await ready(rig)
        carrier.set_faults({"lose_answers_next": 1})
        await carrier.person_says(OTHER, None, "cuu voi")
        await acknowledged(carrier, 1)
        assert carrier.stage.counters["deliveries"] == 2
        assert texts(rig) == ["cuu voi"]

    async def test_killed_between_storing_and_answering(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        state, sink = MemoryState(), RecordingSink()
        first = await smpp.open(state=state, sink=sink)
        await ready(first)
        carrier.set_faults({"lose_answers_next": 1})
        await carrier.person_says(OTHER, None, "cuu voi")
        await until(lambda: bool(sink.inbox))
        await smpp.kill(first)
        second = await smpp.open(state=state, sink=sink)
        await acknowledged(carrier, 1)
        assert texts(second) == ["cuu voi"]
        assert len(sink.all_incoming) == 2, "said twice, under one event id"

    async def test_the_same_words_later_are_a_new_message(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open()
        await ready(rig)
        for count in (1, 2, 3):
            await carrier.person_says(OTHER, None, "nuoc len")
            await acknowledged(carrier, count)
            await asyncio.sleep(0.3)  # an enquire_link goes by
        assert texts(rig) == ["nuoc len"] * 3

    async def test_two_equal_messages_wait_side_by_side_and_both_come_again(
        self, smpp: Stand, carrier: smsc.SmscSim
    ) -> None:
        rig = await smpp.open()
        await ready(rig)
        carrier.set_faults({"lose_answers_next": 1})
        delivery = parts_of(carrier, "cuu voi")
        put(carrier, *delivery, *delivery)
        await acknowledged(carrier, 2)
        assert texts(rig) == ["cuu voi"] * 2

    async def test_put_off_is_not_stored_twice(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"redeliver_delay": 0.05})
        rig = await smpp.open(sink=RecordingSink(refuse=2))
        await ready(rig)
        await carrier.person_says(OTHER, None, "da nhan")
        await acknowledged(carrier, 1)
        assert texts(rig) == ["da nhan"]
        assert carrier.stage.counters["put_off"] == 2

    async def test_state_that_cannot_write_puts_off_too(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"redeliver_delay": 0.05})
        state = MemoryState()
        rig = await smpp.open(state=state)
        await ready(rig)
        state.refuse = 2
        await carrier.person_says(OTHER, None, "da nhan")
        await carrier.person_says(OTHER, None, LONG)
        await acknowledged(carrier, 4)
        assert sorted(texts(rig)) == sorted(["da nhan", LONG])

    async def test_records_are_forgotten_once_sure(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        state = MemoryState()
        rig = await smpp.open(state=state)
        await ready(rig)
        await carrier.person_says(OTHER, None, "cuu voi")
        await acknowledged(carrier, 1)
        await until(lambda: not [key for key in state.values if ":seen:" in key], what="the peer has surely read it")

    async def test_nobody_bound_nothing_lost(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        for n in range(20):
            await carrier.person_says(OTHER, None, f"tin {n}")
        rig = await smpp.open()
        await acknowledged(carrier, 20)
        assert texts(rig) == [f"tin {n}" for n in range(20)]

    async def test_binary_is_no_text(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open()
        await ready(rig)
        body = message_body(Message(OTHER, "8099", b"\x01\x02", data_coding=4))
        put(carrier, (Command.DELIVER_SM, body, True))
        await acknowledged(carrier, 1)
        (event,) = rig.sink.inbox.values()
        assert (event.kind, event.text, event.raw) == (IncomingKind.OTHER, "", b"\x01\x02")


class TestLongMessage:
    async def test_each_part_is_durable_before_it_is_acknowledged(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        state = MemoryState()
        rig = await smpp.open(state=state)
        await ready(rig)
        for count, part in enumerate(parts_of(carrier, LONG)[:2], start=1):
            put(carrier, part)
            await acknowledged(carrier, count)
            assert len([key for key in state.values if ":mo:" in key]) == count
        assert not rig.sink.all_incoming

    async def test_a_restart_in_the_middle(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        state, sink = MemoryState(), RecordingSink()
        first = await smpp.open(state=state, sink=sink)
        await ready(first)
        parts = parts_of(carrier, LONG)
        put(carrier, parts[2], parts[0])
        await acknowledged(carrier, 2)
        await smpp.kill(first)
        second = await smpp.open(state=state, sink=sink)
        put(carrier, parts[1])
        await acknowledged(carrier, 3)
        assert texts(second) == [LONG]

    async def test_killed_between_storing_the_text_and_marking_it_done(
        self, smpp: Stand, carrier: smsc.SmscSim
    ) -> None:
        state, sink = MemoryState(), RecordingSink()
        first = await smpp.open(state=state, sink=sink)
        await ready(first)
        put(carrier, *parts_of(carrier, LONG))
        await acknowledged(carrier, 3)
        await smpp.kill(first)
        for key in [key for key in state.values if key.endswith(":done")]:
            del state.values[key]
        second = await smpp.open(state=state, sink=sink)
        await until(lambda: len(sink.all_incoming) == 2, what="said again at the start")
        assert texts(second) == [LONG]

    async def test_our_answer_to_the_last_part_is_lost(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open()
        await ready(rig)
        parts = parts_of(carrier, LONG)
        put(carrier, *parts[:2])
        await acknowledged(carrier, 2)
        carrier.set_faults({"lose_answers_next": 1})
        put(carrier, parts[2])
        await acknowledged(carrier, 3)
        await asyncio.sleep(0.8)  # past `mo_parts`: the repeated part must not come out as a fragment
        assert texts(rig) == [LONG]

    async def test_a_reference_used_again_for_another_text(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open()
        await ready(rig)
        other = LONG.replace("dan", "DAN")
        put(carrier, *parts_of(carrier, LONG), *parts_of(carrier, other))
        await acknowledged(carrier, 6)
        assert sorted(texts(rig)) == sorted([LONG, other])

    async def test_what_is_incomplete_after_a_while_comes_with_a_gap(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open()
        await ready(rig)
        parts = parts_of(carrier, LONG)
        put(carrier, parts[0], parts[2])
        await until(lambda: bool(rig.sink.inbox))
        assert texts(rig) == [LONG[:153] + GAP + LONG[306:]]

    async def test_parts_refused_by_the_ledger_come_again_as_one_text(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"redeliver_delay": 0.05, "mo_order": "reverse"})
        rig = await smpp.open(sink=RecordingSink(refuse=2))
        await ready(rig)
        await carrier.person_says(OTHER, None, LONG)
        await acknowledged(carrier, 3)
        assert texts(rig) == [LONG]
