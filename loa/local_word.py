"""The word that a running service leaves for its own machine's operator: where its API is, and with which keys.

It is locked for as long as the process lives that left it, and the kernel ends the lock however that process ends. One
that was killed takes nothing back; its port may be another program's by now, which is told no key.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson

FILE = "service.json"
"""In the data folder, readable by its owner only (mode 0600): `{"api", "admin_key", "key"}`."""


@dataclass(frozen=True, slots=True)
class Word:
    """`held`: whoever left it still runs."""

    api: str
    admin_key: str
    key: str
    held: bool


def leave(folder: Path, word: Mapping[str, str]) -> IO[bytes]:
    """Whole or not at all, and locked before anybody can read it; closing the file ends the lock. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{FILE}.new"
    file = open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")  # noqa: SIM115  held while we live
    try:
        with suppress(OSError):  # where a file system knows no locks, every word is believed
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write(orjson.dumps(word))
        file.flush()
        fresh.replace(folder / FILE)
    except BaseException:
        file.close()
        raise
    return file


def read(folder: Path) -> Word | None:
    """None: no service has left one, or not to us."""
    try:
        with (folder / FILE).open("rb") as file:
            said = orjson.loads(file.read())
            return Word(str(said["api"]), str(said["admin_key"]), str(said["key"]), _held(file))
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _held(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def take_back(folder: Path, word: Mapping[str, str]) -> None:
    """Unless it is that of another process of this machine, which has started since."""
    path = folder / FILE
    with suppress(OSError):
        if path.read_bytes() == orjson.dumps(word):
            path.unlink()
