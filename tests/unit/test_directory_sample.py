"""The invented sample is what its generator makes, and what it says it is."""

from __future__ import annotations

import csv
from pathlib import Path

from directory.sample import COLUMNS, FOLDER, GROUPS_FILE, PEOPLE_FILE, write_groups, write_sample
from directory.units import load
from text.numbers import msisdn


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_committed_files_are_the_generators(tmp_path: Path) -> None:
    write_sample(tmp_path / PEOPLE_FILE)
    write_groups(tmp_path / GROUPS_FILE)
    for name in (PEOPLE_FILE, GROUPS_FILE):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_another_seed_gives_other_people(tmp_path: Path) -> None:
    write_sample(tmp_path / PEOPLE_FILE, seed=1)
    other, ours = rows(tmp_path / PEOPLE_FILE), rows(FOLDER / PEOPLE_FILE)
    assert [row["name"] for row in other] != [row["name"] for row in ours]


def test_three_for_every_unit() -> None:
    people = rows(FOLDER / PEOPLE_FILE)
    assert tuple(people[0]) == COLUMNS
    wanted = [(unit.code, role) for unit in load().all for role in ("chairman", "deputy", "duty")]
    assert [(row["unit_code"], row["role"]) for row in people] == wanted
    for column in ("phone", "zalo", "telegram"):
        values = [row[column] for row in people if row[column]]
        assert len(set(values)) == len(values)
    assert all(msisdn(row["phone"]) and row["phone"].startswith("09000") for row in people)
    leaders = [row for row in people if row["role"] != "duty"]
    assert all(" Mẫu " in row["name"] and row["zalo"].isdigit() for row in leaders)
    share = sum(bool(row["telegram"]) for row in leaders) / len(leaders)
    assert 0.35 < share < 0.45
    assert not any(row["zalo"] or row["telegram"] for row in people if row["role"] == "duty")


def test_the_group_names_real_units() -> None:
    codes = [row["unit_code"] for row in rows(FOLDER / GROUPS_FILE)]
    assert len(set(codes)) == len(codes) == 27
    assert all(load().by_code(code) for code in codes)
    assert all("mẫu" in row["title"] for row in rows(FOLDER / GROUPS_FILE))
