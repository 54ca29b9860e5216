"""The roll-call of a broadcast on paper: what was sent, the counts, and one line a unit."""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer

from broadcasts.carrier_orders.pdf import BOLD, PLAIN, register_fonts
from text.dates import moment

WIDTHS = [w * mm for w in (42, 46, 34, 46, 26, 34, 45)]
"""Of the columns, in millimetres of a landscape A4 page."""
AT = 5
"""Place of the time among the columns."""
CELL = ParagraphStyle("cell", fontName=PLAIN, fontSize=8, leading=10)
HEAD = ParagraphStyle("head", parent=CELL, fontName=BOLD)
TITLE = ParagraphStyle("title", fontName=BOLD, fontSize=13, leading=17)
MARK = ParagraphStyle("mark", fontName=BOLD, fontSize=12, leading=15, textColor=colors.Color(0.64, 0.07, 0.11))
BODY = ParagraphStyle("body", fontName=PLAIN, fontSize=9, leading=12)


def write_pdf(
    to: Path,
    view: Mapping[str, Any],
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    say: Callable[..., str],
    marks: Sequence[str] = (),
) -> int:
    """How many lines it has. `marks` stand on top; the first of them on every page. Raises OSError."""
    register_fonts()
    counts = ", ".join(f"{say(f'state.ack.{state}')}: {n}" for state, n in view.get("rollcall", {}).items())
    text = (view.get("texts") or {}).get("chat") or next(iter((view.get("texts") or {}).values()), "")
    story = [
        *(Paragraph(escape(mark), MARK) for mark in marks),
        Paragraph(escape(f"{view['code']} – {view['title']}"), TITLE),
        Paragraph(escape(counts), BODY),
        Spacer(1, 3 * mm),
        *(Paragraph(escape(line) or "&nbsp;", BODY) for line in text.splitlines()),
        *(Paragraph(escape(_file(one, say)), BODY) for one in view.get("attachments", ())),
        Spacer(1, 4 * mm),
        LongTable(
            [
                [Paragraph(escape(head), HEAD) for head in heads],
                *([Paragraph(escape(_shown(place, cell)), CELL) for place, cell in enumerate(row)] for row in rows),
            ],
            colWidths=WIDTHS,
            repeatRows=1,
            style=[
                ("GRID", (0, 0), (-1, -1), 0.25, colors.grey),
                ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ],
        ),
    ]
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), 12 * mm)
    on_each = _stamp(marks[0]) if marks else _nothing
    document = SimpleDocTemplate(str(to), pagesize=landscape(A4), title=view["code"], **margins)
    document.build(story, onFirstPage=on_each, onLaterPages=on_each)
    return len(rows)


def _stamp(mark: str) -> Callable[[Any, Any], None]:
    """A page that is taken out of the pile still says what it is."""

    def draw(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(BOLD, 9)
        canvas.drawCentredString(landscape(A4)[0] / 2, landscape(A4)[1] - 8 * mm, mark)
        canvas.restoreState()

    return draw


def _nothing(canvas: Any, document: Any) -> None:
    """An actual message's pages bear no mark."""


def _file(one: Mapping[str, Any], say: Callable[..., str]) -> str:
    return f"{say('attach.title')}: {one['name']}, {one['size']} B, SHA-256 {one['sha256']}"


def _shown(place: int, cell: str) -> str:
    """Times as the office writes them."""
    return moment(datetime.fromisoformat(cell)) if place == AT and cell else cell
