"""What this process counted, as Prometheus metrics."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from broadcasts.recorder import Recorder
from broadcasts.send_figures import ANSWER_BUCKETS, Answers, SendFigures

_BOUNDS: Final = (*(str(one) for one in ANSWER_BUCKETS), "+Inf")


def info(version: str, role: str, python: str, engine: str) -> Metric:
    facts = {"version": version, "role": role, "python": python, "ledger": engine}
    return InfoMetricFamily("loa_build", "What runs here", value=facts)


def sending(channels: Sequence[SendFigures]) -> Iterator[Metric]:
    """Window use by channel; outcomes, throttles and answer times by the account that answered."""
    window = GaugeMetricFamily(
        "loa_window_size", "Envelopes that a channel keeps in flight at most", labels=["channel"]
    )
    used = GaugeMetricFamily("loa_window_in_flight", "Envelopes handed over and not answered", labels=["channel"])
    for one in channels:
        window.add_metric([one.channel], one.window)
        used.add_metric([one.channel], one.in_flight)
    yield window
    yield used
    yield from _answers(channels)


def _answers(channels: Sequence[SendFigures]) -> Iterator[Metric]:
    outcomes = CounterMetricFamily(
        "loa_send_outcomes", "What providers answered", labels=["account", "outcome", "class"]
    )
    throttled = CounterMetricFamily("loa_send_throttled", "Refusals because we were too fast", labels=["account"])
    seconds = HistogramMetricFamily(
        "loa_provider_answer_seconds",
        "From the hand-over to a channel to the provider's answer, its own queue and pace included",
        labels=["account"],
    )
    for account, made in sorted(_by_account(channels).items()):
        for (outcome, cls), count in sorted(made.outcomes.items()):
            outcomes.add_metric([account, outcome, cls], count)
        throttled.add_metric([account], made.throttled)
        so_far = (float(one) for one in accumulate(made.within))
        seconds.add_metric([account], list(zip(_BOUNDS, so_far, strict=True)), made.seconds)
    return iter((outcomes, throttled, seconds))


def _by_account(channels: Iterable[SendFigures]) -> dict[str, Answers]:
    """Two channels may share an account."""
    found: dict[str, Answers] = {}
    for channel in channels:
        for account, answers in channel.answers.items():
            both = found.setdefault(account, Answers())
            both.outcomes.update(answers.outcomes)
            both.throttled += answers.throttled
            both.within = [a + b for a, b in zip(both.within, answers.within, strict=True)]
            both.seconds += answers.seconds
    return found


def receipts(recorder: Recorder | None) -> Iterator[Metric]:
    if recorder is None:
        return
    came = CounterMetricFamily("loa_receipts", "Receipts of providers", labels=["account", "state"])
    counted: Counter[tuple[str, str]] = recorder.received
    for (account, state), count in sorted(counted.items()):
        came.add_metric([account, state], count)
    yield came
    yield GaugeMetricFamily(
        "loa_recorder_flushing", "1 while outcomes reach the ledger, 0 while they are kept back",
        value=float(recorder.flushing.is_set()),
    )  # fmt: skip


def disk(folder: Path) -> Iterator[Metric]:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return
    yield GaugeMetricFamily("loa_disk_free_bytes", "Free where the data folder is", value=free)
