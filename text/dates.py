"""Times as the office writes them. Only aware datetimes go in and come out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

OFFICE_ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
"""UTC+7 all year; the only zone that people of the office read."""

_MOMENT: Final = "{0:%H:%M} ngày {0.day}/{0.month}"
_MOMENT_WITH_YEAR: Final = "{0:%H:%M} ngày {0.day}/{0.month}/{0.year}"


def local(at: datetime | float) -> datetime:
    """`at` (aware, or epoch seconds) on the office's clock. Raises ValueError for a naive datetime."""
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise ValueError("naive datetime")
        return at.astimezone(OFFICE_ZONE)
    return datetime.fromtimestamp(at, UTC).astimezone(OFFICE_ZONE)


def moment(at: datetime | float, now: datetime | float | None = None) -> str:
    """ "15:00 ngày 28/9"; with the year where it is not the year of `now`. Never "chiều nay": messages arrive late."""
    when = local(at)
    this_year = now is None or local(now).year == when.year
    return (_MOMENT if this_year else _MOMENT_WITH_YEAR).format(when)


def day(at: datetime | float) -> str:
    """ "28/9"."""
    when = local(at)
    return f"{when.day}/{when.month}"


def clock(at: datetime | float) -> str:
    """ "02:31"."""
    return f"{local(at):%H:%M}"
