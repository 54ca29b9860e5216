"""A Redis of the tests' own: started when it is first asked for, on a Unix socket, ended with the process by its id.

`LOA_TEST_LANES=redis` makes every test that opens lanes use it; each ledger's folder has a database of its own there,
so that a second service on the same folder meets the lanes of the first one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import time
from itertools import count
from pathlib import Path

import pytest
import redis

from lanes.opening import OpenedLanes
from lanes.redis_bus import RedisBus
from lanes.redis_lanes import RedisLanes
from lanes.redis_opened import OnRedis
from tests.folders import folder
from tests.ledgers import note_use

SERVER = shutil.which("redis-server")
READY_SECONDS = 10.0
DATABASES = 4_096
"""More than one process of tests makes folders."""


class RedisServer:
    """`kill` is SIGKILL; `start` again brings an empty one on the same socket."""

    def __init__(self, *options: str) -> None:
        self.folder = folder("redis")
        self.socket = self.folder / "redis.sock"
        self._options = options
        self._popen: subprocess.Popen[bytes] | None = None
        self.start()
        atexit.register(self.end)

    def start(self, *more: str) -> None:
        if SERVER is None:
            pytest.skip("redis-server is not installed")
        command = (
            SERVER, "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no", "--databases",
            str(DATABASES), "--dir", str(self.folder), "--enable-debug-command", "yes", *self._options, *more,
        )  # fmt: skip
        self._popen = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.client().ping()
                return
            except redis.AuthenticationError:
                return
            except redis.RedisError:
                assert time.monotonic() < deadline, "redis-server does not answer"
                time.sleep(0.01)

    def url(self, database: int = 0) -> str:
        return f"unix://{self.socket}?db={database}"

    def client(self, database: int = 0) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), db=database, socket_timeout=5)

    def kill(self) -> None:
        assert self._popen is not None
        self._popen.send_signal(signal.SIGKILL)
        self._popen.wait(READY_SECONDS)

    def end(self) -> None:
        if self._popen is not None and self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(READY_SECONDS)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


_shared: list[RedisServer] = []
_databases = count()
_by_folder: dict[Path, str] = {}


def shared_server() -> RedisServer:
    """One for all tests of this process that need no other."""
    if not _shared:
        _shared.append(RedisServer())
    return _shared[0]


def fresh_url() -> str:
    """An empty database of the shared server."""
    return shared_server().url(next(_databases) % DATABASES)


def lanes_url(folder: Path) -> str:
    """Where the lanes of the ledger in `folder` are, as the environment of the tests wants it."""
    note_use()
    if os.environ.get("LOA_TEST_LANES", "memory") != "redis":
        return "memory://"
    return _by_folder.setdefault(folder.resolve(), fresh_url())


async def drop(shared: OpenedLanes) -> None:
    """Leave the lanes as a killed process does: nothing is said, nothing given back."""
    if isinstance(shared.lanes, RedisLanes):
        await shared.lanes.vanish()
    if isinstance(shared.bus, RedisBus):
        await shared.bus.stop()
    if isinstance(shared, OnRedis):
        await shared.link.close()
