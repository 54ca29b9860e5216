"""A damage report read back, and what to say about figures that cannot be taken (`data/damage.toml`). Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from bot.damage import Figure, Report, written
from bot.wording import Form
from text.safe import to_safe
from text.segments import measure

DAMAGE_FILE: Final = Path(__file__).resolve().parent.parent / "data" / "damage.toml"


@dataclass(frozen=True, slots=True)
class DamageWording:
    read_back: str
    nil: str
    empty: str
    errors: Mapping[str, str]
    fields: Mapping[str, Mapping[str, str]]


@cache
def load(path: Path = DAMAGE_FILE) -> DamageWording:
    """Raises OSError, TOMLDecodeError or KeyError at start where the file is not whole."""
    raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return DamageWording(raw["read_back"], raw["nil"], raw["empty"], raw["error"], raw["field"])


def answer(report: Report, unit: str, form: Form, wording: DamageWording | None = None) -> str:
    """The answer to a report of `unit` (its full name): what is wrong with it first, otherwise all of it read back so
    that the sender can say DUNG. As SMS in the safe subset, one part."""
    words = wording or load()
    if report.errors:
        return _in_form(_first_error(report, words), form)
    if report.is_empty:
        return _in_form(words.empty, form)
    if report.nil:
        return _in_form(words.nil.format(unit=unit), form)
    said = ", ".join(_figure(figure, words) for figure in report.figures)
    text = _in_form(words.read_back.format(unit=unit, figures=said), form)
    if form == "sms" and measure(text).segments > 1:
        codes = " ".join(f"{figure.field}{figure.written}" for figure in report.figures)
        return _in_form(words.read_back.format(unit=unit, figures=codes), form)
    return text


def _figure(figure: Figure, words: DamageWording) -> str:
    field = words.fields[figure.field]
    if figure.persons is None:
        return field["figure"].format(n="" if figure.value is None else written(figure.value))
    persons = field["persons"].format(m=written(figure.persons))
    if figure.value is None:
        return field["figure"].partition("{n}")[0] + persons
    return f"{field['figure'].format(n=written(figure.value))} {persons}"


def _first_error(report: Report, words: DamageWording) -> str:
    """One thing at a time: the sender mends it and sends the report again."""
    error = report.errors[0]
    field = words.fields.get(error.field, {})
    return words.errors[error.problem].format(
        field=error.field,
        value=error.value,
        measure=field.get("measure", ""),
        example=field.get("example", ""),
        fields=", ".join(words.fields),
    )


def _in_form(text: str, form: Form) -> str:
    return text if form == "chat" else to_safe(text).text
