"""Vietnamese phone numbers: normal form, kind and a hint of the carrier.

Rules and prefixes: the national numbering plan (Circular 22/2014/TT-BTTTT) and the change of 11-digit mobile numbers to
10 digits of 15 Sep 2018. Since number portability (16 Nov 2018) the prefix does not prove the carrier.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["mobile", "landline", ""]

COUNTRY: Final = "84"
_COUNTRY_BASE: Final = 84_000_000_000
_MIN_WITH_COUNTRY: Final = 11  # digits from which a leading 84 is the country and not the prefix 084

CONVERTED_2018: Final = {
    "120": "70", "121": "79", "122": "77", "126": "76", "128": "78",
    "123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
    "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
    "186": "56", "188": "58", "199": "59",
}  # fmt: skip
"""First digits after the 0, before and after 15 Sep 2018; the last seven digits stayed."""

_PREFIXES: Final = {
    "Viettel": "31 32 33 34 35 36 37 38 39 86 96 97 98",
    "VinaPhone": "81 82 83 84 85 88 91 94",
    "MobiFone": "30 51 70 76 77 78 79 89 90 93",
    "Vietnamobile": "52 56 58 92",
    "Gmobile": "59 99",
    "iTel": "87",
    "Wintel": "55",
}
_CARRIER: Final = {prefix: name for name, prefixes in _PREFIXES.items() for prefix in prefixes.split()}

_EMERGENCY: Final = frozenset({"111", "112", "113", "114", "115"})
_SERVICE: Final = ("1800", "1900")
_SHORT: Final = range(3, 7)  # digits of a short code
_MOBILE_DIGITS: Final = 9  # after the 0
_LANDLINE_DIGITS: Final = 10  # after the 0

_FAST: Final = re.compile(r"(?:\+?84|0)?([35789][0-9]{8})$").match
_FAST_LINES: Final = re.compile(r"^(?:\+?84|0)?([35789][0-9]{8})\r?$", re.MULTILINE).findall
_MOBILE: Final = re.compile(r"[35789][0-9]{8}").fullmatch
_LANDLINE: Final = re.compile(r"2[0-9]{9}").fullmatch
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_SPREADSHEET_FLOAT: Final = re.compile(r"([0-9]{9,12})\.0+")
_NUMBER_IN_TEXT: Final = re.compile(r"\d(?:[ .\-()/]?\d){6,}")
_MAX_INPUT: Final = 64  # characters; anything longer is no phone number


@dataclass(frozen=True, slots=True)
class Number:
    """`e164` is "+84…" or None. `reason` is "" for a mobile number that can get SMS, else one of: empty, letters,
    too_short, too_long, unknown_prefix, foreign, emergency, short_code, service, landline. `carrier_hint` is where the
    prefix was given out, not where the number is today."""

    input: str
    e164: str | None
    reason: str
    kind: Kind
    carrier_hint: str


def parse(raw: str) -> Number:
    """What `raw` is. Never raises."""
    kept = _keep_digits(raw)
    if isinstance(kept, _Refused):
        return Number(raw, None, kept.reason, "", "")
    digits, plus = kept
    if not plus and (reason := _special(digits)):
        return Number(raw, None, reason, "", "")
    significant = _significant(digits)
    if significant is None or (plus and not digits.startswith(("84", "0"))):
        return Number(raw, None, "foreign", "", "")
    if len(significant) == _LANDLINE_DIGITS and (converted := CONVERTED_2018.get(significant[:3])):
        significant = converted + significant[3:]
    if _MOBILE(significant):
        return Number(raw, f"+84{significant}", "", "mobile", _CARRIER.get(significant[:2], ""))
    if _LANDLINE(significant):
        return Number(raw, f"+84{significant}", "landline", "landline", "")
    return Number(raw, None, _why_not(significant), "", "")


def msisdn(raw: str) -> int | None:
    """`84…` as an integer for a mobile number, None for anything else. Same answers as `parse`, for millions."""
    if found := _FAST(raw):
        return _COUNTRY_BASE + int(found[1])
    number = parse(raw)
    return int(number.e164[1:]) if number.e164 and number.kind == "mobile" else None


def msisdns(lines: Sequence[str]) -> list[int | None]:
    """`msisdn` of each line. A chunk of nothing but mobile numbers takes one pass of the regex engine."""
    joined = "\n".join(lines)
    found = _FAST_LINES(joined)
    if len(found) == len(lines) and joined.count("\n") == len(lines) - 1:
        return [_COUNTRY_BASE + int(digits) for digits in found]
    return [msisdn(line) for line in lines]


def carrier_hint(number: int | str) -> str:
    """Carrier of the prefix of an `84…` number, "" if not known."""
    digits = str(number)
    return _CARRIER.get(digits[2:4], "") if digits.startswith(COUNTRY) else ""


def mask(s: str) -> str:
    """`s` with the middle of every long number hidden: 84900001234 → 8490***234. For logs and error texts."""
    return _NUMBER_IN_TEXT.sub(_hide, s)


def _hide(match: re.Match[str]) -> str:
    digits = "".join(ch for ch in match.group() if ch.isdigit())
    head, tail = (4, 3) if len(digits) >= _LANDLINE_DIGITS else (2, 2)
    return f"{digits[:head]}***{digits[-tail:]}"


@dataclass(frozen=True, slots=True)
class _Refused:
    reason: str


def _keep_digits(raw: str) -> tuple[str, bool] | _Refused:
    """The digits of `raw` and whether a + led them. Letters may stand before or after the number ("ĐT: 09…"), never
    inside it: "09o1…" and two numbers in a cell are refused, not guessed."""
    if len(raw) > _MAX_INPUT:
        return _Refused("too_long")
    s = unicodedata.normalize("NFKC", raw)
    if whole := _SPREADSHEET_FLOAT.fullmatch(s.strip()):
        return whole[1], False
    pieces = [piece for piece in _LETTERS.split(s) if any(ch.isdigit() for ch in piece)]
    if not pieces:
        return _Refused("letters" if _LETTERS.search(s) else "empty")
    if len(pieces) > 1:
        return _Refused("letters")
    digits = "".join(str(unicodedata.digit(ch, "")) for ch in pieces[0] if ch.isdigit())
    before = pieces[0].lstrip(" ('\"\t:.").removeprefix("(")
    plus = before.startswith("+")
    return (digits[2:] if digits.startswith("00") else digits), plus or digits.startswith("00")


def _significant(digits: str) -> str | None:
    """Digits after the trunk 0, or None where the number names another country."""
    if digits.startswith(COUNTRY) and len(digits) >= _MIN_WITH_COUNTRY:
        return digits[2:].removeprefix("0")
    return digits.removeprefix("0")


def _special(digits: str) -> str:
    """Numbers that exist and can never get an SMS."""
    if digits in _EMERGENCY:
        return "emergency"
    if digits.startswith(_SERVICE) and len(digits) in (8, 10):
        return "service"
    return "short_code" if len(digits) in _SHORT and not digits.startswith("0") else ""


def _why_not(significant: str) -> str:
    if len(significant) < _MOBILE_DIGITS:
        return "too_short"
    return "too_long" if len(significant) > _LANDLINE_DIGITS else "unknown_prefix"
