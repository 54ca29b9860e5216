"""A provider's message id as the receipt map keeps it: most are hexadecimal digits, and take half the room as bytes.

`unpacked(packed(x)) == x` for every text, and equal texts are equal bytes, so that a look-up is by the packed form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_EVEN: Final = 0xFF
_ODD: Final = 0xFE
"""First byte of a packed id, by its number of digits. No UTF-8 text begins with either (RFC 3629 3)."""
_MARKS: Final = (bytes((_EVEN,)), bytes((_ODD,)))


def packed(written: str) -> bytes:
    """Small hexadecimal digits as the bytes they mean behind a mark; everything else as UTF-8."""
    odd = len(written) & 1
    try:
        raw = bytes.fromhex("0" + written if odd else written)
    except ValueError:
        return written.encode()
    # fromhex also takes capitals and blanks, which must come back as they were
    return _MARKS[odd] + raw if raw.hex()[odd:] == written else written.encode()


def all_packed(written: Sequence[str]) -> list[bytes]:
    """`packed` of each. A carrier's ids are nearly always of one length, and then read in one go."""
    length = len(written[0]) if written else 0
    alike = length and not length & 1 and all(len(one) == length for one in written)
    whole = packed("".join(written)) if alike else b""
    mark, size = _MARKS[0], length // 2
    if not whole.startswith(mark):
        return [packed(one) for one in written]
    return [mark + whole[at : at + size] for at in range(1, len(whole), size)]


def unpacked(kept: bytes) -> str:
    if not kept or kept[0] < _ODD:
        return kept.decode()
    return kept[1:].hex()[kept[0] == _ODD :]
