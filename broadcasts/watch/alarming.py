"""Who hears of a finding, and how often: when it has lasted a moment, again after hours, and once when it is mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from broadcasts.lifecycle import SYSTEM
from broadcasts.watch.findings import Finding, Weight, spoken
from store import alarms, watch
from store.engine import Tx
from store.watch import FindingRow

ALARM: Final = "watch"
"""Kind of the alarms on the duty board."""
STEADY_SECONDS: Final = 45.0
"""A finding is told when it still holds so long after it was first seen: two looks, so that a moment is none."""
REMIND_SECONDS: Final = 6 * 3600.0
"""What still holds is said again after so long."""
QUIET_SECONDS: Final = 1800.0
"""What comes and goes is told at most so often."""
MOST_TOLD: Final = 6
"""Findings in one message; the others are counted."""


@dataclass(slots=True)
class News:
    """What one look has to tell people."""

    begun: list[Finding] = field(default_factory=list)
    ended: list[FindingRow] = field(default_factory=list)
    rang: bool = False


def take_note(tx: Tx, found: Sequence[Finding], now: float) -> News:
    """Fold what was found into what was known; safe to repeat: what was told is written beside it."""
    known = {(row.kind, row.subject): row for row in watch.findings(tx, open_only=False)}
    news = News()
    for finding in found:
        _still(tx, finding, known.get(finding.key), now, news)
    keys = {finding.key for finding in found}
    for key, row in known.items():
        if row.ended_at is None and key not in keys:
            watch.save(tx, replace(row, ended_at=now))
            news.rang |= watch.end_alarm(tx, ALARM, subject(*key), SYSTEM, now)
            if row.told_at is not None and row.told_at >= row.since:
                news.ended.append(row)
    return news


def _still(tx: Tx, finding: Finding, row: FindingRow | None, now: float, news: News) -> None:
    if row is None:
        row = FindingRow(finding.kind, finding.subject, finding.params, now, now, None, None)
    elif row.ended_at is not None:
        row = replace(row, params=finding.params, since=now, seen_at=now, ended_at=None)
    else:
        row = replace(row, params=finding.params, seen_at=now)
    if finding.weight is not Weight.NOTE and _is_due(row, now):
        row = replace(row, told_at=now)
        news.begun.append(finding)
        if finding.weight is Weight.RING:
            detail = {"kind": finding.kind, "params": spoken(finding.params), "href": finding.href}
            news.rang |= alarms.raise_again(tx, ALARM, subject(*finding.key), detail, now) is not None
    watch.save(tx, row)


def _is_due(row: FindingRow, now: float) -> bool:
    if now - row.since < STEADY_SECONDS:
        return False
    if row.told_at is None:
        return True
    if row.told_at >= row.since:
        return now - row.told_at >= REMIND_SECONDS
    return now - row.told_at >= QUIET_SECONDS


def subject(kind: str, about: str) -> str:
    return f"{kind}: {about}"
