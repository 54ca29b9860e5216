"""The 166 xã and phường of Thanh Hóa since 1 July 2025, and the 547 units and 26 districts before.

Tables: `data/units/` (see its ATTRIBUTION.md). They are checked when they are loaded: a wrong table never starts.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

SCHEME: Final = "DVHC-2025-07-01"
"""Vintage of the codes (Quyết định 19/2025/QĐ-TTg). Stored beside a code: all 166 meant another unit before."""

DATA: Final = Path(__file__).resolve().parent.parent / "data" / "units"
UNITS_FILE: Final = "thanhhoa_units.tsv"
OLD_UNITS_FILE: Final = "old_units.tsv"

EXPECTED_UNITS: Final[Mapping[str, int]] = {"Xã": 147, "Phường": 19}  # Nghị quyết 1686/NQ-UBTVQH15
EXPECTED_OLD_UNITS: Final = 547  # on 30 June 2025
EXPECTED_OLD_DISTRICTS: Final = 26

OLD_TYPES: Final = ("Xã", "Phường", "Thị trấn")
DISTRICT_TYPES: Final = ("Huyện", "Thị xã", "Thành phố")


class UnitDataError(Exception):
    """A table of units is missing or is not the one of 1 July 2025; the text says where and what."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One of the 166. `name` is "Xã Hậu Lộc", `short_name` "Hậu Lộc", `ascii` "hau loc"; `lat` and `lon` in degrees."""

    code: str
    type: str
    name: str
    short_name: str
    ascii: str
    lat: float
    lon: float
    area_km2: float
    old_districts: tuple[str, ...]
    old_units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OldUnit:
    """One of the 547. `new_codes` has the default first; more than one where the unit was split."""

    code: str
    district: str
    type: str
    name: str
    short_name: str
    new_codes: tuple[str, ...]

    @property
    def split(self) -> bool:
        return len(self.new_codes) > 1


class UnitCatalogue:
    """The units by code, by old district and in table order (the order of their codes)."""

    scheme: Final = SCHEME

    def __init__(self, units: Iterable[Unit], old_units: Iterable[OldUnit]) -> None:
        self.all: Final = tuple(units)
        self.old_units: Final = tuple(old_units)
        self._by_code: Final = {unit.code: unit for unit in self.all}

    def __len__(self) -> int:
        return len(self.all)

    def by_code(self, code: str) -> Unit | None:
        """The unit of this code in `SCHEME`, None if there is none."""
        return self._by_code.get(code)

    def units_of(self, codes: Iterable[str]) -> tuple[Unit, ...]:
        """In the order of `codes`. Raises KeyError for an unknown one."""
        return tuple(self._by_code[code] for code in codes)

    @cached_property
    def old_districts(self) -> Mapping[str, tuple[Unit, ...]]:
        """Today's units of each district of before 1 July 2025, by its full name ("Huyện Hậu Lộc")."""
        found: dict[str, list[Unit]] = {}
        for unit in self.all:
            for district in unit.old_districts:
                found.setdefault(district, []).append(unit)
        return {district: tuple(units) for district, units in found.items()}

    def of_type(self, unit_type: str) -> tuple[Unit, ...]:
        """The 147 "Xã" or the 19 "Phường"."""
        return tuple(unit for unit in self.all if unit.type == unit_type)


def load(folder: Path = DATA) -> UnitCatalogue:
    """Reads and checks both tables. Raises `UnitDataError`."""
    catalogue = UnitCatalogue(
        _read(folder / UNITS_FILE, _unit),
        _read(folder / OLD_UNITS_FILE, _old_unit),
    )
    for problem in _problems(catalogue):
        raise UnitDataError(f"{folder}: {problem}")
    return catalogue


def split_type(name: str, types: Iterable[str]) -> tuple[str, str]:
    """("Thị trấn", "Nưa") of "Thị trấn Nưa". Raises ValueError where no type of `types` leads the name."""
    for kind in types:
        if name.startswith(f"{kind} "):
            return kind, name[len(kind) + 1 :]
    raise ValueError(f"no type in {name!r}")


Row = Mapping[str, str]
T = TypeVar("T", Unit, OldUnit)


def _unit(row: Row) -> Unit:
    return Unit(
        code=row["code"],
        type=row["type"],
        name=row["name"],
        short_name=row["short_name"],
        ascii=row["ascii"],
        lat=float(row["lat"]),
        lon=float(row["lon"]),
        area_km2=float(row["area_km2"]),
        old_districts=tuple(row["old_district"].split("; ")),
        old_units=tuple(row["old_wards"].split("; ")),
    )


def _old_unit(row: Row) -> OldUnit:
    kind, short_name = split_type(row["old_name"], OLD_TYPES)
    default = row["default_new_code"]
    others = (code for code in row["new_codes"].split("|") if code != default)
    return OldUnit(row["old_code"], row["old_district"], kind, row["old_name"], short_name, (default, *others))


def _read(path: Path, make: Callable[[Row], T]) -> list[T]:
    made = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for line, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
                try:
                    made.append(make(row))
                except (KeyError, ValueError, TypeError, AttributeError) as wrong:
                    raise UnitDataError(f"{path}, line {line}: {wrong!r}") from wrong
    except (OSError, UnicodeError, csv.Error) as wrong:
        raise UnitDataError(f"{path}: {wrong}") from wrong
    return made


class _Count(NamedTuple):
    what: str
    found: int
    wanted: int


def _problems(catalogue: UnitCatalogue) -> Iterable[str]:
    """What is wrong with the tables, worst first; nothing for the tables of 1 July 2025."""
    counts = [_Count(kind, len(catalogue.of_type(kind)), wanted) for kind, wanted in EXPECTED_UNITS.items()]
    counts.append(_Count("units", len(catalogue), sum(EXPECTED_UNITS.values())))
    counts.append(_Count("distinct codes", len({unit.code for unit in catalogue.all}), len(catalogue)))
    counts.append(_Count("old units", len(catalogue.old_units), EXPECTED_OLD_UNITS))
    counts.append(_Count("old districts", len({old.district for old in catalogue.old_units}), EXPECTED_OLD_DISTRICTS))
    for count in counts:
        if count.found != count.wanted:
            yield f"{count.found} {count.what}, expected {count.wanted}"
    for unit in catalogue.all:
        if unit.name != f"{unit.type} {unit.short_name}":
            yield f"unit {unit.code}: name {unit.name!r} is not type and short name"
    for old in catalogue.old_units:
        for code in old.new_codes:
            if catalogue.by_code(code) is None:
                yield f"old unit {old.code} leads to {code}, which is no unit"
