"""The SMPP session over its life: binds, broken links, windows, priority, politeness. Each is a failure that users of
other sessions reported."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from adapters.contract import (
    Accepted,
    Envelope,
    HealthState,
    Outcome,
    Priority,
    ReceiptState,
    RejectClass,
    Rejected,
    Unknown,
)
from adapters.sms.smpp.channel import SmppChannel
from adapters.sms.smpp.pump import Pump
from simulators import smsc
from tests.contract.recording import EVENTUALLY, MemoryState, RecordingSink, ReportBook, until
from tests.contract.runner import Case, Is, Rig, accepted, on_screen, ready, rejected, run
from tests.contract.smpp_stand import LONG, OTHER, PATIENT, PHONE, QUICK, Stand, one, some

RETRY = RejectClass.RETRY_LATER


async def says(rig: Rig, key: str, within: float = EVENTUALLY) -> dict[str, str | int | float]:
    """Wait until the probe says so; its figures."""
    deadline = time.monotonic() + within
    while (health := await rig.channel.probe()).key != key:
        assert time.monotonic() < deadline, health
        await asyncio.sleep(0.01)
    return health.params


async def send(rig: Rig, *envelopes: Envelope, within: float = EVENTUALLY) -> list[Outcome]:
    await asyncio.wait_for(rig.channel.send(envelopes, rig.book), within)
    ids = [envelope.delivery_id for envelope in envelopes]
    await until(lambda: all(n in rig.book.outcomes for n in ids), within, "an outcome for each")
    return [rig.book.one(n) for n in ids]


class TestBind:
    @pytest.mark.parametrize("bodies", [True, False], ids=["no body", "with body"])
    async def test_refused_credentials_stop_after_three_tries_and_say_why(
        self, smpp: Stand, carrier: smsc.SmscSim, bodies: bool
    ) -> None:
        carrier.set_faults({"empty_errors": bodies})
        rig = await smpp.open(password="wrong")
        params = await says(rig, "smpp.auth")
        assert params["status"] == "0x0000000E"
        assert (await rig.channel.probe()).state is HealthState.DOWN
        await asyncio.sleep(0.5)
        assert carrier.carrier.binds == 3
        Is(Rejected, "auth", RejectClass.CONFIG, "0x0000000E").check((await send(rig, one()))[0], "while stopped")

    async def test_two_binds_share_the_three_tries(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(system_id="nobody", bind="tx+rx")
        assert (await says(rig, "smpp.auth"))["status"] == "0x0000000F"
        await asyncio.sleep(0.4)
        assert carrier.carrier.binds == 3

    async def test_a_fault_of_our_own_ends_the_link_and_not_the_account(
        self, smpp: Stand, carrier: smsc.SmscSim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever goes wrong in us as the bind comes up: it is logged, and bound again."""
        turn, turns = Pump.turn, []

        def broken(pump: Pump) -> None:
            turns.append(pump.link is not None)
            if turns == [True]:
                raise RuntimeError("a fault of our own")
            turn(pump)

        monkeypatch.setattr(Pump, "turn", broken)
        rig = await smpp.open()
        await until(lambda: carrier.carrier.binds == 2, 10.0, "bound again")
        await ready(rig)
        assert isinstance((await send(rig, one()))[0], Accepted)
        await until(lambda: len(carrier.carrier.sessions) == 1, 5.0, "the first link has gone")

    async def test_an_operator_resumes(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"bind_status": 0x0D, "bind_status_next": 3})
        rig = await smpp.open()
        await says(rig, "smpp.auth")
        assert isinstance(rig.channel, SmppChannel)
        rig.channel.resume()
        await ready(rig)

    async def test_other_refusals_are_tried_again(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"bind_status": 0x08, "bind_status_next": 5})
        rig = await smpp.open()
        await ready(rig)
        assert carrier.carrier.binds == 6

    async def test_already_bound_waits(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"single_session": True})
        first = await smpp.open()
        await ready(first)
        second = await smpp.open(timers=QUICK.model_copy(update={"already_bound": 1.5}))
        params = await says(second, "smpp.already_bound")
        assert params["status"] == "0x00000005"
        binds = carrier.carrier.binds
        await asyncio.sleep(0.4)  # below `already_bound`, far above the back-off (0.05)
        assert carrier.carrier.binds == binds
        await first.channel.stop()
        await ready(second)

    async def test_no_answer_to_the_bind(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"bind_silent": True})
        rig = await smpp.open()
        assert (await says(rig, "smpp.link_down"))["error"] == "timeout"
        carrier.set_faults({"bind_silent": False})
        await ready(rig)
        assert carrier.carrier.most_sessions == 1

    async def test_nonsense_after_the_bind(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"nonsense": True})
        rig = await smpp.open()
        assert (await says(rig, "smpp.link_down"))["error"] in ("bad_length", "lost")
        carrier.set_faults({"nonsense": False})
        await ready(rig)

    async def test_stored_messages_come_in_the_segment_of_the_bind_response(
        self, smpp: Stand, carrier: smsc.SmscSim
    ) -> None:
        carrier.set_faults({"coalesce_bind": True})
        await carrier.person_says(OTHER, None, "con ai khong")
        rig = await smpp.open()
        await until(lambda: len(rig.sink.inbox) == 1)
        await until(lambda: carrier.stage.counters["acknowledged"] == 1)
        assert carrier.carrier.binds == 1

    async def test_transmitter_and_receiver(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(bind="tx+rx")
        case = Case(
            "tx+rx", send=some(5), outcomes=accepted(1), receipts={n: (ReceiptState.DELIVERED,) for n in (1, 5)}
        )
        await run(case, rig)
        kinds = sorted((session.submits, session.receives) for session in carrier.carrier.sessions)
        assert kinds == [(False, True), (True, False)]

    async def test_receiver_down_is_said(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(bind="tx+rx")
        await ready(rig)
        carrier.set_faults({"bind_status": 0x08})
        next(session for session in carrier.carrier.sessions if session.receives).abort()
        await says(rig, "smpp.no_receiver")
        assert isinstance((await send(rig, one()))[0], Accepted)
        carrier.set_faults({"bind_status": 0})
        await until(lambda: len(rig.sink.all_receipts) == 1, what="the receipt that was kept for the receiver")


class TestNoLink:
    async def test_nobody_there(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        await carrier.close()
        rig = await smpp.open()
        await says(rig, "smpp.link_down")
        (outcome,) = await send(rig, one())
        Is(Rejected, "link_down", RETRY, after=True).check(outcome, "unreachable")

    async def test_a_bind_under_way_gets_a_moment(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"bind_delay": 0.15})
        rig = await smpp.open()
        assert isinstance((await send(rig, one()))[0], Accepted)

    async def test_a_bind_that_takes_too_long_does_not_hold_the_caller(
        self, smpp: Stand, carrier: smsc.SmscSim
    ) -> None:
        carrier.set_faults({"bind_silent": True})
        rig = await smpp.open(timers=QUICK.model_copy(update={"bind": 30.0}))
        (outcome,) = await send(rig, one())
        Is(Rejected, "link_down", RETRY, after=True).check(outcome, "while binding")

    async def test_reconnecting_is_no_storm(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"cut_every": 0.001})
        timers = QUICK.model_copy(update={"backoff_min": 0.05, "backoff_max": 10.0})
        await smpp.open(timers=timers)
        await asyncio.sleep(1.2)
        # 0.05, 0.1, 0.2, 0.4, 0.8 s with jitter: a bind that lasts a moment does not reset the back-off
        assert 2 <= carrier.carrier.binds <= 7
        assert carrier.carrier.most_sessions == 1

    async def test_link_cut_again_and_again_loses_nothing(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"cut_every": 0.15, "response_delay": 0.01})
        rig = await smpp.open(window=10)
        total, again = 300, list(some(300))
        tally: Counter[str] = Counter()
        deadline = time.monotonic() + 12
        while again and time.monotonic() < deadline:
            book, batch, again = ReportBook(), again[:10], again[10:]
            await rig.channel.send(batch, book)
            await until(lambda: len(book.outcomes) == len(batch))  # noqa: B023
            for envelope in batch:
                outcome = book.one(envelope.delivery_id)
                tally[type(outcome).__name__] += 1
                if isinstance(outcome, Rejected):
                    assert (outcome.reason, outcome.cls) == ("link_down", RETRY)
                    again.append(envelope)
            await asyncio.sleep(0.01)
        assert not again
        assert tally["Accepted"] + tally["Unknown"] == total
        received = carrier.received()[PHONE]
        assert tally["Accepted"] <= received <= tally["Accepted"] + tally["Unknown"]
        assert carrier.carrier.most_sessions == 1
        carrier.set_faults({"cut_every": 0.0})
        await until(lambda: len({r.keys[0] for r in rig.sink.all_receipts}) == received, 5, "each receipt, at last")


class TestLink:
    async def test_vendor_status_is_an_answer_like_others(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(vendor_codes={"0x450": "quota"})
        await ready(rig)
        carrier.set_faults({"status": 0x450, "status_every": 2})
        outcomes = await send(rig, *some(4))
        assert [type(outcome) for outcome in outcomes] == [Accepted, Rejected, Accepted, Rejected]
        Is(Rejected, "quota", RejectClass.QUOTA, "0x00000450").check(outcomes[1], "as configured")
        assert carrier.carrier.binds == 1

    async def test_the_carrier_unbinds(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open()
        await ready(rig)
        carrier.set_faults({"unbind_after": 3})
        outcomes = await send(rig, *some(3))
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        await until(lambda: carrier.carrier.binds == 2, what="bound again")

    async def test_written_and_never_written_are_told_apart(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(window=5)
        await ready(rig)
        carrier.set_faults({"response_delay": 5.0})
        sending = asyncio.create_task(rig.channel.send(some(12), rig.book))
        await until(lambda: carrier.carrier.accepted == 5)
        next(iter(carrier.carrier.sessions)).abort()
        await asyncio.wait_for(sending, EVENTUALLY)
        outcomes = [rig.book.one(n) for n in range(1, 13)]
        assert [type(outcome) for outcome in outcomes] == [Unknown] * 5 + [Rejected] * 7
        assert all(outcome.why == "link_lost" for outcome in outcomes if isinstance(outcome, Unknown))

    async def test_half_written_long_message_is_unknown_with_the_ids_it_has(
        self, smpp: Stand, carrier: smsc.SmscSim
    ) -> None:
        rig = await smpp.open(window=1)
        await ready(rig)
        carrier.set_faults({"abort_after": 2})
        (outcome,) = await send(rig, one(LONG))
        assert isinstance(outcome, Unknown)
        assert [bool(part) for part in outcome.provider_ids] == [True, False, False]

    async def test_a_silent_peer_is_left(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open()
        await ready(rig)
        carrier.set_faults({"half_open": True})
        params = await says(rig, "smpp.link_down", 4)
        assert params["error"] in ("silent", "timeout", "unreachable")
        carrier.set_faults({"half_open": False})
        await ready(rig)

    async def test_both_sides_enquire(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"enquire_seconds": 0.05})
        rig = await smpp.open()
        await ready(rig)
        await asyncio.sleep(0.6)  # three of our own intervals
        assert carrier.carrier.alive >= 3
        assert carrier.carrier.binds == 1

    async def test_slow_ledger_holds_no_answers_and_no_acknowledgement_comes_early(
        self, smpp: Stand, carrier: smsc.SmscSim
    ) -> None:
        sink = RecordingSink(opened=asyncio.Event())
        rig = await smpp.open(sink=sink)
        await ready(rig)
        await send(rig, *some(20))
        assert carrier.stage.counters["acknowledged"] == 0
        assert not sink.all_receipts
        sink.opened.set()
        await until(lambda: carrier.stage.counters["acknowledged"] == 20)
        assert len(sink.all_receipts) == 20

    async def test_what_comes_while_receipts_are_stored_may_share_the_next_commit(
        self, smpp: Stand, carrier: smsc.SmscSim
    ) -> None:
        """An SMSC keeps a window of receipts in flight: one batch at a time took two commits a window."""
        sink = RecordingSink(opened=asyncio.Event())
        rig = await smpp.open(sink=sink)
        await ready(rig)
        await send(rig, one(n=21))
        await until(lambda: len(sink.handed) == 1)
        await send(rig, *some(10))
        await until(lambda: len(sink.handed) == 2)
        await send(rig, *(one(n=n) for n in range(11, 21)))
        assert len(sink.handed) == 2
        sink.opened.set()
        await until(lambda: carrier.stage.counters["acknowledged"] == 21)
        assert sorted(sink.handed) == sorted(sink.batches)
        assert sum(sink.handed) == 21

    async def test_more_than_can_wait_is_put_off_and_comes_again(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"deliver_window": 10_000, "redeliver_delay": 0.1})
        sink = RecordingSink(delay=2.0)
        rig = await smpp.open(sink=sink, window=500, timers=PATIENT)
        await ready(rig)
        await send(rig, *some(3_000), within=20.0)
        await until(lambda: carrier.stage.counters["acknowledged"] == 3_000, 40)
        assert carrier.stage.counters["put_off"] > 0
        assert len({receipt.keys for receipt in sink.all_receipts}) == 3_000

    async def test_receipts_that_came_while_we_were_away(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"receipt_delay": 0.15})
        state, first = MemoryState(), await smpp.open()
        await ready(first)
        outcomes = await send(first, *some(5))
        await smpp.kill(first)
        await asyncio.sleep(0.3)
        second = await smpp.open(state=state)
        await until(lambda: len(second.sink.all_receipts) == 5)
        ids = {part for outcome in outcomes if isinstance(outcome, Accepted) for part in outcome.provider_ids}
        assert {receipt.keys[0] for receipt in second.sink.all_receipts} == ids

    async def test_stop_waits_for_answers_and_unbinds(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open()
        await ready(rig)
        carrier.set_faults({"response_delay": 0.2})
        await rig.channel.send(some(10), rig.book)
        await rig.channel.stop()
        assert all(isinstance(rig.book.one(n), Accepted) for n in range(1, 11))
        assert carrier.carrier.unbinds == 1
        await until(lambda: not carrier.carrier.sessions)

    async def test_sequence_numbers_wrap(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open()
        await ready(rig)
        assert isinstance(rig.channel, SmppChannel)
        link = rig.channel._binds[0].link
        assert link is not None
        link._sequence = 0x7FFFFFFF - 2
        assert all(isinstance(outcome, Accepted) for outcome in await send(rig, *some(5)))
        assert link._sequence < 100


class TestOrder:
    async def test_rescue_overtakes_a_bulk_send(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(window=1)
        await ready(rig)
        carrier.set_faults({"response_delay": 0.01})
        bulk = [one(f"bulk {n}", n=n, priority=Priority.BULK) for n in range(1, 41)]
        sending = asyncio.create_task(rig.channel.send(bulk, rig.book))
        await until(lambda: carrier.carrier.accepted >= 5)
        before = carrier.carrier.accepted
        await send(rig, one("goi 112", OTHER, 99, priority=Priority.LIFE))
        assert carrier.carrier.accepted - before <= 3
        await asyncio.wait_for(sending, EVENTUALLY)

    async def test_rescue_goes_between_the_parts_of_a_long_one(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(window=1)
        await ready(rig)
        carrier.set_faults({"response_delay": 0.05})
        sending = asyncio.create_task(rig.channel.send([one(LONG, priority=Priority.BULK)], rig.book))
        await until(lambda: carrier.carrier.submits == 1)
        await send(rig, one("goi 112", OTHER, 99, priority=Priority.LIFE))
        await asyncio.wait_for(sending, EVENTUALLY)
        await until(lambda: on_screen(rig, PHONE) == (LONG,))
        order = [line.address for line in carrier.stage.lines]
        assert order == [OTHER, PHONE]

    async def test_window_is_kept(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(window=7)
        await ready(rig)
        assert isinstance(rig.channel, SmppChannel)
        link = rig.channel._binds[0].link
        assert link is not None
        most = 0
        carrier.set_faults({"response_delay": 0.01})
        sending = asyncio.create_task(rig.channel.send(some(100), rig.book))
        while not sending.done():
            most = max(most, len(link.pending))
            await asyncio.sleep(0)
        assert most == 7

    async def test_send_returns_when_all_is_handed_over_and_not_before(
        self, smpp: Stand, carrier: smsc.SmscSim
    ) -> None:
        rig = await smpp.open(window=2, timers=PATIENT)
        await ready(rig)
        carrier.set_faults({"response_delay": 2.0})
        await asyncio.wait_for(rig.channel.send(some(2), rig.book), 1.9)
        assert not rig.book.outcomes
        sending = asyncio.create_task(rig.channel.send([one(n=3)], rig.book))
        await asyncio.sleep(0.01)
        assert not sending.done()
        await asyncio.wait_for(sending, EVENTUALLY)

    async def test_a_configured_tps_is_kept(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        carrier.set_faults({"throttle_tps": 100.0})
        rig = await smpp.open(tps=100)
        await ready(rig)
        outcomes = await send(rig, *some(150))
        assert sum(isinstance(outcome, Accepted) for outcome in outcomes) >= 148
        assert carrier.carrier.throttled <= 2, "but for the edge of the carrier's counting"

    async def test_congestion_slows_down(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(tps=1_000)
        await ready(rig)
        carrier.set_faults({"congestion": 95})
        await send(rig, one())
        assert (await says(rig, "smpp.slowed"))["rate"] == 900

    async def test_throttled_halves_the_rate(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(tps=1_000)
        await ready(rig)
        carrier.set_faults({"status": 0x58, "status_next": 3})
        outcomes = await send(rig, *some(3))
        for outcome in outcomes:
            rejected(RETRY, "throttled", "0x00000058", after=True).check(outcome, "throttled")
        assert (await says(rig, "smpp.slowed"))["rate"] == 500  # once for the answers of one second


class TestParts:
    async def test_a_throttled_part_of_a_long_message_goes_again(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(tps=1_000)
        await ready(rig)
        carrier.set_faults({"status": 0x58, "status_every": 2, "status_next": 1})
        (outcome,) = await send(rig, one(LONG))
        Is(Accepted, parts=3).check(outcome, "second part throttled once")
        assert isinstance(outcome, Accepted)
        assert all(outcome.provider_ids)
        await until(lambda: on_screen(rig, PHONE) == (LONG,))
        assert carrier.carrier.phones.duplicates == 0

    async def test_a_refused_part_refuses_the_message_and_keeps_the_ids(
        self, smpp: Stand, carrier: smsc.SmscSim
    ) -> None:
        rig = await smpp.open(window=1)
        await ready(rig)
        carrier.set_faults({"status": 0x0B, "status_every": 2})
        (outcome,) = await send(rig, one(LONG))
        Is(Rejected, "invalid_recipient", RejectClass.RECIPIENT, "0x0000000B").check(outcome, "second part refused")
        assert isinstance(outcome, Rejected)
        assert [bool(part) for part in outcome.provider_ids] == [True, False, False]
        assert carrier.carrier.submits == 2, "the third part is not worth sending"

    @pytest.mark.parametrize("split", ["udh", "sar", "payload"])
    @pytest.mark.parametrize("alphabet", ["gsm", "ascii", "latin1", "ucs2"])
    async def test_each_way_in_each_alphabet(
        self, smpp: Stand, carrier: smsc.SmscSim, split: str, alphabet: str
    ) -> None:
        rig = await smpp.open(split=split, alphabet=alphabet)
        parts = 1 if split == "payload" else 5 if alphabet == "ucs2" else 3
        case = Case("long", send=(one(LONG[:332]),), outcomes=accepted(parts), phone={PHONE: (LONG[:332],)})
        await run(case, rig)

    async def test_wide_references(self, smpp: Stand) -> None:
        rig = await smpp.open(udh_ref=16)
        await run(Case("wide", send=(one("x" * 305),), outcomes=accepted(3), phone={PHONE: ("x" * 305,)}), rig)

    async def test_a_message_that_expires_in_the_queue(self, smpp: Stand, carrier: smsc.SmscSim) -> None:
        rig = await smpp.open(window=1)
        await ready(rig)
        carrier.set_faults({"response_delay": 0.3})
        soon = time.time() + 0.1
        outcomes = await send(rig, one(n=1), one(n=2, valid_until=soon), one(n=3, valid_until=soon + 60))
        assert [type(outcome) for outcome in outcomes] == [Accepted, Rejected, Accepted]
        assert outcomes[1] == Rejected("expired", RejectClass.TEXT)


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> tuple[Path, Path]:
        key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", key, "-out", cert,
             "-subj", "/CN=smsc.test", "-addext", "subjectAltName=DNS:smsc.test"],
            check=True, capture_output=True,
        )  # fmt: skip
        return cert, key

    async def test_over_tls(self, certificate: tuple[Path, Path]) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        sim = await smsc.start(tls=context)
        stand = Stand(sim)
        try:
            rig = await stand.open(tls=True, tls_ca=str(certificate[0]), tls_server_name="smsc.test")
            await run(Case("tls", send=some(3), outcomes=accepted(1)), rig)
            stranger = await stand.open(tls=True)
            assert (await says(stranger, "smpp.link_down"))["error"] == "tls"
        finally:
            await stand.close()
            await sim.close()

    async def test_missing_files_are_said(self, smpp: Stand) -> None:
        rig = await smpp.open(tls=True, tls_ca="/nonexistent/ca.pem")
        assert (await rig.channel.probe()).key == "smpp.tls_files"
        (outcome,) = await send(rig, one())
        assert isinstance(outcome, Rejected)
