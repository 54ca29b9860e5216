"""The way to Redis: well or away, said once at each change, tried again in the background.

Redis may vanish at any moment: nothing here raises for that but `Gone`, which callers take as "do it without". Commands
have a time limit and are never repeated silently: redis-py's defaults (5 s, ten retries) wrote one XADD twice over a
stalled server (github.com/redis/redis-py/issues/4125), and cut blocking reads short.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from adapters.contract import Now
from lanes.port import Away, LanesError
from lanes.redis_address import Address, refusal, why
from lanes.redis_owner import Owner, check_version, greet

log = structlog.get_logger(__name__)

COMMAND_SECONDS: Final = 2.0
"""Longest wait for an answer; then Redis is away."""
CONNECTIONS: Final = 32
"""Of commands, at most; a process rarely uses more than four at once."""
LOOK_SECONDS: Final = 2.0
"""How often a Redis that is well is asked whether it still is, and still ours."""
RETRY_SECONDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Pauses between attempts to reach it again; the last one repeats."""
STEADY_SECONDS: Final = 10.0
"""Well for so long, the pauses begin anew: one that comes and goes is not run after."""
KEEPALIVE: Final = {4: 10, 5: 5, 6: 3}
"""TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT (Linux): a cut line ends a blocking read after 25 s."""


class Gone(Exception):
    """Redis did not do it, or did not say so."""


@dataclass(frozen=True, slots=True)
class Script:
    """Lua that runs whole or not at all."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


class Link:
    """`on_back` are called each time that Redis answers again, and may have been emptied since."""

    def __init__(self, where: Address, owner: str, now: Now = time.time) -> None:
        self.where = where
        self.owner = owner
        """This process, among those that share the Redis."""
        self.prefix = ""
        """Of every key of this installation, once `open` was called."""
        self.on_back: list[Callable[[], None]] = []
        self._now = now
        self._away: Away | None = Away(now(), "unreachable")
        self._commands = client(where, COMMAND_SECONDS, max_connections=CONNECTIONS)
        self._doing: set[asyncio.Task[Any]] = set()
        self._up = asyncio.Event()
        self._well_at = 0.0
        self._doubt = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._closing = False
        self._house: Owner | None = None

    @property
    def up(self) -> bool:
        return self._up.is_set()

    @property
    def away(self) -> Away | None:
        return self._away

    async def wait_up(self) -> None:
        await self._up.wait()

    async def open(self, house: Owner) -> None:
        """Raises `LanesError` for what must be mended first. A Redis that does not answer is waited for behind."""
        self._house, self.prefix = house, f"loa:{house.installation}:"
        try:
            await check_version(self._commands, self.where)
            await self._greet()
        except (RedisError, OSError, LanesError, TimeoutError) as failed:
            refused = refusal(failed, self.where)
            if refused is not None:
                await self._commands.aclose()
                raise refused from None
            self.lost(failed)
            log.warning("redis_away", where=self.where.shown, why=why(failed), at="start")
        else:
            self._away = None
            self._back()
        self._watching = asyncio.create_task(self._watch(), name="redis-link")

    async def close(self) -> None:
        self._closing = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None
        self._up.clear()
        if self._doing:
            await asyncio.wait(self._doing, timeout=COMMAND_SECONDS)
        with suppress(RedisError, OSError):
            await self._commands.aclose()

    # Asking

    async def call(self, *parts: str | int | float | bytes) -> Any:
        """One command. Raises `Gone`."""
        return await self._do(lambda: self._commands.execute_command(*parts))  # type: ignore[no-untyped-call]

    async def run(self, script: Script, keys: Sequence[str], *arguments: str | int | float) -> Any:
        """One script, sent whole where Redis does not know it (then nothing of it has run). Raises `Gone`."""

        async def send() -> Any:
            try:
                return await self._commands.evalsha(script.sha, len(keys), *keys, *arguments)
            except NoScriptError:
                return await self._commands.eval(script.text, len(keys), *keys, *arguments)

        return await self._do(send)

    async def _do(self, command: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """A caller that goes away leaves the command to its end: redis-py turns some cancellations into errors of the
        line, and swallows others."""
        if not self.up:
            raise Gone
        doing = asyncio.create_task(command(), name="redis-command")
        self._doing.add(doing)
        doing.add_done_callback(self._done)
        try:
            return await asyncio.shield(doing)
        except (RedisError, OSError, TimeoutError) as failed:
            raise Gone from failed

    def _done(self, doing: asyncio.Task[Any]) -> None:
        self._doing.discard(doing)
        failed = None if doing.cancelled() else doing.exception()
        if failed is not None and isinstance(failed, RedisError | OSError | TimeoutError):
            self.lost(failed)

    def client(self) -> Redis:
        """One connection of its own, that waits as long as it is told to: for blocking reads and subscriptions."""
        return client(self.where, None, single_connection_client=True)

    # Well and away

    def lost(self, failed: BaseException) -> None:
        """Something went wrong: away from here on, until a look says otherwise."""
        word = why(failed)
        if self._away is None:
            log.warning("redis_away", where=self.where.shown, why=word, error=type(failed).__name__)
            self._away = Away(self._now(), word)
        elif self._away.why != word:
            self._away = Away(self._away.since, word)
        self._up.clear()
        self._doubt.set()

    def _back(self) -> None:
        away, self._away = self._away, None
        self._well_at = time.monotonic()
        self._up.set()
        if away is not None:
            log.info("redis_well", where=self.where.shown, after=round(self._now() - away.since, 1))
        for tell in self.on_back:
            tell()

    async def _greet(self) -> None:
        assert self._house is not None
        await greet(self._commands, self._house, self.where)

    async def _watch(self) -> None:
        tries = 0
        while not (self._closing or told_to_end()):
            if self.up:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._doubt.wait()
            if not self.up:
                await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
            self._doubt.clear()
            try:
                await self._greet()
            except (RedisError, OSError, TimeoutError, LanesError) as failed:
                tries += 1
                await self._commands.connection_pool.disconnect()
                self.lost(_Theirs(failed.key) if isinstance(failed, LanesError) else failed)
            else:
                if not self.up:
                    tries += 1
                    self._back()
                elif time.monotonic() - self._well_at > STEADY_SECONDS:
                    tries = 0


def told_to_end() -> bool:
    """This task was cancelled, also where redis-py made an error of the line of it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Theirs(ResponseError):
    """Another office's Redis, found after the start."""


def client(where: Address, answer: float | None, **more: Any) -> Redis:
    """`answer`: seconds that a command may take; None: as long as it wants."""
    tcp: dict[str, Any] = (
        {} if where.url.startswith("unix:") else {"socket_keepalive": True, "socket_keepalive_options": KEEPALIVE}
    )
    return Redis.from_url(
        where.url, socket_timeout=answer, socket_connect_timeout=COMMAND_SECONDS, retry=Retry(NoBackoff(), 0),
        protocol=2, decode_responses=False, maint_notifications_config=MaintNotificationsConfig(enabled=False),
        **tcp, **more,
    )  # fmt: skip
