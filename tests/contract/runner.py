"""One table runner for every channel.

A channel's test gives a `Rig` (the channel started against its simulator, with a recording sink) and a table of
`Case`s; `run` plays a case and checks the promises that hold for all channels: one report for each envelope, outcomes
of the expected class, receipts that match by provider id, nothing acknowledged that was not stored, one stored event
per thing that a person did, and the right text on the right phone. `common_cases` are the ones each channel must pass.

    @pytest.mark.parametrize("case", CASES, ids=label)
    async def test_contract(case: Case, rig: Rig) -> None:
        await run(case, rig)
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from adapters.contract import (
    Accepted,
    Channel,
    Envelope,
    HealthState,
    Incoming,
    IncomingKind,
    Outcome,
    ReceiptState,
    RejectClass,
    Rejected,
    Unknown,
)
from simulators.stage import Shown, Stage
from tests.contract.recording import EVENTUALLY, RecordingSink, ReportBook, until

SETTLE_SECONDS = 0.05
"""How long we look, after all that was expected has come, for something that must not come (a second report)."""


class Simulator(Protocol):
    """The part of a simulator that the runner needs: every `simulators/<provider>` has it."""

    stage: Stage

    async def person_says(self, sender: str, chat: str | None, text: str) -> None: ...

    async def person_presses(self, sender: str, message: Shown, payload: str) -> None: ...

    def set_faults(self, knobs: dict[str, Any]) -> None: ...


@dataclass(slots=True)
class Rig:
    channel: Channel
    sim: Simulator
    sink: RecordingSink
    book: ReportBook = field(default_factory=ReportBook)
    more: dict[str, Any] = field(default_factory=dict)
    """Whatever a channel's own cases need (its `MemoryState`, its fake clock)."""


@dataclass(frozen=True, slots=True)
class Is:
    """An expected outcome: the kind, and those of its fields that the case cares about (None: any)."""

    kind: type[Accepted] | type[Rejected] | type[Unknown]
    reason: str | None = None
    cls: RejectClass | None = None
    code: str | None = None
    parts: int | None = None
    after: bool | None = None

    def check(self, outcome: Outcome, label: str) -> None:
        assert isinstance(outcome, self.kind), f"{label}: {outcome}"
        reason = getattr(outcome, "reason", getattr(outcome, "why", None))
        assert self.reason in (None, reason), f"{label}: {outcome}"
        assert self.code in (None, outcome.code), f"{label}: {outcome}"
        if isinstance(outcome, Rejected):
            assert self.cls in (None, outcome.cls), f"{label}: {outcome}"
            assert self.after in (None, outcome.after is not None), f"{label}: {outcome}"
        elif self.parts is not None:
            assert len(outcome.provider_ids) == self.parts, f"{label}: {outcome}"


def accepted(parts: int | None = None) -> Is:
    return Is(Accepted, parts=parts)


def rejected(cls: RejectClass, reason: str | None = None, code: str | None = None, after: bool | None = None) -> Is:
    return Is(Rejected, reason, cls, code, after=after)


def unknown(why: str | None = None, parts: int | None = None) -> Is:
    return Is(Unknown, why, parts=parts)


@dataclass(frozen=True, slots=True)
class Says:
    """A person types. `chat` None: to the service itself."""

    sender: str
    text: str
    chat: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """An expected incoming event; None: any."""

    sender: str
    text: str | None = None
    kind: IncomingKind = IncomingKind.TEXT
    payload: str | None = None
    chat: str | None = None

    def matches(self, event: Incoming) -> bool:
        return (
            event.sender == self.sender
            and event.kind is self.kind
            and self.text in (None, event.text)
            and self.payload in (None, event.payload)
            and self.chat in (None, event.chat)
        )


@dataclass(frozen=True, slots=True)
class Case:
    """One row: what the provider does wrong, what is sent and said, and what must come of it.

    `outcomes`: one `Is` for all envelopes, or one per delivery id. `receipts`: states that must arrive for a delivery
    id, as a multiset, in any order. `phone`: texts that must be on an address's screen, in order, no more and no less.
    `act` runs after sending and typing; `check` last. `ledger_down`: so many commits of the sink fail first.
    """

    label: str
    faults: Mapping[str, Any] = field(default_factory=dict)
    send: tuple[Envelope, ...] = ()
    says: tuple[Says, ...] = ()
    outcomes: Is | Mapping[int, Is] | None = None
    receipts: Mapping[int, tuple[ReceiptState, ...]] = field(default_factory=dict)
    heard: tuple[Heard, ...] | None = None
    phone: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ledger_down: int = 0
    act: Callable[[Rig], Awaitable[None]] | None = None
    check: Callable[[Rig], Awaitable[None]] | None = None
    wait_ready: bool = True
    within: float = EVENTUALLY


def label(case: Case) -> str:
    """For `pytest.mark.parametrize(ids=…)`."""
    return case.label


async def ready(rig: Rig, within: float = EVENTUALLY) -> None:
    """Until the channel says that it is well."""
    deadline = asyncio.get_running_loop().time() + within
    while (health := await rig.channel.probe()).state is not HealthState.OK:
        assert asyncio.get_running_loop().time() < deadline, f"never ready: {health}"
        await asyncio.sleep(0.01)


async def run(case: Case, rig: Rig) -> None:
    """Play one case. Fails with the case's label and what came instead."""
    if case.wait_ready:
        await ready(rig)
    rig.sim.set_faults(dict(case.faults))
    rig.sink.refuse = case.ledger_down
    await asyncio.wait_for(rig.channel.send(case.send, rig.book), case.within)
    for saying in case.says:
        await rig.sim.person_says(saying.sender, saying.chat, saying.text)
    if case.act is not None:
        await case.act(rig)
    await _outcomes(case, rig)
    await _receipts(case, rig)
    await _heard(case, rig)
    await _phones(case, rig)
    await asyncio.sleep(SETTLE_SECONDS)
    for envelope in case.send:
        assert len(rig.book.outcomes[envelope.delivery_id]) == 1, f"{case.label}: reported twice"
    if case.check is not None:
        await case.check(rig)


async def _outcomes(case: Case, rig: Rig) -> None:
    ids = {envelope.delivery_id for envelope in case.send}
    await until(lambda: ids <= rig.book.outcomes.keys(), case.within, f"{case.label}: an outcome for each of {ids}")
    for delivery_id in ids:
        expected = case.outcomes.get(delivery_id) if isinstance(case.outcomes, Mapping) else case.outcomes
        if expected is not None:
            expected.check(rig.book.one(delivery_id), f"{case.label} #{delivery_id}")


async def _receipts(case: Case, rig: Rig) -> None:
    for delivery_id, states in case.receipts.items():
        outcome = rig.book.one(delivery_id)

        wanted = Counter(states)

        def arrived(outcome: Outcome = outcome, wanted: Counter[ReceiptState] = wanted) -> bool:
            return Counter(receipt.state for receipt in rig.sink.receipts_for(outcome)) >= wanted

        await until(arrived, case.within, f"{case.label}: {wanted} for {outcome}")
        await asyncio.sleep(SETTLE_SECONDS)
        came = Counter(receipt.state for receipt in rig.sink.receipts_for(outcome))
        assert came == wanted, f"{case.label} #{delivery_id}: {came}"
        assert {r.account for r in rig.sink.receipts_for(outcome)} <= {rig.channel.name}


async def _heard(case: Case, rig: Rig) -> None:
    if case.heard is None:
        return
    box = rig.sink.inbox
    await until(lambda: len(box) >= len(case.heard or ()), case.within, f"{case.label}: heard {list(box.values())}")
    await asyncio.sleep(SETTLE_SECONDS)
    left = list(box.values())
    for wanted in case.heard:
        found = next((event for event in left if wanted.matches(event)), None)
        assert found is not None, f"{case.label}: {wanted} not among {left}"
        assert found.channel == rig.channel.name
        assert found.at.tzinfo is not None
        left.remove(found)
    assert not left, f"{case.label}: heard too much: {left}"


async def _phones(case: Case, rig: Rig) -> None:
    for address, texts in case.phone.items():

        def shown(address: str = address, wanted: int = len(texts)) -> bool:
            return len(on_screen(rig, address)) >= wanted

        await until(shown, case.within, f"{case.label}: {texts}")
        assert on_screen(rig, address) == texts, f"{case.label}: on the phone of {address}: {on_screen(rig, address)}"


def on_screen(rig: Rig, address: str) -> tuple[str, ...]:
    """The service's own texts on one phone or in one group, oldest first."""
    return tuple(line.text for line in rig.sim.stage.lines if line.address == address and line.sender == "loa")


def common_cases(address: str, person: str) -> tuple[Case, ...]:
    """What every channel promises. `address` gets texts; `person` (may be the same) types to the service."""
    retry = RejectClass.RETRY_LATER

    async def close(rig: Rig) -> None:
        await rig.channel.stop()
        late = ReportBook()
        await asyncio.wait_for(rig.channel.send([Envelope(9, address, "too late")], late), 5)
        await until(lambda: 9 in late.outcomes, 5, "an outcome after stop")
        Is(Rejected, cls=retry).check(late.one(9), "after stop")

    many = tuple(Envelope(n, address, f"canh bao {n}") for n in range(1, 26))

    async def all_shown(rig: Rig) -> None:
        assert Counter(on_screen(rig, address)) == Counter(envelope.text for envelope in many)

    return (
        Case("one text", send=(Envelope(1, address, "canh bao lu"),), outcomes=accepted(1),
             phone={address: ("canh bao lu",)}),
        Case("nothing to send"),
        Case("a batch", send=many, outcomes=accepted(1), check=all_shown),
        Case("expired before it left", send=(Envelope(1, address, "cu", valid_until=1.0),),
             outcomes=Is(Rejected, "expired"), phone={address: ()}),
        Case("a person types", says=(Says(person, "tru so o dau"),), heard=(Heard(person, "tru so o dau"),)),
        Case("the ledger is down for a while", says=(Says(person, "da nhan"),), ledger_down=2,
             heard=(Heard(person, "da nhan"),)),
        Case("stopped", send=(Envelope(1, address, "canh bao"),), outcomes=accepted(1), act=close),
    )  # fmt: skip
