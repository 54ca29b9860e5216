"""The wall's words and its fault presets, from `data/phones/`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent.parent.parent / "data" / "phones"
LANGUAGES: Final = ("vi", "en")
"""The first one is used where none, or none that we have, was asked for."""

Presets = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Simulator → preset → knobs."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Words of one language: `words["phones.leader"]`."""

    language: str
    words: Mapping[str, Any]

    def __call__(self, key: str, **values: object) -> Any:
        """Raises KeyError for a key that the language does not have."""
        found = self.words[key]
        return found.format(**values) if values else found

    @property
    def other(self) -> str:
        """The language that the page offers instead."""
        return next(language for language in LANGUAGES if language != self.language)


@cache
def wording(language: str) -> Wording:
    chosen = language if language in LANGUAGES else LANGUAGES[0]
    with (FOLDER / f"{chosen}.toml").open("rb") as file:
        sections = tomllib.load(file)
    return Wording(chosen, {f"{name}.{key}": text for name, keys in sections.items() for key, text in keys.items()})


@cache
def presets() -> Presets:
    with (FOLDER / "presets.toml").open("rb") as file:
        return tomllib.load(file)
