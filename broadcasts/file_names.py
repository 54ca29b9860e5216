"""Names of files as people gave them: kept readable, made harmless, and with the ending that the content has."""

from __future__ import annotations

from typing import Final
from unicodedata import category
from urllib.parse import quote

from broadcasts.file_kinds import ENDINGS
from text.folding import nfc, unaccent

NAME_LENGTH: Final = 120
"""Characters; a header and a chat's line both hold it, and no file system's 255 bytes are reached by Vietnamese."""
UNNAMED: Final = "tai-lieu"
_FORBIDDEN: Final = frozenset('/\\:*?"<>|')
"""Not allowed in names on Windows, and parts of a path elsewhere (learn.microsoft.com, "Naming Files")."""


def is_harmful(name: str) -> bool:
    """True for a path, and for characters that no one can see."""
    return any(ch in "/\\" or category(ch) in ("Cc", "Cs") for ch in name) or name.strip() in (".", "..")


def tidy_name(name: str, media: str) -> str:
    """NFC, without direction marks and signs that file systems refuse, ending as its kind does."""
    kept = "".join(" " if ch in _FORBIDDEN else ch for ch in nfc(name) if category(ch) not in ("Cc", "Cf", "Cs", "Co"))
    stem = " ".join(kept.split()).rstrip(". ")
    endings = ENDINGS[media]
    found = next((one for one in endings if stem.lower().endswith(one)), "")
    stem = stem[: len(stem) - len(found)].strip(". ")
    ending = found or endings[0]
    return (stem[: NAME_LENGTH - len(ending)].rstrip(". ") or UNNAMED) + ending.lower()


def plain_name(name: str) -> str:
    """For those who take ASCII only."""
    return "".join(ch if ch.isascii() and (ch.isalnum() or ch in "-_. ()") else "_" for ch in unaccent(name))


def disposition(name: str, *, inline: bool) -> str:
    """The value of Content-Disposition (RFC 6266): the plain name for old readers, the real one in UTF-8."""
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain_name(name)}\"; filename*=UTF-8''{quote(name, safe='')}"
