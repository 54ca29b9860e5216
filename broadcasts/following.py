"""What can be followed of a send from outside: log lines with one id from broadcast to PDU, spans, figures.

A chunk is told at level info and a message at debug. Every line inside a chunk carries `broadcast` and `chunk`, every
line about a message `delivery`: an adapter's lines, too, and whatever a receipt brings later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bound_contextvars

from adapters.contract import Accepted, Envelope, Outcome, Rejected
from broadcasts import tracing
from broadcasts.send_figures import SendFigures
from text.numbers import mask

if TYPE_CHECKING:
    from broadcasts.texts import Batch
    from store.chunks import Claim

log = structlog.get_logger(__name__)


class Following:
    """Of one channel's dispatcher."""

    def __init__(self, channel: str, window: int) -> None:
        self.figures = SendFigures(channel, window)
        self._channel = channel
        self._told = is_told()

    @contextmanager
    def chunk(self, claim: Claim, batch: Batch) -> Iterator[None]:
        """From the claim to its end. The chunk of a single message is told like a message."""
        tell = log.debug if batch.single else log.info
        facts: dict[str, tracing.Fact] = {
            "channel": self._channel,
            "step": claim.step,
            "messages": len(batch.envelopes),
        }
        began = time.monotonic()
        with (
            bound_contextvars(broadcast=batch.code, chunk=claim.chunk),
            tracing.span("chunk", batch.trace, code=batch.code, chunk=claim.chunk, **facts),
        ):
            tell("chunk_claimed", last=claim.last_id, token=claim.token, **facts)
            yield
            tell("chunk_left", channel=self._channel, seconds=round(time.monotonic() - began, 3))

    @contextmanager
    def window(self, envelopes: Sequence[Envelope]) -> Iterator[None]:
        """While a window is handed over; answers may come later."""
        self.figures.handed_over(len(envelopes))
        self._told = is_told()
        if self._told:
            for one in envelopes:
                log.debug("handed_over", delivery=one.delivery_id, channel=self._channel, to=mask(one.to))
        with tracing.span("window", channel=self._channel, messages=len(envelopes)):
            tracing.handed_over(envelopes)
            yield

    def answered(self, delivery_id: int, outcome: Outcome, seconds: float) -> None:
        self.figures.answered(outcome, seconds)
        tracing.answered(delivery_id, outcome)
        if self._told:
            log.debug(
                "answered", delivery=delivery_id, channel=self._channel, ms=round(1000 * seconds), **_said(outcome)
            )


def is_told() -> bool:
    """Whether single messages are logged: asked before their lines are made, for there are many."""
    return bool(log.is_enabled_for(logging.DEBUG))


def _said(outcome: Outcome) -> dict[str, str | float | None]:
    said: dict[str, str | float | None] = {"code": outcome.code, "account": outcome.account}
    if isinstance(outcome, Accepted):
        said |= {"outcome": "accepted", "provider_id": " ".join(outcome.provider_ids)}
    elif isinstance(outcome, Rejected):
        said |= {"outcome": "rejected", "reason": outcome.reason, "class": outcome.cls.value, "after": outcome.after}
    else:
        said |= {"outcome": "unknown", "reason": outcome.why}
    return {key: value for key, value in said.items() if value not in ("", None)}
