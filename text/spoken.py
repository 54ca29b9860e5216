"""A written message as an announcer, or a speech synthesiser, can read it: numbers, dates and abbreviations in full.

Pure: what is abbreviated how comes from the caller (`data/spoken.toml`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from text.number_words import cardinal, decimal, digit_by_digit

_EDGE: Final = r"(?<![\w.,/-])"
_NO_MORE: Final = r"(?![\w/])"
_DATE: Final = re.compile(
    rf"{_EDGE}(?:ngày\s+)?(0?[1-9]|[12]\d|3[01])/(0?[1-9]|1[0-2])(?:/((?:19|20)\d\d))?{_NO_MORE}", re.IGNORECASE
)
_CLOCK: Final = re.compile(rf"{_EDGE}([01]?\d|2[0-4]):([0-5]\d){_NO_MORE}")
_HOURS: Final = re.compile(rf"{_EDGE}([01]?\d|2[0-4])\s?(?:-|–)\s?([01]?\d|2[0-4])\s?(?:h|giờ){_NO_MORE}")
_HOUR: Final = re.compile(rf"{_EDGE}([01]?\d|2[0-4])\s?h\s?([0-5]\d)?{_NO_MORE}")
_PHONE: Final = re.compile(r"(?<![\w./-])(?:\+84|0)\d[\d. ]{6,12}\d(?!\w)")
_EMERGENCY: Final = re.compile(r"\b(11[2-9])\b")
"""112 to 119 are read digit by digit, as people dial them."""
_RANGE: Final = re.compile(r"(?<![\w.,/])(\d[\d.]*(?:,\d+)?)\s?[-–]\s?(\d[\d.]*(?:,\d+)?)(?!\w)")
_NUMBER: Final = re.compile(r"(?<![\w,])(\d{1,3}(?:\.\d{3})+|\d+)(?:,(\d+))?")
_CODE: Final = re.compile(r"\(?\s*(?:[Mm]ã\s+)?[A-Z]{1,4}\d{4}-\d{2,}(?:,\s*thay\s+[A-Z]{1,4}\d{4}-\d{2,})?\s*\)?")
_ITEM: Final = re.compile(r"(?<!\w)(\d)\)\s")
_LINK: Final = re.compile(r"https?://\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:vn|com|net|org)(?:/\S*)?")
_BRACKETED: Final = re.compile(r"\[[^\]]*\]|<[^>]*>")
_ROMAN: Final = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10}


@dataclass(frozen=True, slots=True)
class Reading:
    """How an office reads: the table of `data/spoken.toml`."""

    abbreviations: Mapping[str, str]
    only_written: Sequence[str] = ()
    """A sentence that holds one of these is for readers only."""
    before_roman: Sequence[str] = ()


def plain(text: str, reading: Reading) -> str:
    """The message without what only its readers need: brackets, codes, links, how to answer. Still with figures."""
    kept = []
    for line in _BRACKETED.sub(" ", text).splitlines():
        sentences = [one for one in _sentences(line) if not any(mark in one for mark in reading.only_written)]
        tidy = _tidy(_CODE.sub(" ", _LINK.sub(" ", " ".join(sentences))))
        if any(one.isalnum() for one in tidy):
            kept.append(tidy)
    return "\n".join(kept)


def in_words(text: str, reading: Reading) -> str:
    """Every figure and abbreviation in full. What is no figure and no abbreviation stays as it is."""
    out = _PHONE.sub(lambda found: _grouped(found[0]), text)
    out = _in_full(out, {short: full for short, full in reading.abbreviations.items() if not short.isalpha()})
    out = _DATE.sub(_date, out)
    out = _HOURS.sub(lambda found: f"{cardinal(int(found[1]))} đến {cardinal(int(found[2]))} giờ", out)
    out = _CLOCK.sub(lambda found: _time(found[1], found[2]), out)
    out = _HOUR.sub(lambda found: _time(found[1], found[2] or "00"), out)
    out = _EMERGENCY.sub(lambda found: digit_by_digit(found[1]), out)
    out = _ITEM.sub(lambda found: f"{_ordinal(int(found[1]))}, ", out)
    out = _RANGE.sub(lambda found: f"{found[1]} đến {found[2]}", out)
    out = _romans(out, reading.before_roman)
    out = _in_full(out, reading.abbreviations)
    out = _NUMBER.sub(lambda found: _read(found[1], found[2]), out)
    out = re.sub(r"/lần\b", " một lần", out)
    out = _tidy(out.replace("/", " trên ").replace("–", ",").replace(" - ", ", "))
    return "\n".join(_sentence_case(line) for line in out.splitlines())


def _sentence_case(line: str) -> str:
    """A synthesiser spells out capitals: they stay at the beginning of a line and in names only."""
    lower = re.sub(r"\b[^\W\d_]{2,}\b", lambda word: word[0].lower() if word[0].isupper() else word[0], line)
    return lower[:1].upper() + lower[1:]


def _sentences(line: str) -> list[str]:
    """At a full stop before a space and a capital; "12.000" and "Tp. Thanh Hóa" stay whole."""
    return [one for one in re.split(r"(?<=[.!?])\s+(?=[A-ZÀ-ỴĐ\[])", line) if one.strip()]


def _in_full(text: str, table: Mapping[str, str]) -> str:
    """Longest first; alone or directly after a figure ("12m", "BĐ3")."""
    for short in sorted(table, key=len, reverse=True):
        pattern = rf"(?<![^\W\d_]){re.escape(short)}(?![^\W\d_])"
        text = re.sub(pattern, f" {table[short]} ", text)
    return text


def _romans(text: str, before: Sequence[str]) -> str:
    if not before:
        return text
    words = "|".join(re.escape(one) for one in before)
    return re.sub(
        rf"\b({words})\s+(I{{1,3}}|IV|V|VI{{1,3}}|IX|X)\b",
        lambda found: f"{found[1]} {cardinal(_ROMAN[found[2]])}",
        text,
        flags=re.IGNORECASE,
    )


def _date(found: re.Match[str]) -> str:
    day, month, year = int(found[1]), int(found[2]), found[3]
    words = f"ngày {'mùng ' if day <= 10 else ''}{cardinal(day)} tháng {_month(month)}"
    return f"{words} năm {cardinal(int(year))}" if year else words


def _month(month: int) -> str:
    """The fourth month has a name of its own: "tháng tư"."""
    return "tư" if month == 4 else cardinal(month)


def _time(hours: str, minutes: str) -> str:
    if int(hours) == 24 and int(minutes):
        return f"{hours}:{minutes}"
    words = f"{cardinal(int(hours))} giờ"
    return words if int(minutes) == 0 else f"{words} {cardinal(int(minutes))} phút"


def _ordinal(number: int) -> str:
    return {1: "một là", 4: "bốn là"}.get(number, f"{cardinal(number)} là")


def _grouped(number: str) -> str:
    """A telephone number digit by digit, with a breath where it was written in groups."""
    groups = re.split(r"[. ]+", number.replace("+84", "0"))
    return ", ".join(digit_by_digit(group) for group in groups if group)


def _read(whole: str, fraction: str | None) -> str:
    plain_whole = whole.replace(".", "")
    if len(plain_whole) > 1 and plain_whole[0] == "0":
        return digit_by_digit(plain_whole) + (f" phẩy {digit_by_digit(fraction)}" if fraction else "")
    return decimal(plain_whole, fraction) if fraction else cardinal(int(plain_whole))


def _tidy(text: str) -> str:
    """One space between words, none before a stop; no stop after another one."""
    text = re.sub(r"\(\s*\)", " ", text)
    text = re.sub(r"\s+([.,;:!?)])", r"\1", re.sub(r"[ \t]+", " ", text))
    text = re.sub(r"([,;:])\s*(?=[.,;:])", "", text)
    return re.sub(r"\.{2,}", ".", text).strip(" ,;:")
