"""The SMS router: one account a message unless the first surely refused; failover, breaker, shares, networks, money."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import (
    Accepted,
    Envelope,
    Evidence,
    Health,
    HealthState,
    Outcome,
    Priority,
    Receipt,
    ReceiptState,
    RejectClass,
    Rejected,
    Report,
    Sink,
    Traits,
    Unknown,
)
from adapters.pricing import Budget, Cost, Priced, Registration
from adapters.sms.accounts import AccountSettings
from adapters.sms.carriers import CARRIERS, carrier_by_prefix
from adapters.sms.registered import Registered
from adapters.sms.routing import LearnedCarriers, SmsRouter
from adapters.sms.routing import breaker as breaker_rules
from adapters.sms.routing.estimate import spread
from adapters.sms.routing.legs import goes_on
from adapters.sms.routing.shares import Shares, normal
from tests.contract.recording import MemoryState, RecordingSink, ReportBook, until
from text import numbers

VIETTEL, VINAPHONE, MOBIFONE, UNKNOWN_PREFIX = "84960000001", "84910000001", "84900000001", "84540000001"
C = RejectClass
LINK_DOWN = Rejected("link_down", C.RETRY_LATER, after=5.0)
AUTH, QUOTA = Rejected("auth", C.CONFIG, "101"), Rejected("quota", C.QUOTA, "103")
BLOCKED = Rejected("blocked", C.RECIPIENT, "99")
Script = Callable[[Envelope], Outcome]


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


class Account:
    """A scripted channel. `late`: outcomes come after `send` returned."""

    def __init__(self, name: str, script: Script | None = None, *, late: bool = False, can_ask: bool = False) -> None:
        self.name = f"sms.{name}"
        self.traits = Traits(
            receipts=frozenset({Evidence.ACCEPTED, Evidence.DELIVERED}), unaccented=True, can_ask=can_ask, window=10
        )
        self.hooks: dict[str, Any] = {}
        self.script = script or accept
        self.late = late
        self.left: list[Envelope] = []
        self.asked: list[Envelope] = []
        self.found: Outcome | None = None
        self.health = Health(HealthState.OK, "smpp.bound", {"queued": 0}, datetime.now(UTC))
        self.sink: Sink | None = None
        self.started = self.stopped = 0
        self.broken = False

    async def start(self, sink: Sink) -> None:
        self.sink = sink
        self.started += 1

    async def stop(self) -> None:
        self.stopped += 1

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        self.left += batch
        if self.broken:
            raise RuntimeError("a defect")
        if self.late:
            asyncio.get_running_loop().call_later(0.001, self._report, list(batch), report)
        else:
            self._report(batch, report)

    def _report(self, batch: Sequence[Envelope], report: Report) -> None:
        for envelope in batch:
            outcome = self.script(envelope)
            report(envelope.delivery_id, fresh(outcome))

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        self.asked.append(envelope)
        return self.found

    async def probe(self) -> Health:
        return self.health


def fresh(outcome: Outcome) -> Outcome:
    """Channels make a new one each time."""
    if isinstance(outcome, Accepted):
        return Accepted(outcome.provider_ids, outcome.code)
    if isinstance(outcome, Unknown):
        return Unknown(outcome.why, outcome.provider_ids, outcome.code)
    return Rejected(outcome.reason, outcome.cls, outcome.code, outcome.after, outcome.provider_ids)


def accept(envelope: Envelope) -> Outcome:
    return Accepted((f"id-{envelope.delivery_id}",))


def always(outcome: Outcome) -> Script:
    return lambda _: outcome


class Stand:
    def __init__(self, *accounts: tuple[Account, dict[str, Any]]) -> None:
        self.clock = Clock()
        self.state = MemoryState()
        self.sink = RecordingSink()
        self.book = ReportBook()
        self.accounts = [account for account, _ in accounts]
        self.learned = LearnedCarriers(self.state)
        pairs = [
            (AccountSettings(name=account.name.partition(".")[2], **fields), account) for account, fields in accounts
        ]
        self.router = SmsRouter(pairs, self.learned, self.state, self.clock, self.clock)

    async def give(self, *batch: Envelope, by: Any = None, book: ReportBook | None = None) -> ReportBook:
        book = book or self.book
        await (by or self.router).send(batch, book)
        await until(lambda: {one.delivery_id for one in batch} <= book.outcomes.keys())
        return book


def one(n: int = 1, to: str = VIETTEL, priority: Priority = Priority.NORMAL, text: str = "canh bao") -> Envelope:
    return Envelope(n, to, text, priority)


def many(count: int, to: str = VIETTEL, first: int = 1, priority: Priority = Priority.BULK) -> list[Envelope]:
    return [one(n, to, priority) for n in range(first, first + count)]


# -- one account a message, unless the first surely refused ---------------------------------------------------------

OUTCOMES = st.sampled_from(
    [
        Accepted(("id",)), Unknown("timeout"), Unknown("link_lost", ("", "7")), LINK_DOWN, AUTH, QUOTA, BLOCKED,
        Rejected("throttled", C.RETRY_LATER, after=2.0), Rejected("text_not_registered", C.TEXT, "146"),
        Rejected("carrier_not_registered", C.RECIPIENT, "177"), Rejected("duplicate", C.DUPLICATE, "33"),
        Rejected("link_down", C.RETRY_LATER, provider_ids=("1", "")), Rejected("expired", C.TEXT),
        Rejected("auth", C.CONFIG, provider_ids=("1", "")),
    ]
)  # fmt: skip


@settings(max_examples=120)
@given(
    scripts=st.lists(st.lists(OUTCOMES, min_size=1, max_size=6), min_size=1, max_size=4),
    late=st.lists(st.booleans(), min_size=4, max_size=4),
    weights=st.lists(st.sampled_from([0, 0, 1, 5]), min_size=4, max_size=4),
    priorities=st.lists(st.sampled_from(list(Priority)), min_size=1, max_size=12),
    seed=st.integers(0, 1_000),
)
def test_a_message_goes_on_only_when_it_surely_did_not_leave(
    scripts: list[list[Outcome]], late: list[bool], weights: list[float], priorities: list[Priority], seed: int
) -> None:
    async def play() -> None:
        draw = random.Random(seed)
        said: dict[int, list[tuple[str, Outcome]]] = {}

        def script_of(name: str, outcomes: list[Outcome]) -> Script:
            def answer(envelope: Envelope) -> Outcome:
                outcome = draw.choice(outcomes)
                said.setdefault(envelope.delivery_id, []).append((f"sms.{name}", outcome))
                return outcome

            return answer

        stand = Stand(
            *(
                (Account(f"a{n}", script_of(f"a{n}", outcomes), late=late[n]), {"weight": weights[n], "price": n})
                for n, outcomes in enumerate(scripts)
            )
        )
        batch = [one(n, draw.choice((VIETTEL, MOBIFONE, UNKNOWN_PREFIX)), p) for n, p in enumerate(priorities)]
        await stand.give(*batch)
        await asyncio.sleep(0.005)
        for envelope in batch:
            (reported,) = stand.book.outcomes[envelope.delivery_id]
            history = said.get(envelope.delivery_id, [])
            names = [name for name, _ in history]
            assert len(names) == len(set(names)), "never twice to one account"
            for _, outcome in history[:-1]:
                assert isinstance(outcome, Rejected), "went on after it may have left"
                assert not any(outcome.provider_ids), "went on though a part of it had left"
                assert goes_on(outcome, envelope.priority)
            if not history:
                assert isinstance(reported, Rejected)
                continue
            last = history[-1][1]
            if not isinstance(last, Rejected) or not goes_on(last, envelope.priority):
                assert (reported.account, fresh(last)) == (history[-1][0], fresh(reported))
            else:
                assert isinstance(reported, Rejected)
                assert reported.account in names

    asyncio.run(play())


@pytest.mark.parametrize(
    ("refusal", "priority", "goes"),
    [
        (AUTH, Priority.BULK, True), (QUOTA, Priority.BULK, True), (LINK_DOWN, Priority.BULK, True),
        (BLOCKED, Priority.LIFE, False), (Rejected("too_long", C.TEXT), Priority.LIFE, False),
        (Rejected("duplicate", C.DUPLICATE), Priority.LIFE, False), (Rejected("expired", C.TEXT), Priority.LIFE, False),
        (Rejected("text_not_registered", C.TEXT), Priority.BULK, True),
        (Rejected("carrier_not_registered", C.RECIPIENT), Priority.BULK, True),
        (Rejected("throttled", C.RETRY_LATER), Priority.BULK, False),
        (Rejected("throttled", C.RETRY_LATER), Priority.NORMAL, False),
        (Rejected("throttled", C.RETRY_LATER), Priority.URGENT, True),
        (Rejected("provider_error", C.RETRY_LATER), Priority.LIFE, True),
        (Rejected("ledger", C.RETRY_LATER), Priority.LIFE, False),
        (Rejected("auth", C.CONFIG, provider_ids=("7", "")), Priority.LIFE, False),
        (Rejected("link_down", C.RETRY_LATER, provider_ids=("7", "")), Priority.LIFE, False),
    ],
)  # fmt: skip
def test_what_goes_on(refusal: Rejected, priority: Priority, goes: bool) -> None:
    assert goes_on(refusal, priority) is goes


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("refusal", [AUTH, QUOTA, LINK_DOWN])
async def test_failover_within_the_same_send(refusal: Rejected, late: bool) -> None:
    first, second = Account("re", always(refusal), late=late), Account("dat", late=late)
    stand = Stand((first, {"price": 100}), (second, {"price": 700}))
    await stand.give(*many(5))
    assert [len(account.left) for account in stand.accounts] == [5, 5]
    assert {(type(stand.book.one(n)), stand.book.one(n).account) for n in range(1, 6)} == {(Accepted, "sms.dat")}


async def test_unknown_stays_where_it_is() -> None:
    first, second = Account("mot", always(Unknown("timeout"))), Account("hai")
    stand = Stand((first, {"price": 1}), (second, {"price": 2}))
    await stand.give(one())
    assert stand.book.one(1) == Unknown("timeout", account="sms.mot")
    assert not second.left


async def test_when_nobody_takes_it_the_core_hears_when_to_come_again() -> None:
    stand = Stand(
        (Account("mot", always(QUOTA)), {"price": 1}), (Account("hai", always(LINK_DOWN)), {"price": 2}),
        (Account("ba", always(Rejected("link_down", C.RETRY_LATER, after=2.0))), {"price": 3}),
    )  # fmt: skip
    await stand.give(one())
    assert stand.book.one(1) == Rejected("link_down", C.RETRY_LATER, after=2.0, account="sms.ba")
    assert [len(account.left) for account in stand.accounts] == [1, 1, 1]


async def test_a_channel_that_breaks_leaves_doubt_and_the_others_work() -> None:
    broken, well = Account("hong"), Account("tot")
    broken.broken = True
    stand = Stand((broken, {"carriers": ("viettel",)}), (well, {"carriers": ("mobifone",)}))
    await stand.give(one(1), one(2, MOBIFONE))
    assert stand.book.one(1) == Unknown("internal_error", account="sms.hong")
    assert isinstance(stand.book.one(2), Accepted)


async def test_an_account_that_reports_twice_is_heard_once() -> None:
    account = Account("mot")
    stand = Stand((account, {}))

    async def twice(batch: Sequence[Envelope], report: Report) -> None:
        for envelope in batch:
            report(envelope.delivery_id, Accepted(("1",)))
            report(envelope.delivery_id, Accepted(("2",)))

    account.send = twice  # type: ignore[method-assign]
    await stand.give(one())
    assert stand.book.one(1) == Accepted(("1",), account="sms.mot", parts=1, vnd=0)


async def test_stopping_sends_nothing_on() -> None:
    second = Account("hai")

    class Slow(Account):
        async def send(self, batch: Sequence[Envelope], report: Report) -> None:
            self.left += batch
            self.waiting = [(envelope, report) for envelope in batch]

        async def stop(self) -> None:
            for envelope, report in self.waiting:
                report(envelope.delivery_id, fresh(LINK_DOWN))

    first = Slow("mot")
    stand = Stand((first, {"price": 1}), (second, {"price": 2}))
    await stand.router.start(stand.sink)
    await stand.router.send(many(3), stand.book)
    await stand.router.stop()
    assert {stand.book.one(n).account for n in range(1, 4)} == {"sms.mot"}
    assert not second.left
    assert second.stopped == 1


# -- networks -------------------------------------------------------------------------------------------------------


async def test_by_network_of_the_prefix() -> None:
    viettel, vina, rest = Account("vt"), Account("vn"), Account("khac")
    stand = Stand(
        (viettel, {"carriers": ("viettel",), "price": 200}),
        (vina, {"carriers": ("vinaphone", "itel"), "price": 200}),
        (rest, {"price": 700}),
    )
    await stand.give(
        one(1, VIETTEL), one(2, VINAPHONE), one(3, MOBIFONE), one(4, UNKNOWN_PREFIX), one(5, "84870000001")
    )
    assert [[envelope.delivery_id for envelope in account.left] for account in stand.accounts] == [[1], [2, 5], [3, 4]]


async def test_a_network_that_no_account_names_is_tried_all_the_same() -> None:
    stand = Stand((Account("vt"), {"carriers": ("viettel",)}))
    await stand.give(one(1, MOBIFONE))
    assert isinstance(stand.book.one(1), Accepted)


async def test_failover_stays_inside_the_network() -> None:
    viettel, vina, rest = Account("vt", always(QUOTA)), Account("vn"), Account("khac")
    stand = Stand((viettel, {"carriers": ("viettel",)}), (vina, {"carriers": ("vinaphone",)}), (rest, {"price": 9}))
    await stand.give(one(1, VIETTEL))
    assert (len(vina.left), stand.book.one(1).account) == (0, "sms.khac")


async def test_what_a_provider_told_counts_for_more_than_the_prefix_and_outlives_us() -> None:
    viettel, mobi = Account("vt"), Account("mb")
    stand = Stand((viettel, {"carriers": ("viettel",)}), (mobi, {"carriers": ("mobifone",)}))
    await stand.router.start(stand.sink)
    stand.learned.learn(int(MOBIFONE), "viettel")
    stand.learned.learn(int(VIETTEL), "viettel")  # as its prefix says: nothing to keep
    stand.learned.learn(int(VINAPHONE), "mars")
    await stand.give(one(1, MOBIFONE))
    assert [len(account.left) for account in stand.accounts] == [1, 0]
    await stand.router.stop()
    kept = LearnedCarriers(stand.state)
    await kept.load()
    assert (len(kept), kept.of(MOBIFONE), kept.of(VIETTEL), kept.of(VINAPHONE)) == (
        1,
        "viettel",
        "viettel",
        "vinaphone",
    )
    kept.learn(int(MOBIFONE), "mobifone")  # it came home
    await kept.save()
    assert (len(kept), stand.state.values.get(f"sms/carrier/{MOBIFONE}")) == (0, None)


@given(st.lists(st.tuples(st.integers(84300000000, 84999999999), st.sampled_from([*CARRIERS, "mars"])), max_size=40))
def test_learned_networks_are_what_was_told_last(told: list[tuple[int, str]]) -> None:
    learned = LearnedCarriers(MemoryState())
    expected: dict[int, str] = {}
    for number, carrier in told:
        learned.learn(number, carrier)
        if carrier in CARRIERS:
            expected[number] = carrier
    for number, _ in told:
        assert learned.of(str(number)) == expected.get(number, carrier_by_prefix(number))
    assert len(learned) == sum(carrier != carrier_by_prefix(number) for number, carrier in expected.items())


def test_every_network_of_the_numbering_plan_has_a_name() -> None:
    assert {name.lower() for name in numbers._PREFIXES} == set(CARRIERS)


# -- the breaker ----------------------------------------------------------------------------------------------------


async def test_an_account_that_nothing_passes_is_left_alone_then_tried_with_one() -> None:
    first, second = Account("mot", always(AUTH)), Account("hai")
    stand = Stand((first, {"price": 1}), (second, {"price": 2}))
    await stand.give(*many(50))
    assert len(first.left) == 50, "one batch was under way when it closed"
    await stand.give(*many(50, first=100))
    assert len(first.left) == 50
    stand.clock.now += breaker_rules.MEND_SECONDS
    await stand.give(*many(50, first=200))
    assert len(first.left) == 51, "one message finds out"
    stand.clock.now += breaker_rules.MEND_SECONDS
    first.script = accept
    await stand.give(one(300))
    await stand.give(*many(10, first=301))
    assert len(first.left) == 62, "mended: all of it goes there again"
    assert all(isinstance(stand.book.one(n), Accepted) for n in (*range(1, 51), *range(100, 150), *range(200, 250)))


async def test_a_single_refusal_may_be_about_its_message() -> None:
    first = Account("mot", lambda e: AUTH if e.delivery_id == 1 else accept(e))
    stand = Stand((first, {"price": 1}), (Account("hai"), {"price": 2}))
    await stand.give(*many(10))
    assert Counter(stand.book.one(n).account for n in range(1, 11)) == {"sms.mot": 9, "sms.hai": 1}


async def test_with_nobody_else_the_reason_is_remembered_instead_of_asked_for() -> None:
    account = Account("mot", always(QUOTA))
    stand = Stand((account, {}))
    for n in range(1, 21):
        await stand.give(one(n))
    assert len(account.left) == breaker_rules.OPEN_AFTER
    assert {fresh(stand.book.one(n)).reason for n in range(1, 21)} == {"quota"}  # type: ignore[union-attr]
    assert stand.book.one(20) == Rejected("quota", C.QUOTA, "103", account="sms.mot")
    await stand.give(one(30, priority=Priority.LIFE))
    assert len(account.left) == breaker_rules.OPEN_AFTER + 1, "a rescue answer is tried in any case"


async def test_urgent_traffic_alone_finds_out_that_the_only_account_is_mended() -> None:
    account = Account("mot", always(QUOTA))
    stand = Stand((account, {}))
    await stand.give(*many(5, priority=Priority.URGENT))
    account.script = accept
    stand.clock.now += breaker_rules.MEND_SECONDS
    await stand.give(one(10, priority=Priority.URGENT))
    assert isinstance(stand.book.one(10), Accepted)


async def test_urgent_messages_are_not_what_an_account_is_tried_with() -> None:
    first, second = Account("mot", always(AUTH)), Account("hai")
    stand = Stand((first, {"price": 1}), (second, {"price": 2}))
    await stand.give(*many(5))
    stand.clock.now += breaker_rules.MEND_SECONDS
    await stand.give(*many(5, first=10, priority=Priority.URGENT))
    assert len(first.left) == 5


async def test_a_link_that_was_down_is_never_waited_for_when_there_is_nothing_else() -> None:
    account = Account("mot", always(LINK_DOWN))
    stand = Stand((account, {}))
    await stand.give(*many(5))
    account.script = accept
    await stand.give(one(10))
    assert isinstance(stand.book.one(10), Accepted), "the account itself knows best whether its link is up"


async def test_the_pause_after_no_link_grows_and_a_success_ends_it() -> None:
    first, second = Account("mot", always(LINK_DOWN)), Account("hai")
    stand = Stand((first, {"price": 1}), (second, {"price": 2}))
    tried = []
    for n in range(1, 200):
        before = len(first.left)
        await stand.give(one(n))
        if len(first.left) > before:
            tried.append(n)
        stand.clock.now += 1.0
    gaps = [b - a for a, b in pairwise(tried)]
    assert gaps == [2, 4, 8, 16, 32, 60, 60]
    assert all(stand.book.one(n).account == "sms.hai" for n in range(1, 200))


async def test_an_account_that_answers_nothing_gets_no_more_to_lose() -> None:
    first, second = Account("mot", always(Unknown("timeout"))), Account("hai")
    stand = Stand((first, {"price": 1}), (second, {"price": 2}))
    for n in range(1, 41):
        await stand.give(one(n))
    doubtful = [n for n in range(1, 41) if isinstance(stand.book.one(n), Unknown)]
    assert len(doubtful) == breaker_rules.SILENT_AFTER
    assert len(second.left) == 30


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["pass", "config", "link", "silent", "unclear"]), st.floats(0, 90)), max_size=60)
)
def test_the_breaker_never_stays_open_for_ever(steps: list[tuple[str, float]]) -> None:
    clock = Clock()
    breaker = breaker_rules.Breaker(clock)
    for step, seconds in steps:
        clock.now += seconds
        if step == "pass":
            breaker.passed()
            assert breaker.is_closed
        elif step == "unclear":
            breaker.unclear()
        elif step == "silent":
            breaker.silent()
        else:
            breaker.failed(AUTH if step == "config" else LINK_DOWN)
            assert step == "config" or not breaker.is_closed
    clock.now += max(breaker_rules.MEND_SECONDS, breaker_rules.LINK_MOST_SECONDS, breaker_rules.TRIAL_SECONDS)
    assert breaker.is_closed or breaker.may_try()


# -- shares ---------------------------------------------------------------------------------------------------------


async def test_the_cheapest_takes_it_all_and_equals_share() -> None:
    a, b, dear = Account("a"), Account("b"), Account("c")
    stand = Stand((a, {"price": 250}), (b, {"price": 250}), (dear, {"price": 700}))
    await stand.give(*many(100))
    assert [len(account.left) for account in stand.accounts] == [50, 50, 0]


async def test_weights_decide_where_there_are_any() -> None:
    a, b, spare = Account("a"), Account("b"), Account("c")
    stand = Stand((a, {"price": 900, "weight": 3}), (b, {"price": 250, "weight": 1}), (spare, {"price": 1}))
    await stand.give(*many(200))
    assert [len(account.left) for account in stand.accounts] == [150, 50, 0]


class Scored:
    def __init__(self, name: str, price: float = 1, weight: float = 0) -> None:
        self.name, self.price, self.weight = name, price, weight
        self.works = True
        self.reason = ""
        self.bad = 0.0

    def trouble(self) -> str:
        return self.reason

    def badness(self) -> float:
        return self.bad


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=1, max_size=6), st.integers(1, 400))
def test_picks_follow_the_shares(accounts: list[tuple[int, int]], picks: int) -> None:
    shares = Shares([Scored(str(n), price, weight) for n, (price, weight) in enumerate(accounts)], Clock())
    counts = Counter(shares.pick() for _ in range(picks))
    for index, points in enumerate(shares.points):
        assert abs(counts[index] - picks * points / 100) < len(accounts)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=2, max_size=5),
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["", "faults", "slow"]), st.floats(0, 1), st.booleans(),
                  st.floats(0, 400)),
        max_size=60,
    ),
)  # fmt: skip
def test_points_are_never_lost_and_come_home(accounts: list[tuple[int, int]], steps: list[Any]) -> None:
    clock = Clock()
    scored = [Scored(str(n), price, weight) for n, (price, weight) in enumerate(accounts)]
    shares = Shares(scored, clock)
    for which, reason, bad, works, seconds in steps:
        account = scored[which % len(scored)]
        account.reason, account.bad, account.works = reason, bad if reason else 0.0, works
        clock.now += seconds
        change = shares.adjust()
        assert sum(shares.points) == pytest.approx(100)
        assert min(shares.points) >= -1e-6
        if change is not None and change.reason != "quiet":
            source, target = scored[int(change.source)], scored[int(change.target)]
            assert target.bad < source.bad, "never to one that does no better"
            assert target.works
            assert not target.reason
    for account in scored:
        account.reason, account.bad, account.works = "", 0.0, True
    for _ in range(200):
        clock.now += 300
        shares.adjust()
    assert shares.points == pytest.approx(shares.normal)


async def test_traffic_moves_ten_points_at_a_time_only_to_one_that_does_better_and_drifts_back() -> None:
    draw = iter(range(1_000_000))
    first = Account("mot", lambda e: Rejected("provider_error", C.RETRY_LATER) if next(draw) % 2 else accept(e))
    second = Account("hai")
    stand = Stand((first, {"price": 1}), (second, {"price": 2}))
    sent = 0

    async def minute() -> float:
        nonlocal sent
        first.left.clear()
        second.left.clear()
        for _ in range(30):
            await stand.give(*many(4, first=sent), book=ReportBook())
            sent += 4
            stand.clock.now += 2.0
        return len(first.left) / (len(first.left) + len(second.left))

    minutes = [await minute() for _ in range(4)]
    assert minutes[0] > 0.85
    assert 0.5 < minutes[3] < 0.8
    second.script = always(Rejected("provider_error", C.RETRY_LATER))
    bad_both = [await minute() for _ in range(3)]
    assert abs(bad_both[2] - bad_both[1]) < 0.12, "never when both do badly"
    first.script = second.script = accept
    for _ in range(60):
        await minute()
    assert await minute() == 1.0, "home again after a quiet while"
    (shares, _) = stand.router.choice.reaching("viettel")
    assert {change.reason for change in shares.changes} == {"faults", "quiet"}


async def test_traffic_leaves_an_account_whose_messages_arrive_late() -> None:
    first, second = Account("mot"), Account("hai")
    stand = Stand((first, {"price": 1}), (second, {"price": 2}))
    await stand.router.start(stand.sink)
    for n in range(1, 60):
        await stand.give(one(n))
        stand.clock.now += 1
    stand.clock.now += 400
    assert first.sink is not None
    for n in range(1, 60):
        await first.sink.receipts([_receipt("sms.mot", f"id-{n}")])
    await stand.give(*many(20, first=1000))
    stand.clock.now += 2
    await stand.give(*many(20, first=2000))
    assert len(second.left) in (2, 3, 4)
    assert len(stand.sink.all_receipts) == 59
    await stand.router.stop()


def _receipt(account: str, key: str, state: ReceiptState = ReceiptState.DELIVERED) -> Receipt:
    return Receipt(account, (key,), state, "", datetime.now(UTC))


# -- money ----------------------------------------------------------------------------------------------------------


async def test_the_cost_is_known_before() -> None:
    stand = Stand(
        (Account("vt"), {"carriers": ("viettel",), "price": 200}), (Account("khac"), {"price": 700}),
        (Account("du"), {"price": 900}),
    )  # fmt: skip
    router = stand.router
    assert isinstance(router, Priced)
    counts = router.count_by_carrier([VIETTEL, int(VIETTEL) + 1, VINAPHONE, int(UNKNOWN_PREFIX)])
    assert counts == {"viettel": 2, "vinaphone": 1, "": 1}
    costs = router.estimate(counts, parts=3)
    assert costs == {"sms.khac": Cost(2, 6, 4200.0), "sms.vt": Cost(2, 6, 1200.0)}
    assert router.estimate({}, 1) == {}
    sent = await stand.give(one(1), one(2), one(3, VINAPHONE), one(4, UNKNOWN_PREFIX))
    assert Counter(sent.one(n).account for n in range(1, 5)) == {"sms.khac": 2, "sms.vt": 2}


async def test_the_estimate_leaves_out_what_does_not_work_now() -> None:
    first, second = Account("mot", always(AUTH)), Account("hai")
    stand = Stand((first, {"price": 1}), (second, {"price": 5}))
    assert set(stand.router.estimate({"viettel": 10}, 1)) == {"sms.mot"}
    await stand.give(*many(5))
    assert stand.router.estimate({"viettel": 10}, 1) == {"sms.hai": Cost(10, 10, 50.0)}
    second.script = always(AUTH)
    await stand.give(*many(5, first=10))
    assert set(stand.router.estimate({"viettel": 10}, 1)) == {"sms.mot"}, "with nobody left, what the settings say"


async def test_what_was_taken_is_measured_and_priced_whatever_the_account_says_of_parts() -> None:
    long = "x" * 161
    stand = Stand((Account("mot"), {"price": 300}))
    book = await stand.give(one(1, text=long), one(2))
    assert (book.one(1).parts, book.one(1).vnd) == (2, 600)  # type: ignore[union-attr]
    assert (book.one(2).parts, book.one(2).vnd) == (1, 300)  # type: ignore[union-attr]
    assert stand.router.budgets() == [Budget("sms.mot", 300, 900)]


async def test_half_a_message_is_charged_as_half() -> None:
    half = Rejected("provider_error", C.RECIPIENT, "0x8", provider_ids=("a", ""))
    stand = Stand((Account("mot", always(half)), {"price": 300, "daily_budget": 10_000}))
    book = await stand.give(one(1, text="x" * 161))
    refused = book.one(1)
    assert isinstance(refused, Rejected)
    assert (refused.parts, refused.vnd) == (1, 300)
    assert stand.router.budgets() == [Budget("sms.mot", 300, 300, 10_000)]
    assert stand.router.budgets()[0].left == 9_700


# -- registered texts -----------------------------------------------------------------------------------------------

BRAND = {"price": 100, "templates": ("PCTT Thanh Hoa: {}", "Ma xac nhan cua ban la {6}")}


async def test_a_text_goes_by_an_account_that_takes_it() -> None:
    brand, plain = Account("brand"), Account("plain")
    stand = Stand((brand, BRAND), (plain, {"price": 900}))
    book = await stand.give(one(1, text="PCTT Thanh Hoa: bao so 5,\n so tan ngay"), one(2, text="Chao ba con"))
    assert book.one(1).account == "sms.brand"
    assert book.one(2).account == "sms.plain"
    assert [envelope.delivery_id for envelope in brand.left] == [1]


async def test_a_text_that_nobody_takes_is_refused_before_it_leaves() -> None:
    brand = Account("brand")
    stand = Stand((brand, BRAND))
    for priority in Priority:
        refused = (await stand.give(one(priority + 1, text="Chao", priority=priority))).one(priority + 1)
        assert isinstance(refused, Rejected)
        assert (refused.reason, refused.cls, refused.account) == ("text_not_registered", C.TEXT, "sms.brand")
    assert brand.left == []


async def test_an_answer_by_its_own_account_goes_by_another_where_it_may_not_say_it() -> None:
    brand, plain = Account("brand"), Account("plain")
    stand = Stand((brand, BRAND), (plain, {"price": 900}))
    await stand.router.send_by(stand.router.members[0], [one(1, text="Chao")], stand.book)
    assert stand.book.one(1).account == "sms.plain"


async def test_a_registered_account_that_fails_hands_on_only_to_one_that_may_say_it() -> None:
    first, second = Account("mot", always(AUTH)), Account("hai")
    stand = Stand((first, {"price": 1}), (second, BRAND))
    refused = (await stand.give(one(1, text="Chao"))).one(1)
    assert isinstance(refused, Rejected)
    assert refused.reason == "auth"
    assert second.left == []


def test_who_would_not_get_a_text_is_known_before() -> None:
    stand = Stand(
        (Account("brand"), {**BRAND, "carriers": ("viettel", "vinaphone")}),
        (Account("plain"), {"carriers": ("viettel",)}),
    )  # fmt: skip
    router = stand.router
    assert router.registration(["viettel", "vinaphone"], "PCTT Thanh Hoa: bao") == Registration()
    assert router.registration(["viettel", "vinaphone"], "Chao") == Registration(("sms.brand",), ("vinaphone",))
    assert router.registration([], "Chao") == Registration()
    costs = router.estimate({"viettel": 5, "vinaphone": 7}, 1, "Chao")
    assert costs == {"sms.plain": Cost(5, 5, 0.0)}, "what nobody takes costs nothing"


@pytest.mark.parametrize(
    ("template", "text", "takes"),
    [
        ("A {} B", "A x B", True), ("A {} B", "A  x\ny  B", True), ("A {} B", "a x B", False),
        ("A {} B", "A x B.", False),
        ("Ma {4}", "Ma 1234", True), ("Ma {4}", "Ma 12345", False), ("Gia (VND): {}?", "Gia (VND): 5?", True),
        ("Gia .*: {}", "Gia abc: 5", False), ("Chi co the", "Chi co the", True), ("{}: het", "Bao: het", True),
    ],
)  # fmt: skip
def test_what_a_template_takes(template: str, text: str, takes: bool) -> None:
    assert Registered((template,)).takes(text) is takes


@pytest.mark.parametrize("template", ["", "  ", "{}", "{} {20}", "x {a}", "x {", "x" * 1001])
def test_a_template_that_says_nothing_is_refused_at_start(template: str) -> None:
    with pytest.raises(ValueError, match="template"):
        Registered((template,))


@given(st.integers(0, 5_000_000), st.lists(st.floats(0, 100), min_size=1, max_size=6).filter(lambda p: sum(p) > 1e-3))
def test_an_estimate_neither_loses_nor_makes_up_a_message(count: int, points: list[float]) -> None:
    given_ = spread(count, points)
    assert sum(given_) == count
    assert all(some >= 0 for some in given_)
    assert all(some == 0 for some, point in zip(given_, points, strict=True) if point == 0)


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 100)), min_size=1, max_size=6))
def test_shares_by_the_settings_are_whole(accounts: list[tuple[float, float]]) -> None:
    assert sum(normal([Scored("x", price, weight) for price, weight in accounts])) == pytest.approx(100)


async def test_the_budget_of_the_day_and_its_end() -> None:
    first, second = Account("mot"), Account("hai")
    stand = Stand((first, {"price": 100, "daily_budget": 1000}), (second, {"price": 700}))
    await stand.router.start(stand.sink)
    for n in range(1, 16):
        await stand.give(one(n))
    assert [len(account.left) for account in stand.accounts] == [10, 5]
    await stand.give(one(20, priority=Priority.LIFE), by=stand.router.views[0])
    assert len(first.left) == 11, "a rescue answer does not wait for money"
    params = (await stand.router.views[0].probe()).params
    assert (params["messages"], params["parts"], params["vnd"], params["budget"]) == (11, 11, 1100, 1000)
    await stand.router.stop()
    again = Stand((first, {"price": 100, "daily_budget": 1000}), (second, {"price": 700}))
    again.router = SmsRouter(
        [(AccountSettings(name="mot", price=100, daily_budget=1000), first), (AccountSettings(name="hai"), second)],
        again.learned, stand.state, stand.clock, stand.clock,
    )  # fmt: skip
    await again.router.start(stand.sink)
    await again.give(one(30))
    assert len(first.left) == 11, "a restart does not give it back"
    stand.clock.now += 86_400
    await again.give(one(31))
    await again.router.stop()


async def test_only_one_account_and_its_budget_is_spent() -> None:
    account = Account("mot")
    stand = Stand((account, {"price": 100, "daily_budget": 150}))
    await stand.give(one(1), one(2))
    await stand.give(one(3))
    assert stand.book.one(3) == Rejected("budget", C.QUOTA, "daily_budget", account="sms.mot")


async def test_long_texts_count_their_parts() -> None:
    account = Account("mot")
    stand = Stand((account, {"price": 100}))
    await stand.give(one(text="a" * 161), one(2, text="ạ" * 70), one(3, text=""))
    params = (await stand.router.probe()).params
    assert (params["messages"], params["parts"], params["vnd"]) == (3, 4, 400)


# -- views, questions, lights ---------------------------------------------------------------------------------------


async def test_an_answer_leaves_by_the_account_that_was_written_to() -> None:
    cheap, other = Account("re"), Account("dau-so")
    stand = Stand((cheap, {"price": 1}), (other, {"price": 9, "carriers": ("mobifone",)}))
    view = stand.router.views[1]
    assert (view.name, view.traits, view.hooks) == (other.name, other.traits, other.hooks)
    await stand.give(one(1, VIETTEL, Priority.LIFE), by=view)
    assert (len(cheap.left), stand.book.one(1).account) == (0, "sms.dau-so")
    other.script = always(LINK_DOWN)
    await stand.give(one(2, VIETTEL, Priority.LIFE), by=view)
    assert stand.book.one(2).account == "sms.re", "an answer from another number is better than none"


async def test_each_account_is_started_and_stopped_once() -> None:
    stand = Stand((Account("mot"), {}), (Account("hai"), {}))
    for channel in (stand.router, *stand.router.views):
        await channel.start(stand.sink)
    for channel in (stand.router, *stand.router.views):
        await channel.stop()
    assert [(account.started, account.stopped) for account in stand.accounts] == [(1, 1), (1, 1)]


async def test_the_account_that_may_have_it_is_asked() -> None:
    asked, deaf = Account("hoi-duoc", always(Unknown("timeout")), can_ask=True), Account("khong")
    stand = Stand((asked, {"price": 1}), (deaf, {"price": 2}))
    assert stand.router.traits.can_ask
    await stand.give(one())
    asked.found = Accepted(("7",))
    assert await stand.router.ask(one(), 0.0) == Accepted(("7",), account="sms.hoi-duoc")
    assert len(deaf.asked) == 0


@pytest.mark.parametrize(("all_can", "verdict"), [(True, "lost"), (False, None)])
async def test_after_a_restart_lost_is_only_what_no_account_can_have(all_can: bool, verdict: str | None) -> None:
    first, second = Account("mot", can_ask=True), Account("hai", can_ask=all_can)
    stand = Stand((first, {}), (second, {}))
    first.found = second.found = Rejected("lost", C.RETRY_LATER, after=0.0)
    outcome = await stand.router.ask(one(), 0.0)
    assert (outcome.reason if isinstance(outcome, Rejected) else None) == verdict
    second.found = None
    assert await stand.router.ask(one(), 0.0) is None


async def test_the_router_claims_no_more_than_every_account_can_prove() -> None:
    weak = Account("yeu")
    weak.traits = Traits(receipts=frozenset({Evidence.ACCEPTED}), unaccented=True, text_limit=160, window=5)
    stand = Stand((Account("mot"), {}), (weak, {}))
    traits = stand.router.traits
    assert (traits.receipts, traits.text_limit, traits.window) == (frozenset({Evidence.ACCEPTED}), 160, 15)
    assert traits.unaccented
    assert not traits.can_ask


async def test_lights() -> None:
    first, second = Account("mot"), Account("hai")
    stand = Stand((first, {"price": 1}), (second, {"price": 2}))
    router = stand.router
    assert (await router.probe()).key == "sms.ok"
    first.health = Health(HealthState.DOWN, "smpp.link_down")
    await router.views[0].probe()
    health = await router.probe()
    assert (health.state, health.key, health.params["down"]) == (HealthState.DEGRADED, "sms.some_down", "mot")
    second.script = always(AUTH)
    await stand.give(*many(3), by=router.views[1])
    health = await router.probe()
    assert (health.state, health.key, health.params["down"]) == (HealthState.DOWN, "sms.none", "mot, hai")


async def test_one_account_alone_speaks_for_itself() -> None:
    stand = Stand((Account("mot"), {"price": 250}))
    await stand.give(one())
    health = await stand.router.probe()
    assert (health.key, health.params["queued"], health.params["vnd"]) == ("smpp.bound", 0, 250)


async def test_counters_wait_for_a_ledger_that_is_away() -> None:
    stand = Stand((Account("mot"), {"price": 100}))
    await stand.router.start(stand.sink)
    await stand.give(one())
    stand.state.refuse = 1
    await stand.router._save()
    assert "sms/spent/sms.mot" not in stand.state.values
    await stand.router.stop()
    assert b'"messages":1' in stand.state.values["sms/spent/sms.mot"]


async def test_the_sink_hears_everything_before_the_router_does() -> None:
    account = Account("mot")
    stand = Stand((account, {}))
    await stand.router.start(stand.sink)
    stand.sink.refuse = 1
    assert account.sink is not None
    receipts: Awaitable[None] = account.sink.receipts([_receipt("sms.mot", "1")])
    with pytest.raises(Exception, match="refused by the test"):
        await receipts
    await stand.router.stop()
