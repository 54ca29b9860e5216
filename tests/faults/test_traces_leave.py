"""Traces of a real process, by OTLP over HTTP: what a collector gets; one that is away costs nothing but them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from loa.spans import ids_of
from tests.living import FIRST_NUMBER, Office, Town, office, simulators, write_config

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

NUMBERS = 3
TELEMETRY = '\n[telemetry]\ntraces = true\ntraces_url = "{url}/v1/traces"\n'


class Collector:
    """Keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.raw: list[bytes] = []
        self.paths: set[str] = set()

    def take(self, path: str, content_type: str, body: bytes) -> None:
        assert content_type == "application/x-protobuf"
        self.paths.add(path)
        self.raw.append(body)
        self.requests.append(ExportTraceServiceRequest.FromString(body))

    def spans(self) -> list[Any]:
        return [
            span
            for request in self.requests
            for of_resource in request.resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans() if span.name == name]

    def resources(self) -> list[dict[str, str]]:
        return [
            {one.key: one.value.string_value for one in of_resource.resource.attributes}
            for request in self.requests
            for of_resource in request.resource_spans
        ]


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    """A collector and its address."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.take(self.path, self.headers["Content-Type"], body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = threading.Thread(target=server.serve_forever, daemon=True)
    running.start()
    try:
        yield collector, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        yield found


def send(running: Office) -> str:
    """The code of a broadcast that has arrived."""
    running.upload("dan", NUMBERS)
    sent = running.send(text="Bao so 5 vao dem nay.", audience="list:dan", channels=["sms"])
    assert running.settled(sent["id"], 60)["counts"] == {"delivered": NUMBERS}
    return str(sent["code"])


def facts(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_a_collector_gets_the_way_of_a_broadcast(tmp_path: Path, town: Town) -> None:
    with collecting() as (collector, url):
        config = write_config(tmp_path, town, more=TELEMETRY.format(url=url))
        with office(tmp_path, config, town) as running:
            code = send(running)
            assert running.process.stop() == 0
        assert collector.paths == {"/v1/traces"}
        assert {one["service.name"] for one in collector.resources()} == {"loa"}
        assert all(one["service.version"] for one in collector.resources())
        trace_id, root_id = ids_of(f"broadcast {code}")
        (root,) = collector.named("broadcast")
        assert int.from_bytes(root.trace_id, "big") == trace_id
        assert int.from_bytes(root.span_id, "big") == root_id
        calls, windows = collector.named("provider call"), collector.named("window")
        chunks = {one.span_id: one for one in collector.named("chunk")}
        assert len(calls) == NUMBERS, "what was made last has left, too"
        for call in calls:
            (window,) = [one for one in windows if one.span_id == call.parent_span_id]
            assert chunks[window.parent_span_id].parent_span_id == root.span_id
            assert call.trace_id == root.trace_id
            assert facts(call)["loa.outcome"] == "accepted"
            assert call.end_time_unix_nano > call.start_time_unix_nano > 0
        sent = b"".join(collector.raw)
        assert not any(str(FIRST_NUMBER + n).encode() in sent for n in range(NUMBERS)), "no whole number leaves"


def test_a_collector_that_is_away_holds_nothing_up(tmp_path: Path, town: Town) -> None:
    with collecting() as (_, url):
        pass  # its port is free again: nobody answers
    config = write_config(tmp_path, town, more=TELEMETRY.format(url=url))
    with office(tmp_path, config, town) as running:
        send(running)
        assert json.loads(json.dumps(running.api.get("/health/ready")))["status"] == "ok"
        assert running.process.stop() == 0
