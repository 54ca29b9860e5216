"""The system's own words in messages, from `data/marks.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

MARKS_FILE: Final = Path(__file__).parent.parent / "data" / "marks.toml"


@dataclass(frozen=True, slots=True)
class Marks:
    """What the system itself writes into a message."""

    urgency: Mapping[str, str]
    """Urgency → how the first line begins."""
    mode: Mapping[str, Mapping[str, str]]
    """`exercise`, `test` → the words that say so, per alphabet (`chat`, `sms`), and what a `title` begins with."""
    leader_reply: tuple[str, ...]
    """How to confirm by SMS, longest first."""
    document: str
    """How a chat text ends that does not name its document itself."""
    file_chat: str
    """What a chat text says of a file that its channel cannot take."""
    file_sms: str
    """The same behind an SMS to a leader."""
    repeat: str
    """Behind an SMS that another one said word for word a while ago."""
    ack_label: str
    """On the button that confirms."""
    official_domains: frozenset[str]
    """Hosts that a link to residents may have."""


@cache
def load_marks(path: Path = MARKS_FILE) -> Marks:
    """Raises OSError, TOMLDecodeError or KeyError at start where the file is not whole."""
    raw = tomllib.loads(path.read_text("utf-8"))
    return Marks(
        raw["urgency"],
        raw["mode"],
        tuple(raw["reply"]["leader"]),
        raw["document"]["chat"],
        raw["file"]["chat"],
        raw["file"]["sms"],
        raw["repeat"]["mark"],
        raw["button"]["ack"],
        frozenset(raw["official_domains"]),
    )
