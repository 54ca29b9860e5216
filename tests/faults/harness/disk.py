"""A small disk of our own that can be filled: a tmpfs that only this process and what it starts can see, so that it
goes with them, whatever ends them. It needs a user who may mount."""

from __future__ import annotations

import ctypes
import os
import tempfile
import time
from pathlib import Path
from typing import Final

DISK_BYTES: Final = 640 << 20
"""PostgreSQL's own files, the write-ahead log of `LOG_SETTINGS`, and a run's database beside its template."""
LOG_SETTINGS: Final = {"max_wal_size": "128MB", "min_wal_size": "32MB"}
CLONE_NEWNS: Final = 0x00020000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 1 << 18
MNT_DETACH: Final = 2
"""unshare(2), mount(2), umount2(2)."""
PIECE: Final = bytes(64 << 10)
_libc = ctypes.CDLL(None, use_errno=True)


class SmallDisk:
    """Raises PermissionError where `own_mounts` was not called, or refused."""

    def __init__(self) -> None:
        if not _own:
            raise PermissionError
        self.folder = folder = Path(tempfile.mkdtemp(prefix="loa-disk-"))
        options = f"size={DISK_BYTES},mode=755".encode()
        if _libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options):
            folder.rmdir()
            raise PermissionError
        self._filler = folder / "filler"

    def fill(self, seconds: float) -> None:
        """Not one page is free for so long."""
        with self._filler.open("ab", buffering=0) as file:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                if not _more(file.fileno()):
                    time.sleep(min(left, 0.02))

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)

    def end(self) -> None:
        _libc.umount2(os.fsencode(self.folder), MNT_DETACH)
        self.folder.rmdir()


_own: list[bool] = []


def own_mounts() -> None:
    """From here on what this thread mounts is seen by it and by what it starts alone; called before there are other
    threads. Nothing changes where this user may not."""
    if _own or _libc.unshare(CLONE_NEWNS):
        return
    if _libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0:
        _own.append(True)


def small_disk() -> SmallDisk | None:
    """None: this user may not mount."""
    try:
        return SmallDisk()
    except PermissionError:
        return None


def _more(file: int) -> bool:
    try:
        return os.write(file, PIECE) > 0
    except OSError:
        return False
