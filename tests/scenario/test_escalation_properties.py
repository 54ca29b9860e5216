"""For any order of receipts, replies, restarts, outages and clock jumps: a unit that confirmed gets nothing more of
that broadcast, one that did not is on its next step or on the call list, and no step is taken twice."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from adapters.contract import Accepted, ReceiptState, RejectClass, Rejected, Unknown
from broadcasts.acknowledge import Acknowledgements
from broadcasts.model import Actor, Role
from broadcasts.outages import is_down, works_again
from broadcasts.routes import Route
from broadcasts.steps import Step, chosen_steps
from store import deliveries, outages, rollcalls
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, leader

UNITS = ("14758", "14797", "14812")
STEPS = chosen_steps(
    (
        Step(after=0, channels=("zalo",), roles=("chairman",)),
        Step(after=120, channels=("sms",), roles=("chairman",), unless="delivered", repeat=120, times=2),
        Step(after=400, channels=("sms",), roles=("deputy", "duty")),
        Step(after=600, call=True),
    ),
    ("zalo", "sms"),
)
CALL_LEVEL = next(place for place, step in enumerate(STEPS) if step.call)
SETTLED = ("acknowledged", "acknowledged_late", "needs_help", "exempt")
ANSWERS = ("accept", "accept", "refuse", "unknown", "later")
CHANNELS = ("zalo.user", "sms.one")


class Night(RuleBasedStateMachine):
    """The real clockwork over a real ledger; channels answer as dice say, the clock jumps as dice say."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(prefix="loa-night-")
        self.now = 1_790_000_000.0
        self.answers = dict.fromkeys(CHANNELS, "accept")
        self.sent: list[tuple[str, str, int]] = []
        self.confirmed_at: dict[str, int] = {}
        self.lives = 0
        self.on(self._begin())

    def on(self, work):
        return self.loop.run_until_complete(work)

    async def _begin(self) -> None:
        await self._open()
        self.no = await self.room.approved(members=self._members(), steps=STEPS, valid_until=self.now + 400_000)
        await self.room.clockwork.fire(self.no)
        await self._rest()

    async def _open(self) -> None:
        self.lives += 1
        self.channels = {
            "zalo.user": ScriptedChannel("zalo.user", self._answer("zalo.user"), buttons=True),
            "sms.one": ScriptedChannel("sms.one", self._answer("sms.one"), unaccented=True),
        }
        routes = [Route(self.channels["zalo.user"], "zalo"), Route(self.channels["sms.one"], "sms")]
        self.room = EngineRoom(Path(self.folder.name), *routes, now=lambda: self.now, owner=f"life{self.lives}")
        self.acks = Acknowledgements(self.room.ledger, self.room.bus)
        await self.room.start()

    def _members(self):
        return [
            member
            for place, unit in enumerate(UNITS)
            for member in (
                leader(unit, place * 10 + 1, "zalo", f"z{unit}"),
                leader(unit, place * 10 + 1, "sms", f"849000{unit}"),
                leader(unit, place * 10 + 2, "sms", f"849001{unit}", "deputy"),
            )
        ]

    def _answer(self, name):
        def answer(envelope, times):
            self.sent.append((name, envelope.to, envelope.delivery_id))
            kind = self.answers[name]
            if kind == "refuse":
                return Rejected("invalid_recipient", RejectClass.RECIPIENT, "x")
            if kind == "unknown":
                return Unknown("timeout")
            if kind == "later":
                return Rejected("link_down", RejectClass.RETRY_LATER, after=30)
            return Accepted((f"id-{envelope.delivery_id}-{times}",))

        return answer

    async def _rest(self) -> None:
        """What can be sent now is sent and in the ledger."""
        await self.room.clockwork.tick_lanes()

        async def idle():
            busy = "SELECT COUNT(*) FROM chunk WHERE state = 1 OR (state = 0 AND next_try_at <= ?)"
            return await self.room.ledger.read(lambda tx: tx.execute(busy, (self.now,)).fetchone()[0]) == 0

        await self.room.until(idle)

    async def _tick(self) -> None:
        await self.room.clockwork.tick_escalation()
        await self._rest()

    @rule(seconds=st.sampled_from([1, 30, 119, 121, 300, 900]))
    def time_passes(self, seconds):
        self.now += seconds
        self.on(self._tick())

    @rule(seconds=st.sampled_from([-3600, -60, 7200]))
    def the_clock_jumps(self, seconds):
        self.now += seconds
        self.on(self._tick())

    @rule(channel=st.sampled_from(CHANNELS), how=st.sampled_from(ANSWERS))
    def a_channel_answers_otherwise(self, channel, how):
        self.answers[channel] = how

    @rule(channel=st.sampled_from(CHANNELS))
    def a_channel_goes_down_or_comes_back(self, channel):
        def turn(tx):
            if channel in outages.open_now(tx):
                return works_again(tx, channel, self.now)
            return is_down(tx, channel, self.now, "link_down", self.now)

        self.on(self.room.ledger.write(turn))
        self.on(self._tick())

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), state=st.sampled_from(list(ReceiptState)))
    def a_receipt_comes(self, data, state):
        name, _, delivery = data.draw(st.sampled_from(self.sent))
        channel = self.channels[name]
        envelope = next((one for one in channel.left if one.delivery_id == delivery), None)
        if envelope is not None:
            self.on(channel.sink.receipts([channel.receipt(envelope, state)]))

    @rule(unit=st.sampled_from(UNITS), helping=st.booleans())
    def a_unit_answers(self, unit, helping):
        act = self.acks.needs_help if helping else self.acks.confirm
        self.on(act(self.no, unit, 1, "Chủ tịch", "zalo.user", datetime.fromtimestamp(self.now, UTC)))
        self.confirmed_at.setdefault(unit, len(self.sent))

    @rule(unit=st.sampled_from(UNITS))
    def nobody_answers_the_phone(self, unit):
        if unit not in self.confirmed_at:
            officer = Actor("canbo", Role.OFFICER)
            self.on(self.acks.mark(str(self.no), unit, "unreachable", "", officer, self.now))
            self.on(self._tick())

    @rule()
    def the_process_dies_and_comes_back(self):
        self.on(self.room.crash())
        self.on(self._open())
        self.on(self._rest())

    @invariant()
    def who_confirmed_gets_nothing_more(self):
        for unit, before in self.confirmed_at.items():
            assert not [to for _, to, _ in self.sent[before:] if to.endswith(unit)], unit

    @invariant()
    def no_step_is_taken_twice(self):
        def read(tx):
            return list(deliveries.direct_in(tx, self.no << 24, (self.no + 1) << 24).values())

        made = Counter((one.channel, one.value, one.step) for one in self.on(self.room.ledger.read(read)))
        assert set(made.values()) <= {1}

    @invariant()
    def who_is_silent_has_a_next_step_or_is_to_be_rung(self):
        for row in self.on(self.room.ledger.read(lambda tx: rollcalls.of_broadcast(tx, self.no))):
            if row.state not in SETTLED:
                assert row.next_at is not None or row.level >= CALL_LEVEL, row

    def teardown(self):
        """However it went: in the end everybody who never answered is on the call list."""
        try:
            self.on(self._end())
        finally:
            self.on(self.room.stop())
            self.loop.close()
            self.folder.cleanup()

    async def _end(self) -> None:
        self.answers = dict.fromkeys(CHANNELS, "accept")
        self.now += 20_000
        for _ in range(8):
            self.now += 700
            await self._tick()
        for row in await self.room.ledger.read(lambda tx: rollcalls.of_broadcast(tx, self.no)):
            assert row.state in SETTLED or row.level >= CALL_LEVEL, row
        self.who_confirmed_gets_nothing_more()


Night.TestCase.settings = settings(max_examples=15, stateful_step_count=20)
TestNight = Night.TestCase
