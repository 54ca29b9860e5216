"""QR codes (ISO/IEC 18004) as drawings inside a page."""

from __future__ import annotations

from typing import Final

import segno
from markupsafe import Markup

ERROR: Final = "m"
"""15 % of it may be lost (level M): paper gets folded."""
QUIET: Final = 2
"""Modules of white around it; the margin of a card makes up the standard's four."""


def qr_code(content: str) -> Markup:
    """An SVG element without a style or a size of its own; nothing for no content."""
    if not content:
        return Markup("")
    made = segno.make(content, error=ERROR, micro=False)
    return Markup(made.svg_inline(border=QUIET, omitsize=True, svgclass="qr", lineclass=None))
