"""Numbers of documents and codes of our own messages in a text: "04/CĐ-UBND", "cd 04", "TB0825-07".

Forms: Nghị định 30/2020/NĐ-CP, annex I (typed documents "04/CĐ-UBND", letters "20631/UBND-NN").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.phrase_set import PhraseSet
from text.folding import nfc, unaccent

_JOINTS: Final = re.compile(r"\s")
_OUR_CODE: Final = re.compile(r"(?<!\w)TB\s*(\d{4})\s*[-–.]\s*(\d{1,3})(?!\w)", re.IGNORECASE)
_LETTERS_ONLY: Final = re.compile(r"[^\W\d_]+")
_WITH_STROKE: Final = {"CD": "CĐ", "QD": "QĐ", "ND": "NĐ", "HDND": "HĐND"}
"""What a phone without accents makes of the types of documents (Nghị định 30/2020/NĐ-CP, annex III)."""
_LETTERS: Final = r"[A-Z]{1,12}(?:(?: *[-–] *|[,&])[A-Z]{1,12}\d?)*"
_NUMBERED: Final = re.compile(rf"(?<![\w/])(\d{{1,5}}[A-Z]?) */ *((?:\d{{4}} */ *)?{_LETTERS})(?!\w)", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(?<!\w)so *:? *(\d{1,5})(?![\w/])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """`designation` as the office writes it (upper case, no blanks); `start`, `end` offsets in the NFC text."""

    designation: str
    start: int
    end: int


def find_documents(text: str, nouns: PhraseSet, *, numbers: bool = False) -> list[Document]:
    """In order of place. `nouns` (folded) may stand before a bare number ("cd 04"). With `numbers` also "số 04", for a
    text that is known to be about documents."""
    clean = nfc(text)
    plain = unaccent(clean)
    if len(plain) != len(clean):  # marks of other scripts: offsets would not hold
        return []
    found: list[Document] = []
    for match in _OUR_CODE.finditer(plain):
        found.append(Document(f"TB{match[1]}-{int(match[2]):02}", match.start(), match.end()))
    for match in _NUMBERED.finditer(plain):
        letters = _JOINTS.sub("", clean[match.start(2) : match.end(2)]).replace("–", "-").upper()
        official = _LETTERS_ONLY.sub(lambda part: _WITH_STROKE.get(part[0], part[0]), letters)
        found.append(Document(f"{match[1].upper()}/{official}", match.start(), match.end()))
    for pattern in (_nouned(nouns), _NUMBER) if numbers else (_nouned(nouns),):
        found.extend(Document(match[1], match.start(), match.end()) for match in pattern.finditer(plain))
    kept: list[Document] = []
    for one in sorted(found, key=lambda document: (document.start, -document.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


@lru_cache(maxsize=4)
def _nouned(nouns: PhraseSet) -> re.Pattern[str]:
    either = "|".join(" +".join(map(re.escape, noun)) for noun in nouns)
    return re.compile(rf"(?<!\w)(?:{either}) *(?:so *:? *)?(\d{{1,5}})(?![\w/])", re.IGNORECASE)
