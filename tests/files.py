"""Small files for tests: sound ones of each kind, and ones that are not what they seem."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from adapters.contract import Attachment

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n" \
      b"trailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"  # fmt: skip


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
    + _chunk(b"IEND", b"")
)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"
    b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\xd2\xcf\x20\xff\xd9"
)
ZIP_END = b"PK\x05\x06" + b"\x00" * 18


def padded_pdf(size: int) -> bytes:
    """A sound PDF of so many bytes."""
    return PDF[:9] + b"%" * (size - len(PDF) - 1) + b"\n" + PDF[9:]


def attachment(folder: Path, content: bytes = PDF, name: str = "công điện 12.pdf", media: str = "application/pdf",
               url: str = "") -> Attachment:  # fmt: skip
    """A file as a channel gets it."""
    import hashlib

    sha256 = hashlib.sha256(content).hexdigest()
    path = folder / sha256
    path.write_bytes(content)
    return Attachment(name, media, len(content), sha256, path, url)
