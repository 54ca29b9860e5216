"""How long commits take and how many closures share one: figures of this process's ledger."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

SECONDS: Final = Histogram(
    "loa_ledger_commit_seconds",
    "One transaction of the ledger, from its begin to the end of its commit",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
CLOSURES: Final = Histogram(
    "loa_ledger_commit_closures", "Closures that shared one commit", buckets=(1, 2, 4, 8, 16, 32, 64)
)
FAILED: Final = Counter("loa_ledger_commits_failed", "Transactions that could not be committed", ["reason"])


def committed(closures: int, seconds: float) -> None:
    SECONDS.observe(seconds)
    CLOSURES.observe(closures)


def failed(reason: str) -> None:
    """`reason` as in `LedgerError.key`."""
    FAILED.labels(reason).inc()
