"""Who the simulated leaders are and how each of them behaves. Pure: a seed and a roster give one plan, always the same.

The shares are our guess of a good night, not a measurement: most confirm within a minute, some late, some answer
only an SMS, some never, a few phones are off.
"""

from __future__ import annotations

import csv
import random
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from text.numbers import msisdn

PEOPLE_FILE: Final = Path(__file__).parent.parent / "data" / "sample" / "people.csv"
WORDS_FILE: Final = Path(__file__).parent.parent / "data" / "sample" / "people_say.toml"

COLUMNS: Final = ("unit_code", "role", "name", "phone", "zalo", "telegram")


@dataclass(frozen=True, slots=True)
class Person:
    """One contact of a unit. `phone` is `84…` digits; an address that the person does not have is ""."""

    unit: str
    role: str
    name: str
    phone: str
    zalo: str
    telegram: str

    @property
    def key(self) -> str:
        return f"{self.unit}:{self.role}" if self.unit else f"{self.role}:{self.phone}"


class Manner(StrEnum):
    """How a person confirms."""

    BUTTON = "button"  # presses ĐÃ NHẬN where there is one, else writes
    WORDS = "words"  # writes "dạ rõ", "ok ạ", …
    SMS = "sms"  # does not look at Zalo or Telegram tonight; answers an SMS
    SILENT = "silent"  # has it, reads it, says nothing
    OFF = "off"  # the phone is off: nothing arrives


@dataclass(frozen=True, slots=True)
class Share:
    """`share` of the people of one role behave so; they answer after `least` to `most` seconds (at speed 1)."""

    manner: Manner
    share: float
    least: float = 0.0
    most: float = 0.0


NEWCOMER: Final = "newcomer"
"""Role of a telephone that nobody has enrolled yet, for visitors to enrol."""
NEWCOMERS: Final = 3

SHARES: Final = (
    Share(Manner.BUTTON, 0.42, 4, 50),
    Share(Manner.WORDS, 0.30, 8, 58),
    Share(Manner.BUTTON, 0.05, 90, 420),
    Share(Manner.WORDS, 0.05, 90, 600),
    Share(Manner.SMS, 0.08, 15, 120),
    Share(Manner.SILENT, 0.06),
    Share(Manner.OFF, 0.04),
)
"""In the order in which they are dealt out; the parts of one person that are left over go to the largest remainders."""

WITHIN_A_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Habit:
    """What one person does tonight. `delay` is in seconds at speed 1; `words` may hold `{code}`."""

    manner: Manner
    delay: float
    words: str
    sms_words: str


@dataclass(frozen=True, slots=True)
class Words:
    """What people write, as they write it: `chat` on Zalo and Telegram, `sms` from any phone."""

    chat: tuple[str, ...]
    sms: tuple[str, ...]


def newcomers() -> list[Person]:
    """Telephones with accounts that no table knows. Invented."""
    return [
        Person("", NEWCOMER, f"Máy mới {n}", f"8490000990{n}", f"990000000000000000{n}", f"990000000{n}")
        for n in range(1, NEWCOMERS + 1)
    ]


def read_people(path: Path) -> list[Person]:
    """Raises ValueError with the line number for a file that does not have the columns or a usable number."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path.name}: no column {', '.join(missing)}")
        return [_person(row, f"{path.name}:{reader.line_num}") for row in reader]


def read_words(path: Path = WORDS_FILE) -> Words:
    with path.open("rb") as file:
        found = tomllib.load(file)
    return Words(tuple(found["chat"]), tuple(found["sms"]))


def plan(people: Iterable[Person], words: Words, seed: int) -> dict[str, Habit]:
    """Every person's habit by `Person.key`. Within each role the shares are kept exactly, not by chance."""
    by_role: dict[str, list[Person]] = {}
    for person in people:
        by_role.setdefault(person.role, []).append(person)
    habits: dict[str, Habit] = {}
    for role in sorted(by_role):
        keys = sorted(person.key for person in by_role[role])
        random.Random(f"{seed}:{role}").shuffle(keys)
        start = 0
        for share, count in zip(SHARES, quotas(len(keys)), strict=True):
            for key in keys[start : start + count]:
                habits[key] = _habit(share, words, random.Random(f"{seed}:{key}"))
            start += count
    return habits


def quotas(total: int, shares: Sequence[Share] = SHARES) -> list[int]:
    """How many people each share gets: whole numbers that add up to `total` (largest remainder)."""
    exact = [share.share * total for share in shares]
    counts = [int(part) for part in exact]
    by_remainder = sorted(range(len(shares)), key=lambda at: (counts[at] - exact[at], at))
    for at in by_remainder[: total - sum(counts)]:
        counts[at] += 1
    return counts


def _habit(share: Share, words: Words, dice: random.Random) -> Habit:
    delay = round(dice.uniform(share.least, share.most), 1)
    return Habit(share.manner, delay, dice.choice(words.chat), dice.choice(words.sms))


def _person(row: Mapping[str, str | None], place: str) -> Person:
    found = {column: (row[column] or "").strip() for column in COLUMNS}
    number = msisdn(found["phone"]) if found["phone"] else None
    if found["phone"] and number is None:
        raise ValueError(f"{place}: no mobile number")
    return Person(
        unit=found["unit_code"],
        role=found["role"],
        name=found["name"],
        phone=str(number or ""),
        zalo=found["zalo"],
        telegram=found["telegram"],
    )
