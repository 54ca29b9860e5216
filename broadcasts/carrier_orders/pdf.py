"""The form on paper: A4, letterhead of an office's document, black on white, readable after a fax."""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    HRFlowable,
    KeepTogether,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from broadcasts.carrier_orders.form import Form

FONTS: Final = Path(__file__).resolve().parent.parent.parent / "data" / "fonts"
PLAIN, BOLD = "Loa", "Loa-Bold"
MARGINS: Final = {"leftMargin": 25 * mm, "rightMargin": 18 * mm, "topMargin": 16 * mm, "bottomMargin": 16 * mm}
"""Left wider, to be filed (Nghị định 30/2020/NĐ-CP, Phụ lục I: 30-35 mm left, 15-20 mm right)."""
FRAME_PADDING: Final = 6.0
"""Points on each side inside a frame, as reportlab has it."""
WIDTH: Final = A4[0] - MARGINS["leftMargin"] - MARGINS["rightMargin"] - 2 * FRAME_PADDING
QR_SIDE: Final = 26 * mm
ANNEX_COLUMNS: Final = 4
FLUSH: Final = [(side, (0, 0), (-1, -1), 0) for side in ("LEFTPADDING", "RIGHTPADDING")]
GREY: Final = colors.HexColor("#555555")


def make_pdf(form: Form) -> bytes:
    """Takes some ten milliseconds of CPU: call it off the event loop."""
    register_fonts()
    out = io.BytesIO()
    document = SimpleDocTemplate(out, pagesize=A4, title=f"{form.title} {form.code}", author=form.office, **MARGINS)
    document.build(_story(form), canvasmaker=_canvas(form))
    return out.getvalue()


@cache
def register_fonts() -> None:
    pdfmetrics.registerFont(TTFont(PLAIN, str(FONTS / "DejaVuSansCondensed.ttf")))
    pdfmetrics.registerFont(TTFont(BOLD, str(FONTS / "DejaVuSansCondensed-Bold.ttf")))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)


def _style(size: float, *, bold: bool = False, **more: Any) -> ParagraphStyle:
    return ParagraphStyle("", fontName=BOLD if bold else PLAIN, fontSize=size, leading=size * 1.35, **more)


BODY: Final = _style(11, spaceAfter=2 * mm)
HEAD: Final = _style(11, bold=True, spaceBefore=3.5 * mm, spaceAfter=1.5 * mm, keepWithNext=1)
CENTRE: Final = _style(10, alignment=TA_CENTER)
CENTRE_BOLD: Final = _style(10, bold=True, alignment=TA_CENTER)
TITLE: Final = _style(15, bold=True, alignment=TA_CENTER, spaceBefore=5 * mm)
MESSAGE: Final = _style(13, bold=True)
SMALL: Final = _style(9, textColor=GREY, spaceBefore=1.5 * mm, spaceAfter=1 * mm)
CELL: Final = _style(8)


def _story(form: Form) -> list[Flowable]:
    parts: list[Flowable] = [
        _letterhead(form),
        _p(form.title, TITLE),
        _p(form.subtitle, CENTRE),
        Spacer(0, 3 * mm),
        Table(
            [[_p(form.to, _style(12, bold=True)), _p(form.code, _style(10, alignment=TA_RIGHT))]],
            colWidths=[WIDTH * 0.62, WIDTH * 0.38],
            style=FLUSH,
        ),
        Spacer(0, 1.5 * mm),
        _p(form.opening, BODY),
        _p(form.text_head, HEAD),
        _boxed(form),
        _p(form.measure, SMALL),
        _p(form.areas_head, HEAD),
        _p(form.areas_note, BODY) if form.has_annex else _areas(form.areas, 2, _style(10)),
        _p(form.window_head, HEAD),
        _p(form.window, _style(11.5, bold=True)),
        _p(form.back_head, HEAD),
        _confirmation(form),
        KeepTogether([Spacer(0, 4 * mm), _signature(form)]),
    ]
    if form.has_annex:
        parts += [
            PageBreak(), _p(form.annex, _style(13, bold=True, alignment=TA_CENTER)), _p(form.annex_of, CENTRE),
            Spacer(0, 3 * mm), _areas(form.areas, ANNEX_COLUMNS, CELL),
        ]  # fmt: skip
    return parts


def _p(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(text).replace("\n", "<br/>"), style)


def _letterhead(form: Form) -> Table:
    left = [_p(form.superior, CENTRE), _p(form.office, CENTRE_BOLD), _rule(0.4), _p(form.number, CENTRE)]
    right = [_p(form.country, CENTRE_BOLD), _p(form.motto, CENTRE_BOLD), _rule(0.5), _p(form.place_date, CENTRE)]
    return Table(
        [[left, right]], colWidths=[WIDTH * 0.49, WIDTH * 0.51],
        style=[("VALIGN", (0, 0), (-1, -1), "TOP"), ("ALIGN", (0, 0), (-1, -1), "CENTER"), *FLUSH],
    )  # fmt: skip


def _rule(share: float) -> Flowable:
    """The line under a name; `share` of its column."""
    return HRFlowable(
        width=f"{share:.0%}", thickness=0.7, color=colors.black, spaceBefore=1.2 * mm, spaceAfter=1.6 * mm
    )


def _boxed(form: Form) -> Table:
    pad = [
        (side, (0, 0), (-1, -1), 3.5 * mm) for side in ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")
    ]
    return Table(
        [[_p(form.text, MESSAGE)]], colWidths=[WIDTH], style=[("BOX", (0, 0), (-1, -1), 1.2, colors.black), *pad]
    )


def _areas(areas: tuple[tuple[str, str], ...], columns: int, style: ParagraphStyle) -> Table:
    """Codes and names down the columns, so that a column is read as a list."""
    rows = -(-len(areas) // columns)
    cells: list[list[Any]] = []
    for row in range(rows):
        line: list[Any] = []
        for column in range(columns):
            at = column * rows + row
            code, name = areas[at] if at < len(areas) else ("", "")
            line += [_p(code, style), _p(name, style)]
        cells.append(line)
    code_width, each = style.fontSize * 1.33 * mm, WIDTH / columns
    return Table(
        cells, colWidths=[code_width, each - code_width] * columns,
        style=[
            ("GRID", (0, 0), (-1, -1), 0.4, colors.grey), ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("TOPPADDING", (0, 0), (-1, -1), 0.6 * mm), ("BOTTOMPADDING", (0, 0), (-1, -1), 0.6 * mm),
            ("LEFTPADDING", (0, 0), (-1, -1), 1.2 * mm), ("RIGHTPADDING", (0, 0), (-1, -1), 0.5 * mm),
        ],
    )  # fmt: skip


def _confirmation(form: Form) -> Flowable:
    lines: list[Flowable] = [_p(form.ring_back, _style(11.5, bold=True, spaceAfter=1.5 * mm)), _p(form.confirm, BODY)]
    if not form.link:
        return Table([[lines]], colWidths=[WIDTH], style=[("LEFTPADDING", (0, 0), (-1, -1), 0)])
    address = Paragraph(f'<link href="{escape(form.link)}">{escape(form.link)}</link>', _style(8.5, splitLongWords=1))
    return Table(
        [[[*lines, address], _qr(form.link)]], colWidths=[WIDTH - QR_SIDE - 2 * mm, QR_SIDE + 2 * mm],
        style=[("VALIGN", (0, 0), (-1, -1), "TOP"), *FLUSH],
    )  # fmt: skip


def _qr(link: str) -> Drawing:
    code = QrCodeWidget(link, barLevel="M")
    left, low, right, high = code.getBounds()
    drawing = Drawing(QR_SIDE, QR_SIDE, transform=[QR_SIDE / (right - left), 0, 0, QR_SIDE / (high - low), 0, 0])
    drawing.add(code)
    return drawing


def _signature(form: Form) -> Table:
    left = [_p(form.approved, _style(8.5, textColor=GREY))] if form.approved else []
    right = [
        _p(form.signer_title, CENTRE_BOLD), _p(form.sign_space, _style(9, alignment=TA_CENTER, textColor=GREY)),
        Spacer(0, 20 * mm), _p(form.signer, CENTRE_BOLD),
    ]  # fmt: skip
    return Table([[left, right]], colWidths=[WIDTH * 0.48, WIDTH * 0.52],
                 style=[("VALIGN", (0, 0), (0, 0), "BOTTOM"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])  # fmt: skip


def _canvas(form: Form) -> type[Canvas]:
    """A canvas that knows, at the end, how many pages there are, and stamps what is not in force on each."""

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, 1):
                self.__dict__.update(page)
                _stamp(self, form, number, len(self._pages))
                super().showPage()
            super().save()

    return Numbered


def _stamp(canvas: Canvas, form: Form, page: int, pages: int) -> None:
    canvas.setFont(PLAIN, 8)
    canvas.setFillColor(GREY)
    canvas.drawString(MARGINS["leftMargin"], 9 * mm, form.code)
    canvas.drawRightString(A4[0] - MARGINS["rightMargin"], 9 * mm, form.page.format(page=page, pages=pages))
    if form.banner:
        canvas.setFillColor(colors.HexColor("#a3121c"))
        canvas.rect(0, A4[1] - 11 * mm, A4[0], 11 * mm, stroke=0, fill=1)
        canvas.setFillColor(colors.white)
        canvas.setFont(BOLD, 12)
        canvas.drawCentredString(A4[0] / 2, A4[1] - 7.5 * mm, form.banner)
