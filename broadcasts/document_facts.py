"""Number and signer of the document that a directive stands for.

Both are stamped onto a document as pictures (Nghị định 30/2020/NĐ-CP, annex I), so no program reads them from the file:
an officer types them, and a flash directive (hoả tốc) does not go out without them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from broadcasts.marks import load_marks
from broadcasts.model import Draft, Kind, Mode, Problem, Urgency
from broadcasts.templates import fill
from text.folding import fold, nfc, unaccent

SIGNER_LIMIT: Final = 120
"""Characters of a signer's name with the office that is signed for."""
NUMBER_LIMIT: Final = 60
_NUMBER: Final = re.compile(r"\d{1,5}[A-Za-z]?\s?/\s?[A-Za-z0-9][A-Za-z0-9,& /-]*")
"""As in "04/CĐ-UBND", "20631/UBND-NN", "807/VPCP-KSTT", compared without accents."""


def clean_number(typed: str) -> str:
    """ "04 / cđ–ubnd" → "04/CĐ-UBND"."""
    return re.sub(r"\s*([/-])\s*", r"\1", nfc(typed).strip().replace("–", "-")).upper()


def document_problems(draft: Draft, kind: Kind, urgency: Urgency, mode: Mode) -> list[Problem]:
    """What stands in the way of number and signer. A draft may be kept without them; an exercise has no document."""
    number, signer = clean_number(draft.document_number), draft.signer.strip()
    problems = []
    if number and (len(number) > NUMBER_LIMIT or not _NUMBER.fullmatch(unaccent(number))):
        problems.append(Problem("document_number", "document_form", {"value": draft.document_number[:NUMBER_LIMIT]}))
    if len(signer) > SIGNER_LIMIT or "\n" in signer:
        problems.append(Problem("signer", "document_signer_long", {"limit": SIGNER_LIMIT}))
    if kind is Kind.DIRECTIVE and urgency is Urgency.HOA_TOC and mode is Mode.ACTUAL:
        if not number and not signer:
            problems.append(Problem("document_number", "document_and_signer_missing", draft_ok=True))
        elif not number:
            problems.append(Problem("document_number", "document_missing", draft_ok=True))
        elif not signer:
            problems.append(Problem("signer", "document_signer_missing", draft_ok=True))
    return problems


def named_in(text: str, number: str) -> bool:
    """Whether a text says the number itself, however it is spelled."""
    return f" {fold(number)} " in f" {fold(text)} "


def with_document(chat: str, number: str, signer: str) -> str:
    """The chat text, ending with the document unless it names it already."""
    if not number or named_in(chat, number):
        return chat
    values: Mapping[str, str] = {"so_van_ban": number, "nguoi_ky": signer}
    return f"{chat}\n{fill(load_marks().document, values)}"


def titled(title: str, number: str) -> str:
    """The title that people find a directive by: "04/CĐ-UBND: Sơ tán dân ven biển"."""
    return f"{number}: {title}" if number and not named_in(title, number) else title
