"""Files in and out over HTTP: one part of a form taken as it comes, and a kept file given with the right headers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from aiohttp import BodyPartReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from broadcasts.archive import SIZE_LIMIT, Archive, TooLarge
from broadcasts.file_kinds import PDF
from broadcasts.file_names import disposition
from broadcasts.model import Actor, Problem
from store.attachments import AttachmentRow
from web.problems import Trouble

FILE_FIELD: Final = "file"
FORM_SLACK: Final = 64 * 1024
"""Bytes of a form around its file: boundaries, headers."""
CHUNK_BYTES: Final = 64 * 1024
MEGABYTE: Final = 1024 * 1024
SANDBOX: Final = "default-src 'none'; sandbox"
"""Whatever a browser makes of a file, it runs nothing and belongs to no site (w3.org/TR/CSP3, sandbox)."""


async def take(request: web.Request, archive: Archive, actor: Actor) -> AttachmentRow:
    """The first file of a form, kept. Raises `Trouble` 413 before a large one fills memory or disk, 422 for what is no
    form with a file, `Refusal` for a file that cannot be sent."""
    if (request.content_length or 0) > SIZE_LIMIT + FORM_SLACK:
        raise _too_large()
    if request.content_type != "multipart/form-data":
        raise _no_file()
    try:
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == FILE_FIELD and part.filename is not None:
                return await archive.add(part.filename, _chunks(part), actor)
    except TooLarge as much:
        raise _too_large() from much
    except (ValueError, AssertionError, RuntimeError, HttpProcessingError) as wrong:  # a broken boundary or header
        raise _no_file() from wrong
    raise _no_file()


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK_BYTES):
        yield chunk


def _too_large() -> Trouble:
    return Trouble(413, "attachment_too_large", {"limit": SIZE_LIMIT // MEGABYTE})


def _no_file() -> Trouble:
    return Trouble(422, "invalid_input", errors=[Problem(FILE_FIELD, "attachment_missing")])


def give(row: AttachmentRow, path: Path, *, keep_seconds: float) -> web.StreamResponse:
    """The bytes; parts of them on demand and nothing where the caller has them (RFC 9110, ranges and validators).

    A PDF is saved and not shown: browsers refuse to draw one inside the sandbox that keeps it harmless.
    """
    if not path.is_file():
        raise Trouble(404, "file_gone")
    age = f"private, max-age={int(keep_seconds)}" if keep_seconds > 0 else "no-store"
    return web.FileResponse(
        path,
        headers={
            hdrs.CONTENT_TYPE: row.media,
            hdrs.CONTENT_DISPOSITION: disposition(row.name, inline=row.media != PDF),
            hdrs.CACHE_CONTROL: age,
            "Content-Security-Policy": SANDBOX,
            "X-Robots-Tag": "noindex, nofollow",
        },
    )
