"""Which of the open directives people mean: by its code, or by the number of the document. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

from text.folding import fold
from text.safe import to_safe

CODES_AT_ONCE: Final = 5
"""More codes in one message are not a confirmation."""

# "TB0825-07" and what thumbs make of it: "tb 0825 07", "TB0825–7", "tb0825.07".
_CODE: Final = re.compile(r"(?<![A-Z0-9])TB ?(\d{4}) ?[-./ ]? ?(\d{1,3})(?![0-9])")
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


def codes_in(text: str) -> tuple[str, ...]:
    """Codes as people type them, in our spelling, each once."""
    plain = to_safe(text).text.upper()
    return tuple(dict.fromkeys(f"TB{month}-{int(number):02}" for month, number in _CODE.findall(plain)))[:CODES_AT_ONCE]


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
