"""Style, scripts and icons: read once at start, named by their content, so that a browser keeps them for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

from web.problems import Trouble
from web.roles import Route, public

FOLDER: Final = Path(__file__).parent.parent / "static"
FOR_EVER: Final = "public, max-age=31536000, immutable"
TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
"""Only files of these kinds are served."""


@dataclass(frozen=True, slots=True)
class File:
    body: bytes
    media: str
    digest: str


class Files:
    """The files of one folder, by name. A name that is not in it does not exist, whatever its path."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._by_name = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.suffix in TYPES
        }

    def url(self, name: str) -> str:
        """Raises KeyError for a file that is not there: a template names it wrongly."""
        return f"/static/{name}?v={self._by_name[name].digest}"

    def find(self, name: str) -> File | None:
        return self._by_name.get(name)


def _read(path: Path) -> File:
    body = path.read_bytes()
    return File(body, TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:16])


FILES: Final = web.AppKey("files", Files)


async def serve(request: web.Request) -> web.Response:
    found = request.app[FILES].find(request.match_info["name"])
    if found is None:
        raise Trouble(404, "not_found")
    headers = {hdrs.CACHE_CONTROL: FOR_EVER if request.query.get("v") == found.digest else "no-cache"}
    response = web.Response(body=found.body, content_type=found.media, charset="utf-8", headers=headers)
    response.enable_compression()
    return response


ROUTES: Final = (
    Route(
        "GET",
        "/static/{name:.+}",
        serve,
        public("style and scripts hold no data; the sign-in page needs them"),
        "console",
    ),
)
