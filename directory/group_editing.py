"""Groups of units as a person edits them: made, renamed, filled, taken away unless something still counts on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import orjson

from directory.expression import TermKind, parse_audience
from directory.groups import save_group
from directory.names import slug
from directory.units import UnitCatalogue
from store import audit, broadcasts, carrier_orders, content, directory, office_texts, schedules
from store.directory import GroupRow
from store.engine import Tx

KIND: Final = "group"
"""Of a group's history among the office's texts."""
WAITING: Final = ("draft", "pending_approval", "returned", "scheduled")
ORDERS_WAITING: Final = ("draft", "pending_approval", "returned")


class GroupEditRefused(Exception):
    """`key` names the sentence (`refusal.<key>`): group_stale, group_there, group_used (what), no_such_group."""

    def __init__(self, key: str, **params: str) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


def mark_of(tx: Tx, name: str) -> str:
    """Names exactly this title and these units; "" where there is no such group."""
    row = _row(tx, name)
    if row is None:
        return ""
    whole = [row.title, sorted(directory.group_members(tx, name) or ())]
    return hashlib.sha256(orjson.dumps(whole)).hexdigest()[:16]


def write_group(
    tx: Tx, catalogue: UnitCatalogue, name: str, title: str, codes: Iterable[str], mark: str, actor: str, now: float
) -> str:
    """Make a group (`name` ""), or give one this title and these units; its name. `mark`: of what was shown. Raises
    `GroupEditRefused` and `GroupRefused`."""
    wanted, units = name or slug(title), sorted(set(codes))
    if not name and _row(tx, wanted) is not None:
        raise GroupEditRefused("group_there", name=wanted)
    if name and mark != mark_of(tx, name):
        raise _stale(tx, name)
    made = save_group(tx, catalogue, wanted, title, units, now)
    _remember(tx, made.name, {"title": made.title, "units": units}, actor, now)
    audit.record(tx, now, actor, "change_group", name=made.name, title=made.title, units=made.size)
    return made.name


def drop_group(tx: Tx, name: str, mark: str, actor: str, now: float) -> None:
    """Raises `GroupEditRefused`: somebody changed it, or something waits for it."""
    if mark != mark_of(tx, name):
        raise _stale(tx, name)
    if used := users_of(tx, name, now):
        raise GroupEditRefused("group_used", what=", ".join(used))
    directory.drop_group(tx, name)
    _remember(tx, name, None, actor, now)
    audit.record(tx, now, actor, "drop_group", name=name)


def users_of(tx: Tx, name: str, now: float) -> list[str]:
    """What has not happened yet and names the group: messages, schedules, carrier orders, answers to residents."""
    found = [
        row.code
        for row in broadcasts.in_states(tx, WAITING)
        if _names(orjson.loads(row.content).get("draft", {}).get("audience", ""), name)
    ]
    found += [row.name for row in schedules.listed(tx) if row.state != "ended" and _anywhere(row.payload, name)]
    for state in ORDERS_WAITING:
        for row in carrier_orders.listed(tx, state):
            if _anywhere(orjson.loads(row.draft), name):
                found.append(row.code)
    found += [row.subject or row.kind for row in content.current(tx, now) if row.scope == f"group:{name}"]
    return found


def _anywhere(value: object, name: str) -> bool:
    """Whether some text in it is an audience with the group."""
    if isinstance(value, dict):
        return any(_anywhere(one, name) for one in value.values())
    if isinstance(value, list):
        return any(_anywhere(one, name) for one in value)
    return isinstance(value, str) and "group:" in value.lower() and _names(value, name)


def _names(audience: str, name: str) -> bool:
    terms = parse_audience(audience).terms
    return any(term.kind is TermKind.GROUP and name in map(slug, term.values) for term in terms)


def _row(tx: Tx, name: str) -> GroupRow | None:
    return next((row for row in directory.groups(tx) if row.name == name), None)


def _stale(tx: Tx, name: str) -> GroupEditRefused:
    if _row(tx, name) is None:
        return GroupEditRefused("no_such_group", name=name)
    last = office_texts.newest(tx, KIND, name)
    return GroupEditRefused("group_stale", by=last.author if last else "?")


def _remember(tx: Tx, name: str, body: dict[str, object] | None, actor: str, now: float) -> None:
    last = office_texts.newest(tx, KIND, name)
    office_texts.keep(tx, KIND, name, last.version if last else 0, body, actor, now)
