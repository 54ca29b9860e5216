"""How people call what a broadcast carries: by the number of the document where it has one, else by its own code.

Forms of numbers: Nghị định 30/2020/NĐ-CP, annex I: "04/CĐ-UBND" for typed documents, "20631/UBND-NN" for letters.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from store.broadcasts import BroadcastRow

_NUMBER: Final = re.compile(r"(?<![\w/])(\d{1,5}[a-zđ]?)/((?:\d{4}/)?[A-ZĐ][A-ZĐ&,]*(?:-[A-ZĐ&,0-9]+)*)(?!\w)")
_TYPED: Final = frozenset({"CĐ", "CT", "QĐ", "KH", "TB", "NQ", "BC", "TTr", "HD"})
"""Abbreviations of types of documents (annex III); what begins with another word is a letter."""
_LETTER: Final = "CV"


def document_number(row: BroadcastRow) -> str:
    """ "04/CĐ-UBND": the document that the broadcast is, "" where it is none of its own."""
    return numbered(row.content) or find_number(row.title)


def numbered(content: str) -> str:
    """The number that was typed for a broadcast, from its kept content."""
    draft: dict[str, Any] = orjson.loads(content).get("draft") or {}
    return str(draft.get("document_number") or "").strip()


def find_number(text: str) -> str:
    """The first number of a document in a text, "" if there is none."""
    found = _NUMBER.search(text)
    return found.group() if found else ""


def called(row: BroadcastRow) -> str:
    """ "04/CĐ-UBND", or "tin TB0825-06"."""
    return document_number(row) or row.code


def short_name(number: str) -> str:
    """ "CĐ 04" for "04/CĐ-UBND", "CV 20631" for "20631/UBND-NN", "" for nothing."""
    found = _NUMBER.fullmatch(number)
    if found is None:
        return ""
    kind = re.sub(r"^\d{4}/", "", found[2]).partition("-")[0]
    return f"{kind if kind in _TYPED else _LETTER} {found[1]}"
