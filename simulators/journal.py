"""What a simulated provider took and what it owes us, in a file that only grows: a provider forgets nothing when its
machine dies, so a simulator that was killed reads its journal and goes on where it was.

One JSON object a line, written before the provider answers. SIGKILL loses none of it; a power cut may.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

Record = dict[str, Any]


class Journal:
    """Without a path nothing is kept."""

    def __init__(self, path: Path | None = None) -> None:
        self.on = path is not None
        self._path = path
        self._file = -1

    def read(self) -> Iterator[Record]:
        """Everything that was written, in its order; a last line that was cut short is none."""
        if self._path is None or not self._path.exists():
            return
        for line in self._path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield orjson.loads(line)

    def write(self, what: str, **values: Any) -> None:
        """`values`: JSON, and dataclasses of it."""
        if self._path is None:
            return
        if self._file < 0:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._file, orjson.dumps({"what": what, **values}) + b"\n")

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
