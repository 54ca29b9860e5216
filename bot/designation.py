"""Which of the open directives people mean: by its code, or by the number of the document. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol, TypeVar

from text.folding import fold
from text.safe import to_safe

CODES_AT_ONCE: Final = 5
"""More codes in one message are not a confirmation."""

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


def meant(designation: str, directives: Sequence[D]) -> list[D]:
    """Those whose code ends in the number or whose title bears it: "04/CĐ-UBND", "cd 4", "số 07".

    Compared as the office does: Đ = D, leading zeros dropped; a letter part counts only where the title has it, too.
    """
    numbers = {int(word) for word in fold(designation).split() if word.isdigit() and len(word) <= 5}
    if not numbers:
        return []
    return [one for one in directives if not numbers.isdisjoint(_numbers_of(one))]


def _numbers_of(directive: Directive) -> set[int]:
    tail = directive.code.rpartition("-")[2]
    words = [*fold(directive.title).split(), tail]
    return {int(word) for word in words if word.isdigit() and len(word) <= 5}
