"""How many SMS parts a text takes, and which (3GPP TS 23.040 9.2.3.24.1: concatenated short messages)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from text import gsm

Encoding = Literal["GSM-7", "UCS-2"]

GSM_SINGLE: Final = 160  # septets, 140 octets
GSM_PART: Final = 153  # septets beside a 6-octet header
GSM_PART_WIDE: Final = 152  # septets beside a 7-octet header (16-bit reference)
UCS2_SINGLE: Final = 70  # UTF-16 units
UCS2_PART: Final = 67
UCS2_PART_WIDE: Final = 66


@dataclass(frozen=True, slots=True)
class Part:
    """One SMS. `units` are septets (GSM-7) or UTF-16 units (UCS-2), without the header."""

    text: str
    units: int


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs. An empty text has no parts. The parts joined are the text."""

    encoding: Encoding
    units: int
    parts: tuple[Part, ...]

    @property
    def segments(self) -> int:
        return len(self.parts)


def measure(text: str, wide_ref: bool = False) -> Segments:
    """Alphabet, units and parts of `text` exactly as given (normalise first). A part never ends inside an escape
    pair or a surrogate pair. `wide_ref`: the parts carry a 16-bit reference (152 septets / 66 units)."""
    rest = set(text) - gsm.BASIC
    if rest <= gsm.EXTENDED:
        limit, part_limit = GSM_SINGLE, GSM_PART_WIDE if wide_ref else GSM_PART
        return _cut("GSM-7", text, rest, limit, part_limit)
    wide = {ch for ch in rest if ch > "\uffff"}
    limit, part_limit = UCS2_SINGLE, UCS2_PART_WIDE if wide_ref else UCS2_PART
    return _cut("UCS-2", text, wide, limit, part_limit)


def _cut(encoding: Encoding, text: str, double: set[str], limit: int, part_limit: int) -> Segments:
    """`double` holds the characters of two units that occur; every other one counts one."""
    units = len(text) + (sum(text.count(ch) for ch in double) if double else 0)
    if units <= limit:
        return Segments(encoding, units, (Part(text, units),) if text else ())
    if not double:
        slices = (text[at : at + part_limit] for at in range(0, len(text), part_limit))
        return Segments(encoding, units, tuple(Part(piece, len(piece)) for piece in slices))
    parts: list[Part] = []
    start = used = 0
    for at, ch in enumerate(text):
        cost = 2 if ch in double else 1
        if used + cost > part_limit:
            parts.append(Part(text[start:at], used))
            start, used = at, 0
        used += cost
    parts.append(Part(text[start:], used))
    return Segments(encoding, units, tuple(parts))
