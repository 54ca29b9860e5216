"""Spans of what is done, for whoever traces it (OpenTelemetry); switched off they cost a call that does nothing.

A broadcast's trace is named by its code, so that every process that sends a part of it, hours later too, adds to the
same one without being told.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from adapters.contract import Envelope, Outcome

Fact = str | int | float


def broadcast_trace(code: str) -> str:
    return f"broadcast {code}"


def inbox_trace(inbox_id: int) -> str:
    return f"inbox {inbox_id}"


class Tracer(Protocol):
    """What `loa.tracing` fills when traces are switched on."""

    def span(self, name: str, of: str, root: bool, facts: dict[str, Fact]) -> AbstractContextManager[object]: ...

    def keep(self, of: str) -> None: ...

    def handed_over(self, envelopes: Sequence[Envelope]) -> None: ...

    def answered(self, delivery_id: int, outcome: Outcome) -> None: ...


class _Off:
    """Nobody traces."""

    _nothing: Final = nullcontext()

    def span(self, name: str, of: str, root: bool, facts: dict[str, Fact]) -> AbstractContextManager[object]:
        return self._nothing

    def keep(self, of: str) -> None:
        pass

    def handed_over(self, envelopes: Sequence[Envelope]) -> None:
        pass

    def answered(self, delivery_id: int, outcome: Outcome) -> None:
        pass


OFF: Final = _Off()
_tracer: Tracer = OFF


def use(tracer: Tracer) -> None:
    """From now on this process's spans go there; `OFF` ends it."""
    global _tracer
    _tracer = tracer


def span(name: str, of: str = "", /, **facts: Fact) -> AbstractContextManager[object]:
    """The time of the block. `of` names the trace that it belongs to ("": the span around it). Facts are short words
    and numbers, never a whole telephone number or a text."""
    return _tracer.span(name, of, False, facts)


def first_span(name: str, of: str, /, **facts: Fact) -> AbstractContextManager[object]:
    """The beginning of the trace called `of`."""
    return _tracer.span(name, of, True, facts)


def keep(of: str) -> None:
    """What comes later under this name continues here: an answer, what brought the question."""
    _tracer.keep(of)


def handed_over(envelopes: Sequence[Envelope]) -> None:
    """A provider's call begins for each of them."""
    _tracer.handed_over(envelopes)


def answered(delivery_id: int, outcome: Outcome) -> None:
    """It ended so."""
    _tracer.answered(delivery_id, outcome)
