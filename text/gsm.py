"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1), one septet per octet."""

from __future__ import annotations

from typing import Final

ESCAPE: Final = 0x1B
"""Introduces the extension table; such a character costs two septets."""

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}

BASIC: Final = frozenset(_BASIC) - {"\x1b"}
"""Characters of one septet."""
EXTENDED: Final = frozenset(_EXTENSION)
"""Characters of two septets."""

_ENCODE: Final[dict[str, bytes]] = {ch: bytes([code]) for code, ch in enumerate(_BASIC) if code != ESCAPE} | {
    ch: bytes([ESCAPE, code]) for ch, code in _EXTENSION.items()
}
_DECODE_EXTENSION: Final = {code: ch for ch, code in _EXTENSION.items()}
_NO_CHARACTER: Final = "\ufffd"


class UnencodableText(ValueError):
    """A character outside the GSM alphabet; `character` and its `index` say which."""

    def __init__(self, character: str, index: int) -> None:
        super().__init__(f"U+{ord(character):04X} at {index} is not in the GSM 7-bit alphabet")
        self.character = character
        self.index = index


def septets(ch: str) -> int:
    """1 or 2 septets for a character of the alphabet, 0 for one outside it."""
    return 1 if ch in BASIC else 2 if ch in EXTENDED else 0


def is_gsm(text: str) -> bool:
    """True where the whole text can be sent as GSM-7."""
    rest = set(text) - BASIC
    return not rest or rest <= EXTENDED


def encode(s: str) -> bytes:
    """One septet per octet, as SMPP carries data_coding 0. Raises `UnencodableText`."""
    table = _ENCODE
    try:
        return b"".join([table[ch] for ch in s])
    except KeyError as missing:
        character = str(missing.args[0])
        raise UnencodableText(character, s.index(character)) from None


def decode(b: bytes) -> str:
    """The text of unpacked septets. Never raises: an unknown escape shows the basic character (TS 23.038 6.2.1.1),
    an octet above 0x7F the replacement character, a lone escape at the end a space."""
    text: list[str] = []
    octets = iter(b)
    for octet in octets:
        if octet == ESCAPE:
            following = next(octets, None)
            if following is None or following == ESCAPE:
                text.append(" ")
            else:
                text.append(_DECODE_EXTENSION.get(following) or _basic(following))
        else:
            text.append(_basic(octet))
    return "".join(text)


def _basic(octet: int) -> str:
    return _BASIC[octet] if octet < len(_BASIC) else _NO_CHARACTER
