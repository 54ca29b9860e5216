"""What a registered contact says of a document's course: assigned, under way, done, wrong place, agreed to a recall.

Only a message that begins with such a phrase, or is little more than it, is taken for one: "đã xong chưa" is a question
and "chưa xong" is none of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from text.folding import fold

LONGEST: Final = 24
"""Words of such a message; a longer one is for a person to read."""
COURTESY: Final = frozenset({"da", "vang", "bao", "cao", "xin", "em", "a", "anh", "chi"})
"""What may stand before the phrase."""
DOUBT: Final = frozenset({"chua", "khong", "bao gio", "may gio", "sap"})
"""Words after which nothing of the kind is said."""


@dataclass(frozen=True, slots=True)
class Said:
    """`rest`: what follows the phrase, as typed: a name, a reason, the document."""

    code: str
    rest: str


def read_reply(text: str, phrases: Mapping[str, tuple[str, ...]]) -> Said | None:
    """The longest phrase at the start of `text`. None: it says nothing of the kind."""
    typed = text.split()
    folded = [fold(word) for word in typed]
    if not typed or len(typed) > LONGEST:
        return None
    best: tuple[int, str, int] | None = None
    for code, listed in phrases.items():
        for phrase in listed:
            words = fold(phrase).split()
            for start in range(len(folded)):
                if folded[start : start + len(words)] == words and (best is None or len(words) > best[0]):
                    best = (len(words), code, start + len(words))
                if folded[start] not in COURTESY:
                    break
    if best is None or DOUBT & set(folded[best[2] :]):
        return None
    return Said(best[1], " ".join(typed[best[2] :]).strip(" :,.-"))
