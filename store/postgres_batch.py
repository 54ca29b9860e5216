"""Many rows in one statement for PostgreSQL: columns as arrays, and what is the same in all rows as one value.

Whole numbers and bytes travel as array literals: asyncpg looks at every element of an array several times (45 % of a
flush's CPU), joining digits costs a tenth of it. A batch names its rows by `id = ANY(…)`, which takes the key whatever
the planner's statistics say of the table, and by `id BETWEEN …`, by which a plan that is kept passes over other
partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final

WHOLE: Final = frozenset({"int2", "int4", "int8"})

Batch = tuple[str, list[Any]]
"""(statement, its parameters)"""
TypesOf = Callable[[str], Sequence[str]]
"""The types that the server takes a statement's marks for."""


class _Marks:
    """Collects parameters."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def add(self, value: Any) -> str:
        self.given.append(value)
        return f"${len(self.given)}"

    def array(self, values: Sequence[Any], kind: str) -> str:
        literal = array_literal(values, kind)
        if literal is None:
            return f"{self.add(list(values))}::{kind}[]"
        return f"{self.add(literal)}::text::{kind}[]"

    def columns(
        self, columns: Sequence[Sequence[Any]], kinds: Sequence[str], found: Callable[[str], str]
    ) -> tuple[list[str], list[str], list[str]]:
        """(what stands for each column in a row; the arrays; their names). `found`: what stands for a column whose
        array has this name."""
        stands: list[str] = []
        arrays: list[str] = []
        names: list[str] = []
        for n, (values, kind) in enumerate(zip(columns, kinds, strict=True)):
            if len(set(values)) == 1:
                stands.append(f"{self.add(values[0])}::{kind}")
            else:
                arrays.append(self.array(values, kind))
                names.append(f"c{n}")
                stands.append(found(f"c{n}"))
        return stands, arrays, names


def array_literal(values: Sequence[Any], kind: str) -> str | None:
    """postgresql.org/docs/15, 8.15.2; None for types that asyncpg shall write."""
    if kind in WHOLE:
        return "{" + ",".join(["NULL" if one is None else str(int(one)) for one in values]) + "}"
    if kind == "bytea":
        return "{" + ",".join(["NULL" if one is None else f'"\\\\x{one.hex()}"' for one in values]) + "}"
    return None


def insertion(
    table: str, names: Sequence[str], rows: Sequence[Sequence[Any]], on_conflict: str, types: TypesOf
) -> Batch:
    begin = f"INSERT INTO {table} ({', '.join(names)})"  # names are ours
    one = f"{begin} VALUES ({', '.join(f'${n}' for n in range(1, len(names) + 1))})"
    marks = _Marks()
    columns = list(zip(*rows, strict=True))
    clause = f" ON CONFLICT {on_conflict}" if on_conflict else ""
    kinds = types(one)
    first = marks.array(columns[0], kinds[0])
    stands, arrays, called = marks.columns(columns[1:], kinds[1:], "v.{}".format)
    source = f"unnest({', '.join([first, *arrays])}) AS v ({', '.join(['k', *called])})"
    return f"{begin} SELECT {', '.join(['v.k', *stands])} FROM {source}{clause}", marks.given  # noqa: S608


def change(
    table: str, changes: Sequence[str], rows: Sequence[Sequence[Any]], seen: Sequence[str], types: TypesOf
) -> Batch:
    """Rows hold the values of `changes`, the id, and what the columns in `seen` must still hold.

    A row finds its values by its place among the ids, which are in order (`width_bucket`, postgresql.org/docs/15, 9.3).
    A join would do as well if the planner knew how many rows to expect: it takes a thousand for one, and compares each
    with each."""
    count, last = len(changes), len(changes) + 1
    sets = [one.replace("?", f"${n}") for n, one in enumerate(changes, 1)]
    still = [f"{name} = ${n}" for n, name in enumerate(seen, last + 1)]
    kinds = types(f"UPDATE {table} SET {', '.join(sets)} WHERE {' AND '.join([f'id = ${last}', *still])}")  # noqa: S608
    columns = list(zip(*sorted(rows, key=itemgetter(count)), strict=True))
    ids = columns[count]
    marks = _Marks()
    key = marks.array(ids, kinds[count])
    low, high = marks.add(ids[0]), marks.add(ids[-1])
    others = [*columns[:count], *columns[last:]]
    stands, arrays, names = marks.columns(others, [*kinds[:count], *kinds[last:]], _at_its_place(table))
    assigned = ", ".join(one.replace("?", mark) for one, mark in zip(changes, stands, strict=False))
    held = [f"{table}.{name} = {mark}" for name, mark in zip(seen, stands[count:], strict=True)]
    where = " AND ".join([f"{table}.id = ANY({key})", f"{table}.id BETWEEN {low} AND {high}", *held])
    update = f"UPDATE {table} SET {assigned} WHERE {where}"  # noqa: S608
    if not arrays:
        return update, marks.given
    given = ", ".join(f"{array} AS {name}" for array, name in zip([key, *arrays], ["k", *names], strict=True))
    return f"WITH v AS MATERIALIZED (SELECT {given}) {update}", marks.given


def _at_its_place(table: str) -> Callable[[str], str]:
    return lambda name: f"((SELECT {name} FROM v))[width_bucket({table}.id, (SELECT k FROM v))]"  # noqa: S608
