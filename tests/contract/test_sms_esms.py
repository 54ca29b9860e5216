"""`sms.<account>` on eSMS against the simulated one: every code, doubt, callbacks, people's messages."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.contract import (
    Accepted,
    Envelope,
    HealthState,
    HookRequest,
    Incoming,
    Part,
    Priority,
    ReceiptState,
    RejectClass,
    Rejected,
    Unknown,
)
from adapters.sms import outbox
from adapters.sms.esms import limits
from adapters.sms.esms.channel import EsmsChannel
from adapters.sms.esms.codes import SEND, UNKNOWN, Action, look_up, state_of
from adapters.sms.esms.hooks import client_response, is_signed, signatures
from simulators import esms
from tests.contract.recording import EVENTUALLY, MemoryState, RecordingSink, ReportBook, until
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
from tests.contract.sms_http_stand import OTHER, PHONE, TOKEN, Clock, EsmsStand, give, one, some

C, S = RejectClass, ReceiptState
ONE = (one(),)
LONG = "PCTT Thanh Hoa: " + "nuoc song Ma len nhanh, dan vung trung di doi ngay. " * 6


@pytest.fixture
async def rig(esms_stand: EsmsStand) -> Rig:
    return await esms_stand.open()


CODES = {
    "101": (C.CONFIG, "auth"), "140": (C.CONFIG, "auth"), "143": (C.CONFIG, "account_disabled"),
    "102": (C.CONFIG, "no_price"), "103": (C.QUOTA, "quota"), "104": (C.CONFIG, "invalid_sender"),
    "118": (C.CONFIG, "bad_request"), "300": (C.CONFIG, "bad_request"), "146": (C.TEXT, "text_not_registered"),
    "177": (C.RECIPIENT, "carrier_not_registered"), "201": (C.TEXT, "rejected_content"), "99": (C.RECIPIENT, "blocked"),
    "108": (C.RECIPIENT, "invalid_recipient"), "107": (C.TEXT, "bad_request"), "120": (C.TEXT, "bad_request"),
    "163": (C.TEXT, "bad_request"), "110": (C.TEXT, "bad_request"), "160": (C.RETRY_LATER, "throttled"),
    "105": (C.RETRY_LATER, "provider_error"), "987": (C.RECIPIENT, "provider_error"),
}  # fmt: skip
"""Every code of eSMS's table that a send may hear, and one that no table has."""

CASES = (
    *common_cases(PHONE, PHONE),
    Case("delivered, and the callback says so", send=ONE, outcomes=accepted(1), receipts={1: (S.DELIVERED,)}),
    Case("delivered, and we had to ask", faults={"callbacks": False}, send=ONE, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,)}),
    Case("not delivered", faults={"off_numbers": [PHONE]}, send=ONE, outcomes=accepted(1),
         receipts={1: (S.FAILED,)}, phone={PHONE: ()}),
    Case("one part came, one did not", faults={"mixed": True}, send=(one(LONG),), outcomes=accepted(1),
         receipts={1: (S.FAILED,)}),
    Case("refused after it was taken", faults={"refused_later": True}, send=ONE, outcomes=accepted(1),
         receipts={1: (S.FAILED,)}),
    Case("a pending callback before the last one", faults={"callback_pending": True, "report_seconds": 0.1}, send=ONE,
         outcomes=accepted(1), receipts={1: (S.DELIVERED,)}),
    Case("the callback comes before the answer", faults={"callback_first": True}, send=ONE, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,)}),
    Case("each callback comes twice", faults={"callback_twice": True}, send=ONE, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,)}),
    Case("callbacks out of order", faults={"callback_reorder": True}, send=some(4), outcomes=accepted(1),
         receipts={n: (S.DELIVERED,) for n in range(1, 5)}),
    Case("the message is unknown at first", faults={"status_seconds": 0.2}, send=ONE, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,)}),
    Case("the callback lies, the status call does not", faults={"callback_lies": True}, send=ONE,
         outcomes=accepted(1), receipts={1: (S.FAILED,)}),
    Case("the ledger is down when the callback comes", faults={"report_seconds": 0.05}, send=ONE, ledger_down=1,
         outcomes=accepted(1), receipts={1: (S.DELIVERED,)}),
    Case("accented text", send=(one("Nước lên nhanh, di dời ngay"),), outcomes=accepted(1),
         phone={PHONE: ("Nước lên nhanh, di dời ngay",)}),
    Case("a long text is one message", send=(one(LONG),), outcomes=accepted(1), phone={PHONE: (LONG,)}),
    Case("more parts than the account sends", send=(one("a" * 613),), outcomes=rejected(C.TEXT, "too_long")),
    Case("nothing to say", send=(one(" \n"),), outcomes=rejected(C.TEXT, "empty")),
    *(Case(f"the number is {to!r}", send=(one(to=to),), outcomes=rejected(C.RECIPIENT, "invalid_recipient"))
      for to in ("", "0900001234", "849000012345", "84tam", "84237852000000")),
    *(Case(f"code {code}", faults={"code": code}, send=ONE, outcomes=rejected(cls, reason, code), phone={PHONE: ()})
      for code, (cls, reason) in CODES.items()),
    Case("in progress, then taken", faults={"code": "199", "code_next": 2}, send=ONE, outcomes=accepted(1),
         phone={PHONE: ("canh bao",)}),
    Case("in progress for ever", faults={"code": "199"}, send=ONE, outcomes=unknown("no_answer", parts=1)),
    Case("malformed", faults={"malformed_next": 1}, send=ONE,
         outcomes=rejected(C.TEXT, "bad_request", "invalid_request")),
    Case("taken, and the line cut: 124", faults={"drop_after_accept": 1}, send=ONE, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,)}, phone={PHONE: ("canh bao",)}),
    Case("taken, and no answer: 124", faults={"hang_after_accept": 1}, send=ONE, outcomes=accepted(1),
         receipts={1: (S.DELIVERED,)}, phone={PHONE: ("canh bao",)}),
    Case("taken, and a page instead of an answer: 124", faults={"garbage_after_accept": 1}, send=ONE,
         outcomes=accepted(1), phone={PHONE: ("canh bao",)}),
    Case("124 with the id of the message", faults={"drop_after_accept": 1, "smsid_with_124": True}, send=ONE,
         outcomes=accepted(1), receipts={1: (S.DELIVERED,)}),
    Case("taken, refused at once, and the line cut", faults={"drop_after_accept": 1, "refused_later": True}, send=ONE,
         outcomes=rejected(C.TEXT, "rejected", "124")),
    Case("HTTP 500, then well", faults={"status_5xx_next": 2}, send=ONE, outcomes=accepted(1),
         phone={PHONE: ("canh bao",)}),
    Case("HTTP 502 for long", faults={"outage": "502"}, send=ONE, outcomes=unknown("not_json", parts=1)),
    Case("the line is cut for long", faults={"outage": "refuse"}, send=ONE,
         outcomes=unknown("connection_lost", parts=1)),
    Case("never an answer", faults={"outage": "hang"}, send=ONE, outcomes=unknown("timeout", parts=1)),
    Case("one number is blocked, the next is not", faults={"code_numbers": {OTHER: "99"}},
         send=(one(n=1, to=OTHER), one(n=2)), outcomes={1: rejected(C.RECIPIENT, "blocked", "99"), 2: accepted(1)}),
    Case("a person writes with accents and signs", says=(Says(PHONE, "Cứu với! nước > mái & không lối <ra>"),),
         heard=(Heard(PHONE, "Cứu với! nước > mái & không lối <ra>"),)),
    Case("a person's message is signed in hex", faults={"mo_sign": "hex"}, says=(Says(PHONE, "da nhan"),),
         heard=(Heard(PHONE, "da nhan", chat=PHONE),)),
    Case("a forged message", faults={"mo_sign": "wrong", "mo_tries": 1}, says=(Says(PHONE, "gia"),), heard=()),
    Case("an unsigned message", faults={"mo_sign": "none", "mo_tries": 1}, says=(Says(PHONE, "gia"),), heard=()),
    Case("a person's message comes twice", faults={"mo_twice": True}, says=(Says(PHONE, "da nhan"),),
         heard=(Heard(PHONE, "da nhan"),)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
async def test_contract(case: Case, rig: Rig) -> None:
    await run(case, rig)


def test_the_table_holds_nothing_that_these_cases_do_not() -> None:
    tested = {*CODES, "100", "124", "199", "invalid_request", "http_401", "http_403", "http_429"}
    assert set(SEND) == tested - {"987"}
    assert look_up("987") is UNKNOWN
    for code in SEND.values():
        assert code.alarm or code.cls not in (C.CONFIG, C.QUOTA)
        assert (code.after is not None) == (code.cls is C.RETRY_LATER and code.action is not Action.REPEAT)


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"SendStatus": "5", "SendSuccess": "1", "SendFailed": "0"}, S.DELIVERED),
        ({"SendStatus": 5, "SendSuccess": 2, "SendFailed": 0}, S.DELIVERED),
        ({"SendStatus": 5.0, "SendSuccess": 1.0, "SendFailed": 0.0}, S.DELIVERED),
        ({"SendStatus": "5", "SendSuccess": "0", "SendFailed": "2"}, S.FAILED),
        ({"SendStatus": "5", "SendSuccess": "1", "SendFailed": "1"}, S.FAILED),
        ({"SendStatus": "5", "SendSuccess": "0", "SendFailed": "0"}, S.PENDING),
        ({"SendStatus": "5"}, S.PENDING),
        ({"SendStatus": "4", "SendSuccess": "1"}, S.FAILED),
        *(({"SendStatus": status, "SendSuccess": "1"}, S.PENDING) for status in ("0", "1", "2", "7", "9", "", "x")),
        ({}, S.PENDING),
        ({"SendStatus": None, "SendSuccess": [], "SendFailed": {}}, S.PENDING),
    ],
)
def test_what_a_status_means(body: dict[str, Any], state: ReceiptState) -> None:
    assert state_of(body)[0] is state


def test_the_code_of_a_receipt_is_what_esms_said() -> None:
    assert state_of({"SendStatus": "5", "SendSuccess": "0", "SendFailed": "2"})[1] == "5/0/2"


async def test_what_a_request_looks_like(esms_stand: EsmsStand) -> None:
    rig = await esms_stand.open()
    await give(rig, ONE)
    (message,) = esms_stand.sim.book.messages.values()
    assert message.callback_url == f"{esms_stand.door.url}/hooks/sms.esms.dlr.{TOKEN}"
    assert len(message.request_id) <= limits.REQUEST_ID_CHARACTERS
    assert rig.book.one(1) == Accepted((message.smsid,), "100")


async def test_the_request_id_is_the_same_after_a_restart_and_another_for_another_text(esms_stand: EsmsStand) -> None:
    state = MemoryState()
    for turn in (1, 2):
        rig = await esms_stand.open(state)
        await give(rig, ONE)
        assert isinstance(rig.book.one(1), Accepted), turn
        await rig.channel.stop()
    assert on_screen(rig, PHONE) == ("canh bao",), "the second time eSMS said 124"
    rig = await esms_stand.open(state)
    await give(rig, (one("canh bao 2"), one(n=2)))
    assert on_screen(rig, PHONE) == ("canh bao", "canh bao 2", "canh bao")
    fresh = await esms_stand.open(MemoryState())
    await give(fresh, ONE)
    assert len(on_screen(rig, PHONE)) == 4, "another installation with the same numbers is not taken for this one"


async def test_a_send_that_was_refused_is_a_new_request(esms_stand: EsmsStand, rig: Rig) -> None:
    """eSMS might keep the id of a refused request: 124 would then hide that nothing was sent."""
    esms_stand.sim.set_faults({"code": "105", "code_next": 1})
    await give(rig, ONE)
    assert isinstance(rig.book.one(1), Rejected)
    again = ReportBook()
    await give(rig, ONE, again)
    assert isinstance(again.one(1), Accepted)
    (message,) = esms_stand.sim.book.messages.values()
    assert message.request_id.endswith("-1")


async def test_no_repeat_over_midnight(esms_stand: EsmsStand) -> None:
    """The documentation promises that an id blocks for its day only."""
    clock = Clock()
    clock.ahead = 86_400 - (time.time() + 7 * 3600) % 86_400 - 0.15  # 23:59:59.85 in Hà Nội
    rig = await esms_stand.open(now=clock)
    esms_stand.sim.set_faults({"hang_after_accept": 9})
    await give(rig, ONE)
    await until(lambda: 1 in rig.book.outcomes)
    assert isinstance(rig.book.one(1), Unknown)
    assert esms_stand.sim.stage.counters["send"] == 1


async def test_what_a_repeat_hears_about_the_account_ends_no_doubt(esms_stand: EsmsStand, rig: Rig) -> None:
    """The first one may have been taken with the last money: it must not go by another account now."""
    esms_stand.sim.set_faults({"drop_after_accept": 1})
    sent = asyncio.create_task(rig.channel.send(ONE, rig.book))
    await until(lambda: bool(esms_stand.sim.book.messages))
    esms_stand.sim.book._requests.clear()
    esms_stand.sim.set_faults({"code": "103"})
    await sent
    await until(lambda: 1 in rig.book.outcomes)
    outcome = rig.book.one(1)
    assert isinstance(outcome, Unknown)
    await until(lambda: bool(rig.sink.receipts_for(outcome)), what="the callback names our own id")
    assert rig.sink.receipts_for(outcome)[0].state is S.DELIVERED


async def test_a_provider_that_is_away_gives_the_rest_back(esms_stand: EsmsStand, rig: Rig) -> None:
    esms_stand.sim.set_faults({"outage": "refuse"})
    many = tuple(one(str(n), n=n) for n in range(1, 101))
    await asyncio.wait_for(rig.channel.send(many, rig.book), 3)
    await until(lambda: len(rig.book.outcomes) == 100)
    kinds = {type(rig.book.one(n)) for n in range(1, 101)}
    assert kinds == {Unknown, Rejected}
    for n in range(1, 101):
        outcome = rig.book.one(n)
        if isinstance(outcome, Rejected):
            assert (outcome.reason, outcome.cls) == ("link_down", C.RETRY_LATER)
    assert esms_stand.sim.stage.counters["send"] < 100


async def test_nobody_at_the_address(esms_stand: EsmsStand) -> None:
    rig = await esms_stand.open(base_url="http://127.0.0.1:9")
    await give(rig, ONE)
    assert rig.book.one(1) == Rejected("link_down", C.RETRY_LATER, "connect", 5.0)
    health = await rig.channel.probe()
    assert (health.state, health.key) == (HealthState.DOWN, "esms.link_down")


async def test_the_rate_is_kept_and_rescue_goes_first(esms_stand: EsmsStand) -> None:
    rig = await esms_stand.open(tps=20)
    esms_stand.sim.set_faults({"tps": 20.0})
    bulk = tuple(one(str(n), n=n, priority=Priority.BULK) for n in range(1, 41))
    sent = asyncio.create_task(rig.channel.send(bulk, rig.book))
    await asyncio.sleep(0.05)
    await give(rig, (one("cuu", n=99, priority=Priority.LIFE),))
    await sent
    await until(lambda: len(rig.book.outcomes) == 41)
    assert all(isinstance(rig.book.one(n), Accepted) for n in (*range(1, 41), 99)), "never over the provider's rate"
    shown = on_screen(rig, PHONE)
    assert shown.index("cuu") <= 25, "overtook the bulk that waited"


async def test_more_than_can_leave_soon_is_given_back(esms_stand: EsmsStand, monkeypatch: Any) -> None:
    monkeypatch.setattr(outbox, "QUEUE_SECONDS", 0.5)
    rig = await esms_stand.open(tps=10)
    await give(rig, tuple(one(str(n), n=n) for n in range(1, 200)))
    given_back = [rig.book.one(n) for n in range(100, 200)]
    for outcome in given_back:
        assert isinstance(outcome, Rejected)
        assert (outcome.reason, outcome.cls) == ("throttled", C.RETRY_LATER)
        assert (outcome.after or 0) > 0.5


async def test_160_slows_the_account_down(esms_stand: EsmsStand, rig: Rig) -> None:
    esms_stand.sim.set_faults({"code": "160", "code_next": 1})
    await give(rig, ONE)
    await give(rig, (one(n=2),))
    later = rig.book.one(2)
    assert isinstance(later, Accepted), "waits for the pause that 160 asked for"


async def test_callbacks_survive_a_kill(esms_stand: EsmsStand) -> None:
    """Stored before eSMS heard 200, confirmed by the next process."""
    state = MemoryState()
    rig = await esms_stand.open(state)
    esms_stand.sim.set_faults({"status_seconds": 3600.0})
    await give(rig, ONE)
    await until(lambda: any(".called." in key for key in state.values))
    task = rig.channel._task  # type: ignore[attr-defined]
    task.cancel()
    assert not rig.sink.all_receipts
    esms_stand.sim.set_faults({"status_seconds": 0.0})
    again = await esms_stand.open(state)
    await until(lambda: bool(again.sink.receipts_for(rig.book.one(1))))
    await until(lambda: not any(".called." in key for key in state.values))


async def test_what_waits_for_a_question_survives_a_stop(esms_stand: EsmsStand) -> None:
    state = MemoryState()
    esms_stand.sim.set_faults({"callbacks": False})
    rig = await esms_stand.open(state, public_url="", status_after=0.5)
    await give(rig, ONE)
    await rig.channel.stop()
    assert not rig.sink.all_receipts
    again = await esms_stand.open(state, public_url="", status_after=0.5)
    await until(lambda: bool(again.sink.receipts_for(rig.book.one(1))))


async def test_a_callback_that_cannot_be_stored_is_not_acknowledged(esms_stand: EsmsStand) -> None:
    state = MemoryState()
    rig = await esms_stand.open(state)
    await rig.channel.send((one("truoc"),), rig.book)  # the salt is made durable
    await until(lambda: len(rig.sink.all_receipts) == 1)
    state.refuse = 1
    reply = await _report(rig, SMSID="abc", RequestId="", SendStatus="5")
    assert reply == 503
    assert await _report(rig, SMSID="abc", RequestId="", SendStatus="5") == 200


async def _report(rig: Rig, remote: str = "127.0.0.1", method: str = "GET", **query: str) -> int:
    hook = rig.channel.hooks[f"sms.esms.dlr.{TOKEN}"]
    headers = {"x-forwarded-for": query.pop("forwarded", "")}
    return (await hook(HookRequest(method, "/", query, headers, b"", remote))).status


async def test_a_callback_for_a_message_that_esms_does_not_know_is_dropped(esms_stand: EsmsStand, rig: Rig) -> None:
    with capture_logs() as logs:
        assert await _report(rig, SMSID="made-up", SendStatus="5", SendSuccess="1", SendFailed="0") == 200
        await until(lambda: any(line["event"] == "esms_callback_unknown" for line in logs))
    await until(lambda: not any(".called." in key for key in rig.more["state"].values))
    assert not rig.sink.all_receipts


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400), ({"SMSID": ""}, 400), ({"SMSID": "x" * 65}, 400), ({"SMSID": "é"}, 400), ({"SMSID": "a\nb"}, 400),
        ({"SMSID": "a", "method": "POST"}, 405),
    ],
)  # fmt: skip
async def test_callbacks_that_make_no_sense(rig: Rig, query: dict[str, str], status: int) -> None:
    assert await _report(rig, **query) == status
    assert not any(".called." in key for key in rig.more["state"].values)


async def test_reports_on_messages_of_another_program_are_left_alone(esms_stand: EsmsStand, rig: Rig) -> None:
    await give(rig, ONE)
    await until(lambda: len(rig.sink.all_receipts) == 1)
    asked = esms_stand.sim.stage.counters["status"]
    assert await _report(rig, SMSID="other", RequestId="crm-77", SendStatus="5") == 200
    await asyncio.sleep(0.05)
    assert esms_stand.sim.stage.counters["status"] == asked


@pytest.mark.parametrize(
    ("more", "remote", "forwarded", "status"),
    [
        ({}, "198.51.100.9", "", 200),
        ({"hook_ips": ("203.0.113.0/24",)}, "203.0.113.7", "", 200),
        ({"hook_ips": ("203.0.113.0/24",)}, "198.51.100.9", "", 403),
        ({"hook_ips": ("203.0.113.0/24",)}, "198.51.100.9", "203.0.113.7", 403),
        ({"hook_ips": ("203.0.113.0/24",), "behind_proxy": True}, "127.0.0.1", "203.0.113.7", 200),
        ({"hook_ips": ("203.0.113.0/24",), "behind_proxy": True}, "127.0.0.1", "203.0.113.7, 198.51.100.9", 403),
        ({"hook_ips": ("203.0.113.0/24",), "behind_proxy": True}, "127.0.0.1", "", 403),
        ({"hook_ips": ("2001:db8::/32",)}, "2001:db8::1", "", 200),
    ],
)
async def test_who_may_call(
    esms_stand: EsmsStand, more: dict[str, Any], remote: str, forwarded: str, status: int
) -> None:
    rig = await esms_stand.open(**more)
    assert await _report(rig, remote, SMSID="a", SendStatus="7", forwarded=forwarded) == status


async def test_without_a_token_nobody_can_call(esms_stand: EsmsStand) -> None:
    rig = await esms_stand.open(hook_token="")
    assert rig.channel.hooks == {}
    await give(rig, ONE)
    (message,) = esms_stand.sim.book.messages.values()
    assert message.callback_url == ""
    await until(lambda: bool(rig.sink.receipts_for(rig.book.one(1))), what="we ask instead")


async def test_the_carrier_of_a_number_is_learned_from_a_confirmed_callback(esms_stand: EsmsStand, rig: Rig) -> None:
    esms_stand.sim.set_faults({"ported": {PHONE: "1"}})
    await give(rig, (one(), one(n=2, to="84910001234")))
    await until(lambda: len(rig.sink.all_receipts) == 2)
    assert rig.more["learned"] == {84900001234: "viettel", 84910001234: "vinaphone"}


def test_the_documented_signature() -> None:
    """eSMS docs, "Kết nối đầu số ngắn": MD5 over the values and the key, in hex or as Base64 of the 16 octets."""
    query = {"cpid": "abc", "smsid": "def", "content": "1234", "receiverTime": "xyz"}
    as_hex, as_base64 = signatures(query, "17417a0d20114d36a902e49cad0e97f3")
    assert (as_hex, as_base64) == ("3bce677365c1c8e8539bc6bcb76ad828", "O85nc2XByOhTm8a8t2rYKA==")
    for sign in (as_hex, as_hex.upper(), as_base64, as_base64.replace("+", " ")):
        assert is_signed({**query, "sign": sign}, "17417a0d20114d36a902e49cad0e97f3")
    for sign in ("", as_hex[:-1], as_base64[::-1], "é"):
        assert not is_signed({**query, "sign": sign}, "17417a0d20114d36a902e49cad0e97f3")
    assert not is_signed({**query, "sign": signatures(query, "")[0]}, ""), "no key, no message"
    assert not is_signed({**query, "content": "12345", "sign": as_hex}, "17417a0d20114d36a902e49cad0e97f3")


async def test_the_answer_to_a_persons_message_is_well_formed(esms_stand: EsmsStand) -> None:
    rig = await esms_stand.open(mo_reply="Da nhan <tin> & dang xu ly")
    await esms_stand.sim.person_says(PHONE, None, "cuu")
    counters = esms_stand.sim.stage.counters
    assert (counters["mo_answered"], counters["mo_bad_xml"]) == (1, 0)
    assert on_screen(rig, PHONE) == ("Da nhan <tin> & dang xu ly",)
    assert client_response("", "1", PHONE).count(b"<Message></Message>") == 1
    assert esms_stand.door.replies[-1].content_type == "text/xml"


async def test_when_a_person_wrote(esms_stand: EsmsStand, rig: Rig) -> None:
    before = time.time()
    await esms_stand.sim.person_says(PHONE, None, "cuu")
    (event,) = rig.sink.inbox.values()
    assert isinstance(event, Incoming)
    assert -1.0 <= event.at.timestamp() - int(before) <= 5.0
    assert event.event_id.startswith("mo")


async def test_a_person_writes_while_we_are_stopped(esms_stand: EsmsStand, rig: Rig) -> None:
    await rig.channel.stop()
    esms_stand.sim.set_faults({"mo_tries": 1})
    await esms_stand.sim.person_says(PHONE, None, "cuu")
    assert esms_stand.door.replies[-1].status == 503
    assert not rig.sink.inbox


@pytest.mark.parametrize(
    ("more", "faults", "state", "key"),
    [
        ({}, {}, HealthState.OK, "esms.ok"),
        ({"secret_key": "wrong"}, {}, HealthState.DOWN, "esms.auth"),
        ({}, {"outage": "502"}, HealthState.DOWN, "esms.link_down"),
        ({"sandbox": True}, {}, HealthState.DEGRADED, "esms.sandbox"),
        ({}, {"balance": 1000.0}, HealthState.DEGRADED, "esms.low_balance"),
    ],
)
async def test_probe(
    esms_stand: EsmsStand, more: dict[str, Any], faults: dict[str, Any], state: HealthState, key: str
) -> None:
    rig = await esms_stand.open(**more)
    esms_stand.sim.set_faults(faults)
    health = await rig.channel.probe()
    assert (health.state, health.key) == (state, key)
    await rig.channel.stop()
    assert (await rig.channel.probe()).key == "esms.off"


async def test_probe_shows_a_refusal_until_a_message_passes(esms_stand: EsmsStand, rig: Rig) -> None:
    esms_stand.sim.set_faults({"balance": 100.0})
    await give(rig, ONE)
    assert rig.book.one(1) == Rejected("quota", C.QUOTA, "103")
    health = await rig.channel.probe()
    assert (health.state, health.key, health.params["code"]) == (HealthState.DEGRADED, "esms.refused", "103")
    esms_stand.sim.set_faults({"balance": 9_000_000.0})
    await give(rig, (one(n=2),))
    assert (await rig.channel.probe()).key == "esms.ok"


async def test_sandbox_is_accepted_and_proves_nothing(esms_stand: EsmsStand) -> None:
    rig = await esms_stand.open(sandbox=True)
    assert {evidence.value for evidence in rig.channel.traits.receipts} == {"accepted"}
    await give(rig, ONE)
    assert isinstance(rig.book.one(1), Accepted)
    assert on_screen(rig, PHONE) == ()
    await asyncio.sleep(0.5)
    assert esms_stand.sim.stage.counters["status"] == 0


async def test_an_unknown_send_can_be_looked_up(esms_stand: EsmsStand) -> None:
    clock = Clock()
    rig = await esms_stand.open(now=clock)
    esms_stand.sim.set_faults({"hang_after_accept": 9, "callbacks": False})
    await give(rig, ONE)
    await until(lambda: 1 in rig.book.outcomes)
    esms_stand.sim.set_faults({"hang_after_accept": 0})
    found = await rig.channel.ask(ONE[0], time.time())
    (message,) = esms_stand.sim.book.messages.values()
    assert found == Accepted((message.smsid,), "100")
    other = one("khac")
    assert await rig.channel.ask(other, time.time()) is None, "too early to call it lost"
    clock.ahead = limits.LOOK_UP_SECONDS + 1
    assert await rig.channel.ask(other, time.time()) == Rejected("lost", C.RETRY_LATER, after=0.0)
    esms_stand.sim.set_faults({"outage": "502"})
    assert await rig.channel.ask(other, time.time()) is None


async def test_the_history_is_read_page_by_page(esms_stand: EsmsStand, rig: Rig, monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "PAGE_SIZE", 3)
    await give(rig, some(7))
    await until(lambda: len(rig.book.outcomes) == 7)
    found = await rig.channel.ask(one("canh bao 7"), time.time())
    assert isinstance(found, Accepted)
    assert esms_stand.sim.stage.counters["sent"] in (1, 2, 3)


async def test_keys_and_whole_numbers_stay_out_of_the_logs(esms_stand: EsmsStand) -> None:
    with capture_logs() as logs:
        rig = await esms_stand.open(hook_ips=("203.0.113.1",))
        for faults in ({"code": "101"}, {"code": "987"}, {"code": ""}, {"outage": "refuse"}):
            esms_stand.sim.set_faults(faults)
            book = ReportBook()
            await give(rig, ONE, book)
        await _report(rig, SMSID="a")
        await esms_stand.sim.callbacks.calling.close()
    assert logs
    for line in logs:
        for secret in (esms.API_KEY, esms.SECRET_KEY, esms.PRIVATE_KEY, TOKEN, PHONE, PHONE[2:]):
            assert secret not in str(line)


async def test_a_stop_gives_back_what_did_not_leave(esms_stand: EsmsStand) -> None:
    rig = await esms_stand.open(tps=4)
    sent = asyncio.create_task(rig.channel.send(some(20), rig.book))
    await asyncio.sleep(0.1)
    await rig.channel.stop()
    await asyncio.wait_for(sent, EVENTUALLY)
    assert len(rig.book.outcomes) == 20
    for n in range(1, 21):
        outcome = rig.book.one(n)
        assert isinstance(outcome, Accepted) or outcome == Rejected("link_down", C.RETRY_LATER, "stopped", 1.0)


async def test_a_stop_leaves_doubt_where_there_is_doubt(esms_stand: EsmsStand, monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "REPEAT_SECONDS", (60.0,))
    rig = await esms_stand.open()
    esms_stand.sim.set_faults({"drop_after_accept": 1})
    await rig.channel.send(ONE, rig.book)
    await until(lambda: bool(esms_stand.sim.book.messages))
    assert not rig.book.outcomes
    await rig.channel.stop()
    outcome = rig.book.one(1)
    assert isinstance(outcome, Unknown)
    assert outcome.why == "stopped"
    (message,) = esms_stand.sim.book.messages.values()
    assert outcome.provider_ids == (message.request_id,)


async def test_the_ledger_is_away_before_the_first_send(esms_stand: EsmsStand) -> None:
    state = MemoryState()
    state.refuse = 1
    rig = await esms_stand.open(state)
    await give(rig, ONE)
    assert rig.book.one(1) == Rejected("ledger", C.RETRY_LATER, after=5.0)
    await give(rig, (one(n=2),))
    assert isinstance(rig.book.one(2), Accepted)


async def test_one_sink_two_accounts(esms_stand: EsmsStand) -> None:
    sink = RecordingSink()
    first = await esms_stand.open(sink=sink, name="mot")
    second = await esms_stand.open(sink=sink, name="hai")
    await give(first, ONE)
    await give(second, (one("tin hai", n=2),))
    await until(lambda: len(sink.all_receipts) == 2)
    assert {receipt.account for receipt in sink.all_receipts} == {"sms.mot", "sms.hai"}


@pytest.mark.parametrize("text", ["[1, 2]", "null", '"x"', "{}", '{"CodeResult": null}', "", "<html>"])
async def test_answers_that_say_nothing_are_doubt(esms_stand: EsmsStand, text: str) -> None:
    from aiohttp import web

    from simulators.serving import serve

    async def odd(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", odd)
    served = await serve(app)
    rig = await esms_stand.open(base_url=served.url)
    await give(rig, ONE)
    await until(lambda: 1 in rig.book.outcomes)
    assert isinstance(rig.book.one(1), Unknown)
    assert (await rig.channel.probe()).state is HealthState.DOWN
    await rig.channel.stop()
    await served.close()


def test_envelopes_of_the_table_are_as_the_core_makes_them() -> None:
    assert all(isinstance(envelope, Envelope) for case in CASES for envelope in case.send)


async def test_a_callback_that_another_process_took_is_asked_about_where_the_account_lives(
    esms_stand: EsmsStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CALLS_LOOK_SECONDS", 0.02)
    state, sink, settings = MemoryState(), RecordingSink(), esms_stand.settings(status_after=600.0)
    lives = EsmsChannel(settings, state, parts=Part.SEND)
    hears = EsmsChannel(settings, state, parts=Part.HOOK)
    await lives.start(sink)
    await hears.start(sink)
    esms_stand.door.table = dict(hears.hooks)
    try:
        book = ReportBook()
        await lives.send([Envelope(1, PHONE, "xin chao")], book)
        await until(lambda: bool(sink.all_receipts))
        assert sink.all_receipts[0].state is ReceiptState.DELIVERED
        assert await state.items("sms.esms.called.") == {}, "it was asked about, and is forgotten"
    finally:
        await hears.stop()
        await lives.stop()
