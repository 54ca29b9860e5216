"""The types of a template's blanks: what may be typed into each, judged without a clock or a network."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from text import numbers


class BlankType(StrEnum):
    """Times are 24 h with a date ("15:00 ngày 28/9"), never "chiều nay": messages arrive late. Numbers are written the
    Vietnamese way: decimal comma, dots between thousands."""

    TEXT = "text"
    NUMBER = "number"  # 1.250 · 12,05
    RANGE = "range"  # 39-40
    TIME = "time"  # 02:20 · 7h · 7h30
    HOURS = "hours"  # 10-16h
    DATE = "date"  # 25/8 · 25/8/2025
    MOMENT = "moment"  # 09:00 ngày 25/8
    SPAN = "span"  # 13-16h ngày 25/8
    LEVEL = "level"  # disaster risk level 1..5, QĐ 18/2021/QĐ-TTg Điều 4
    ALARM = "alarm"  # river alarm 1..3
    WIND = "wind"  # Beaufort, one or a range: 13-14
    PHONE = "phone"
    LINK = "link"  # to an official domain
    UNIT = "unit"  # a commune or ward of today
    DOCUMENT = "document"  # Công điện 12/CĐ-UBND


WIND_MIN: Final = 6
"""Beaufort; áp thấp nhiệt đới begins at 6 (QĐ 18/2021/QĐ-TTg, Phụ lục III)."""
WIND_MAX: Final = 18
"""The Vietnamese scale ends at 17, bulletins write "trên cấp 17"."""
_LEAP_YEAR: Final = 2024
"""A date without a year may be 29/2."""

_NUMBER: Final = r"-?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?"
_TIME: Final = r"(?:(?:[01]?\d|2[0-3])(?:[:h][0-5]\d|h| ?giờ(?: [0-5]\d)?)|24(?:[:h]00|h| ?giờ))"
_HOURS: Final = rf"(?:(?:[01]?\d|2[0-4])|{_TIME}) ?[-–] ?{_TIME}"
_DATE: Final = r"(?P<day>\d{1,2})/(?P<month>\d{1,2})(?:/(?P<year>\d{4}))?"
_URL: Final = re.compile(
    r"(?:https?://|www\.)\S+|\b(?:[a-z0-9-]+\.)+(?:vn|com|net|org|info|me|io|ly|link|xyz|top)\b\S*", re.I
)
_HOST: Final = re.compile(r"(?:https?://)?([^/:\s?#]+)(?:[/?#]\S*)?", re.I)
_MASKED_PHONE: Final = re.compile(r"[0-9xX. ]{8,14}")

_WHOLE: Final = {
    BlankType.NUMBER: re.compile(_NUMBER),
    BlankType.RANGE: re.compile(rf"{_NUMBER}(?: ?[-–] ?{_NUMBER})?"),
    BlankType.TIME: re.compile(_TIME),
    BlankType.HOURS: re.compile(_HOURS),
    BlankType.DATE: re.compile(_DATE),
    BlankType.MOMENT: re.compile(rf"{_TIME},?(?: ngày)? {_DATE}"),
    BlankType.SPAN: re.compile(rf"(?:{_HOURS}|{_TIME}),?(?: ngày)? {_DATE}"),
    BlankType.LEVEL: re.compile(r"[1-5]"),
    BlankType.ALARM: re.compile(r"[1-3]"),
    BlankType.WIND: re.compile(r"(\d{1,2})(?: ?[-–] ?(\d{1,2}))?"),
    BlankType.DOCUMENT: re.compile(r".*\d{1,5}[a-zđ]?/[A-ZĐ][A-ZĐ,&0-9 -]*.*"),
}


def fits(
    kind: BlankType, value: str, *, real: bool, domains: frozenset[str], known_unit: Callable[[str], bool]
) -> bool:
    """May `value` (stripped, not empty) stand in a blank of this type?

    `real` is False in exercises and tests, where a made-up telephone ("09xx.xxx.xxx") may be shown.
    """
    if kind is BlankType.LINK:
        return is_official(value, domains)
    if kind is BlankType.UNIT:
        return known_unit(value)
    if kind is BlankType.PHONE:
        return _is_phone(value) or (not real and bool(_MASKED_PHONE.fullmatch(value)))
    pattern = _WHOLE.get(kind)
    if pattern is None:
        return True
    found = pattern.fullmatch(value)
    if found is None:
        return False
    if kind is BlankType.WIND:
        return _is_wind(found)
    return "day" not in pattern.groupindex or _is_date(found)


def find_links(text: str) -> list[str]:
    """Everything in `text` that a phone would make clickable."""
    return [found.group().rstrip(".,;:)") for found in _URL.finditer(text)]


def is_official(link: str, domains: frozenset[str]) -> bool:
    """True for a link whose host is one of `domains`, exactly: no look-alike, no user name before an @."""
    host = _HOST.fullmatch(link)
    return host is not None and host[1].lower() in domains


def _is_phone(value: str) -> bool:
    number = numbers.parse(value)
    return number.e164 is not None or number.reason in ("emergency", "short_code", "service")


def _is_wind(found: re.Match[str]) -> bool:
    low = int(found[1])
    high = int(found[2] or low)
    return WIND_MIN <= low <= high <= WIND_MAX


def _is_date(found: re.Match[str]) -> bool:
    day, month = int(found["day"]), int(found["month"])
    return 1 <= month <= 12 and 1 <= day <= monthrange(int(found["year"] or _LEAP_YEAR), month)[1]
