"""The e-mail that carries an order, or takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from broadcasts.carrier_orders.form import make_form, moment
from broadcasts.carrier_orders.model import CarrierLine, LetterKind, OrderView
from broadcasts.carrier_orders.wording import Wording
from text.folding import fold

AREAS_INLINE: Final = 12
"""More communes are in the PDF only."""


@dataclass(frozen=True, slots=True)
class Letter:
    """`key` is the same for every attempt at one letter: it becomes the Message-ID (RFC 5322 3.6.4)."""

    key: str
    to: str
    subject: str
    body: str
    pdf: bytes
    file_name: str


def make_letter(
    kind: LetterKind, letter_id: int, view: OrderView, carrier: CarrierLine, office: str, link: str, words: Wording
) -> Letter:
    from broadcasts.carrier_orders.pdf import make_pdf  # loaded by the first order

    pieces = words.letters[kind.value]
    facts = {
        "carrier": carrier.name, "office": office, "code": view.code, "number": view.document_no,
        "start": moment(view.starts_at), "end": moment(view.ends_at), "text": view.text, "units": view.units,
        "encoding": view.encoding, "parts": 1, "basis": view.basis, "signer": view.signer,
        "signer_title": view.signer_title, "ring_back": view.ring_back, "reason": view.reason,
        "areas": _areas(view, words), "link": words.letters["order"]["link"].format(url=link) if link else "",
    }  # fmt: skip
    form = make_form(view, carrier, office, link, words)
    return Letter(
        key=f"{view.code}.{view.version}.{carrier.place}.{kind.value}.{letter_id}".lower(),
        to=carrier.email,
        subject=pieces["subject"].format(**facts),
        body=pieces["body"].format(**facts).strip() + "\n",
        pdf=make_pdf(form),
        file_name=file_name(view, carrier, words),
    )


def file_name(view: OrderView, carrier: CarrierLine, words: Wording) -> str:
    """In ASCII: mail programs spell other letters in three ways."""
    return words.form["file"].format(code=view.code, carrier=fold(carrier.name).replace(" ", "-") or carrier.place)


def _areas(view: OrderView, words: Wording) -> str:
    pieces = words.letters["order"]
    if view.all_units:
        return pieces["areas_all"].format(n=len(view.areas))
    if len(view.areas) > AREAS_INLINE:
        return pieces["areas_many"].format(n=len(view.areas))
    return pieces["areas"].format(n=len(view.areas), list=", ".join(f"{name} ({code})" for code, name in view.areas))
