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


Forms = tuple[str, ...]
"""Of one sentence: one, or one for each of the language's plural forms."""


class Catalogue:
    """The sentences of one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang if lang in LANGUAGES else DEFAULT_LANGUAGE
        plural, self._sentences = _read(self.lang)
        self._plural: Callable[[int], int] = c2py(plural)

    def has(self, key: str) -> bool:
        return key in self._sentences

    def all_keys(self) -> set[str]:
        return set(self._sentences)

    def say(self, key: str, /, **params: Any) -> str:
        """The sentence of `key` with its blanks filled. Never raises: an unknown key is shown as it is, and logged."""
        forms = self._sentences.get(key)
        if not forms:
            log.warning("wording_missing", key=key, lang=self.lang)
            return key
        return _BLANK.sub(lambda blank: self._shown(params, blank), self._form(forms, params))

    def first(self, *keys: str, **params: Any) -> str:
        """The sentence of the first key that has one, else of the last."""
        return self.say(next((key for key in keys if self.has(key)), keys[-1]), **params)

    def number(self, value: float) -> str:
        """20.000 in Vietnamese, 20,000 in English."""
        return str(format_decimal(value, locale=self.lang))

    def _form(self, forms: Forms, params: dict[str, Any]) -> str:
        if len(forms) == 1:
            return forms[0]
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
    _, sentences = _read(lang)
    return {key: [frozenset(_BLANK.findall(form)) for form in forms] for key, forms in sentences.items()}


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
def _read(lang: str) -> tuple[str, dict[str, Forms]]:
    """(gettext's plural expression, key → the forms of its sentence; none where it is not translated).

    Babel's own catalogue keeps an object for each message, several megabytes in all."""
    with (_HERE / f"{lang}.po").open("rb") as po:
        read = read_po(po, locale=lang, abort_invalid=True)
    sentences = {}
    for message in read:
        if message.id:
            forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
            sentences[_key(message.id)] = tuple(forms) if all(forms) else ()
    return read.plural_expr, sentences


def _key(message_id: Any) -> str:
    """Of a message with plural forms, gettext's id is a pair."""
    return str(message_id if isinstance(message_id, str) else message_id[0])
