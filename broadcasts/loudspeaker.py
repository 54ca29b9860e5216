"""The loudspeaker's script of a broadcast: what the commune's announcer, or a speech synthesiser, reads."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from text.spoken import Reading, in_words, plain

WORDING: Final = Path(__file__).resolve().parent.parent / "data" / "spoken.toml"


@dataclass(frozen=True, slots=True)
class Wording:
    """`data/spoken.toml`: how the office reads, and what stands before the script and between its two readings."""

    opening: str
    again: str
    reading: Reading


@cache
def load_wording(path: Path = WORDING) -> Wording:
    table = tomllib.loads(path.read_text("utf-8"))
    reading = Reading(table["abbreviations"], tuple(table["only_written"]), tuple(table["before_roman"]))
    return Wording(table["opening"], table["again"], reading)


def for_people(chat: str) -> str:
    """The message as residents read it: without codes, urgency marks and how leaders confirm."""
    return plain(chat, load_wording().reading)


def script(chat: str) -> str:
    """The whole script, in words, read twice (loudspeakers are heard from the middle on)."""
    wording = load_wording()
    message = "\n".join(_ended(in_words(line, wording.reading)) for line in for_people(chat).splitlines())
    return f"{wording.opening}\n{message}\n{wording.again}\n{message}\n"


def _ended(line: str) -> str:
    return line if line.endswith((".", "!", "?")) else f"{line}."
