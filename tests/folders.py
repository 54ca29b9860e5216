"""Folders of a process of tests, outside any one test's own: all go when that process ends, however it ends."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

SCRIPT: Final = """
cat >/dev/null
for one in /proc/[0-9]*; do
  case $(readlink "$one/cwd") in "$1"/*) kill -KILL "${one#/proc/}" ;; esac
done 2>/dev/null
for again in 1 2 3; do rm -rf "$1" && exit; sleep 1; done
"""
"""Our end of its stdin closes when we end: then what still works in one of the folders (a server) is ended, and they
go."""
_removers: list[subprocess.Popen[bytes]] = []


def folder(name: str) -> Path:
    """A new one."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=_of_this_process()))


@cache
def _of_this_process() -> Path:
    """In a session of its own, its remover outlives an interrupt from the keyboard."""
    made = Path(tempfile.mkdtemp(prefix="loa-test-"))
    command = ("sh", "-c", SCRIPT, "remover", str(made))
    _removers.append(subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True))
    return made
