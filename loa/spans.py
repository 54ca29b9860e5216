"""Spans of OpenTelemetry behind `broadcasts.tracing`. Imported only where traces are switched on.

Ids of a trace and of its first span are hashes of its name, so that processes that know nothing of each other add to
the same trace: the one that fires a broadcast and the ones that send it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from importlib import import_module
from typing import Any, Final

from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags

from adapters.contract import Accepted, Envelope, Outcome, Rejected
from broadcasts.tracing import Fact
from loa.version import version
from text.numbers import mask

KEPT_MOST: Final = 10_000
"""Names whose later spans continue here, and calls without an answer; older ones are let go."""
PREFIX: Final = "loa."
_OTLP: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

_given: ContextVar[tuple[int, int] | None] = ContextVar("given_ids", default=None)
"""(trace id, span id) for the span that is made now."""


class _Ids(RandomIdGenerator):
    def generate_trace_id(self) -> int:
        ids = _given.get()
        return ids[0] if ids else super().generate_trace_id()

    def generate_span_id(self) -> int:
        ids = _given.get()
        return ids[1] if ids else super().generate_span_id()


class Spans:
    """A `broadcasts.tracing.Tracer`. Whether a trace is kept depends on its id alone, in every process alike."""

    def __init__(self, out: SpanExporter | SpanProcessor, share: float = 1.0) -> None:
        resource = Resource.create({"service.name": "loa", "service.version": version()})
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(share), resource=resource, id_generator=_Ids(), shutdown_on_exit=False
        )
        self._provider.add_span_processor(out if isinstance(out, SpanProcessor) else BatchSpanProcessor(out))
        self._tracer = self._provider.get_tracer("loa")
        self._kept: OrderedDict[str, SpanContext] = OrderedDict()
        self._calls: OrderedDict[int, trace.Span] = OrderedDict()

    @contextmanager
    def span(self, name: str, of: str, root: bool, facts: dict[str, Fact]) -> Iterator[object]:
        attributes = {PREFIX + key: value for key, value in facts.items()}
        if root:
            token = _given.set(ids_of(of))
            made = self._tracer.start_span(name, context=context.Context(), attributes=attributes)
            _given.reset(token)
        else:
            made = self._tracer.start_span(name, context=self._parent(of), attributes=attributes)
        with trace.use_span(made, end_on_exit=True):
            yield made

    def _parent(self, of: str) -> context.Context | None:
        if not of:
            return None
        known = self._kept.get(of)
        if known is None:
            trace_id, span_id = ids_of(of)
            known = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
        return trace.set_span_in_context(NonRecordingSpan(known), context.Context())

    def keep(self, of: str) -> None:
        self._kept[of] = trace.get_current_span().get_span_context()
        if len(self._kept) > KEPT_MOST:
            self._kept.popitem(last=False)

    def handed_over(self, envelopes: Sequence[Envelope]) -> None:
        for one in envelopes:
            attributes: dict[str, Any] = {"loa.delivery": one.delivery_id, "loa.to": mask(one.to)}
            self._calls[one.delivery_id] = self._tracer.start_span("provider call", attributes=attributes)
        while len(self._calls) > KEPT_MOST:
            self._calls.popitem(last=False)[1].end()

    def answered(self, delivery_id: int, outcome: Outcome) -> None:
        call = self._calls.pop(delivery_id, None)
        if call is None:
            return
        if isinstance(outcome, Accepted):
            call.set_attributes({"loa.outcome": "accepted", "loa.provider_id": " ".join(outcome.provider_ids)})
        else:
            refused = isinstance(outcome, Rejected)
            why = outcome.reason if isinstance(outcome, Rejected) else outcome.why
            call.set_attributes({"loa.outcome": "rejected" if refused else "unknown", "loa.reason": why})
            call.set_status(StatusCode.ERROR, why)
        if outcome.code:
            call.set_attribute("loa.code", outcome.code)
        call.end()

    def close(self) -> None:
        """What is made so far leaves."""
        self._provider.shutdown()


def ids_of(of: str) -> tuple[int, int]:
    """(trace id, id of its first span), never zero, for a name."""
    digest = sha256(of.encode()).digest()
    return int.from_bytes(digest[:16], "big") | 1, int.from_bytes(digest[16:24], "big") | 1


def exporter(url: str) -> SpanExporter:
    """OTLP over HTTP. "": where the SDK's own variables say, else this machine's collector. Raises `ImportError`."""
    made: SpanExporter = import_module(_OTLP).OTLPSpanExporter(**({"endpoint": url} if url else {}))
    return made
