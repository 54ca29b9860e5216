"""When we keep silent: strangers, robots, storms, and texts that only a person should read. Pure functions.

A cry for help is outside all of this, see `bot.acting`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from store.inbox import Past
from text.folding import fold, nfc

REPLIES_PER_MINUTE: Final = 5
"""Answers to one sender in `MINUTE`."""
SAME_TEXT_LIMIT: Final = 3
"""The same text so often in `MINUTE` is a machine, and is not answered any more."""
MINUTE: Final = 60.0  # seconds
MENU_EVERY: Final = 24 * 3600.0
"""Seconds between two menus to one sender (office's rule: once a day)."""
GROUP_REPLIES: Final = 2
"""Answers into one group in `MINUTE`, so that 166 members asking at once do not drown it."""
PAST_KEPT: Final = 60
"""Earlier messages of a sender that these rules look at."""
LONG_TEXT: Final = 600
"""Characters from which an officer reads instead of us: four SMS parts, more than any question needs."""
SHORT_CODE_DIGITS: Final = 7
"""A sender with at most so many digits is a short code or a service, not a telephone."""
UNREADABLE_SHARE: Final = 0.2
"""Share of control and replacement characters from which a text is no text."""


@dataclass(frozen=True, slots=True)
class Rude:
    """Profanity: `accented` words count with their accents only, `plain` ones folded, as whole words."""

    accented: frozenset[str]
    plain: frozenset[str]


def is_person(sender: str, *, telephone: bool, ourselves: Collection[str]) -> bool:
    """False for ourselves and, where senders are `telephone` numbers, for brandnames and short codes."""
    if not sender or sender in ourselves:
        return False
    if not telephone:
        return True
    digits = sender.removeprefix("+")
    return digits.isascii() and digits.isdigit() and len(digits) > SHORT_CODE_DIGITS


def needs_reader(text: str, rude: Rude) -> str | None:
    """Why a person must read `text` before anything is answered: `long`, `binary`, `rude`; None if we may."""
    if len(text) > LONG_TEXT:
        return "long"
    if is_binary(text):
        return "binary"
    return "rude" if is_rude(text, rude) else None


def is_binary(text: str) -> bool:
    bad = sum(
        1 for ch in text if ch == "\ufffd" or (unicodedata.category(ch) in ("Cc", "Co", "Cn") and ch not in "\r\n\t")
    )
    return bad > 0 and bad >= len(text) * UNREADABLE_SHARE


def is_rude(text: str, rude: Rude) -> bool:
    words = re.split(r"[^\w]+", nfc(text).lower())
    if not rude.accented.isdisjoint(words):
        return True
    padded = f" {fold(text)} "
    return any(f" {phrase} " in padded for phrase in rude.plain)


def is_robot(text: str, past: Sequence[Past], now: float) -> bool:
    """True from the third time on that a sender writes the same within a minute."""
    same = sum(1 for one in past if one.text == text and one.came_at > now - MINUTE)
    return same >= SAME_TEXT_LIMIT - 1


def is_over_limit(past: Sequence[Past], now: float) -> bool:
    """True where a sender got all the answers of this minute."""
    replies = sum(1 for one in past if one.replied_at is not None and one.replied_at > now - MINUTE)
    return replies >= REPLIES_PER_MINUTE
