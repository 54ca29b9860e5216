"""The audience as an officer writes it: `all-units`, `unit:CODE,…`, `group:NAME`, `role:chairman`, `list:NAME`,
`file:PATH`, joined by `+`, taken away by `-`, worked off from left to right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from directory.columns import load_words
from directory.names import slug
from text.folding import nfc

LENGTH_LIMIT: Final = 20_000
"""Characters of an expression; all 166 codes take 1,000."""


class TermKind(StrEnum):
    ALL_UNITS = "all-units"
    UNIT = "unit"
    GROUP = "group"
    ROLE = "role"
    LIST = "list"
    FILE = "file"


NUMBERS: Final = frozenset({TermKind.LIST, TermKind.FILE})
UNITS: Final = frozenset({TermKind.ALL_UNITS, TermKind.UNIT, TermKind.GROUP})


@dataclass(frozen=True, slots=True)
class Term:
    """`values`: unit codes, one group's or list's name, roles, or one path; empty for `all-units`."""

    plus: bool
    kind: TermKind
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AudienceProblem:
    """`key` names the sentence in `locale/` (`problem.<key>`)."""

    key: str
    params: dict[str, str | int]


@dataclass(frozen=True, slots=True)
class AudienceExpression:
    """With problems it must not be resolved. Keys: audience_missing, audience_too_long, audience_starts_with_minus,
    term_unknown (term), term_empty (term), role_unknown (value)."""

    text: str
    terms: tuple[Term, ...]
    problems: tuple[AudienceProblem, ...]


_HEADS: Final = "all-units|unit:|group:|role:|list:|file:"
# A name may hold "-" and a path both signs: only before a known term do they mean something.
_SIGN: Final = re.compile(rf"\s*([+-])\s*(?=(?:{_HEADS}))", re.IGNORECASE)
_TERM: Final = re.compile(rf"({_HEADS})(.*)", re.IGNORECASE | re.DOTALL)


def parse_audience(text: str) -> AudienceExpression:
    """Never raises: see `problems`."""
    text = nfc(text).strip()
    if not text:
        return _only_problem(text, "audience_missing")
    if len(text) > LENGTH_LIMIT:
        return _only_problem(text[:LENGTH_LIMIT], "audience_too_long", limit=LENGTH_LIMIT)
    pieces = _SIGN.split(text)
    # split() gives [first, sign, term, sign, term …]; an expression may begin with a sign.
    signs, bodies = ["+", *pieces[1::2]], pieces[0::2]
    if not bodies[0]:
        signs, bodies = signs[1:], bodies[1:]
    terms: list[Term] = []
    problems: list[AudienceProblem] = []
    for sign, body in zip(signs, bodies, strict=True):
        term, problem = _term(sign == "+", body.strip())
        terms += [term] if term else []
        problems += [problem] if problem else []
    if terms and not terms[0].plus and not problems:
        problems.append(AudienceProblem("audience_starts_with_minus", {}))
    return AudienceExpression(text, tuple(terms), tuple(problems))


def _only_problem(text: str, key: str, **params: str | int) -> AudienceExpression:
    return AudienceExpression(text, (), (AudienceProblem(key, params),))


def _term(plus: bool, body: str) -> tuple[Term | None, AudienceProblem | None]:
    found = _TERM.fullmatch(body)
    if found is None:
        return None, AudienceProblem("term_unknown", {"term": body})
    kind, rest = TermKind(found[1].lower().rstrip(":")), found[2].strip()
    if kind is TermKind.ALL_UNITS:
        return (None, AudienceProblem("term_unknown", {"term": body})) if rest else (Term(plus, kind), None)
    values: tuple[str, ...]
    if kind is TermKind.FILE:
        values = (rest,) if rest else ()
    elif kind is TermKind.UNIT:
        values = tuple(dict.fromkeys(code.strip() for code in rest.split(",") if code.strip()))
    elif kind is TermKind.ROLE:
        return _roles(plus, body, rest)
    else:
        # "group:a+b" is a group and a term that nobody knows, not a group of that name.
        name, _, strange = rest.partition("+")
        if strange:
            return None, AudienceProblem("term_unknown", {"term": strange.strip()})
        values = (slug(name),) if slug(name) else ()
    if not values:
        return None, AudienceProblem("term_empty", {"term": body})
    return Term(plus, kind, values), None


def _roles(plus: bool, body: str, rest: str) -> tuple[Term | None, AudienceProblem | None]:
    words = load_words()
    cells = [cell.strip() for cell in rest.split(",") if cell.strip()]
    if not cells:
        return None, AudienceProblem("term_empty", {"term": body})
    roles: dict[str, None] = {}
    for cell in cells:
        role = words.role(cell)
        if role is None:
            return None, AudienceProblem("role_unknown", {"value": cell})
        roles[role.value] = None
    return Term(plus, TermKind.ROLE, tuple(roles)), None
