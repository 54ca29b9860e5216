"""Headers that every answer carries, and the check that a form was sent from one of our own pages."""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from web.problems import Trouble

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""No inline script or style, nothing from elsewhere, no frames (w3.org/TR/CSP3)."""

HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=(), payment=()",
}
STRICT_TRANSPORT: Final = "max-age=31536000"
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
SAFE_METHODS: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})


def secure(response: web.StreamResponse, *, https: bool, private: bool) -> None:
    """Add the headers to an answer that has not been sent yet. `private` answers are never kept by a cache."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if https:
        response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
    if private:
        response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


def refuse_other_sites(request: web.Request) -> None:
    """A form from another site is refused by what the browser says of it (Fetch Metadata, then Origin).

    Raises `Trouble` 403. A program that sends neither header is no browser and holds no cookie of ours.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site in ("cross-site", "same-site"):
        raise Trouble(403, "foreign_form")
    origin = request.headers.get(hdrs.ORIGIN)
    if site is None and origin is not None and urlsplit(origin).netloc != request.host:
        raise Trouble(403, "foreign_form")


def same_token(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
