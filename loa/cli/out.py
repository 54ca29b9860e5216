"""What the command line prints, and how it fails."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import Any, NoReturn

import orjson

from loa.settings_error import SettingsError
from web.locale import DEFAULT_LANGUAGE, LANGUAGES, Catalogue


class Failed(Exception):
    """The thing asked for failed; `key` names the sentence in `locale/`, or `sentence` is one from the service."""

    def __init__(self, key: str = "", *, sentence: str = "", **params: Any) -> None:
        super().__init__(key or sentence)
        self.key = key
        self.sentence = sentence
        self.params = params


def language() -> str:
    """The caller's: `LOA_LANG`, else the locale of the shell where it names one that we speak."""
    for name in ("LOA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        lang = os.environ.get(name, "")[:2].lower()
        if lang in LANGUAGES:
            return lang
    return DEFAULT_LANGUAGE


def say(key: str, **params: Any) -> str:
    return Catalogue(language()).say(key, **params)


def blanks_of(wrong: SettingsError) -> dict[str, str]:
    """What the sentence about settings that cannot be used is filled with."""
    problem = wrong.problem
    return wrong.params if problem is None else wrong.params | {"says": say(f"problem.{problem.key}", **problem.params)}


def line(body: Any) -> None:
    """One object on stdout."""
    sys.stdout.buffer.write(orjson.dumps(body, default=_plain) + b"\n")
    sys.stdout.buffer.flush()


def note(text: str) -> None:
    """Something for the person at the keyboard."""
    print(text, file=sys.stderr, flush=True)


def fail(failed: Failed) -> NoReturn:
    note(failed.sentence or say(failed.key, **failed.params))
    sys.exit(1)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(type(value).__name__)
