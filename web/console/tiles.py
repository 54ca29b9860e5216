"""How the tiles of a roll-call are laid out: by old district, by group, or as a schematic map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from broadcasts.model import AckState
from broadcasts.shown import RollcallRow
from directory.schematic import Cell, cells
from directory.units import Unit
from store import directory
from store.engine import Tx
from web.services import Services

WORST_FIRST: Final = (
    AckState.NEEDS_HELP,
    AckState.UNREACHABLE,
    AckState.AWAITING,
    AckState.ACKNOWLEDGED_LATE,
    AckState.ACKNOWLEDGED,
    AckState.EXEMPT,
)
"""The order of tiles and counters: what somebody must act on comes first."""
DISTRICT, GROUP = "district", "group"
TILE_WIDTH: Final = 58
TILE_HEIGHT: Final = 34
"""Of a map tile, in the drawing's units; a short name fits at 10 units a letter height."""
LONGEST_WORD: Final = 12
"""Letters of a name on the map; the whole one is in its title."""


@dataclass(frozen=True, slots=True)
class District:
    """Tiles under one heading. `key` names the element that counts them."""

    name: str
    key: str
    rows: list[RollcallRow]

    @property
    def confirmed(self) -> int:
        return sum(row.state in (AckState.ACKNOWLEDGED, AckState.ACKNOWLEDGED_LATE) for row in self.rows)


@dataclass(frozen=True, slots=True)
class MapTile:
    row: RollcallRow
    x: int
    y: int


async def arrangement(services: Services, rows: Sequence[RollcallRow], by: str) -> dict[str, Any]:
    """What the template needs: `by` as chosen, `districts`, and whether there are groups to choose."""
    groups = await _groups(services)
    chosen = GROUP if by == GROUP and groups else DISTRICT
    districts = by_group(rows, groups) if chosen == GROUP else by_district(rows)
    return {"by": chosen, "districts": districts, "has_groups": bool(groups)}


async def every_count(services: Services, rows: Sequence[RollcallRow]) -> list[District]:
    """The headings of both layouts, for whichever a page shows."""
    return [*by_district(rows), *by_group(rows, await _groups(services))]


def by_district(rows: Iterable[RollcallRow]) -> list[District]:
    """Districts by their worst unit, worst first; units by name, as the style orders them by state."""
    found: dict[str, list[RollcallRow]] = {}
    for row in sorted(rows, key=lambda row: row.name):
        found.setdefault(row.district, []).append(row)
    return _worst_first(District(name, units[0].unit, units) for name, units in found.items())


def by_group(rows: Iterable[RollcallRow], groups: Mapping[tuple[str, str], frozenset[str]]) -> list[District]:
    """Groups (a coast, a river's communes) by their worst unit. A unit of several groups stands in the first of them,
    as a tile is one place on the page; who is in none stands at the end."""
    left = sorted(rows, key=lambda row: row.name)
    found = []
    for (name, title), members in groups.items():
        mine, left = [row for row in left if row.unit in members], [row for row in left if row.unit not in members]
        if mine:
            found.append(District(title or name, f"g-{name}", mine))
    return [*_worst_first(found), *([District("", "g-", left)] if left else [])]


def _worst_first(districts: Iterable[District]) -> list[District]:
    def rank(one: District) -> tuple[int, str]:
        return min(WORST_FIRST.index(AckState(row.state)) for row in one.rows), one.name

    return sorted(districts, key=rank)


async def _groups(services: Services) -> dict[tuple[str, str], frozenset[str]]:
    """(name, title) → unit codes, by name."""

    def read(tx: Tx) -> dict[tuple[str, str], frozenset[str]]:
        found = directory.groups(tx)
        return {(one.name, one.title): directory.group_members(tx, one.name) or frozenset() for one in found}

    return await services.ledger.read(read)


def map_tiles(services: Services, rows: Iterable[RollcallRow]) -> list[MapTile]:
    """A place on the drawing for each unit that the catalogue knows."""
    places = _cells(tuple(services.units.all))
    return [
        MapTile(row, places[row.unit].column * TILE_WIDTH, places[row.unit].row * TILE_HEIGHT)
        for row in rows
        if row.unit in places
    ]


@lru_cache(maxsize=2)
def _cells(units: tuple[Unit, ...]) -> dict[str, Cell]:
    return cells(units)
