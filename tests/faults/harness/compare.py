"""Ledger, providers and phones held against each other. Each rule gives sentences about what breaks it; none: it holds.

A count of messages at an address has bounds: `sure` is what the ledger says that the provider took, `maybe` what it
says it cannot know, `extra` how often it lists a message as sent once more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broadcasts.model import DeliveryState
from broadcasts.states import WORKING
from tests.faults.harness.evidence import Books, Delivery, Message, Phones
from tests.faults.harness.traffic import Said

D = DeliveryState
Person = tuple[str, str]
"""(provider, address)"""
TAKEN: Final = frozenset({D.ACCEPTED, D.DELIVERED, D.SEEN})
BY_CARRIER: Final = frozenset({"carrier_failed", "carrier_expired"})
"""Ends that a receipt told of: the provider had taken the message."""
SHOWN_MOST: Final = 5
"""Examples in one sentence."""


@dataclass(frozen=True, slots=True)
class Night:
    """Everything that is compared."""

    books: Books
    phones: Phones
    said: Sequence[Said]
    fell: Sequence[tuple[int, DeliveryState, DeliveryState]]
    listed: int
    """The number of the broadcast to the list."""
    numbers: Sequence[str]
    leaders: frozenset[tuple[str, str]]
    """(provider, address) of every chairman in person who is to get the directive at once."""
    units: frozenset[str]
    mark: str
    """Words that only the directive has."""
    duplicates_ok: bool
    """The list may be repeated after a crash."""
    doubt_most: int
    """What one death of a worker may leave in doubt of one chunk of the list: its marked windows, and what was answered
    since the last flush."""
    unsent_calls: int
    """Webhook events that Zalo gave up."""


Rule = Callable[[Night], Iterable[str]]


def compared(night: Night) -> list[str]:
    return [f"{rule.__name__}: {said}" for rule in RULES for said in rule(night)]


def some(what: Iterable[object]) -> str:
    found = [str(one) for one in what]
    more = f" and {len(found) - SHOWN_MOST} more" if len(found) > SHOWN_MOST else ""
    return f"{len(found)}: {', '.join(found[:SHOWN_MOST])}{more}"


def everybody_planned(night: Night) -> Iterable[str]:
    """One delivery for each number of the list; the directive for each leader, in the first step, once."""
    listed = Counter(one.address for one in night.books.deliveries if one.what == "list")
    if listed != Counter(night.numbers):
        yield f"the list has {listed.total()} deliveries for {len(night.numbers)} numbers"
    made = Counter((one.provider, one.address, one.step) for one in night.books.deliveries if one.what == "directive")
    if twice := [key for key, count in made.items() if count > 1]:
        yield f"planned twice {some(twice)}"
    if missing := night.leaders - {(provider, address) for provider, address, _ in made}:
        yield f"never planned {some(missing)}"
    if {unit for unit, *_ in night.books.rollcall} != night.units:
        yield f"the roll-call has {len(night.books.rollcall)} units"


def nothing_stuck(night: Night) -> Iterable[str]:
    return nothing_stuck_in(night.books)


def nothing_stuck_in(books: Books) -> Iterable[str]:
    """Nothing is still to be sent, no chunk is open, nothing that came in is unread."""
    if stuck := [one for one in books.deliveries if one.status in WORKING]:
        yield f"still to be sent {some(stuck)}"
    if held := [first for first, _, state, _ in books.chunks if state < 2]:
        yield f"open chunks {some(held)}"
    if unread := [one for one in books.inbox if one.state == "new"]:
        yield f"unread {some(unread)}"
    if waiting := [unit for unit, state, _, next_at in books.rollcall if state == "awaiting" and next_at]:
        yield f"steps still due {some(waiting)}"


def counters_agree(night: Night) -> Iterable[str]:
    """A chunk's counters are what its deliveries are."""
    by_id = {one.id: one.status for one in night.books.deliveries}
    for first, last, _, counted in night.books.chunks:
        there = Counter(by_id[id] for id in range(first, last + 1) if id in by_id)
        if counted != tuple(there[state] for state in D):
            yield f"chunk {first} counts {counted}, has {dict(there)}"


def phones_agree(night: Night) -> Iterable[str]:
    """Each phone has what the ledger says it has: nothing lost, nothing doubled beyond what is listed."""
    by_address: defaultdict[tuple[str, str, str], list[Delivery]] = defaultdict(list)
    for one in night.books.deliveries:
        kind = one.what if not _is_off(night, one) else "any"
        by_address[one.provider, one.address, kind].append(one)
    keys = set(by_address) | {(provider, address, "directive") for provider, address in night.phones.texts}
    for provider, address, kind in sorted(keys):
        made = by_address[provider, address, kind]
        sure = sum(_taken(one) for one in made)
        maybe = sum(one.status == D.UNKNOWN for one in made)
        extra = sum(one.extra for one in made)
        got = _received(night, provider, address, kind)
        if got < sure:
            yield f"lost: {provider} {address} has {got} of {made}"
        elif got > sure + maybe + extra:
            yield f"doubled: {provider} {address} has {got} of {made}"


def _is_off(night: Night, one: Delivery) -> bool:
    """The phone shows nothing; what its provider took is only counted."""
    if one.what == "list":
        return True
    taken = (
        night.phones.carried.get(one.address, 0) if one.provider == "smsc" else night.phones.waiting.get(one.address, 0)
    )
    return bool(taken) and not night.phones.texts.get((one.provider, one.address))


def _received(night: Night, provider: str, address: str, kind: str) -> int:
    if kind == "any":
        return (night.phones.carried if provider == "smsc" else night.phones.waiting).get(address, 0)
    texts = night.phones.texts.get((provider, address), [])
    return sum((night.mark in text) == (kind == "directive") for text in texts)


def _taken(one: Delivery) -> bool:
    return one.status in TAKEN or one.reason in BY_CARRIER


def arrivals_told(night: Night) -> Iterable[str]:
    """Zalo tells of each arrival until it hears 200: what a phone shows is not merely `accepted`."""
    if night.unsent_calls:
        return
    silent = [
        one
        for one in night.books.deliveries
        if one.provider == "zalo" and one.status == D.ACCEPTED and not one.is_group and not _is_off(night, one)
        and one.address not in night.phones.waiting and night.phones.texts.get(("zalo", one.address))
    ]  # fmt: skip
    if silent:
        yield f"arrived and only accepted ({night.books.orphans} receipts wait) {some(silent)}"


def doubles_listed(night: Night) -> Iterable[str]:
    """Nothing is repeated that may not be."""
    wrong = [
        one
        for one in night.books.deliveries
        if one.extra and one.status not in (D.QUEUED,) and one.what == "list" and not night.duplicates_ok
    ]
    if wrong:
        yield f"repeated against the policy {some(wrong)}"


def doubt_is_bounded(night: Night) -> Iterable[str]:
    for event in night.books.events:
        listed = event.event in ("in_doubt", "repeated") and event.no == night.listed
        if listed and event.detail["deliveries"] > night.doubt_most:
            yield f"{event.detail['deliveries']} in doubt of one chunk, at most {night.doubt_most} may be"


def ranks_rose(night: Night) -> Iterable[str]:
    """Only `unknown` goes back, where the provider was asked and never had it."""
    listed = {one.id for one in night.books.deliveries if one.extra}
    wrong = [one for one in night.fell if not (one[1] == D.UNKNOWN and one[0] in listed)]
    if wrong:
        yield f"fell {some(wrong)}"


def all_heard_once(night: Night) -> Iterable[str]:
    """What people wrote or pressed is in the inbox, once for each time. By SMS the same words of one person around a
    broken link are one message: nothing in a deliver_sm tells a repetition from a second text."""
    kept = heard(night.books.inbox)
    for key, said in sorted(night.phones.typed.items()):
        least = heard_least(key[0], said)
        if not least <= kept[key] <= len(said) and not (night.unsent_calls and key[0] == "zalo"):
            yield f"{key} wrote {said}, the inbox has {kept[key]}"
    if night.unsent_calls:
        yield f"Zalo gave up {night.unsent_calls} events: the fault was longer than Zalo's patience"


def heard(inbox: Iterable[Message]) -> Counter[Person]:
    return Counter((one.provider, one.sender) for one in inbox)


def unheard(typed: Mapping[Person, Sequence[str]], kept: Mapping[Person, int], unsent_calls: int) -> int:
    """How much of what people wrote is on its way to the inbox, or lost. Of each person by himself: what one wrote
    twice and is there twice makes up for nobody else's message."""
    told = {key: said for key, said in typed.items() if not (unsent_calls and key[0] == "zalo")}
    return sum(max(0, heard_least(key[0], said) - kept.get(key, 0)) for key, said in told.items())


def heard_least(provider: str, said: Sequence[str]) -> int:
    return len(set(said)) if provider == "smsc" else len(said)


def answered_once(night: Night) -> Iterable[str]:
    """One answer at most to each message; the messages of people in danger are answered and ring, once."""
    answers = Counter(one.inbox_id for one in night.books.deliveries if one.inbox_id is not None)
    if twice := [id for id, count in answers.items() if count > 1]:
        yield f"answered twice {some(twice)}"
    cries = {(one.provider, one.sender) for one in night.said if one.cry}
    for one in night.books.inbox:
        if (one.provider, one.sender) not in cries:
            continue
        if night.books.rescued[str(one.id)] != 1:
            yield f"cry {one} rang {night.books.rescued[str(one.id)]} times"
        if not any("112" in text for text in night.phones.texts.get((one.provider, one.sender), ())):
            yield f"cry {one} was not answered"


def confirmed_once(night: Night) -> Iterable[str]:
    """A message that confirmed has its unit confirmed; a unit confirms once and gets no step afterwards."""
    state = {unit: state for unit, state, *_ in night.books.rollcall}
    for one in night.books.inbox:
        if one.state == "acknowledged" and state.get(one.unit, "") not in (
            "acknowledged",
            "acknowledged_late",
            "needs_help",
        ):
            yield f"unit {one.unit} wrote {one.text or one.payload!r} and is {state.get(one.unit)}"
    confirmed: set[str] = set()
    for event in night.books.events:
        if event.event in ("acknowledged", "acknowledged_late"):
            unit = event.detail["unit"]
            if unit in confirmed:
                yield f"unit {unit} confirmed twice"
            confirmed.add(unit)
        elif event.event in ("step", "call_list") and (urged := confirmed.intersection(event.detail["units"])):
            yield f"{event.event} after the confirmation {some(urged)}"


def steps_taken_once(night: Night) -> Iterable[str]:
    """No unit is taken through a step twice; a silent one ends on the call list, once."""
    steps = Counter(
        (event.detail["step"], unit)
        for event in night.books.events
        if event.event == "step"
        for unit in event.detail["units"]
    )
    if twice := [key for key, count in steps.items() if count > 1]:
        yield f"steps taken twice {some(twice)}"
    called = Counter(
        unit for event in night.books.events if event.event == "call_list" for unit in event.detail["units"]
    )
    silent = {unit for unit, state, *_ in night.books.rollcall if state in ("awaiting", "unreachable")}
    if any(count > 1 for count in called.values()):
        yield f"called twice {some(unit for unit, count in called.items() if count > 1)}"
    if missing := silent - set(called):
        yield f"silent and not on the call list {some(sorted(missing))}"


RULES: Final[tuple[Rule, ...]] = (
    everybody_planned, nothing_stuck, counters_agree, phones_agree, arrivals_told, doubles_listed, doubt_is_bounded,
    ranks_rose, all_heard_once, answered_once, confirmed_once, steps_taken_once,
)  # fmt: skip
