"""Everything people read, by key: `Catalogue(lang).say("refusal.own_draft")`. Sentences live in `vi.po` and `en.po`.

A key is `<room>.<thing>`; both files hold the same keys with the same `{blanks}` (a test compares them). Plural forms
are gettext's: the count is the parameter `n`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import Any, Final

import structlog
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from text.dates import clock, local

log = structlog.get_logger(__name__)

LANGUAGES: Final = ("vi", "en")
DEFAULT_LANGUAGE: Final = "vi"

_HERE: Final = Path(__file__).parent
_MOST_LANGUAGES: Final = 20
"""Parts of an Accept-Language header that are read; more is noise or malice."""
_BLANK: Final = re.compile(r"\{(\w+)\}")
_TURNING: Final = re.compile("[\u0590-\u08ff\u202a-\u202e\u2066\u2067]")
"""Letters written from right to left (Hebrew, Arabic and their kin) and marks that turn what follows them."""


class Catalogue:
    """The sentences of one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang if lang in LANGUAGES else DEFAULT_LANGUAGE
        self._po = _read(self.lang)
        self._plural: Callable[[int], int] = c2py(self._po.plural_expr)

    def has(self, key: str) -> bool:
        return self._po.get(key) is not None

    def all_keys(self) -> set[str]:
        return {str(_key(message.id)) for message in self._po if message.id}

    def say(self, key: str, /, **params: Any) -> str:
        """The sentence of `key` with its blanks filled. Never raises: an unknown key is shown as it is, and logged."""
        message = self._po.get(key)
        if message is None or not message.string:
            log.warning("wording_missing", key=key, lang=self.lang)
            return key
        return _BLANK.sub(lambda blank: self._shown(params, blank), self._form(message.string, params))

    def first(self, *keys: str, **params: Any) -> str:
        """The sentence of the first key that has one, else of the last."""
        return self.say(next((key for key in keys if self.has(key)), keys[-1]), **params)

    def number(self, value: float) -> str:
        """20.000 in Vietnamese, 20,000 in English."""
        return str(format_decimal(value, locale=self.lang))

    def _form(self, text: Any, params: dict[str, Any]) -> str:
        if isinstance(text, str):
            return text
        forms = list(text)
        n = params.get("n", 0)
        which = self._plural(abs(int(n))) if isinstance(n, int | float) else 0
        return str(forms[min(which, len(forms) - 1)])

    def _shown(self, params: dict[str, Any], blank: re.Match[str]) -> str:
        value = params.get(blank[1])
        if value is None:
            return blank[0]
        if isinstance(value, datetime):
            when = local(value)
            return f"{clock(when)} {when:%d/%m}"
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.number(value)
        if isinstance(value, list | tuple | set | frozenset):
            return ", ".join(_isolated(str(one)) for one in value)
        return _isolated(str(value))


def _isolated(text: str) -> str:
    """A name in another script, shut in so that it turns no word round it (UAX 9, FSI and PDI)."""
    return f"\u2068{text}\u2069" if _TURNING.search(text) else text


@cache
def catalogue(lang: str) -> Catalogue:
    """The catalogue of `lang`; of Vietnamese for a language that there is none of."""
    return Catalogue(lang)


def blanks_of(lang: str) -> dict[str, list[frozenset[str]]]:
    """Key → the blanks of each of its forms, for the test that compares languages."""
    found: dict[str, list[frozenset[str]]] = {}
    for message in _read(lang):
        if message.id:
            forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
            found[str(_key(message.id))] = [frozenset(_BLANK.findall(form)) for form in forms]
    return found


def prefer(accept_language: str) -> str:
    """The caller's language by an Accept-Language header (RFC 9110 12.5.4): Vietnamese unless another is preferred."""
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for place, part in enumerate(accept_language.split(",")[:_MOST_LANGUAGES]):
        tag, _, weight = part.strip().partition(";")
        lang = tag.strip().lower().partition("-")[0]
        value = _weight(weight) - place * 1e-6
        if lang in LANGUAGES and value > best_weight:
            best, best_weight = lang, value
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0


@cache
def _read(lang: str) -> Catalog:
    with (_HERE / f"{lang}.po").open("rb") as po:
        return read_po(po, locale=lang, abort_invalid=True)


def _key(message_id: Any) -> str:
    return message_id if isinstance(message_id, str) else str(message_id[0])
