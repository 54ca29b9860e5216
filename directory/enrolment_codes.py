"""One-time codes by which a person names themselves from a new account: short, typed on a telephone, told by voice.

Pure. A code is derived from the office's secret, the person, the family and a serial number, so that the same sheet can
be printed again while no code is stored; the ledger holds its hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from text.folding import fold

ALPHABET: Final = "34679CFHJKMNPQRTVX"
"""Without 0 O Q-like pairs' other half (1 I L, 2 Z, 5 S, 8 B, D, G, U), and without vowels, W and D: Vietnamese
keyboards make another letter of "AA", "W" or "DD" (Telex) and of a vowel before a figure (VNI)."""
LENGTH: Final = 8
"""Seven drawn characters, 18^7 = 6 × 10^8 codes, and a check character: with 500 codes open one guess in a million is
right, see `bot.enrolling` for how often one may guess."""
SHOWN_IN: Final = 4
"""Characters of a group: "K7CF-9XQM"."""
VALID_SECONDS: Final = 14 * 86_400.0
"""How long a code is good: a sheet that was handed out is used within two weeks (office's rule)."""

_SEPARATORS: Final = re.compile(r"[\s\-–—._:,;/\"'()\[\]<>]+")


def made(secret: bytes, person_id: int, channel: str, serial: int) -> str:
    """The code of a person's `serial`-th invitation to a family."""
    told = f"enrol\n{person_id}\n{channel}\n{serial}".encode()
    number = int.from_bytes(hmac.digest(secret, told, "sha256"), "big")
    drawn = []
    for _ in range(LENGTH - 1):
        number, place = divmod(number, len(ALPHABET))
        drawn.append(ALPHABET[place])
    body = "".join(drawn)
    return body + check_character(body)


def shown(code: str) -> str:
    """As people read it."""
    return "-".join(code[at : at + SHOWN_IN] for at in range(0, len(code), SHOWN_IN))


def read(text: str) -> str:
    """What somebody typed, as it would be if it were a code: capitals, no accents, no blanks or dashes."""
    return _SEPARATORS.sub("", "".join(fold(part) for part in _SEPARATORS.split(text))).upper().replace(" ", "")


def is_code(text: str) -> bool:
    """Whether `text`, as `read` gives it, has a code's form and its check character agrees."""
    return has_form(text) and check_character(text[:-1]) == text[-1]


def has_form(text: str) -> bool:
    return len(text) == LENGTH and set(text) <= set(ALPHABET)


def check_character(body: str) -> str:
    """Luhn's check over this alphabet (ISO/IEC 7812-1 annex B, for base N): it finds every single wrong character and
    nearly every two that changed places."""
    base = len(ALPHABET)
    total = 0
    for place, character in enumerate(reversed(body)):
        value = ALPHABET.index(character) * (2 - place % 2)
        total += value // base + value % base
    return ALPHABET[-total % base]


def hashed(secret: bytes, code: str) -> str:
    """As the ledger keeps it: of no use without the office's secret."""
    return hmac.new(secret, code.encode(), hashlib.sha256).hexdigest()
