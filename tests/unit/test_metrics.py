"""What monitoring reads: sums that are right, labels that stay few, nothing of people, an answer whatever is down."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.contract import Accepted, Health, HealthState, ReceiptState, RejectClass, Rejected, Unknown
from broadcasts.routes import Route
from broadcasts.send_figures import ANSWER_BUCKETS, SendFigures
from broadcasts.steps import Step
from loa.metrics import FRESH_SECONDS, Metrics, Sources
from store import alarms, inbox, rollcalls, standing
from store.inbox import NewMessage
from store.standing import OPEN_MOST
from tests.monitoring import Scrape
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, leader

NUMBERS = [84_900_000_000 + n for n in range(30)]
UNITS = ["14761", "14818"]
STEPS = (Step(after=0, channels=("zalo",)), Step(after=300, channels=("sms",), unless="delivered"))


class Clock:
    def __init__(self) -> None:
        self.at = 1_790_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
async def room(tmp_path):
    clock = Clock()
    sms, zalo = ScriptedChannel("sms.one", unaccented=True), ScriptedChannel("zalo.user")
    made = EngineRoom(tmp_path, Route(sms, "sms"), Route(zalo, "zalo"), now=clock)
    made.clock, made.sms, made.zalo, made.folder = clock, sms, zalo, tmp_path
    await made.start()
    yield made
    await made.stop()


def metrics_of(room, **more) -> Metrics:
    engine = "postgresql" if "postgres" in type(room.ledger).__name__.lower() else "sqlite"
    sources = Sources(
        role="all",
        ledger=room.ledger,
        engine=engine,
        data=room.folder,
        sending=[one.following.figures for one in room.dispatchers],
        recorder=room.recorder,
    )
    return Metrics(replace(sources, **more), room.clock)


async def samples(metrics: Metrics) -> dict[str, float]:
    """`name{label="value"}` → value, without the histograms' buckets."""
    text = (await metrics.collect()).decode()
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#") and "_bucket" not in line]
    return {name: float(value) for name, value in lines}


def message(text: str, priority: int) -> NewMessage:
    return NewMessage(
        "sms.one", text, "text", "84900000001", "84900000001", text, "", "", False, "", 0.0, b"", priority
    )


async def test_counts_are_those_of_the_ledger(room):
    room.sms.answer = lambda one, times: (
        Rejected("throttled", RejectClass.RETRY_LATER, "0x58", after=0.0)
        if one.to.endswith("7") and times == 1
        else Unknown("timeout")
        if one.to.endswith("3")
        else Rejected("invalid_recipient", RejectClass.RECIPIENT, "0xb")
        if one.to.endswith("1")
        else Accepted((f"id-{one.delivery_id}-{times}",))
    )
    no = await room.approved(numbers=NUMBERS)
    await room.clockwork.tick_broadcasts()

    async def done():
        await room.clockwork.tick_lanes()
        counts = await room.counts(no)
        return counts if counts.get("accepted") == 24 else None

    assert await room.until(done) == {"accepted": 24, "unknown": 3, "failed": 3}
    first = next(one for one in room.sms.left if not one.to.endswith(("1", "3", "7")))
    await room.recorder.receipts([room.sms.receipt(first, ReceiptState.DELIVERED)])
    found = await samples(metrics_of(room))
    assert found['loa_deliveries{channel="sms.one",state="accepted"}'] == 23
    assert found['loa_deliveries{channel="sms.one",state="delivered"}'] == 1
    assert found['loa_deliveries{channel="sms.one",state="unknown"}'] == 3
    assert found['loa_send_outcomes_total{account="sms.one",class="",outcome="accepted"}'] == 24
    assert found['loa_send_outcomes_total{account="sms.one",class="recipient",outcome="rejected"}'] == 3
    assert found['loa_send_outcomes_total{account="sms.one",class="retry_later",outcome="rejected"}'] == 3
    assert found['loa_send_throttled_total{account="sms.one"}'] == 3
    assert found['loa_receipts_total{account="sms.one",state="delivered"}'] == 1
    assert found['loa_provider_answer_seconds_count{account="sms.one"}'] == 33
    assert found['loa_window_in_flight{channel="sms.one"}'] == 0
    assert found['loa_window_size{channel="sms.one"}'] == 10
    assert found["loa_recorder_flushing"] == 1


async def test_what_waits_has_an_age(room):
    """A chunk that nobody claims, a step that nobody takes, a cry that nobody reads."""
    for one in room.dispatchers:
        await one.stop()
    people = [leader(unit, n, "zalo", f"z{n}") for n, unit in enumerate(UNITS, 1)]
    await room.approved(numbers=NUMBERS, members=people, steps=STEPS)
    await room.clockwork.tick_broadcasts()
    at = room.clock.at

    def write(tx):
        inbox.keep(tx, [message("cuu voi", 0), message("ok", 2)], at)
        alarms.raise_once(tx, "rescue", "1", {}, at)
        rollcalls.hasten(tx, 1, UNITS[0], at)

    await room.ledger.write(write)
    room.clock.at += 90
    found = await samples(metrics_of(room))
    assert (found["loa_steps_due"], found["loa_steps_due_age_seconds"]) == (1, 90)
    lanes = {name for name in found if name.startswith("loa_lane_age_seconds")}
    assert {re.findall(r'"([^"]*)"', one)[0] for one in lanes} == {"sms.one", "zalo.user"}
    assert all(found[one] == 90 for one in lanes)
    assert sum(value for name, value in found.items() if name.startswith("loa_lane_deliveries")) == 32
    assert (found["loa_unread"], found["loa_unread_age_seconds"]) == (2, 90)
    assert (found["loa_cries"], found["loa_cries_age_seconds"]) == (1, 90)
    assert (found["loa_rescues"], found["loa_rescues_age_seconds"]) == (1, 90)
    assert found['loa_alarms{kind="rescue"}'] == 1
    assert found["loa_for_people_age_seconds"] == 0
    which = 'broadcast="TB1126-01",mode="actual"'
    assert found[f'loa_rollcall_units{{{which},state="awaiting",urgency="hoa-toc"}}'] == 2
    assert found[f'loa_rollcall_units{{{which},state="acknowledged",urgency="hoa-toc"}}'] == 0
    assert found[f'loa_broadcast_open_seconds{{{which},urgency="hoa-toc"}}'] == 90


async def test_labels_stay_few_and_hold_nothing_of_people(room):
    """Sixty open broadcasts to numbers and units: fifty codes, no number, no unit, no name, no text."""
    people = [leader(unit, n, "zalo", f"z{n}") for n, unit in enumerate(UNITS)]
    for n in range(OPEN_MOST + 10):
        code = f"TB1126-{n + 1:02}"
        members = people if n == 0 else [leader("", n, "zalo", f"z{n}")]
        await room.approved(numbers=NUMBERS[:2], members=members, code=code, title="Bão số 5 vào Nghi Sơn")
    await room.clockwork.tick_broadcasts()
    scrape = Scrape().read((await metrics_of(room).collect()).decode())
    codes = scrape.values[("loa_broadcast_open_seconds", "broadcast")]
    assert len(codes) == OPEN_MOST
    assert "TB1126-60" in codes
    assert "TB1126-01" not in codes
    everything = " ".join(value for values in scrape.values.values() for value in values)
    assert not re.search(r"\d{8,}", everything), "a telephone number"
    for secret in (*UNITS, "Người", "Bão", "chao"):
        assert secret not in everything


async def test_no_look_counts_deliveries(room):
    """Millions of rows: chunks' counters tell the same in a thousandth of the time."""
    asked = []

    def look(tx):
        class Watched:
            def execute(self, sql, parameters=()):
                asked.append(sql)
                return tx.execute(sql, parameters)

        return standing.look(Watched(), room.clock.at)

    await room.ledger.read(look)
    assert len(asked) > 10
    assert [sql for sql in asked if re.search(r"(FROM|JOIN) (delivery|receipt|delivery_event)\b", sql)] == []


async def test_the_ledger_is_read_once_however_many_ask(room, monkeypatch):
    looks = []
    real = standing.look

    def look(tx, now):
        looks.append(now)
        return real(tx, now)

    monkeypatch.setattr(standing, "look", look)
    metrics = metrics_of(room)
    for _ in range(5):
        await metrics.collect()
    assert len(looks) == 1
    room.clock.at += FRESH_SECONDS
    await metrics.collect()
    assert len(looks) == 2


async def test_it_answers_while_the_ledger_does_not(room):
    metrics = metrics_of(room)
    await room.ledger.close()
    found = await samples(metrics)
    assert [value for name, value in found.items() if name.startswith("loa_up")] == [0]
    assert 'loa_window_size{channel="sms.one"}' in found
    assert "loa_unread" not in found


async def test_it_answers_while_the_ledger_hangs(room, monkeypatch):
    """A server that takes the question and never answers: the scraper is answered before it gives up."""
    monkeypatch.setattr("loa.metrics.LOOK_SECONDS", 0.05)

    async def never(fn):
        await asyncio.Event().wait()

    monkeypatch.setattr(room.ledger, "read", never)
    found = await samples(metrics_of(room))
    assert [value for name, value in found.items() if name.startswith("loa_up")] == [0]
    assert found["loa_recorder_flushing"] == 1


async def test_lights_proofs_and_what_else_must_answer(room):
    at = datetime.fromtimestamp(room.clock.at - 30, UTC)

    async def lights():
        return [
            ("sms.one", Health(HealthState.DOWN, "link_down", proven_at=at)),
            ("zalo.user", Health(HealthState.OK, "ok")),
        ]

    found = await samples(
        metrics_of(
            room,
            lights=lights,
            reachable=lambda: {"redis": False},
            backup=lambda: room.clock.at - 60,
            heartbeat=lambda: room.clock.at,
        )
    )
    assert found['loa_channel_light{channel="sms.one",state="down"}'] == 1
    assert found['loa_channel_light{channel="sms.one",state="ok"}'] == 0
    assert found['loa_channel_light{channel="zalo.user",state="ok"}'] == 1
    assert found['loa_channel_proven_age_seconds{channel="sms.one"}'] == 30
    assert 'loa_channel_proven_age_seconds{channel="zalo.user"}' not in found
    assert found['loa_up{service="redis"}'] == 0
    assert (found["loa_backup_age_seconds"], found["loa_heartbeat_age_seconds"]) == (60, 0)


def test_answers_fall_into_their_bucket():
    figures = SendFigures("sms", 10)
    figures.handed_over(3)
    for seconds in (0.0, ANSWER_BUCKETS[0], 1e9):
        figures.answered(Accepted(("1",), account="sms.one"), seconds)
    assert figures.in_flight == 0
    within = figures.answers["sms.one"].within
    assert (within[0], within[-1], sum(within)) == (2, 1, 3)
    assert sum(figures.answers["sms"].within) == 0
