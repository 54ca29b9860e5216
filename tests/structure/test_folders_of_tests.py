"""What tests start and write outside their own folder is gone when their process is, also one that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.cluster import NoServer, programs
from tests.processes import ROOT, environment, until
from tests.redis_stand import SERVER

PROCESS = """
import json, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests in the background ignores it
import psutil
from tests import ledgers
from tests.living import nursery
from tests.redis_stand import RedisServer
nursery()
ledgers._template()
{more}
print(json.dumps([child.pid for child in psutil.Process().children(recursive=True)]), flush=True)
sys.stdin.read()
"""
REDIS = "one = RedisServer()"
POSTGRESQL = "from tests.cluster import Cluster; one = Cluster(home=os.environ['TMPDIR']); one.start()"


def has_postgresql() -> bool:
    try:
        return bool(programs())
    except NoServer:
        return False


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("sign", "end"),
    [
        pytest.param(signal.SIGKILL, os.kill, id="one process of several is killed"),
        pytest.param(signal.SIGKILL, os.killpg, id="a guard of time kills the whole group"),
        pytest.param(signal.SIGINT, os.killpg, id="interrupted at the terminal"),
    ],
)
def test_nothing_stays_behind(sign: signal.Signals, end: Callable[[int, int], None]) -> None:
    more = "\n".join(([REDIS] if SERVER else []) + ([POSTGRESQL] if has_postgresql() else []))
    with tempfile.TemporaryDirectory(prefix="t") as home:  # short: the path of a socket has 107 bytes
        Path(home).chmod(0o755)
        process = subprocess.Popen(
            (sys.executable, "-c", PROCESS.format(more=more)), cwd=ROOT, env=environment(TMPDIR=home),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        started = [psutil.Process(pid) for pid in json.loads(process.stdout.readline()) if psutil.pid_exists(pid)]
        assert len(started) >= 2, "the nursery, the remover"
        assert list(Path(home).iterdir())
        end(process.pid, sign)
        process.wait(30)
        until(lambda: not list(Path(home).iterdir()), 30, lambda: str(sorted(Path(home).rglob("*"))), pause=0.1)
        until(lambda: not any(child.is_running() for child in started), 10, "nothing runs any more", pause=0.1)
