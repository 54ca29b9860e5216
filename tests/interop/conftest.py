"""Node.js and the npm package `smpp`, an implementation of SMPP that has nothing of ours.

Installed once from `package-lock.json` (`npm ci`). Without Node they are left out; with LOA_TEST_STRICT=1 they fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
INSTALL = ("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent")
INSTALL_SECONDS = 90


@pytest.fixture(scope="session")
def node() -> str:
    """Path of Node.js, with the package beside the tests."""
    found = shutil.which("node")
    why = "Node.js is not installed" if found is None else _install()
    if not why:
        assert found is not None
        return found
    if os.environ.get("LOA_TEST_STRICT"):
        pytest.fail(why)
    pytest.skip(why)


def _install() -> str:
    """Why it could not be installed, "" if it could. One test process at a time does it, for all."""
    with (FOLDER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (FOLDER / "node_modules" / "smpp" / "package.json").exists():
            return ""
        if shutil.which("npm") is None:
            return "npm is not installed"
        try:
            done = subprocess.run(
                INSTALL, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return "npm ci took too long"
        return "" if done.returncode == 0 else f"npm ci failed: {done.stderr[-300:]}"


class Peer:
    """A script under Node; `events` are the JSON lines that it wrote."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []

    def of(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == event]

    async def until(self, is_so: Callable[[], Any], seconds: float = 20.0) -> None:
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                while not is_so():
                    line = await self.process.stdout.readline()
                    assert line, f"the peer ended; it said {self.events}"
                    self.events.append(json.loads(line))
        except TimeoutError:
            pytest.fail(f"the peer said no more than {self.events}")

    async def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()


Run = Callable[..., AbstractAsyncContextManager[Peer]]


@pytest.fixture
def run(node: str) -> Run:
    @asynccontextmanager
    async def running(script: str, *arguments: str) -> AsyncIterator[Peer]:
        process = await asyncio.create_subprocess_exec(
            node, str(FOLDER / script), *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        try:
            yield Peer(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    return running
