"""When a schedule falls due, as data: one moment, or times of day on some days. Pure; the office's clock.

`{"every": "once", "at": "2026-08-25T07:00:00+07:00"}` · `{"every": "day", "times": ["07:00", "16:00"]}` ·
`{"every": "week", "days": ["mon"], "times": ["07:00"]}` · `{"every": "month", "day": 1, "times": ["09:00"]}`, the day
being 1 to 28 or "last".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apscheduler.triggers.cron import CronTrigger

from broadcasts.model import Problem
from text.dates import OFFICE_ZONE

EVERY: Final = ("once", "day", "week", "month")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""By name only: APScheduler counts Monday as 0 where crontab counts Sunday (agronholm/apscheduler#286)."""
LAST: Final = "last"
DAY_MOST: Final = 28
"""Every month has it; a later one would be left out silently in some months."""
TIMES_MOST: Final = 24
FARTHEST: Final = timedelta(days=366)
"""A single moment further away than a year is a slip of the pen."""
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_FIELDS: Final = {
    "once": {"every", "at"},
    "day": {"every", "times"},
    "week": {"every", "days", "times"},
    "month": {"every", "day", "times"},
}


def problems_of(rule: Mapping[str, Any], now: float) -> list[Problem]:
    """What is wrong with a rule that somebody gave."""
    every = rule.get("every")
    if every not in EVERY:
        return [Problem("rule.every", "not_a_choice", {"value": str(every)[:20], "known": ", ".join(EVERY)})]
    if strange := sorted(set(rule) - _FIELDS[every]):
        return [Problem(f"rule.{strange[0]}", "unknown_field")]
    if every == "once":
        return _moment_problems(rule.get("at"), now)
    found = []
    times = rule.get("times")
    if not isinstance(times, list) or not 0 < len(times) <= TIMES_MOST:
        found.append(Problem("rule.times", "schedule_times", {"limit": TIMES_MOST}))
    elif bad := [one for one in times if not isinstance(one, str) or not _TIME.fullmatch(one)]:
        found.append(Problem("rule.times", "schedule_time", {"value": str(bad[0])[:20]}))
    if every == "week" and not _known_days(rule.get("days")):
        found.append(Problem("rule.days", "schedule_days", {"known": ", ".join(DAYS)}))
    day = rule.get("day")
    if every == "month" and day != LAST and not (type(day) is int and 1 <= day <= DAY_MOST):
        found.append(Problem("rule.day", "schedule_day", {"limit": DAY_MOST}))
    return found


def _known_days(days: Any) -> bool:
    return isinstance(days, list) and bool(days) and all(one in DAYS for one in days)


def _moment_problems(at: Any, now: float) -> list[Problem]:
    when = moment_of(at)
    if when is None:
        return [Problem("rule.at", "not_a_time", {"value": str(at)[:40]})]
    if when.tzinfo is None:
        return [Problem("rule.at", "time_without_zone", {"value": str(at)[:40]})]
    if when.timestamp() <= now:
        return [Problem("rule.at", "time_past", {"value": str(at)[:40]})]
    if when.timestamp() > now + FARTHEST.total_seconds():
        return [Problem("rule.at", "schedule_too_far", {"days": FARTHEST.days})]
    return []


def moment_of(at: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(at) if isinstance(at, str) else None
    except ValueError:
        return None


def next_after(rule: Mapping[str, Any], after: float) -> float | None:
    """The first occurrence later than that moment; None: there is none. The rule must be without problems."""
    if rule["every"] == "once":
        when = moment_of(rule["at"])
        return when.timestamp() if when is not None and when.timestamp() > after else None
    start = datetime.fromtimestamp(after, UTC).astimezone(OFFICE_ZONE) + timedelta(microseconds=1)
    found = [trigger.get_next_fire_time(None, start) for trigger in _triggers(rule)]
    return min((one.timestamp() for one in found if one is not None), default=None)


def between(rule: Mapping[str, Any], first: float, until: float, most: int) -> Iterator[float]:
    """Occurrences after `first` up to and with `until`, in order, at most so many."""
    at = next_after(rule, first)
    while at is not None and at <= until and most > 0:
        yield at
        most -= 1
        at = next_after(rule, at)


def _triggers(rule: Mapping[str, Any]) -> list[CronTrigger]:
    days: dict[str, Any] = {}
    if rule["every"] == "week":
        days = {"day_of_week": ",".join(rule["days"])}
    elif rule["every"] == "month":
        days = {"day": rule["day"]}
    clock = [one.split(":") for one in rule["times"]]
    return [CronTrigger(hour=hour, minute=minute, second=0, timezone=OFFICE_ZONE, **days) for hour, minute in clock]
