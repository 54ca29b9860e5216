"""One thread's connection to PostgreSQL: asyncpg on an event loop that only this thread runs, found again when it was
lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]
import structlog

from store.engine import LedgerError, LedgerWriteError, Overtaken

T = TypeVar("T")
log = structlog.get_logger(__name__)

CONNECT_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 60.0
"""No statement takes longer, the wait for the installation's lock included; a line that is cut without a word is given
up after that."""
PATIENCE_SECONDS: Final = 2.0
"""How long a connection that has just been lost is tried again before callers are told: a restart of the server."""
PAUSE_FIRST_SECONDS: Final = 0.05
PAUSE_MAX_SECONDS: Final = 1.0
"""Between two tries; a server that was not there a moment ago is not asked again sooner."""
STATEMENTS_CACHED: Final = 500
"""Prepared statements of one connection; Loa has about 450."""
CACHE_OPTION: Final = "statement_cache_size"
"""In the URL: 0 behind PgBouncer in transaction mode, where a prepared statement may be gone with the next transaction
(asyncpg FAQ, "prepared statement errors with PgBouncer")."""
SESSION: Final = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
    " SET client_connection_check_interval = '5s'"
)
"""So that the server soon forgets a machine that died without a word, and the lock that it held
(postgresql.org/docs/15, 20.3.2). Not behind PgBouncer, whose connections are not ours."""
GONE: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "53300"})
"""SQLSTATEs of a server that stops, starts, ends our session or takes none more, besides class 08
(postgresql.org/docs/15, appendix A)."""
NOT_OURS: Final = ("28", "3D")
"""Classes of SQLSTATEs: wrong password or no right to enter, no such database (same place)."""
NO_TLS: Final = "rejected SSL upgrade"
"""asyncpg's words where the URL wants TLS and the server has none."""
TLS_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
AGAIN: Final = frozenset({"40001", "40P01", "0A000"})
"""Serialization failure, deadlock, and a plan that a migration of another process made void: nothing is stored, and
nobody is to blame."""


@dataclass(frozen=True, slots=True)
class Address:
    """A ledger's URL: what asyncpg takes, and what may be shown."""

    dsn: str
    shown: str
    cached: int

    @classmethod
    def of(cls, url: str) -> Address:
        """Raises `LedgerError` (`ledger_url`)."""
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        wanted = options.pop(CACHE_OPTION, str(STATEMENTS_CACHED))
        if not wanted.isdecimal():
            raise LedgerError("ledger_url", value=f"{CACHE_OPTION}={wanted}")
        host = parts.netloc.rpartition("@")[2]
        shown = urlunsplit(("postgresql", host, parts.path, "", ""))
        return cls(urlunsplit(parts._replace(query=urlencode(options))), shown, int(wanted))

    async def connect(self) -> Any:
        """Raises what asyncpg raises."""
        connection = await asyncpg.connect(
            self.dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            statement_cache_size=self.cached,
            max_cached_statement_lifetime=0,
        )
        if self.cached:
            await connection.execute(SESSION)
        await connection.set_type_codec(
            "numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text"
        )  # sums of whole numbers are of this type
        return connection


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


class Lost(Exception):
    """The connection is gone; what was open on it is undone by the server."""


class Link:
    """The connection of one thread. `run` and everything that uses it are called by one thread at a time."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.types: dict[str, list[str]] = {}
        """Statement → the types of its marks."""
        self._loop = asyncio.new_event_loop()
        self._connection: Any | None = None
        self._was_up = False
        self._not_before = 0.0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Raises `Lost`, or what the server said."""
        try:
            return self._loop.run_until_complete(work)
        except Exception as failed:
            if not _is_loss(failed):
                raise
            self.drop()
            raise Lost(type(failed).__name__) from failed

    @property
    def connection(self) -> Any:
        """The one that the open transaction is on."""
        if self._connection is None:
            raise Lost
        return self._connection

    @property
    def is_lost(self) -> bool:
        return self._connection is None or self._connection.is_closed()

    def connected(self, patience: float = PATIENCE_SECONDS) -> Any:
        """The connection, made again where it was lost. Raises `LedgerWriteError` (`ledger_unreachable`)."""
        if not self.is_lost:
            return self.connection
        self.drop()
        until = time.monotonic() + (patience if self._was_up else 0.0)
        pause = PAUSE_FIRST_SECONDS
        while True:
            if not self._was_up and time.monotonic() < self._not_before:
                raise unreachable(self.address)
            try:
                self._connection = self.run(self.address.connect())
            except Exception as refused:
                if not isinstance(refused, Lost | asyncpg.PostgresError | asyncpg.InterfaceError):
                    raise
                if time.monotonic() + pause > until or not isinstance(refused, Lost):
                    self._was_up, self._not_before = False, time.monotonic() + PAUSE_MAX_SECONDS
                    log.warning("ledger_unreachable", ledger=self.address.shown, why=type(refused).__name__)
                    raise not_let_in(self.address, refused.__cause__ or refused) from refused
                time.sleep(pause)
                pause = min(pause * 2, PAUSE_MAX_SECONDS)
            else:
                self._was_up = True
                return self.connection

    def drop(self) -> None:
        """Give the connection up without a word to the server; what was open on it is undone there."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def close(self) -> None:
        if not self.is_lost:
            with contextlib.suppress(Exception):
                self.run(self.connection.close(timeout=CONNECT_SECONDS))
        self.drop()
        self._loop.close()


def _is_loss(raised: Exception) -> bool:
    if isinstance(raised, asyncpg.PostgresError):
        state = str(getattr(raised, "sqlstate", ""))
        return state.startswith("08") or state in GONE
    if isinstance(raised, asyncpg.InterfaceError) and not isinstance(raised, ValueError):
        return "closed" in str(raised) or "connection" in str(raised)
    return isinstance(raised, OSError | EOFError | asyncpg.InternalClientError)


def unreachable(address: Address) -> LedgerWriteError:
    return LedgerWriteError("ledger_unreachable", ledger=address.shown)


def not_let_in(address: Address, why: BaseException) -> LedgerWriteError:
    """What an operator has to mend first: a certificate (`ledger_tls`), a password, a name, an option of the URL
    (`ledger_not_usable`); else nobody answers now (`ledger_unreachable`)."""
    if isinstance(why, ssl.SSLError):
        detail = getattr(why, "verify_message", "") or why.reason or "TLS"
        return LedgerWriteError("ledger_tls", ledger=address.shown, detail=str(detail).rstrip("."))
    if isinstance(why, ConnectionError) and NO_TLS in str(why):
        return LedgerWriteError("ledger_tls", ledger=address.shown, detail=NO_TLS)
    if isinstance(why, FileNotFoundError | PermissionError) and (missing := _unreadable(address)):
        return LedgerWriteError("ledger_tls", ledger=address.shown, detail=missing)
    state = str(getattr(why, "sqlstate", None) or "")
    if state.startswith(NOT_OURS) or isinstance(why, asyncpg.ClientConfigurationError):
        return LedgerWriteError("ledger_not_usable", path=address.shown, detail=str(why).splitlines()[0])
    return unreachable(address)


def _unreadable(address: Address) -> str:
    """A file of certificates that the URL names and nobody can read; the driver does not say which."""
    options = dict(parse_qsl(urlsplit(address.dsn).query))
    named = [(name, options[name]) for name in TLS_FILES if name in options]
    return next((f"{name}={path}" for name, path in named if not os.access(path, os.R_OK)), "")


def in_our_words(raised: Exception, address: Address) -> Exception:
    """The server's and the connection's failures as `LedgerError`; a broken rule of the schema, and whatever is no
    failure of theirs, stays what it is."""
    if isinstance(raised, LedgerError):
        return raised
    if isinstance(raised, Lost):
        return unreachable(address)
    if isinstance(raised, Overtaken):
        return LedgerWriteError("ledger_busy")
    state = str(getattr(raised, "sqlstate", None) or "") if isinstance(raised, asyncpg.PostgresError) else ""
    if not state or state.startswith("23"):
        return raised
    if state == "53100":
        return LedgerWriteError("disk_full")
    if state == "25006":
        return LedgerWriteError("ledger_read_only")
    if state == "57014":
        return LedgerError("ledger_too_slow")
    if state == "55P03":
        return LedgerWriteError("ledger_busy")
    return LedgerWriteError("ledger_write_failed", detail=str(raised).splitlines()[0])
