"""Loa's processes, and the simulators, forked from one that has read all of their modules:
`python -m tests.faults.harness.nursery LEASE`.

Two hundred runs start and restart a thousand processes; reading the modules is most of each start and nothing that a
fault could touch. Each child is a process of its own: its own ledger connections, threads and loops, and SIGKILL kills
it alone; all end with this one. Orders are JSON lines on stdin, `{"program", "arguments", "log", "out"}`; each answer
is `{"pid"}`, and `{"ended", "code"}` when one has ended.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import random
import selectors
import signal
import sys
import traceback
from typing import Any, Final, NoReturn

FAILED: Final = 1
ROOMS: Final = ("text", "store", "lanes", "directory", "broadcasts", "adapters", "bot", "web", "simulators", "loa")
LATER: Final = (
    "asyncpg", "redis.asyncio", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql", "alembic.command",
)  # fmt: skip
"""What those rooms import only once they need it."""
DIE_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG (prctl(2))."""


def main(lease: float) -> None:
    read_all()
    import broadcasts.dispatch

    assert broadcasts.dispatch.LEASE_SECONDS
    broadcasts.dispatch.LEASE_SECONDS = lease
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.collect()
    gc.freeze()
    waiting = selectors.DefaultSelector()
    waiting.register(sys.stdin.buffer, selectors.EVENT_READ)
    waiting.register(woken, selectors.EVENT_READ)
    say({"ready": True})
    while True:
        ready = [key.fileobj for key, _ in waiting.select()]
        if woken in ready:
            os.read(woken, 64)
            tell_of_the_dead()
        if sys.stdin.buffer in ready:
            line = sys.stdin.buffer.readline()
            if not line:
                return
            say({"pid": born(json.loads(line))})


def read_all() -> None:
    for room in ROOMS:
        package = importlib.import_module(room)
        for found in pkgutil.walk_packages(package.__path__, f"{room}."):
            if not found.name.endswith(".__main__") and ".versions." not in found.name and ".env" not in found.name:
                importlib.import_module(found.name)
    for name in LATER:
        importlib.import_module(name)


def born(order: dict[str, Any]) -> int:
    pid = os.fork()
    return pid if pid else live(order)


def live(order: dict[str, Any]) -> NoReturn:
    code = FAILED
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for ours, theirs in ((null, 0), (out, 1), (log, 2)):
            os.dup2(ours, theirs)
        random.seed()
        signal.signal(signal.SIGUSR1, lambda *_: tell_tasks())
        code = perform(order["program"], order["arguments"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else FAILED
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def perform(program: str, arguments: list[str]) -> int:
    if program == "simulators":
        from simulators.__main__ import main as simulate

        return simulate(arguments)
    sys.argv = ["loa", *arguments]
    from loa.cli import main as command

    command()
    return 0


def tell_tasks() -> None:
    """Where every task stands, into the log: for whoever looks at a run that hangs."""
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stderr)
    sys.stderr.flush()


def tell_of_the_dead() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]))
