"""Real processes in tests: started, read, killed and stopped; asked over HTTP and by commands.

Every wait is bounded, and what failed says what the process last wrote on stderr. Only processes that were started
here are ever ended, by their own id.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
LOA = (sys.executable, "-c", "from loa.cli import main; main()")
READY_SECONDS = 60.0
"""How long a start may take on a machine that many tests share."""
STOP_SECONDS = 40.0
"""Longer than the service's own bounds together: dispatchers 10 s, channels about 25 s, web 3 s."""
HTTP_SECONDS = 30.0
LANGUAGE = {"LOA_LANG": "en"}


def until(check: Callable[[], T | None], seconds: float, says: str | Callable[[], str], pause: float = 0.05) -> T:
    """The first value of `check` that is not None and not False."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {says if isinstance(says, str) else says()}")
        time.sleep(pause)


def environment(**more: str) -> dict[str, str]:
    """Ours without settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LOA_")} | LANGUAGE | more


class Process:
    """One program under test; its stdout is read as JSON lines, its stderr goes to a file."""

    def __init__(
        self, command: Sequence[str], log: Path, *, environ: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        self.name = log.stem
        self.log = log
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        with log.open("ab") as errors:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT,
                env=environment(**(environ or {})), **options,
            )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self._lines.put(line)

    def ready(self, seconds: float = READY_SECONDS) -> dict[str, Any]:
        """The JSON line that says that it answers."""

        def said() -> dict[str, Any] | None:
            try:
                return dict(json.loads(self._lines.get_nowait()))
            except queue.Empty:
                if self.popen.poll() is not None and not self._reader.is_alive():
                    raise AssertionError(f"{self.name} ended with {self.popen.returncode}: {self.tail()}") from None
                return None

        return until(said, seconds, lambda: f"{self.name} is ready; {self.tail()}", pause=0.01)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    def kill(self) -> None:
        """SIGKILL, as a power cut or the kernel's memory guard would."""
        assert self.popen.poll() is None, f"{self.name} was already dead: {self.tail()}"
        os.kill(self.popen.pid, signal.SIGKILL)
        assert self.popen.wait(STOP_SECONDS) == -signal.SIGKILL

    def stop(self) -> int:
        """SIGTERM and its exit code; a process that does not end is killed, and that is a failure."""
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            return self.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(STOP_SECONDS)
            raise AssertionError(f"{self.name} did not end at SIGTERM: {self.tail()}") from None

    def end(self) -> None:
        """Whatever became of the test: nothing of it is left running."""
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait(STOP_SECONDS)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                pipe.close()


class HttpProblem(AssertionError):
    """An answer other than 2xx."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"HTTP {status}: {body}")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Http:
    """JSON over HTTP to one address with one key."""

    url: str
    key: str = ""
    seconds: float = HTTP_SECONDS
    """How long an answer is waited for."""

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return self.call("POST", path, json.dumps(body if body is not None else {}).encode(), query=query)

    def call(
        self, method: str, path: str, body: bytes | None = None, *, query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """The parsed answer. Raises `HttpProblem`, and OSError when nobody answers."""
        wanted = {name: str(value) for name, value in (query or {}).items() if value is not None}
        url = f"{self.url}{path}" + (f"?{urllib.parse.urlencode(wanted)}" if wanted else "")
        request = urllib.request.Request(url, data=body, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("Accept-Language", "en")
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=self.seconds) as answer:
                return _parsed(answer.read())
        except urllib.error.HTTPError as refused:
            raise HttpProblem(refused.code, _parsed(refused.read())) from None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def timeline(api: Http, no: int) -> list[dict[str, Any]]:
    """Every event of a broadcast so far, from the stream that live pages follow: it then tells the counts."""
    request = urllib.request.Request(f"{api.url}/broadcasts/{no}/events")
    request.add_header("Authorization", f"Bearer {api.key}")
    found: list[dict[str, Any]] = []
    name = ""
    with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as stream:
        for raw in stream:
            key, _, value = raw.decode().rstrip("\n").partition(": ")
            if key == "event":
                name = value
            elif key == "data" and name == "counts":
                break
            elif key == "data":
                found.append(json.loads(value))
    return found


def loa(
    *arguments: str, environ: Mapping[str, str] | None = None, seconds: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """One command of the command line, to its end."""
    return subprocess.run(
        (*LOA, *arguments), cwd=ROOT, env=environment(**(environ or {})), capture_output=True, text=True,
        timeout=seconds, check=False,
    )  # fmt: skip


def objects(stdout: str) -> list[dict[str, Any]]:
    """What a command printed: one JSON object a line."""
    return [json.loads(line) for line in stdout.splitlines()]
