"""An invented directory: chairman, deputy and duty phone of every unit, and a group of coastal units.

`python -m directory.sample` writes `data/sample/` again. Nobody in it exists: every person's middle name is "Mẫu"
(sample), every telephone begins 0900 0. The same seed gives the same bytes on every machine.
"""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from directory.units import Unit, load

FOLDER: Final = Path(__file__).resolve().parent.parent / "data" / "sample"
PEOPLE_FILE: Final = "people.csv"
GROUPS_FILE: Final = "groups.csv"
NAMES_FILE: Final = "names.toml"
SEED: Final = 166

COLUMNS: Final = ("unit_code", "role", "name", "phone", "zalo", "telegram")
TELEGRAM_SHARE: Final = 0.4

COASTAL: Final = (
    *("16144", "16138", "16108", "16093"),  # Nga An, Hồ Vương, Tân Tiến, Nga Sơn
    *("16078", "16072", "16012"),  # Vạn Lộc, Hoa Lộc, Hậu Lộc
    *("15991", "16000", "15976", "15961", "15865"),  # Hoằng Tiến, Hoằng Thanh, Hoằng Châu, Hoằng Lộc, Hoằng Hóa
    *("16531", "16516"),  # Sầm Sơn, Nam Sầm Sơn
    *("16522", "16438", "16540", "16543", "16549", "16489"),  # Quảng Phú … Quảng Chính
    *("16576", "16594", "16597", "16561", "16609", "16645", "16654"),  # Ngọc Sơn … Nghi Sơn
)
"""A sample of the coast; which units belong to it is the office's knowledge."""


def _names() -> dict[str, Any]:
    return tomllib.loads((FOLDER / NAMES_FILE).read_text("utf-8"))


def _pick(seed: int, *about: object) -> int:
    """A number that depends on the seed and the subject only, never on a library's generator."""
    digest = hashlib.sha256(":".join(map(str, (seed, *about))).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def sample_people(units: Sequence[Unit], seed: int) -> list[tuple[str, ...]]:
    """Rows of `COLUMNS`, three a unit."""
    names = _names()
    rows: list[tuple[str, ...]] = []
    for place, unit in enumerate(units):
        for number, role in enumerate(("chairman", "deputy", "duty")):
            phone = f"09000{(place * 3 + number) * 191 % 100_000:05d}"  # 191 and 100,000 share no factor
            if role == "duty":
                rows.append((unit.code, role, names["duty"], phone, "", ""))
                continue
            about = (unit.code, role)
            family = names["families"][_pick(seed, "family", *about) % len(names["families"])]
            given = names["given"][_pick(seed, "given", *about) % len(names["given"])]
            zalo = str(10**18 + _pick(seed, "zalo", *about) % (8 * 10**18))
            has_telegram = _pick(seed, "has telegram", *about) % 1000 < TELEGRAM_SHARE * 1000
            telegram = str(10**9 + _pick(seed, "telegram", *about) % (8 * 10**9)) if has_telegram else ""
            rows.append((unit.code, role, f"{family} {names['middle']} {given}", phone, zalo, telegram))
    return rows


def sample_groups(units: Sequence[Unit]) -> list[tuple[str, ...]]:
    """Rows of group, title and unit code."""
    title = _names()["coastal_title"]
    return [("ven-bien", title, unit.code) for unit in units if unit.code in COASTAL]


def write_sample(path: Path, seed: int = SEED) -> None:
    """Write the people's table."""
    _write(path, COLUMNS, sample_people(load().all, seed))


def write_groups(path: Path) -> None:
    _write(path, ("group", "title", "unit_code"), sample_groups(load().all))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    write_sample(FOLDER / PEOPLE_FILE)
    write_groups(FOLDER / GROUPS_FILE)
