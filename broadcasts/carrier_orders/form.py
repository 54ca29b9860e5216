"""What stands on a carrier's form, line by line: the PDF, the print page and the letter say the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from broadcasts.carrier_orders.model import CarrierLine, OrderState, OrderView
from broadcasts.carrier_orders.wording import Wording
from broadcasts.model import Mode
from text.dates import local
from text.segments import measure

HASH_SHOWN: Final = 16
"""Digits of the content hash on paper; the order's page shows all 64."""
AREAS_INLINE: Final = 12
"""More communes than these go into a list of their own behind the form."""


@dataclass(frozen=True, slots=True)
class Form:
    """All in the words that a carrier reads. `banner` is empty on a form that is in force."""

    banner: str
    superior: str
    office: str
    number: str
    country: str
    motto: str
    place_date: str
    title: str
    subtitle: str
    to: str
    code: str
    opening: str
    text_head: str
    text: str
    measure: str
    areas_head: str
    areas_note: str
    """In place of the table, where the communes are listed in the annex."""
    areas: tuple[tuple[str, str], ...]
    window_head: str
    window: str
    back_head: str
    ring_back: str
    confirm: str
    link: str
    signer_title: str
    sign_space: str
    signer: str
    approved: str
    annex: str
    annex_of: str
    page: str

    @property
    def has_annex(self) -> bool:
        return bool(self.areas_note)


def moment(at: object) -> str:
    """ "03:00 ngày 26/8/2026": with the year, since paper is read years later."""
    when = local(at)  # type: ignore[arg-type]
    return f"{when:%H:%M} ngày {when.day}/{when.month}/{when.year}"


def make_form(view: OrderView, carrier: CarrierLine, office: str, link: str, words: Wording) -> Form:
    """`link`: the carrier's own page, "" where there is none."""
    head, form = words.head, words.form
    many = len(view.areas) > AREAS_INLINE
    note = ""
    if many:
        note = form["areas_all" if view.all_units else "areas_many"].format(n=len(view.areas))
    return Form(
        banner=banner(view, words),
        superior=head["superior"],
        office=office.upper(),
        number=head["number"].format(number=view.document_no) if view.document_no else head["no_number"],
        country=head["country"],
        motto=head["motto"],
        place_date=_place_date(view.document_date, words),
        title=form["title"],
        subtitle=form["subtitle"],
        to=form["to"].format(carrier=carrier.name),
        code=form["code"].format(code=view.code, version=view.version),
        opening=form["basis" if view.basis else "no_basis"].format(basis=view.basis, office=office),
        text_head=form["text_head"],
        text=view.text,
        measure=form["text_measure"].format(
            units=view.units, encoding=view.encoding, parts=measure(view.text).segments
        ),
        areas_head=form["areas_head"].format(n=len(view.areas)),
        areas_note=note,
        areas=tuple((code, name) for code, name in view.areas),
        window_head=form["window_head"],
        window=form["window"].format(start=moment(view.starts_at), end=moment(view.ends_at)),
        back_head=form["back_head"],
        ring_back=form["ring_back"].format(number=view.ring_back) if view.ring_back else form["ring_back_none"],
        confirm=form["confirm_link" if link else "confirm_phone"],
        link=link,
        signer_title=view.signer_title.upper(),
        sign_space=form["sign_space"],
        signer=view.signer,
        approved=_approved(view, words),
        annex=form["annex"],
        annex_of=form["annex_of"].format(code=view.code, number=view.document_no or "……"),
        page=form["page"],
    )


def banner(view: OrderView, words: Wording) -> str:
    """Why nobody may carry this form out; "" where it is in force."""
    if view.mode == Mode.EXERCISE:
        return words.form["exercise"]
    if view.state in (OrderState.CANCELLED, OrderState.REJECTED):
        return words.form["cancelled"]
    return "" if view.approved_at is not None else words.form["not_approved"]


def _approved(view: OrderView, words: Wording) -> str:
    if view.approved_at is None:
        return ""
    return words.form["approved"].format(
        name=view.approved_by, at=moment(view.approved_at), hash=view.content_hash[:HASH_SHOWN]
    )


def _place_date(typed: str, words: Wording) -> str:
    if not typed:
        return words.head["no_date"]
    when = date.fromisoformat(typed)
    # Nghị định 30/2020/NĐ-CP, Phụ lục I: days below 10 and months 1 and 2 carry a zero.
    month = f"{when.month:02d}" if when.month < 3 else str(when.month)
    return words.head["place_date"].format(day=f"{when.day:02d}", month=month, year=when.year)
