"""The OA webhook: signature, bring-up, forgeries, storage before the answer, repeats, order, the switch-off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from adapters.contract import Accepted, Envelope, HookReply, HookRequest, IncomingKind, Outcome, ReceiptState
from adapters.zalo import limits
from adapters.zalo.settings import OaAccount
from adapters.zalo.webhook import OaWebhook, bare, signature
from simulators.zalo import GROUP_ID
from simulators.zalo.control import does
from tests.contract.recording import MemoryState, RecordingSink, until
from tests.contract.zalo_stand import LEADER, Clock, Stand, stand

BODY = (
    '{"event_name":"user_send_group_text","app_id":"1234567890123456789","sender":{"id":"8000000000000000001"},'
    '"recipient":{"id":"aa11bb22cc33dd44ee55"},"message":{"text":"mưa","msg_id":"0123456789abcdef0123"},'
    '"oa_id":"3000000000000000003","timestamp":"1790000000123","user_id_by_app":"8000000000000000009"}'
).encode()
MAC = "63882d0367ba59c8b9f75cfb631bd23628170e16e3ea576cd52ce8bc80d158fb"
APP_ID, OA_ID, OA_KEY, APP_SECRET = (
    "1234567890123456789",
    "3000000000000000003",
    "OaSecretExample01",
    "AppSecretExample1",
)
PIN = f"zalo.oa.{OA_ID}.webhook_pin"


def account(**more: Any) -> OaAccount:
    given = {"app_id": APP_ID, "oa_id": OA_ID, "oa_secret_key": OA_KEY, "app_secret": APP_SECRET, **more}
    return OaAccount.model_validate(given)


def hook(state: MemoryState | None = None, **more: Any) -> OaWebhook:
    made = OaWebhook(account(**more), state or MemoryState(), Clock())
    made.sink = RecordingSink()
    return made


async def post(made: OaWebhook, mac: str | None, body: bytes = BODY, **headers: str) -> HookReply:
    sent = {**headers, **({"x-zevent-signature": mac} if mac is not None else {})}
    return await made.handle(HookRequest("POST", "/hooks/zalo.oa", {}, sent, body, "127.0.0.1"))


def stored(made: OaWebhook) -> int:
    assert isinstance(made.sink, RecordingSink)
    return len(made.sink.inbox)


def test_signature_of_the_documented_form() -> None:
    assert signature(APP_ID, BODY, "1790000000123", OA_KEY) == MAC


@pytest.mark.parametrize("written", [MAC, f"mac={MAC}", f"sha256={MAC}", f" mac={MAC} ", MAC.upper()])
async def test_every_spelling_of_the_header(written: str) -> None:
    assert bare(written) == MAC
    made = hook()
    assert (await post(made, written)).status == 200
    assert stored(made) == 1


@pytest.mark.parametrize(
    ("identity", "key"), [(APP_ID, OA_KEY), (OA_ID, OA_KEY), (APP_ID, APP_SECRET), (OA_ID, APP_SECRET)]
)
async def test_bring_up_finds_the_pair_and_then_believes_no_other(identity: str, key: str) -> None:
    state = MemoryState()
    made = hook(state)
    await post(made, signature(identity, BODY, "1790000000123", key))
    assert stored(made) == 1
    name = f"{'app_id' if identity == APP_ID else 'oa_id'}+{'oa_secret_key' if key == OA_KEY else 'app_secret'}"
    assert orjson.loads(state.values[PIN])["name"] == name
    again = hook(state)
    other = signature(OA_ID if identity == APP_ID else APP_ID, BODY, "1790000000123", key)
    await post(again, other)
    assert stored(again) == 0
    assert again.counts["forged"] == 1


async def test_the_pair_is_said_once_however_many_events_come_first() -> None:
    state = MemoryState()
    made = hook(state)
    with capture_logs() as said:
        await asyncio.gather(*(post(made, MAC) for _ in range(8)))
    assert made.counts["accepted"] == 8
    assert [one["signed_with"] for one in said if one["event"] == "zalo_webhook_signature_pinned"] == [
        "app_id+oa_secret_key"
    ]
    assert state.journal.count(f"put {PIN}") == 1


async def test_a_pair_that_cannot_be_stored_is_looked_for_again() -> None:
    state = MemoryState()
    made = hook(state)
    state.refuse = 1
    assert (await post(made, MAC)).status == 503
    assert (await post(made, MAC)).status == 200
    assert orjson.loads(state.values[PIN])["name"] == "app_id+oa_secret_key"


async def test_new_keys_start_the_bring_up_again() -> None:
    state = MemoryState()
    await post(hook(state), MAC)
    changed = hook(state, oa_secret_key="another-key")
    await post(changed, signature(OA_ID, BODY, "1790000000123", "another-key"))
    assert stored(changed) == 1


async def test_timestamp_of_a_header_is_believed_too() -> None:
    made = hook()
    await post(made, signature(APP_ID, BODY, "42", OA_KEY), **{"x-zevent-timestamp": "42"})
    assert stored(made) == 1


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize(
    ("mac", "body"),
    [
        (None, BODY),
        ("", BODY),
        ("mac=" + "0" * 64, BODY),
        ("mac=không phải hex", BODY),
        (MAC, BODY.replace("mưa".encode(), "lũ".encode())),
        (signature(APP_ID, BODY, "1790000000123", ""), BODY),
        (MAC, b"{broken"),
        (MAC, b"[1,2]"),
        (MAC, b"\xff\xfe"),
    ],
)
async def test_forged_events_are_dropped_and_counted(mac: str | None, body: bytes, status: int) -> None:
    made = hook(forged_status=status)
    reply = await post(made, mac, body)
    if body == b"[1,2]" and reply.status == 200 and status == 200:
        assert stored(made) == 0
        return
    assert reply.status == status
    assert stored(made) == 0
    assert made.counts["forged"] + made.counts["unreadable"] == 1


async def test_no_keys_believe_nothing() -> None:
    made = hook(oa_secret_key="", app_secret="")
    await post(made, signature(APP_ID, BODY, "1790000000123", ""))
    assert stored(made) == 0


@pytest.mark.parametrize("body", [b"", b"{}", b" {} "])
async def test_zalos_own_unsigned_probe_is_welcome(body: bytes) -> None:
    made = hook(forged_status=401)
    assert (await post(made, None, body)).status == 200
    assert made.counts["probe"] == 1


async def test_replay_after_days_is_dropped() -> None:
    made = hook()
    clock = Clock()
    clock.now += limits.WEBHOOK_REPLAY_SECONDS + 60
    made._now = clock
    assert (await post(made, MAC)).status == 200
    assert stored(made) == 0
    assert made.counts["stale"] == 1


async def test_ledger_away_is_never_answered_with_ok() -> None:
    made = hook()
    assert isinstance(made.sink, RecordingSink)
    made.sink.refuse = 1
    assert (await post(made, MAC)).status == 503
    assert (await post(made, MAC)).status == 200
    assert stored(made) == 1
    made.sink = None
    assert (await post(made, MAC)).status == 503


@pytest.fixture
async def made() -> AsyncIterator[Stand]:
    async with stand(oa_user={}, oa_group={}) as it:
        yield it


@pytest.mark.parametrize(
    "faults",
    [
        {"webhook_prefix": ""},
        {"webhook_prefix": "sha256="},
        {"webhook_identity": "oa_id"},
        {"webhook_key": "app_secret"},
    ],
)
async def test_accounts_that_sign_otherwise(made: Stand, faults: dict[str, Any]) -> None:
    made.sim.set_faults(faults)
    await made.sim.person_says(LEADER, None, "đã nhận")
    await until(lambda: len(made.sink.inbox) == 1)


async def test_wrong_key_stores_nothing(made: Stand) -> None:
    made.sim.set_faults({"webhook_wrong_key": True})
    await made.sim.person_says(LEADER, None, "giả mạo")
    await until(lambda: made.oa.webhook.counts["forged"] == 1)
    assert not made.sink.inbox
    assert (await made.channels["zalo.oa_user"].probe()).params["forged_events"] == 1


async def test_hash_filter_of_the_console(made: Stand) -> None:
    made.sim.set_faults({"webhook_hash_filter": True})
    await made.sim.person_says(LEADER, None, "đã nhận")
    await made.sim.person_says(LEADER, None, "#ACK TB0825-07")
    await until(lambda: len(made.sink.inbox) == 1)
    assert next(iter(made.sink.inbox.values())).payload == "ACK TB0825-07"


async def test_receipts_may_come_before_the_send_returns(made: Stand) -> None:
    """They are stored although nobody knows the id yet; the core matches them later."""
    made.sim.set_faults({"events_before_reply": True, "seen": False})
    known_at_report: list[set[str]] = []

    def report(_: int, outcome: Outcome) -> None:
        assert isinstance(outcome, Accepted)
        known_at_report.append({one.state for one in made.sink.receipts_for(outcome)})

    await made.channels["zalo.oa_user"].send([Envelope(1, LEADER, "tin")], report)
    assert known_at_report == [{ReceiptState.ACCEPTED, ReceiptState.DELIVERED}]


async def test_phone_that_is_off_proves_nothing_until_it_is_on(made: Stand) -> None:
    made.sim.world.users[LEADER].off = True
    outcomes: list[Outcome] = []
    await made.channels["zalo.oa_user"].send([Envelope(1, LEADER, "tin")], lambda _, one: outcomes.append(one))
    await asyncio.sleep(0.1)
    assert [one.state for one in made.sink.receipts_for(outcomes[0])] == [ReceiptState.ACCEPTED]
    assert not made.sim.stage.lines
    made.sim.world.users[LEADER].off = False
    made.sim.messages.wake(made.sim.world.users[LEADER])
    await until(lambda: len(made.sink.receipts_for(outcomes[0])) == 3)
    assert len(made.sim.stage.lines) == 1


async def test_events_of_both_channels_arrive_at_one_address(made: Stand) -> None:
    await made.sim.person_says(LEADER, GROUP_ID, "trong nhóm")
    await made.sim.person_says(LEADER, None, "riêng")
    await until(lambda: len(made.sink.inbox) == 2)
    assert {(one.channel, one.text, one.chat) for one in made.sink.inbox.values()} == {
        ("zalo.oa_group", "trong nhóm", GROUP_ID),
        ("zalo.oa_user", "riêng", LEADER),
    }


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("follow", IncomingKind.FOLLOW),
        ("unfollow", IncomingKind.UNFOLLOW),
        ("withdraw", IncomingKind.WITHDRAW),
    ],
)
async def test_what_people_do_beside_writing(made: Stand, what: str, kind: IncomingKind) -> None:
    does(made.sim, {"user_id": LEADER, "does": what})
    await until(lambda: len(made.sink.inbox) == 1)
    (event,) = made.sink.inbox.values()
    assert (event.kind, event.sender) == (kind, LEADER)


async def test_outage_of_ours_is_bridged_by_zalos_repeats(made: Stand) -> None:
    made.sink.refuse = 3
    await made.sim.person_says(LEADER, None, "đã nhận")
    await until(lambda: len(made.sink.inbox) == 1)
    assert made.sim.webhook.counts["repeated"] == 3


async def test_webhook_that_failed_too_long_is_switched_off_until_somebody_saves_it_again(made: Stand) -> None:
    made.sim.set_faults({"webhook_time_scale": 0.00001})
    made.sink.refuse = 6
    await made.sim.person_says(LEADER, None, "mất")
    await until(lambda: not made.sim.webhook.enabled)
    await made.sim.person_says(LEADER, None, "không ai gửi")
    assert made.sim.webhook.counts["unwanted"] == 1
    assert await made.sim.webhook.register(f"{made.url}/zalo.oa")
    await made.sim.person_says(LEADER, None, "lại nghe")
    await until(lambda: [one.text for one in made.sink.inbox.values()] == ["lại nghe"])


async def test_many_events_none_lost_each_once(made: Stand) -> None:
    made.sim.set_faults({"webhook_duplicate": True, "webhook_reorder": True})
    for n in range(200):
        await made.sim.person_says(LEADER, GROUP_ID, f"tin {n}")
    await until(lambda: len(made.sink.inbox) == 200)
    assert {one.text for one in made.sink.inbox.values()} == {f"tin {n}" for n in range(200)}
    assert len(made.sink.all_incoming) > 200
