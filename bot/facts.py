"""Answers made of what officers keep: which entries answer an intent, and how they are written, always with their time.

Sentences: `[entry.*]` in `data/answers.toml`. A list of forms is tried from the fullest to the shortest, so that an SMS
is one part; what is kept is short enough for the last of them (`data/import/content.toml`, limits).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from bot.intents import Understood
from bot.wording import Form
from broadcasts.templates import fill
from directory.units import Unit
from store.content import ContentRow
from text.dates import local
from text.safe import to_safe
from text.segments import measure

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "THOITIET": ("weather",),
    "MUA": ("rain",),
    "BAO": ("storm",),
    "LU": ("flood",),
    "HOCHUA": ("reservoir",),
    "DE": ("dyke",),
    "SATLO": ("landslide", "road"),
    "SOTAN": ("evacuation",),
    "TRUCBAN": ("duty",),
}
"""Intent → the kinds of entries that answer it."""
RIVER: Final[Mapping[str, tuple[str, ...]]] = {"LU": ("river",)}
"""The kinds where a river is named, or where there is no bulletin."""
BULLETINS: Final = frozenset({"weather", "rain", "storm", "flood", "landslide", "road"})
MOST_SHOWN: Final[Mapping[Form, int]] = {"chat": 8, "sms": 4}
"""Entries of one answer: evacuation points of a unit, stations of a river."""


class Facts(Protocol):
    """What holds now; `directory.content_book.ContentBook`, or nothing for `loa ask`."""

    def latest(self, kinds: Sequence[str], unit: Unit | None, subjects: Sequence[str]) -> Sequence[ContentRow]:
        """Newest first; by `subjects` where there are some, else the unit's, its groups', the province's."""


def found(facts: Facts, meaning: Understood, unit: Unit | None) -> list[ContentRow]:
    """The entries that answer `meaning`; one for each thing that they are about, newest first."""
    kinds = KINDS.get(meaning.intent, ())
    rows: Sequence[ContentRow] = ()
    if meaning.waters:
        rows = facts.latest(RIVER.get(meaning.intent, kinds), None, meaning.waters)
    elif kinds:
        rows = facts.latest(kinds, unit, ()) or facts.latest(RIVER.get(meaning.intent, ()), unit, ())
    newest: dict[tuple[str, ...], ContentRow] = {}
    for row in rows:
        newest.setdefault(_thing(row), row)
    return list(newest.values())


def _thing(row: ContentRow) -> tuple[str, ...]:
    """Entries of one thing replace each other: bulletins of a kind, levels of a station, a point's data."""
    fields = row.fields
    if row.kind in BULLETINS:
        return (row.kind, row.scope, row.subject)
    return (row.kind, row.scope, row.subject, fields.get("station", ""), fields.get("name", ""))


class Written:
    """Turns entries into answers. `sentences` is `[entry]`, `words` are the blanks that every answer may use."""

    def __init__(self, sentences: Mapping[str, Any], words: Mapping[str, str]) -> None:
        self._sentences = sentences
        self._words = words

    def answer(self, rows: Sequence[ContentRow], place: str, form: Form, now: float) -> str:
        """As many of `rows` as may be said at once, with the time of the oldest of them."""
        first = rows[0]
        several = f"{first.kind}_item" in self._sentences
        alike = [row for row in rows if (row.kind, row.subject) == (first.kind, first.subject)]
        listed = alike[: MOST_SHOWN[form] if several else 1]
        for count in range(len(listed), 0, -1):
            for pattern in self._patterns(first.kind, form):
                text = self._fill(pattern, listed[:count], place, form, now)
                if form == "chat" or len(measure(text).parts) == 1:
                    return text
        return text  # limits and a test see to it that the shortest form of one entry fits

    def _patterns(self, kind: str, form: Form) -> Sequence[str]:
        sentence = self._sentences.get(kind, self._sentences["bulletin"])[form]
        return [sentence] if isinstance(sentence, str) else sentence

    def _fill(self, pattern: str, rows: Sequence[ContentRow], place: str, form: Form, now: float) -> str:
        oldest = min(rows, key=lambda row: row.issued_at)
        values = {
            **self._words,
            "place": place,
            "subject": rows[0].subject,
            "source": oldest.source,
            "at": _time(oldest.issued_at, now),
            "items": "; ".join(
                self._item(row, form, numbered=len(rows) > 1, place=at) for at, row in enumerate(rows, 1)
            ),
            **self._values(rows[0], form),
        }
        if form == "sms":
            values = {name: to_safe(value).text for name, value in values.items()}
        return fill(pattern, values)

    def _item(self, row: ContentRow, form: Form, *, numbered: bool, place: int) -> str:
        """One of several things, "1. …"."""
        pattern = self._sentences.get(f"{row.kind}_item")
        if pattern is None:
            return ""
        text = fill(pattern[form], self._values(row, form))
        return f"{place}. {text}" if numbered else text

    def _values(self, row: ContentRow, form: Form) -> dict[str, str]:
        blanks = ("name", "place", "phone", "capacity", "station", "level", "release", "short", "text")
        values = {f"e_{name}": row.fields.get(name, "") for name in blanks}
        alarm = row.fields.get("alarm", "")
        says = values["e_short"] if form == "sms" else values["e_text"] or values["e_short"]
        return values | {"e_says": says, "e_alarm": self._sentences["alarm"][alarm][form] if alarm else ""}


def _time(at: float, now: float) -> str:
    """ "14:00 26/8", with the year where it is not this year."""
    when = local(at)
    year = "" if when.year == local(now).year else f"/{when.year}"
    return f"{when:%H:%M} {when.day}/{when.month}{year}"
