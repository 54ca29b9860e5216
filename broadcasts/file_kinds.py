"""What a file is, by its bytes and never by its name: pure, so that a table of broken and disguised files proves it.

A file that another reader would take for something else (a page, an archive) is refused: each is looked at where such
readers look. Sources: ISO 32000-2 (PDF), ITU-T T.81 (JPEG), W3C PNG, WHATWG MIME Sniffing, PKWARE APPNOTE.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PDF: Final = "application/pdf"
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
ENDINGS: Final = {PDF: (".pdf",), JPEG: (".jpg", ".jpeg"), PNG: (".png",)}
"""Media type → endings that its names may have, the usual one first."""

SNIFFED_BYTES: Final = 1_445
"""How far browsers look for a page (WHATWG MIME Sniffing, "resource header")."""
PDF_HEADER_BYTES: Final = 1_024
"""How far readers look for a PDF's header, and from the end for its end (ISO 32000-1, Annex H.3)."""
ZIP_TAIL_BYTES: Final = 65_535 + 22
"""How far from the end readers look for an archive's directory (APPNOTE 4.3.16)."""

_PAGE: Final = re.compile(rb"<\s*(?:!doctype\s+html|html|head|body|script|iframe|svg|table|style)\b", re.IGNORECASE)
_PDF_START: Final = re.compile(rb"%PDF-[12]\.\d")
_ZIP_DIRECTORY: Final = b"PK\x05\x06"
_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_SOS: Final = 0xDA
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers (T.81, table B.1)."""


@dataclass(frozen=True, slots=True)
class Judged:
    """`media` of a sound file, "" where `problem` names what is wrong (`problem.attachment_…`)."""

    media: str = ""
    problem: str = ""


def judge(content: bytes) -> Judged:
    """The kind of a file, or why it cannot be sent."""
    if not content:
        return Judged(problem="attachment_empty")
    for media, starts, whole in _KINDS:
        if starts(content):
            if not whole(content):
                return Judged(problem="attachment_broken")
            return Judged(problem="attachment_disguised") if _disguised(content, media) else Judged(media)
    return Judged(problem="attachment_kind")


def _disguised(content: bytes, media: str) -> bool:
    """Would another reader take it for a page, an archive, or (an image) for a PDF?"""
    if _PAGE.search(content[:SNIFFED_BYTES]) or _ZIP_DIRECTORY in content[-ZIP_TAIL_BYTES:]:
        return True
    return media != PDF and b"%PDF-" in content[:PDF_HEADER_BYTES]


def _whole_pdf(content: bytes) -> bool:
    """The end marker with its table's place before it, and nothing but blanks behind it."""
    tail = content[-PDF_HEADER_BYTES:]
    end = tail.rfind(b"%%EOF")
    return end > 0 and b"startxref" in content[-2 * PDF_HEADER_BYTES :] and not tail[end + 5 :].strip(b"\r\n\t \x00")


def _whole_png(content: bytes) -> bool:
    """Chunk after chunk from IHDR to IEND, and then the file's end."""
    at, first = len(_PNG_START), True
    while at + 12 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        if first and kind != b"IHDR":
            return False
        first, at = False, at + 12 + length
        if kind == b"IEND":
            return at == len(content)
    return False


def _whole_jpeg(content: bytes) -> bool:
    """Segment after segment to the picture itself, a frame among them, and an end. Telephones put data of their own
    behind the end; what it may not be is looked at elsewhere."""
    at, framed = 2, False
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            return False
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        framed = framed or marker in _FRAMES
        length = int.from_bytes(content[at + 2 : at + 4])
        if length < 2:
            return False
        at += 2 + length
        if marker == _SOS:
            end = content.rfind(_JPEG_END)
            return framed and end >= at and not _PAGE.search(content[end:])
    return False


_KINDS: Final[tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], bool]], ...]] = (
    (PDF, lambda content: _PDF_START.match(content) is not None, _whole_pdf),
    (PNG, lambda content: content.startswith(_PNG_START), _whole_png),
    (JPEG, lambda content: content.startswith(_JPEG_START), _whole_jpeg),
)
"""(media type, does it begin so, is it whole)."""
