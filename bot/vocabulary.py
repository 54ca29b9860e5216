"""The keyword table while the service runs: read again where the file changed, so that a word added at two in the
morning is understood at once. A table that does not fit is refused with a log line, and the one before stays."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from bot.answering import Answering
from bot.intents import Language
from bot.keyword_texts import with_changes
from bot.keywords import KEYWORDS_FILE, parse
from broadcasts.office_texts import Body
from directory.unit_finder import UnitFinder
from directory.units import UnitCatalogue

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 5.0
"""Between two looks at the file."""


class Vocabulary:
    """`tick` may be missed, repeated or late: the file's time and size say whether there is anything to do."""

    def __init__(self, answering: Answering, units: UnitCatalogue, path: Path = KEYWORDS_FILE) -> None:
        self._answering = answering
        self._units = units
        self._path = path
        self._seen = _mark(path)
        self._changed: Mapping[str, Body] = {}

    def jobs(self) -> list[tuple[Callable[[], Awaitable[object]], float]]:
        return [(self.tick, LOOK_SECONDS)]

    async def tick(self) -> bool:
        """True where a changed table was taken."""
        mark = await asyncio.to_thread(_mark, self._path)
        if mark is None or mark == self._seen:
            return False
        self._seen = mark
        try:
            language = await asyncio.to_thread(self._language)
        except (OSError, ValueError) as wrong:
            log.error("keywords_refused", reason=str(wrong))
            return False
        self._answering.learn(language)
        log.info("keywords_read_again")
        return True

    def change(self, changed: Mapping[str, Body]) -> None:
        """Understand with what the office changed (intent → its lists) over the table, from now on. Raises OSError or
        ValueError; the words of before stay then."""
        before, self._changed = self._changed, changed
        try:
            self._answering.learn(self._language())
        except (OSError, ValueError):
            self._changed = before
            raise

    def reword(self, changed: Mapping[str, Body]) -> None:
        """Answer with what the office wrote, from now on."""
        self._answering.reword(changed)

    def _language(self) -> Language:
        raw = tomllib.loads(self._path.read_text(encoding="utf-8"))
        return Language(UnitFinder(self._units), parse(with_changes(raw, self._changed)))


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
