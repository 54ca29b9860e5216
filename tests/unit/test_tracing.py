"""Spans through the in-memory exporter of OpenTelemetry; and that nothing of it is there when switched off."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from adapters.contract import Accepted, HookReply, Incoming, IncomingKind, Priority, RejectClass, Rejected
from bot.intake import Intake
from broadcasts import tracing
from broadcasts.model import Actor, Role
from broadcasts.routes import Route
from broadcasts.single import write_single
from loa import tracing as switch
from loa.settings_error import SettingsError
from loa.settings_sections import Telemetry
from loa.spans import Spans, ids_of
from store import inbox
from tests.processes import ROOT, loa
from tests.scenario.engine_room import EngineRoom, ScriptedChannel
from tests.web_stand import Stand


@pytest.fixture
def spans():
    """What was traced so far."""
    exporter = InMemorySpanExporter()
    made = Spans(SimpleSpanProcessor(exporter))
    tracing.use(made)
    yield exporter.get_finished_spans
    tracing.use(tracing.OFF)
    made.close()


@pytest.fixture
async def room(tmp_path):
    sms = ScriptedChannel("sms.one", unaccented=True)
    made = EngineRoom(tmp_path, Route(sms, "sms"), now=time.time)
    made.sms = sms
    await made.start()
    yield made
    await made.stop()


def named(spans, name: str) -> list:
    return [span for span in spans() if span.name == name]


def parent(span, among):
    return next((one for one in among if span.parent and one.context.span_id == span.parent.span_id), None)


async def test_from_broadcast_to_the_providers_call(room, spans):
    room.sms.answer = lambda one, times: (
        Rejected("throttled", RejectClass.RETRY_LATER, "0x58", after=0.0)
        if one.to.endswith("1") and times == 1
        else Accepted((f"id-{one.delivery_id}",))
    )
    no = await room.approved(numbers=[84_900_000_000 + n for n in range(3)])
    await room.clockwork.tick_broadcasts()

    async def done():
        await room.clockwork.tick_lanes()
        return (await room.counts(no)).get("accepted") == 3

    await room.until(done)
    await room.until(lambda: len(named(spans, "chunk")) == 2)
    (broadcast,) = named(spans, "broadcast")
    assert broadcast.parent is None
    assert (broadcast.context.trace_id, broadcast.context.span_id) == ids_of("broadcast TB1126-01")
    chunks, windows, calls = named(spans, "chunk"), named(spans, "window"), named(spans, "provider call")
    assert len(calls) == 4
    for call in calls:
        window = parent(call, windows)
        chunk = parent(window, chunks)
        assert parent(chunk, [broadcast]) is broadcast
        assert call.context.trace_id == broadcast.context.trace_id
        assert window.attributes["loa.channel"] == "sms.one"
        assert call.attributes["loa.to"].startswith("8490***")
    refused = [call for call in calls if call.status.status_code is StatusCode.ERROR]
    assert [(one.attributes["loa.reason"], one.attributes["loa.code"]) for one in refused] == [("throttled", "0x58")]
    again = [call for call in calls if call.attributes["loa.delivery"] == refused[0].attributes["loa.delivery"]]
    assert [one.attributes["loa.outcome"] for one in sorted(again, key=lambda one: one.start_time)] == [
        "rejected",
        "accepted",
    ]


async def test_from_webhook_to_answer(room, spans):
    async def handle(row):
        with tracing.span("act"):
            route = room.routes.all[0]
            by = Actor("loa", Role.OFFICER)
            made = await room.ledger.write(
                lambda tx: write_single(tx, route, row.sender, "da nhan", by, Priority.LIFE, row.id, time.time())
            )
        await room.clockwork.announce([made[1]])
        return inbox.Handled("answered")

    intake = Intake(room.ledger, room.bus, handle, lambda text: True)
    with tracing.span("webhook", channel="sms.one"):
        who = "84900000007"
        now = datetime.now(UTC)
        await intake.store([Incoming("sms.one", "e1", IncomingKind.TEXT, who, who, now, text="cuu voi")])
    task = asyncio.create_task(intake.run())
    await room.until(lambda: len(named(spans, "provider call")) == 1 and len(named(spans, "chunk")) == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (webhook,), (kept,), (answer,) = named(spans, "webhook"), named(spans, "inbox"), named(spans, "answer")
    (call,), (chunk,) = named(spans, "provider call"), named(spans, "chunk")
    assert parent(kept, [webhook]) is webhook
    assert parent(answer, [kept]) is kept
    assert parent(named(spans, "act")[0], [answer]) is answer
    assert parent(chunk, [kept]) is kept, "the answer leaves in the trace of the question"
    assert {one.context.trace_id for one in (kept, answer, chunk, call)} == {webhook.context.trace_id}


def test_two_processes_add_to_one_trace():
    """Nothing passes between them but the broadcast's code."""
    exporters = [InMemorySpanExporter(), InMemorySpanExporter()]
    first, second = (Spans(SimpleSpanProcessor(one)) for one in exporters)
    with first.span("broadcast", "broadcast TB1126-09", True, {}):
        pass
    with second.span("chunk", "broadcast TB1126-09", False, {}):
        pass
    ((root,), (chunk,)) = (one.get_finished_spans() for one in exporters)
    assert chunk.parent.span_id == root.context.span_id
    assert chunk.context.trace_id == root.context.trace_id
    first.close()
    second.close()


def test_a_share_of_traces_is_kept_whole():
    exporter = InMemorySpanExporter()
    made = Spans(SimpleSpanProcessor(exporter), share=0.3)
    for n in range(200):
        with made.span("broadcast", f"broadcast TB-{n}", True, {}), made.span("chunk", "", False, {}):
            pass
    made.close()
    by_trace: dict[int, int] = {}
    for span in exporter.get_finished_spans():
        by_trace[span.context.trace_id] = by_trace.get(span.context.trace_id, 0) + 1
    assert 20 < len(by_trace) < 120
    assert set(by_trace.values()) == {2}, "no half of a trace"


def test_switched_off_nothing_of_it_is_imported():
    """Where its packages are not there at all, everything else is."""
    hidden = "import sys; sys.modules['opentelemetry'] = None"
    says = f"{hidden}; import loa.service, loa.cli; print('loa.spans' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", says], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    with switch.tracing(Telemetry()):
        assert tracing._tracer is tracing.OFF


def test_switched_on_without_the_package_is_one_clear_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsError) as refused, switch.tracing(Telemetry(traces=True)):
        pytest.fail("it began")
    assert refused.value.key == "otel_missing"
    assert "opentelemetry" in refused.value.params["package"]
    assert tracing._tracer is tracing.OFF


def test_the_sentence_reaches_whoever_starts_it(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/loa.db"\n[web]\nport = 0\n[telemetry]\ntraces = true\n')
    hidden = tmp_path / "opentelemetry"
    hidden.mkdir()
    (hidden / "__init__.py").write_text("raise ImportError(name='opentelemetry')\n")
    done = loa("run", "--config", str(config), environ={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "traces = false" in done.stderr


async def test_a_providers_call_is_a_span_around_what_its_channel_does(tmp_path, spans):
    stand = Stand(tmp_path)
    await stand.open()

    async def hook(request):
        with tracing.span("inbox"):
            return HookReply()

    stand.channels.hooks["thu"] = hook
    try:
        assert (await stand.client(None).post("/hooks/thu", data=b"{}")).status == 200
    finally:
        await stand.close()
    ((webhook,), (kept,)) = named(spans, "webhook"), named(spans, "inbox")
    assert parent(kept, [webhook]) is webhook
    assert webhook.attributes["loa.channel"] == "thu"
