"""Texts that are registered with an account: a brandname mostly sends nothing else.

A registered template is its text with `{}` where any words may stand, or `{20}` for up to 20 characters, as the form of
registration has them. Blanks and line ends count as one blank, as providers compare; letters must be the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_BLANK: Final = re.compile(r"\{(\d*)\}")
LENGTH_MOST: Final = 1_000
"""Characters of one template: six parts and some."""
TEXTS_REMEMBERED: Final = 256
"""A broadcast asks with one text many times."""


def compiled(template: str) -> re.Pattern[str]:
    """Raises ValueError with what is wrong."""
    whole = " ".join(template.split())
    fixed = _BLANK.sub("", whole)
    if not fixed.strip():
        raise ValueError(f"template {template!r}: nothing but blanks would take every text; leave templates empty")
    if "{" in fixed or "}" in fixed:
        raise ValueError(f"template {template!r}: a blank is written {{}} or {{20}}")
    if len(whole) > LENGTH_MOST:
        raise ValueError(f"a template has at most {LENGTH_MOST} characters")
    pattern, at = [], 0
    for blank in _BLANK.finditer(whole):
        pattern.append(re.escape(whole[at : blank.start()]))
        pattern.append(f".{{0,{int(blank[1])}}}" if blank[1] else ".*")
        at = blank.end()
    pattern.append(re.escape(whole[at:]))
    return re.compile("".join(pattern))


class Registered:
    """`takes` for an account with these templates; one without any takes every text."""

    def __init__(self, templates: Sequence[str]) -> None:
        self._patterns = tuple(compiled(template) for template in templates)
        self._known = lru_cache(maxsize=TEXTS_REMEMBERED)(self._matches)

    def takes(self, text: str) -> bool:
        return not self._patterns or self._known(text)

    def _matches(self, text: str) -> bool:
        whole = " ".join(text.split())
        return any(pattern.fullmatch(whole) for pattern in self._patterns)
