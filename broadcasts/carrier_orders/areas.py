"""The areas of an order: communes and wards by their codes, as carriers need them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from broadcasts.model import Problem
from directory.expression import UNITS, Term, TermKind, parse_audience
from directory.units import UnitCatalogue

Members = Callable[[str], frozenset[str] | None]
"""Group name → its unit codes, None where there is no such group."""
FIELD: Final = "areas"
_BARE_CODES: Final = re.compile(r"\d{5}(?:[\s,;]+\d{5})*[\s,;]*")


def resolve_areas(text: str, catalogue: UnitCatalogue, members: Members) -> tuple[list[tuple[str, str]], list[Problem]]:
    """((code, name) in the catalogue's order, problems). With problems there are no areas. Never raises.

    Unlike an audience it does not ask whether a commune has contacts: its subscribers are addressed, not its leaders.
    """
    text = text.strip()
    if _BARE_CODES.fullmatch(text):
        text = "unit:" + ",".join(re.findall(r"\d{5}", text))
    parsed = parse_audience(text)
    problems = [Problem(FIELD, one.key, dict(one.params)) for one in parsed.problems]
    chosen: set[str] = set()
    for term in parsed.terms:
        codes, wrong = _codes(term, catalogue, members)
        problems += wrong
        chosen = chosen | codes if term.plus else chosen - codes
    if not problems and not chosen:
        problems.append(Problem(FIELD, "areas_empty"))
    if problems:
        return [], problems
    return [(unit.code, unit.name) for unit in catalogue.all if unit.code in chosen], []


def _codes(term: Term, catalogue: UnitCatalogue, members: Members) -> tuple[set[str], list[Problem]]:
    if term.kind not in UNITS:
        return set(), [Problem(FIELD, "areas_units_only", {"term": term.kind.value})]
    found: Iterable[str] = term.values
    if term.kind is TermKind.ALL_UNITS:
        found = [unit.code for unit in catalogue.all]
    elif term.kind is TermKind.GROUP:
        group = members(term.values[0])
        if group is None:
            return set(), [Problem(FIELD, "group_unknown", {"name": term.values[0]})]
        found = sorted(group)
    unknown = [code for code in found if catalogue.by_code(code) is None]
    return set(found), [Problem(FIELD, "unit_unknown", {"value": code}) for code in unknown]
