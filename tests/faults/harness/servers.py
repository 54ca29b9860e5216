"""PostgreSQL and Redis of a run: one server of each for every thread of runs, a database of its own for every run."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import asyncpg

from store.migrate import migrate
from tests.cluster import Cluster
from tests.faults.harness.disk import LOG_SETTINGS, small_disk
from tests.ports import free_port
from tests.redis_stand import RedisServer

TEMPLATE: Final = "loa_template"
ASK_SECONDS: Final = 5.0
_of_thread = threading.local()
_founding = threading.Lock()
"""Alembic knows one migration at a time in a process."""


class Servers:
    def __init__(self) -> None:
        self.disk = small_disk()
        self.postgresql = Cluster(home=str(self.disk.folder), **LOG_SETTINGS) if self.disk is not None else Cluster()
        self.postgresql.start()
        self.redis_port = free_port()
        self.redis = RedisServer("--port", str(self.redis_port), "--bind", "127.0.0.1")
        on_database(self.postgresql.url(), lambda link: link.execute(f"CREATE DATABASE {TEMPLATE}"))
        migrate(self.postgresql.url(TEMPLATE))
        atexit.register(self.end)

    def new_database(self, name: str) -> None:
        async def make(link: Any) -> None:
            await link.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await link.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")

        on_database(self.postgresql.url(), make)
        self.redis.client().flushall()

    def drop_database(self, name: str) -> None:
        on_database(self.postgresql.url(), lambda link: link.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    def end(self) -> None:
        self.postgresql.remove()
        self.redis.end()
        if self.disk is not None:
            self.disk.end()


def servers() -> Servers:
    """Those of this thread."""
    if not hasattr(_of_thread, "servers"):
        with _founding:
            _of_thread.servers = Servers()
    found: Servers = _of_thread.servers
    return found


class Reader:
    """Asks a database from whatever thread, each with a connection of its own that is made again when it broke."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._own = threading.local()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Raises OSError where the server does not answer."""
        own = self._own
        if not hasattr(own, "loop"):
            own.loop, own.link = asyncio.new_event_loop(), None
        try:
            if own.link is None:
                own.link = own.loop.run_until_complete(asyncpg.connect(self._url, timeout=ASK_SECONDS))
            found = own.loop.run_until_complete(own.link.fetch(sql, timeout=ASK_SECONDS))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as failed:
            if own.link is not None:
                own.link.terminate()
            own.link = None
            raise OSError(str(failed)) from failed
        return [tuple(row) for row in found]

    def end(self) -> None:
        """This thread's connection."""
        if getattr(self._own, "link", None) is not None:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self._own.loop.run_until_complete(self._own.link.close(timeout=ASK_SECONDS))


def on_database(url: str, act: Callable[[Any], Awaitable[Any]]) -> None:
    async def connected() -> None:
        link = await asyncpg.connect(url, timeout=ASK_SECONDS)
        try:
            await act(link)
        finally:
            await link.close()

    asyncio.run(connected())
