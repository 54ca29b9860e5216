"""The province as a schematic map: every unit in a cell of its own, near where it lies.

Small wards would cover each other on a true map and mountain communes would fill it: on a board each counts the same.
Cells come from the units' coordinates alone, so a reform needs no drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Final

from directory.units import Unit

COLUMNS: Final = 22
ROWS: Final = 15
"""Twice as many cells as units: room to stay near one's place."""


@dataclass(frozen=True, slots=True)
class Cell:
    column: int
    """0 is west."""
    row: int
    """0 is north."""


def cells(units: Sequence[Unit], columns: int = COLUMNS, rows: int = ROWS) -> dict[str, Cell]:
    """Unit code → cell. Units that lie closest together choose first, as they have the least room to move.

    Raises ValueError where there are more units than cells.
    """
    if len(units) > columns * rows:
        raise ValueError("more units than cells")
    places = _places(units, columns, rows)
    free = {Cell(column, row) for column in range(columns) for row in range(rows)}
    taken: dict[str, Cell] = {}
    for unit in sorted(units, key=lambda unit: (_crowding(places, unit.code), unit.code)):
        x, y = places[unit.code]
        cell = min(free, key=lambda one: ((one.column - x) ** 2 + (one.row - y) ** 2, one.row, one.column))
        free.remove(cell)
        taken[unit.code] = cell
    return taken


def _places(units: Sequence[Unit], columns: int, rows: int) -> dict[str, tuple[float, float]]:
    """Where each would stand on the grid: a plain projection, fitted into it."""
    if not units:
        return {}
    middle = cos(radians(sum(unit.lat for unit in units) / len(units)))
    points = {unit.code: (unit.lon * middle, -unit.lat) for unit in units}
    west, east = min(x for x, _ in points.values()), max(x for x, _ in points.values())
    north, south = min(y for _, y in points.values()), max(y for _, y in points.values())
    across, down = (columns - 1) / ((east - west) or 1), (rows - 1) / ((south - north) or 1)
    return {code: ((x - west) * across, (y - north) * down) for code, (x, y) in points.items()}


def _crowding(places: dict[str, tuple[float, float]], code: str) -> float:
    """Mean squared distance to the five nearest: small in a town."""
    x, y = places[code]
    near = sorted((x - a) ** 2 + (y - b) ** 2 for other, (a, b) in places.items() if other != code)[:5]
    return sum(near) / len(near) if near else 0.0
