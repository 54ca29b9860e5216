"""A PostgreSQL server of our own in a temporary folder, for tests and benchmarks. It ends with the process that started
it, however that one ends, and its folder goes with it.

`fsync` is off unless asked for: what a test asserts of a killed process or a stopped server holds without it, only a
power cut would not.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.ports import free_port

OWNER = "postgres"
"""Runs the server where we are root, whom PostgreSQL refuses (postgresql.org/docs/15, 19.1)."""
READY_SECONDS = 60.0
CONNECTIONS = 400
MEMORY = "/dev/shm"
MEMORY_MIN = 2 << 30
"""Free bytes; 16 processes of tests with some databases each take half of it."""


class NoServer(Exception):
    """PostgreSQL is not installed, or this user cannot run it."""


def programs() -> Path:
    """The folder of PostgreSQL's programs. Raises `NoServer`."""
    found = shutil.which("postgres")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists():
            return place
    raise NoServer("PostgreSQL is not installed (apt-get install postgresql)")


class Cluster:
    """One server on a port of its own. `url(database)` is how to reach it."""

    def __init__(self, *, safe: bool = False, home: str = "", **settings: str) -> None:
        """`home`: where its folder is made."""
        self._programs = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="loa-pg-", dir=home or (None if safe else _memory())))
        self._data = self.folder / "data"
        self.port = free_port()
        self._settings = {
            "port": str(self.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder),
            "max_connections": str(CONNECTIONS), "shared_buffers": "128MB", "log_min_messages": "fatal",
            **({} if safe else {"fsync": "off", "full_page_writes": "off", "dynamic_shared_memory_type": "mmap"}),
            **settings,
        }  # fmt: skip
        self._server: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            owner = pwd.getpwnam(OWNER)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "loa", "-E", "UTF8", "--locale=C", "--no-sync")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://loa@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Returns when it answers."""
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        command = self._as_owner(str(self._programs / "postgres"), "-D", str(self._data), *options)
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                _until_we_end(self.folder, command), stdin=subprocess.PIPE, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > until:
                raise NoServer((self.folder / "log").read_text("utf-8", "replace")[-2_000:])
            time.sleep(0.02)

    def stop(self, how: str = "fast") -> None:
        """`fast`: sessions are ended; `immediate`: as a crash, recovered at the next start."""
        if self._server is not None and self._server.stdin is not None:
            self._run("pg_ctl", "-D", str(self._data), "-m", how, "-w", "stop")
            self._let_go()

    def revive(self) -> None:
        """Returns when it answers; where it ended by itself it is started again."""
        while not self._answers():
            try:
                self._run("pg_ctl", "-D", str(self._data), "status")
            except NoServer:
                self._let_go()
                self.start()
                return
            time.sleep(0.05)

    def _let_go(self) -> None:
        """The server is down, its folder stays."""
        if self._server is not None and self._server.stdin is not None:
            self._server.stdin.write(b"keep")
            self._server.stdin.close()
            self._server.wait(READY_SECONDS)
            self._server = None

    def remove(self) -> None:
        with suppress(NoServer):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        command = (str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port))
        return subprocess.run(command, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        command = self._as_owner(str(self._programs / program), *arguments)
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.folder)
        if done.returncode:
            raise NoServer(done.stderr[-2_000:])

    def _as_owner(self, *command: str) -> tuple[str, ...]:
        return ("runuser", "-u", OWNER, "--", *command) if os.geteuid() == 0 else command


def _memory() -> str | None:
    """A folder in memory, where there is room: a database of its own for each test is a thousand small files."""
    try:
        free = shutil.disk_usage(MEMORY).free
    except OSError:
        return None
    return MEMORY if free >= MEMORY_MIN else None


def _until_we_end(folder: Path, command: tuple[str, ...]) -> tuple[str, ...]:
    """Our end of its stdin closes when we end: then the server is told to, and its folder goes, unless we said so. With
    the folder goes what a server that was killed leaves in the kernel: the segment that the seventh line of its
    postmaster.pid names (key, id). Its other shared memory is files in the folder, where `fsync` is off."""
    script = (
        'folder=$1; shift; pid=$folder/data/postmaster.pid; "$@" </dev/null & server=$!; said=$(cat);'
        ' kill -QUIT "$(head -n 1 "$pid" 2>/dev/null)" 2>/dev/null; wait $server; [ "$said" = keep ] && exit;'
        ' [ -e "$pid" ] && ipcrm -m "$(sed -n "7s/.* //p" "$pid")" 2>/dev/null; rm -rf "$folder"'
    )
    return ("sh", "-c", script, "keeper", str(folder), *command)
