"""Where Redis is, and what a failure of it is called."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from redis import exceptions as wrong
from redis.asyncio.connection import parse_url

from lanes.port import LanesError

SCHEMES: Final = ("redis", "rediss", "unix")


@dataclass(frozen=True, slots=True)
class Address:
    """`options` are those of `redis.asyncio.Redis`; `shown` is for people and holds no password."""

    url: str
    shown: str

    def __repr__(self) -> str:
        return f"Address({self.shown})"


def address(url: str) -> Address:
    """Read `redis://[user][:password]@host[:port][/database]`, `rediss://…` (TLS) or `unix:///path?db=0`. Raises
    `LanesError`; the password stands in no message."""
    try:
        parts = urlsplit(url)
        port, given = parts.port, parse_url(url)
    except ValueError:
        raise LanesError("lanes_url", value=url.partition(":")[0]) from None
    if parts.scheme not in SCHEMES or not (given.get("host") or given.get("path")):
        raise LanesError("lanes_url", value=parts.scheme or url.partition(":")[0])
    database = given.get("db", 0)
    place = given.get("path") or f"{given['host']}:{port or 6379}"
    return Address(url, f"{parts.scheme}://{place}/{database}" if database else f"{parts.scheme}://{place}")


def why(failed: BaseException) -> str:
    """One of the words of `lanes.port.Away`."""
    text = str(failed).upper()
    for mark, word in _MARKS:  # first: redis-py makes an error of the line of some of them
        if mark in text:
            return word
    return next((word for kind, word in _KINDS if isinstance(failed, kind)), "refused")


def refusal(failed: BaseException, where: Address) -> LanesError | None:
    """What an operator must mend before anything can start; None: nobody answers now, and may later."""
    if isinstance(failed, LanesError):
        return failed
    if _unknown_host(failed):
        return LanesError("lanes_no_host", where=where.shown)
    if (detail := _untrusted(failed)) is not None:
        return LanesError("lanes_tls", where=where.shown, detail=detail)
    word = why(failed)
    if word == "password":
        return LanesError("lanes_password", where=where.shown)
    if isinstance(failed, wrong.InvalidResponse) or (isinstance(failed, wrong.ResponseError) and word == "refused"):
        return LanesError("lanes_not_redis", where=where.shown)
    return None


def _untrusted(failed: BaseException | None) -> str | None:
    """What the TLS of this machine says of theirs; redis-py wraps it. None: it was not asked."""
    while failed is not None:
        if isinstance(failed, ssl.SSLError):
            return str(getattr(failed, "verify_message", "") or failed.reason or "TLS").rstrip(".")
        failed = failed.__cause__ or failed.__context__
    return None


def _unknown_host(failed: BaseException | None) -> bool:
    """redis-py wraps what the resolver says."""
    while failed is not None:
        if isinstance(failed, socket.gaierror) or "Name or service not known" in str(failed):
            return True
        failed = failed.__cause__ or failed.__context__
    return False


_KINDS: Final[tuple[tuple[Any, str], ...]] = (
    (wrong.AuthenticationError, "password"),
    (wrong.NoPermissionError, "password"),
    (wrong.AuthorizationError, "password"),
    (wrong.OutOfMemoryError, "full"),
    (wrong.ReadOnlyError, "read_only"),
    (wrong.BusyLoadingError, "loading"),
    (wrong.TimeoutError, "silent"),
    (TimeoutError, "silent"),
    (wrong.ConnectionError, "unreachable"),
    (OSError, "unreachable"),
)
_MARKS: Final = (
    ("WRONGPASS", "password"),
    ("USERNAME-PASSWORD", "password"),
    ("NOAUTH", "password"),
    ("NOPERM", "password"),
    ("CALLED WITHOUT ANY PASSWORD", "password"),
    ("LANES_OTHER_OFFICE", "other_office"),
    ("LANES_FOREIGN", "other_office"),
    ("OOM ", "full"),
    ("MISCONF", "full"),
    ("READONLY", "read_only"),
    ("READ ONLY", "read_only"),
    ("MASTERDOWN", "read_only"),
    ("NOREPLICAS", "read_only"),
    ("LOADING", "loading"),
    ("BUSY ", "silent"),
)
"""Error codes as Redis writes them; inside a script the code stands in the middle of the text."""
