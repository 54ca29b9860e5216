"""`zalo.oa_user` against the simulated OA: every channel's promises, v3 and v2, buttons, receipts, lookups."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.contract import Button, Envelope, IncomingKind, ReceiptState, RejectClass
from tests.contract.recording import until
from tests.contract.runner import (
    Case,
    Heard,
    Rig,
    Says,
    accepted,
    common_cases,
    label,
    on_screen,
    rejected,
    run,
    unknown,
)
from tests.contract.zalo_stand import DEPUTY, LEADER, PC_USER, SILENT, stand

A, D, S = ReceiptState.ACCEPTED, ReceiptState.DELIVERED, ReceiptState.SEEN
NAME = "zalo.oa_user"
ONE = (Envelope(1, LEADER, "canh bao lu"),)
ACK = (Button("ĐÃ NHẬN", "ACK TB0825-07"), Button("CẦN GIÚP", "help:TB0825-07"))
LONG = " ".join(f"từ{n}" for n in range(700))


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with stand(oa_user={}) as made:
        yield made.rig(NAME)


async def press_first(rig: Rig) -> None:
    await press(rig, 0)


async def press_second(rig: Rig) -> None:
    await press(rig, 1)


async def press(rig: Rig, which: int) -> None:
    await until(lambda: bool(on_screen(rig, LEADER)))
    line = next(line for line in rig.sim.stage.lines if line.address == LEADER)
    await rig.sim.person_presses(LEADER, line, line.buttons[which]["payload"])


async def asked_later(rig: Rig) -> None:
    """An unknown send is found in the chat, and not sent again."""
    found = await rig.channel.ask(ONE[0], sent_at=0.0)
    assert on_screen(rig, LEADER) == ("canh bao lu",)
    accepted(1).check(found, "ask")


CASES = (
    *common_cases(LEADER, LEADER),
    Case("received and seen on mobile", send=ONE, outcomes=accepted(1), receipts={1: (A, D, S)}),
    Case("a computer proves nothing", send=(Envelope(1, PC_USER, "tin"),), outcomes=accepted(1), receipts={1: (A,)}),
    Case("receipts before the send returns", faults={"events_before_reply": True}, send=ONE, outcomes=accepted(1),
         receipts={1: (A, D, S)}),
    Case("a button", send=(Envelope(1, LEADER, "tin", buttons=ACK),), outcomes=accepted(1), act=press_first,
         heard=(Heard(LEADER, kind=IncomingKind.BUTTON, payload="ACK TB0825-07"),)),
    Case("another button", send=(Envelope(1, LEADER, "tin", buttons=ACK),), outcomes=accepted(1), act=press_second,
         heard=(Heard(LEADER, kind=IncomingKind.BUTTON, payload="help:TB0825-07"),)),
    Case("an acknowledgement by hand", says=(Says(LEADER, "#ACK TB0825-07"),),
         heard=(Heard(LEADER, kind=IncomingKind.BUTTON, payload="ACK TB0825-07"),)),
    Case("a hashtag is a text", says=(Says(LEADER, "#SOS nước ngập"),), heard=(Heard(LEADER, "#SOS nước ngập"),)),
    Case("no interaction for 7 days", send=(Envelope(1, SILENT, "tin"),),
         outcomes=rejected(RejectClass.RECIPIENT, "window_closed", "-230")),
    Case("nobody we know", send=(Envelope(1, "8999", "tin"),),
         outcomes=rejected(RejectClass.RECIPIENT, "invalid_recipient", "-201")),
    Case("no address", send=(Envelope(1, "", "tin"),), outcomes=rejected(RejectClass.RECIPIENT, "invalid_recipient")),
    Case("no text", send=(Envelope(1, LEADER, " \u200b\n"),), outcomes=rejected(RejectClass.TEXT, "empty")),
    Case("far too long", send=(Envelope(1, LEADER, "a" * 20_000),), outcomes=rejected(RejectClass.TEXT, "too_long")),
    Case("a smuggled mention", send=(Envelope(1, LEADER, "xem [@123] và [@all]"),), outcomes=accepted(1),
         phone={LEADER: ("xem [ @123] và [ @all]",)}),
    Case("one dead recipient spoils nothing", send=(Envelope(1, SILENT, "a"), Envelope(2, LEADER, "b")),
         outcomes={1: rejected(RejectClass.RECIPIENT), 2: accepted(1)}),
    Case("over the provider's minute", faults={"rate_per_minute": 1}, send=ONE,
         outcomes=rejected(RejectClass.RETRY_LATER, "throttled", after=True), phone={LEADER: ()}),
    Case("connection cut after it was taken", faults={"drop_after_commit": 1}, send=ONE,
         outcomes=unknown("connection_lost", 1), check=asked_later),
    Case("no answer after it was taken", faults={"hang_after_commit": 1}, send=ONE,
         outcomes=unknown("timeout", 1), check=asked_later),
    Case("an empty answer", faults={"empty_after_commit": 1}, send=ONE, outcomes=unknown("empty_answer", 1),
         check=asked_later),
    Case("a gateway's page after it was taken", faults={"html_after_commit": 1}, send=ONE,
         outcomes=unknown("not_json", 1), check=asked_later),
    Case("502", faults={"outage": "502"}, send=ONE, outcomes=unknown("not_json"), phone={LEADER: ()}),
    Case("503 was not handled", faults={"outage": "503"}, send=ONE,
         outcomes=rejected(RejectClass.RETRY_LATER, "link_down", after=True), phone={LEADER: ()}),
    Case("a bare 401 twice", faults={"outage": "401"}, send=ONE, outcomes=rejected(RejectClass.CONFIG, "auth")),
    Case("cut before anything", faults={"outage": "refuse"}, send=ONE, outcomes=unknown("connection_lost")),
    Case("duplicated and overtaking events", faults={"webhook_duplicate": True, "webhook_reorder": True},
         says=(Says(LEADER, "một"), Says(LEADER, "hai"), Says(DEPUTY, "ba")),
         heard=(Heard(LEADER, "một"), Heard(LEADER, "hai"), Heard(DEPUTY, "ba"))),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
async def test_contract(case: Case, rig: Rig) -> None:
    await run(case, rig)
