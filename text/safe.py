"""The SMS-safe subset: characters that have the same code in ASCII and GSM-7, cost one septet and pass every gateway.

Left out on purpose: `@ $ _ [ ] { } \\ ^ ~ |` and the backtick (another code or two septets in TS 23.038) and
`# & % < >` (refused by some gateways).
"""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from text.folding import INVISIBLE, ODD_BLANKS, unaccent

SAFE: Final = frozenset(string.ascii_letters + string.digits + " .,:;-/()?!+=\"'*\n")
"""The subset. One of the few things that every carrier shows alike."""

UNKNOWN: Final = "?"
"""Shown in place of a letter that has no Latin form, so that an approver sees the gap."""

_LOOKALIKES: Final = {
    "-": "–—‑−‒―‐⁃•·▪▫●○■□◦‣→⇒➔➜↔~|_",
    '"': "“”„‟«»″",
    "'": "‘’‚‛‹›′`´",
    "(": "[{",
    ")": "]}",
    "/": "\\⁄÷",
    "x": "×✕",
    "*": "★☆✱",
    "+": "➕",
}
_WORDS: Final = {
    "…": "...",
    "₫": "d",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "±": "+/-",
    "@": "(at)",
    "%": " phan tram ",
    "‰": " phan nghin ",
    "&": " va ",
    "≥": " tu ",
    "≤": " toi da ",
    "<": " duoi ",
    ">": " tren ",
    "≈": " khoang ",
    "°": " do ",
    "º": " do ",
    "№": "So ",
    "§": "Muc ",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "#": "",
    "^": "",
    "©": "(c)",
    "®": "(R)",
    "™": "",
    "\t": " ",
    "\r": "",
    "\f": "\n",
    "\v": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
}
_REPLACE: Final[dict[str, str]] = {
    **{ch: plain for plain, group in _LOOKALIKES.items() for ch in group},
    **_WORDS,
    **dict.fromkeys(INVISIBLE, ""),
    **dict.fromkeys(ODD_BLANKS, " "),
}

# "≥ 100 mm" reads "tu 100 mm tro len": the second word stands behind the number and its unit.
_AT_LEAST: Final = re.compile(
    r"≥\s*([0-9]+(?:[.,][0-9]+)*(?:\s?(?:mm|cm|km/h|km|m[23²³]?/s|m[23²³]?|ha|°C|ºC|%|‰))?)(?!\w)"
)
_CELSIUS: Final = re.compile(r"\s*[°º]\s*C(?!\w)|\s*℃")
_MIXED_NUMBER: Final = re.compile(r"(?<=[0-9])(?=[½¼¾])")
_BLANKS: Final = re.compile(r" {2,}")
_LINE_ENDS: Final = re.compile(r" *\n *")
_SPACE_BEFORE: Final = re.compile(r"(?<=\w) +(?=[.,;:!?)])")
_REMEMBERED: Final = 2_048  # texts
_REMEMBERED_CHARS: Final = 200  # of a text


@dataclass(frozen=True, slots=True)
class Change:
    """One distinct replacement that an approver must see; an empty `target` means that the character went."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Safe:
    """`text` is in the subset. `changes` lists each special replacement once, in order of appearance; that accents
    were dropped is `unaccented` and not listed letter by letter."""

    text: str
    changes: tuple[Change, ...]
    unaccented: bool = False


def is_safe(s: str) -> bool:
    """True where `s` can go out as it is."""
    return SAFE.issuperset(s)


def to_safe(s: str) -> Safe:
    """`s` in the safe subset, with what was replaced. Idempotent; never raises."""
    return _remembered(s) if len(s) <= _REMEMBERED_CHARS else _made_safe(s)


def _made_safe(s: str) -> Safe:
    composed = unicodedata.normalize("NFC", s).replace("\r\n", "\n")
    if SAFE.issuperset(plain := unaccent(composed)):
        return Safe(_tidy(plain, changed=False), (), plain != composed)
    changes: dict[Change, None] = {}
    worded = _replace_phrases(composed, changes)
    pieces: list[str] = []
    unaccented = False
    for ch in worded:
        if ch in SAFE:
            pieces.append(ch)
        elif ch in _REPLACE:
            pieces.append(_REPLACE[ch])
            changes[Change(ch, _REPLACE[ch].strip(" ") or _REPLACE[ch][:1])] = None
        elif (letter := unaccent(ch)) in SAFE:
            pieces.append(letter)
            unaccented = True
        elif unicodedata.category(ch) == "Mn" and pieces:
            unaccented = True
        else:
            pieces.append(target := _last_resort(ch))
            changes[Change(ch, target)] = None
    return Safe(_tidy("".join(pieces), changed=bool(changes)), tuple(changes), unaccented)


_remembered = lru_cache(maxsize=_REMEMBERED)(_made_safe)
"""Answers are made of the same names, times and sentences all day."""


def _replace_phrases(s: str, changes: dict[Change, None]) -> str:
    if _AT_LEAST.search(s):
        changes[Change("≥", "tu ... tro len")] = None
        s = _AT_LEAST.sub(r" tu \1 tro len ", s)
    for celsius in dict.fromkeys(found.group().strip() for found in _CELSIUS.finditer(s)):
        changes[Change(celsius, "do C")] = None
    return _MIXED_NUMBER.sub(" ", _CELSIUS.sub(" do C", s))


def _last_resort(ch: str) -> str:
    """The compatibility form of letters and digits ("²", "①", "ﬁ"), nothing for signs and pictures, else "?"."""
    if SAFE.issuperset(plain := unaccent(unicodedata.normalize("NFKC", ch))):
        return plain
    return UNKNOWN if unicodedata.category(ch)[0] in "LN" else ""


def _tidy(s: str, changed: bool) -> str:
    """One blank at a time, none at the ends of lines; a word put for a sign leaves no blank before punctuation."""
    s = _LINE_ENDS.sub("\n", _BLANKS.sub(" ", s)).strip()
    return _SPACE_BEFORE.sub("", s) if changed else s
