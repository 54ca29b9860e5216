"""Texts as Zalo takes them: counted, split, without mentions that somebody smuggled in."""

from __future__ import annotations

import re

from adapters.zalo import limits
from text.folding import nfc

_MENTION = re.compile(r"\[(?=@)")
_BREAKS = ("\n\n", "\n", ". ", "; ", ", ", " ")


def length(text: str) -> int:
    """Characters as Zalo may count them: the larger of code points and UTF-16 units (Zalo does not say which)."""
    return max(len(text), len(text.encode("utf-16-le", "surrogatepass")) // 2)


def neutralise(text: str) -> str:
    """`[@id]` would ping a member, or with the group's id everybody: a blank takes the life out of it."""
    return _MENTION.sub("[ ", text)


def prepare(text: str) -> str:
    """NFC (NFD nearly doubles Vietnamese), no live mentions, no blank edges."""
    return neutralise(nfc(text)).strip()


def split(text: str, whole: int = limits.TEXT_LIMIT, part: int = limits.PART_LIMIT) -> tuple[str, ...]:
    """The text as one message, or as several of at most `part` characters, each marked `(1/3)`.

    Breaks at a paragraph, line, sentence or word, in that order; a word longer than a part is cut. No character is
    lost but the blanks at a break.
    """
    if length(text) <= whole:
        return (text,) if text else ()
    room = part - length("(99/99)\n")
    pieces: list[str] = []
    rest = text
    while rest:
        piece, rest = _bite(rest, room)
        pieces.append(piece)
    return tuple(f"({n}/{len(pieces)})\n{piece}" for n, piece in enumerate(pieces, 1))


def _bite(text: str, room: int) -> tuple[str, str]:
    if length(text) <= room:
        return text, ""
    head = _first(text, room)
    for mark in _BREAKS:
        at = head.rfind(mark)
        if at > len(head) // 2:
            return head[: at + len(mark)].rstrip(), text[at + len(mark) :].lstrip()
    return head, text[len(head) :]


def _first(text: str, room: int) -> str:
    """The longest beginning of at most `room` characters; never between the halves of a surrogate pair, since
    Python strings hold whole code points."""
    head = text[:room]
    while length(head) > room:
        head = head[: len(head) - max(1, (length(head) - room) // 2)]
    return head
