"""`sms.<account>` on SpeedSMS against the simulated one: every code, batches, the rate, doubt, webhooks."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from adapters.contract import (
    Accepted,
    HealthState,
    HookRequest,
    Priority,
    ReceiptState,
    RejectClass,
    Rejected,
    Unknown,
)
from adapters.sms.speedsms import limits
from adapters.sms.speedsms.codes import SEND, UNKNOWN, look_up, state_of
from simulators import speedsms
from simulators.speedsms.book import PRICE_VND
from tests.contract.recording import EVENTUALLY, MemoryState, ReportBook, until
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
from tests.contract.sms_http_stand import OTHER, PHONE, TOKEN, Clock, SpeedStand, give, numbers, one, some

C, S = RejectClass, ReceiptState
ONE = (one(),)
TWO = (one(n=1), one(n=2, to=OTHER))


@pytest.fixture
async def rig(speed_stand: SpeedStand) -> Rig:
    return await speed_stand.open()


CODES = {
    "007": (C.CONFIG, "auth"), "008": (C.CONFIG, "account_disabled"), "009": (C.CONFIG, "not_authorised"),
    "101": (C.TEXT, "invalid_parameter"), "105": (C.RECIPIENT, "invalid_recipient"),
    "110": (C.TEXT, "rejected_content"), "113": (C.TEXT, "too_long"), "300": (C.QUOTA, "quota"),
    "500": (C.RETRY_LATER, "provider_error"), "987": (C.RECIPIENT, "provider_error"),
}  # fmt: skip
"""Every code of SpeedSMS's table, and one that no table has."""
INVALID = rejected(C.RECIPIENT, "invalid_recipient", "105")

CASES = (
    *common_cases(PHONE, PHONE),
    Case("delivered", send=ONE, outcomes=accepted(1), receipts={1: (S.DELIVERED,)}),
    Case("one request, a receipt for each number", send=TWO, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,), 2: (S.DELIVERED,)}, phone={PHONE: ("canh bao",), OTHER: ("canh bao",)}),
    Case("one number is off", faults={"off_numbers": [OTHER]}, send=TWO, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,), 2: (S.FAILED,)}),
    Case("a passing failure first", faults={"report_passing": 17}, send=ONE, outcomes=accepted(1),
         receipts={1: (S.PENDING, S.DELIVERED)}),
    Case("a passing failure, then a last one", faults={"report_passing": 63, "off_numbers": [PHONE],
         "failed_status": 64}, send=ONE, outcomes=accepted(1), receipts={1: (S.PENDING, S.FAILED)}),
    Case("the report comes before the answer", faults={"report_first": True}, send=TWO, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,), 2: (S.DELIVERED,)}),
    Case("reports out of order", faults={"report_reorder": True}, send=TWO, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,), 2: (S.DELIVERED,)}),
    Case("no webhook comes, so we ask", faults={"reports": False, "off_numbers": [OTHER]}, send=TWO,
         outcomes=accepted(1), receipts={1: (S.DELIVERED,), 2: (S.FAILED,)}),
    Case("the ledger is down when the report comes", send=ONE, ledger_down=2, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,)}),
    Case("accented text", send=(one("Nước lên nhanh"),), outcomes=accepted(1), phone={PHONE: ("Nước lên nhanh",)}),
    Case("more parts than the account sends", send=(one("a" * 613),), outcomes=rejected(C.TEXT, "too_long")),
    Case("nothing to say", send=(one("  "),), outcomes=rejected(C.TEXT, "empty")),
    *(Case(f"the number is {to!r}", send=(one(to=to),), outcomes=rejected(C.RECIPIENT, "invalid_recipient"))
      for to in ("", "0900001234", "849000012345")),
    *(Case(f"code {code}", faults={"code": code}, send=ONE, outcomes=rejected(cls, reason, code), phone={PHONE: ()})
      for code, (cls, reason) in CODES.items()),
    Case("some numbers are refused, the others taken", faults={"invalid_numbers": [OTHER]}, send=TWO,
         outcomes={1: accepted(1), 2: INVALID}, phone={PHONE: ("canh bao",), OTHER: ()}),
    Case("refused numbers are written as 09…", faults={"invalid_numbers": [OTHER], "invalid_local": True}, send=TWO,
         outcomes={1: accepted(1), 2: INVALID}),
    Case("one refused number refuses the request: the others go again", send=TWO,
         faults={"invalid_numbers": [OTHER], "refuse_whole": True}, outcomes={1: accepted(1), 2: INVALID},
         phone={PHONE: ("canh bao",), OTHER: ()}),
    Case("… and it is not said which: each goes alone", send=(*TWO, one(n=3, to="84900009999")),
         faults={"invalid_numbers": [OTHER], "refuse_whole": True, "refuse_silently": True},
         outcomes={1: accepted(1), 2: INVALID, 3: accepted(1)}, phone={PHONE: ("canh bao",), OTHER: ()}),
    Case("all numbers are refused", faults={"invalid_numbers": [PHONE, OTHER]}, send=TWO, outcomes=INVALID),
    Case("429 that says how long", faults={"throttle_next": 1, "reset_seconds": 17}, send=ONE,
         outcomes=rejected(C.RETRY_LATER, "throttled", "429", after=True), phone={PHONE: ()}),
    Case("429 that does not", faults={"throttle_next": 1, "reset_header": False}, send=ONE,
         outcomes=rejected(C.RETRY_LATER, "throttled", "429", after=True)),
    Case("taken, and the line cut", faults={"drop_after_accept": 1}, send=TWO, outcomes=unknown("connection_lost"),
         phone={PHONE: ("canh bao",), OTHER: ("canh bao",)}),
    Case("taken, and no answer", faults={"hang_after_accept": 1}, send=ONE, outcomes=unknown("timeout"),
         phone={PHONE: ("canh bao",)}),
    Case("taken, and a page instead of an answer", faults={"garbage_after_accept": 1}, send=ONE,
         outcomes=unknown("not_json"), phone={PHONE: ("canh bao",)}),
    Case("taken, without a tranId", faults={"no_tran_id": True}, send=ONE, outcomes=unknown("not_understood"),
         phone={PHONE: ("canh bao",)}),
    *(Case(f"HTTP {status}", faults={"outage": status}, send=ONE, outcomes=unknown("not_json"))
      for status in ("500", "502", "503")),
    Case("no money", faults={"balance": 100.0}, send=ONE, outcomes=rejected(C.QUOTA, "quota", "300")),
    Case("a person's message comes twice", faults={"mo_twice": True}, says=(Says(PHONE, "da nhan"),),
         heard=(Heard(PHONE, "da nhan", chat=PHONE),)),
    Case("two people write the same", says=(Says(PHONE, "da nhan"), Says(OTHER, "da nhan")),
         heard=(Heard(PHONE, "da nhan"), Heard(OTHER, "da nhan"))),
    Case("a person writes two things", says=(Says(PHONE, "da nhan"), Says(PHONE, "cuu voi")),
         heard=(Heard(PHONE, "da nhan"), Heard(PHONE, "cuu voi"))),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
async def test_contract(case: Case, rig: Rig) -> None:
    await run(case, rig)


def test_the_table_holds_nothing_that_these_cases_do_not() -> None:
    assert set(SEND) == {*CODES, "429", "http_401", "http_403", "http_404", "http_429"} - {"987"}
    assert look_up("987") is UNKNOWN
    for code in SEND.values():
        assert code.alarm or code.cls not in (C.CONFIG, C.QUOTA)
        assert (code.after is not None) == (code.cls is C.RETRY_LATER)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (0, S.DELIVERED), ("0", S.DELIVERED), (1, S.PENDING), (63, S.PENDING), (64, S.FAILED), ("65", S.FAILED),
        (1000, S.FAILED), (-1, None), (None, None), ("x", None), ([], None),
    ],
)  # fmt: skip
def test_what_a_status_means(status: Any, state: ReceiptState | None) -> None:
    assert state_of(status) is state


async def test_equal_texts_share_requests_of_a_hundred(speed_stand: SpeedStand, rig: Rig) -> None:
    await give(rig, numbers(250))
    assert speed_stand.sim.stage.counters["send"] == 3
    ids = {rig.book.one(n).provider_ids for n in range(1, 251)}  # type: ignore[union-attr]
    assert len(ids) == 250
    first = rig.book.one(1)
    assert isinstance(first, Accepted)
    assert (first.provider_ids, first.code, first.parts) == (("123456/84900010001",), "00", 1)
    assert first.told_vnd == PRICE_VND, "its share of what the request cost"


async def test_different_texts_do_not_share_one(speed_stand: SpeedStand, rig: Rig) -> None:
    batch = tuple(one(f"tin {n % 2}", to=str(84900010000 + n), n=n) for n in range(1, 21))
    await give(rig, batch)
    assert speed_stand.sim.stage.counters["send"] == 2
    for envelope in batch:
        assert on_screen(rig, envelope.to) == (envelope.text,)


async def test_one_number_is_never_twice_in_a_request(speed_stand: SpeedStand, rig: Rig) -> None:
    """Its two reports could not be told apart."""
    await give(rig, (one(n=1), one(n=2), one(n=3, to=OTHER)))
    assert speed_stand.sim.stage.counters["send"] == 2
    first, second = rig.book.one(1), rig.book.one(2)
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert first.provider_ids != second.provider_ids


async def test_what_the_request_without_an_answer_took_is_never_sent_again(speed_stand: SpeedStand, rig: Rig) -> None:
    speed_stand.sim.set_faults({"drop_after_accept": 1})
    await give(rig, numbers(100))
    assert speed_stand.sim.stage.counters["send"] == 1
    assert all(isinstance(rig.book.one(n), Unknown) for n in range(1, 101))
    assert await rig.channel.ask(one(), time.time()) is None
    assert not rig.channel.traits.can_ask


async def test_429_gives_back_what_waits_and_holds_until_the_reset(speed_stand: SpeedStand, rig: Rig) -> None:
    speed_stand.sim.set_faults({"throttle_next": 1, "reset_seconds": 30})
    await give(rig, ONE)
    await give(rig, tuple(one(str(n), n=n) for n in range(2, 30)))
    for n in range(2, 30):
        outcome = rig.book.one(n)
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "throttled"
        assert 20 < (outcome.after or 0) <= 30
    assert speed_stand.sim.stage.counters["send"] == 1, "nothing is sent into a closed door"
    health = await rig.channel.probe()
    assert (health.state, health.key) == (HealthState.DEGRADED, "speedsms.throttled")


async def test_sixty_a_minute_with_some_for_rescue(speed_stand: SpeedStand, rig: Rig) -> None:
    bulk = tuple(one(f"tin {n}", n=n, priority=Priority.BULK) for n in range(1, 81))
    await give(rig, bulk)
    taken = sum(isinstance(rig.book.one(n), Accepted) for n in range(1, 81))
    assert taken == limits.REQUESTS - limits.RESERVED
    await give(rig, tuple(one(f"cuu {n}", n=100 + n, priority=Priority.LIFE) for n in range(10)))
    assert all(isinstance(rig.book.one(100 + n), Accepted) for n in range(10))
    assert speed_stand.sim.stage.counters["throttled"] == 0, "the provider never had to say no"


async def test_nobody_at_the_address(speed_stand: SpeedStand) -> None:
    rig = await speed_stand.open(base_url="http://127.0.0.1:9")
    await give(rig, ONE)
    assert rig.book.one(1) == Rejected("link_down", C.RETRY_LATER, "connect", 5.0)


async def test_a_provider_that_is_away_gives_the_rest_back(speed_stand: SpeedStand, rig: Rig) -> None:
    speed_stand.sim.set_faults({"outage": "refuse"})
    await give(rig, tuple(one(f"tin {n}", n=n) for n in range(1, 41)))
    outcomes = [rig.book.one(n) for n in range(1, 41)]
    doubtful = [one for one in outcomes if isinstance(one, Unknown)]
    assert 3 <= len(doubtful) <= 8
    assert all(isinstance(o, Rejected) and o.reason == "link_down" for o in outcomes if o not in doubtful)


async def _post(rig: Rig, body: Any, method: str = "POST", remote: str = "127.0.0.1") -> int:
    hook = rig.channel.hooks[f"sms.speed.{TOKEN}"]
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return (await hook(HookRequest(method, "/", {}, {}, raw, remote))).status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"7", 400), (b"[]", 400), (b"[1]", 400), ({}, 200), ({"type": "other"}, 200),
        ({"type": "report"}, 200), ({"type": "report", "tranId": "1", "phone": "x", "status": 0}, 200),
        ({"type": "report", "tranId": "1", "phone": PHONE, "status": "?"}, 200),
        ({"type": "report", "tranId": "", "phone": PHONE, "status": 0}, 200),
        ({"type": "sms", "phone": "8079", "content": "x"}, 200), ({"type": "sms", "phone": PHONE, "content": 7}, 200),
        ({"type": "sms", "phone": PHONE}, 200),
    ],
)  # fmt: skip
async def test_webhooks_that_make_no_sense(rig: Rig, body: Any, status: int) -> None:
    assert await _post(rig, body) == status
    assert not rig.sink.all_receipts
    assert not rig.sink.inbox


async def test_reports_in_a_list(rig: Rig) -> None:
    await give(rig, TWO)
    await until(lambda: len(rig.sink.all_receipts) == 2)
    events = [{"type": "report", "tranId": 123456, "phone": "0900001234", "status": 0}]
    events.append({"type": "report", "tranId": 123456, "phone": OTHER, "status": 99})
    assert await _post(rig, events) == 200
    assert [receipt.keys for receipt in rig.sink.all_receipts[2:]] == [
        (f"123456/{PHONE}",), (f"123456/{OTHER}",)
    ]  # fmt: skip


@pytest.mark.parametrize(("remote", "status"), [("203.0.113.9", 200), ("198.51.100.1", 403), ("", 403), ("x", 403)])
async def test_who_may_call(speed_stand: SpeedStand, remote: str, status: int) -> None:
    rig = await speed_stand.open(hook_ips=("203.0.113.0/24",))
    assert await _post(rig, {"type": "sms", "phone": PHONE, "content": "a"}, remote=remote) == status
    assert await _post(rig, b"{}", method="GET", remote=remote) == 405


async def test_without_a_token_nobody_can_call(speed_stand: SpeedStand) -> None:
    assert (await speed_stand.open(hook_token="")).channel.hooks == {}


async def test_the_same_text_over_the_turn_of_a_minute_is_one_message_and_later_another(
    speed_stand: SpeedStand,
) -> None:
    clock = Clock()
    clock.ahead = 60 - time.time() % 60 - 1  # one second before the turn
    rig = await speed_stand.open(now=clock)
    said = {"type": "sms", "phone": PHONE, "content": "da nhan"}
    assert await _post(rig, said) == 200
    clock.ahead += 10
    assert await _post(rig, said) == 200
    assert len(rig.sink.inbox) == 1
    clock.ahead += 120
    assert await _post(rig, said) == 200
    assert len(rig.sink.inbox) == 2


async def test_what_waits_for_a_question_survives_a_stop(speed_stand: SpeedStand) -> None:
    state = MemoryState()
    speed_stand.sim.set_faults({"reports": False})
    rig = await speed_stand.open(state, status_after=0.5)
    await give(rig, TWO)
    await rig.channel.stop()
    again = await speed_stand.open(state, status_after=0.5)
    await until(lambda: len(again.sink.all_receipts) == 2)


async def test_nothing_is_asked_once_all_reports_are_there(speed_stand: SpeedStand) -> None:
    rig = await speed_stand.open(status_after=0.2)
    await give(rig, TWO)
    await until(lambda: len(rig.sink.all_receipts) == 2)
    await asyncio.sleep(0.4)
    assert speed_stand.sim.stage.counters["status"] == 0


@pytest.mark.parametrize(
    ("more", "faults", "state", "key"),
    [
        ({}, {}, HealthState.OK, "speedsms.ok"),
        ({"access_token": "wrong"}, {}, HealthState.DOWN, "speedsms.auth"),
        ({}, {"outage": "502"}, HealthState.DOWN, "speedsms.link_down"),
        ({}, {"rate": 0}, HealthState.DEGRADED, "speedsms.throttled"),
        ({}, {"balance": 1000.0}, HealthState.DEGRADED, "speedsms.low_balance"),
    ],
)
async def test_probe(
    speed_stand: SpeedStand, more: dict[str, Any], faults: dict[str, Any], state: HealthState, key: str
) -> None:
    rig = await speed_stand.open(**more)
    speed_stand.sim.set_faults(faults)
    health = await rig.channel.probe()
    assert (health.state, health.key) == (state, key)
    await rig.channel.stop()
    assert (await rig.channel.probe()).state is HealthState.OFF


async def test_probes_do_not_eat_the_rate(speed_stand: SpeedStand, rig: Rig) -> None:
    for _ in range(20):
        assert (await rig.channel.probe()).key == "speedsms.ok"
    assert speed_stand.sim.stage.counters["info"] == 1


async def test_probe_shows_a_refusal_until_a_message_passes(speed_stand: SpeedStand, rig: Rig) -> None:
    speed_stand.sim.set_faults({"balance": 100.0})
    await give(rig, ONE)
    health = await rig.channel.probe()
    assert (health.state, health.key, health.params["code"]) == (HealthState.DEGRADED, "speedsms.refused", "300")
    speed_stand.sim.set_faults({"balance": 9_000_000.0})
    await give(rig, (one(n=2),))
    assert "refused" not in (await rig.channel.probe()).key


async def test_the_token_and_whole_numbers_stay_out_of_the_logs(speed_stand: SpeedStand) -> None:
    with capture_logs() as logs:
        rig = await speed_stand.open(hook_ips=("203.0.113.1",))
        for faults in ({"code": "007"}, {"code": "987"}, {"code": ""}, {"outage": "refuse"}):
            speed_stand.sim.set_faults(faults)
            await give(rig, ONE, ReportBook())
        assert await _post(rig, {"type": "sms", "phone": PHONE, "content": "a"}) == 403
        assert await _post(rig, {"type": "sms", "phone": PHONE}, remote="203.0.113.1") == 200
    assert logs
    for line in logs:
        for secret in (speedsms.ACCESS_TOKEN, TOKEN, PHONE, PHONE[2:]):
            assert secret not in str(line)


async def test_a_stop_leaves_nothing_unsaid(speed_stand: SpeedStand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STOP_SECONDS", 0.1)
    rig = await speed_stand.open(answer_seconds=30.0, concurrency=2)
    speed_stand.sim.set_faults({"hang_after_accept": 1})
    sent = asyncio.create_task(rig.channel.send(some(5), rig.book))
    await until(lambda: bool(speed_stand.sim.book.transactions))
    await rig.channel.stop()
    await asyncio.wait_for(sent, EVENTUALLY)
    assert rig.book.one(1) == Unknown("stopped")
    for n in range(2, 6):
        assert isinstance(rig.book.one(n), Accepted | Rejected)
