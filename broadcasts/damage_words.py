"""How damage figures are said and tabled (`data/damage.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from store.damage_reports import Figures

DAMAGE_FILE: Final = Path(__file__).parent.parent / "data" / "damage.toml"


@dataclass(frozen=True, slots=True)
class DamageField:
    """`columns` has two headers where households and persons are counted."""

    code: str
    says: str
    must: str
    example: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExerciseWords:
    """`marks` make a report one of an exercise, unless they are part of one of `denials` or stand right behind or
    before certain words."""

    marks: tuple[str, ...]
    denials: tuple[str, ...]
    not_behind: tuple[str, ...]
    not_before: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DamageWords:
    daily: str
    exercise: ExerciseWords
    fields: Mapping[str, DamageField]
    """By code, in the order of the office's table."""
    pair: Mapping[str, str]
    say: Mapping[str, str]
    error: Mapping[str, str]
    answer: Mapping[str, tuple[str, ...]]
    column: Mapping[str, str]
    state: Mapping[str, str]

    def figures(self, figures: Figures, *, nil: bool) -> str:
        """ "12 nhà tốc mái, 30 ha lúa", in the order of `figures`."""
        if nil:
            return self.say["nil"]
        return ", ".join(self._figure(code, *pair) for code, pair in figures.items())

    def _figure(self, code: str, value: str | None, persons: str | None) -> str:
        field = self.fields[code]
        shown = shown_value(value)
        if len(field.columns) == 2:
            form = "households" if persons is None else "persons" if value is None else "both"
            shown = self.pair[form].format(n=shown, p=shown_value(persons))
        return field.says.format(n=shown)


def shown_value(value: str | None) -> str:
    """ "12,5" of "12.5"."""
    return "" if value is None else value.replace(".", ",")


@cache
def load_damage_words(path: Path = DAMAGE_FILE) -> DamageWords:
    """Raises OSError, TOMLDecodeError or KeyError at start where the file is not whole."""
    raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    fields = [
        DamageField(one["code"], one["says"], one["must"], one["example"], tuple(one["columns"]))
        for one in raw["field"]
    ]
    return DamageWords(
        daily=raw["daily"],
        exercise=ExerciseWords(**{name: tuple(listed) for name, listed in raw["exercise"].items()}),
        fields={field.code: field for field in fields},
        pair=raw["pair"],
        say=raw["say"],
        error=raw["error"],
        answer={name: tuple(listed) for name, listed in raw["answer"].items()},
        column=raw["column"],
        state=raw["state"],
    )
