"""Which of the open directives people mean: by its code, or by the number of the document. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Generic, Protocol, TypeVar

from text.folding import fold
from text.safe import to_safe

CODES_AT_ONCE: Final = 5
"""More codes in one message are not a confirmation."""

NUMBER_DIGITS: Final = 5
"""Digits of a document's number at most (20631/UBND-NN)."""

_KINDS: Final = "cong dien|cd|cong van|cv|chi thi|ct|quyet dinh|qd|thong bao|ke hoach|kh|van ban|vb"
_DOCUMENT: Final = re.compile(rf"\b(?:{_KINDS})(?: so)? (\d{{1,5}})\b")
_DOCUMENT_SIGN: Final = re.compile(r"\b(\d{1,5}) (?:cd|cv|ct|qd|tb|kh|nq|ubnd|vpcp|pctt|bch)\b")
_STORM: Final = re.compile(r"\bbao(?: so)? (\d{1,2})\b")
_PRESSED: Final = re.compile(r"#?ACK\s+([A-Z][A-Z0-9-]{2,31})")


class Directive(Protocol):
    @property
    def code(self) -> str: ...

    @property
    def title(self) -> str: ...


D = TypeVar("D", bound=Directive)


def pressed_code(payload: str) -> str | None:
    """The code in a button's payload, "ACK TB0825-07" or "#ACK TB0825-07"; None for any other."""
    found = _PRESSED.fullmatch(payload.strip().upper())
    return found.group(1) if found else None


def codes_in(text: str, prefix: str = "TB") -> tuple[str, ...]:
    """Codes as people type them, in our spelling, each once: "tb 0825 07", "TB0825–7", "0825-07"."""
    found = _pattern(prefix).findall(to_safe(text).text.upper())
    codes = (f"{prefix}{month or bare}-{int(number or bare_number):02}" for month, number, bare, bare_number in found)
    return tuple(dict.fromkeys(codes))[:CODES_AT_ONCE]


@lru_cache(maxsize=4)
def _pattern(prefix: str) -> re.Pattern[str]:
    """Month and year, and the number in the month; the prefix may only be left out where a dash stands between."""
    with_prefix = re.escape(prefix) + r" ?(\d{4}) ?[-./ ]? ?(\d{1,3})"
    without = r"((?:0[1-9]|1[0-2])\d{2})-(\d{1,3})"
    return re.compile(rf"(?<![A-Z0-9])(?:{with_prefix}|{without})(?![0-9])")


@dataclass(frozen=True, slots=True)
class Meant(Generic[D]):
    """`surely` bear that document number, or the storm of that number where a storm is named; `perhaps` bear the number
    somewhere in the title or at the end of the code."""

    surely: list[D]
    perhaps: list[D]


def meant(document: str, said: str, directives: Sequence[D]) -> Meant[D]:
    """Those that a confirmation `said` names by `document`: "04/CĐ-UBND", "4", "07". Đ is D, leading zeros go."""
    numbers = {int(word) for word in fold(document).split() if word.isdigit() and len(word) <= NUMBER_DIGITS}
    storms = numbers & _numbers(_STORM, fold(said))
    surely = [
        one for one in directives if numbers & _documents(one.title) or storms & _numbers(_STORM, fold(one.title))
    ]
    perhaps = [one for one in directives if numbers & _all_numbers(one)]
    return Meant(surely, perhaps)


def _documents(title: str) -> set[int]:
    folded = fold(title)
    return _numbers(_DOCUMENT, folded) | _numbers(_DOCUMENT_SIGN, folded)


def _numbers(pattern: re.Pattern[str], folded: str) -> set[int]:
    return {int(number) for number in pattern.findall(folded)}


def _all_numbers(directive: Directive) -> set[int]:
    tail = directive.code.rpartition("-")[2]
    words = [*fold(directive.title).split(), tail]
    return {int(word) for word in words if word.isdigit() and len(word) <= NUMBER_DIGITS}
