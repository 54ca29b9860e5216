"""The tables of units: what is shipped is what the law says, and a damaged table never starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from directory.units import DATA, OLD_UNITS_FILE, SCHEME, UNITS_FILE, UnitCatalogue, UnitDataError, load
from text.folding import fold


@pytest.fixture(scope="module")
def catalogue() -> UnitCatalogue:
    return load()


def test_166_are_147_and_19(catalogue: UnitCatalogue) -> None:
    assert (len(catalogue), len(catalogue.of_type("Xã")), len(catalogue.of_type("Phường"))) == (166, 147, 19)
    assert len(catalogue.old_units) == 547
    assert catalogue.scheme == SCHEME == "DVHC-2025-07-01"


def test_area_of_the_province(catalogue: UnitCatalogue) -> None:
    assert sum(unit.area_km2 for unit in catalogue.all) == pytest.approx(11114.86, abs=0.01)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Xã Nguyệt Ấn", "15106"),
        ("Xã Kiên Thọ", "15112"),
        ("Xã Tân Ninh", "15715"),
        ("Xã Hoa Lộc", "16072"),
        ("Xã Thanh Phong", "16213"),
        ("Xã Thanh Quân", "16222"),
    ],
)
def test_codes_are_those_of_the_decision_and_not_of_the_draft(catalogue: UnitCatalogue, name: str, code: str) -> None:
    unit = catalogue.by_code(code)
    assert unit is not None
    assert unit.name == name


def test_every_name_folds_to_its_ascii_key(catalogue: UnitCatalogue) -> None:
    assert all(fold(unit.short_name) == unit.ascii for unit in catalogue.all)


@pytest.mark.parametrize(
    ("district", "number"),
    [
        ("Huyện Hậu Lộc", 5),
        ("Huyện Thiệu Hóa", 7),
        ("Huyện Quảng Xương", 8),
        ("Thị xã Nghi Sơn", 10),
        ("Thành phố Thanh Hóa", 7),
        ("Thành phố Sầm Sơn", 2),
        ("Thị xã Bỉm Sơn", 2),
    ],
)
def test_old_districts(catalogue: UnitCatalogue, district: str, number: int) -> None:
    assert len(catalogue.old_districts[district]) == number
    assert len(catalogue.old_districts) == 26


def test_a_split_unit_has_its_default_first(catalogue: UnitCatalogue) -> None:
    split = {old.name: old.new_codes for old in catalogue.old_units if old.split}
    assert len(split) == 10
    assert split["Phường Đông Thọ"] == ("14797", "14758")
    assert split["Thị trấn Thiệu Hóa"][0] == "15772"


def test_units_of_keeps_the_order(catalogue: UnitCatalogue) -> None:
    assert [unit.short_name for unit in catalogue.units_of(["15853", "15724"])] == ["Đông Tiến", "Đồng Tiến"]
    with pytest.raises(KeyError):
        catalogue.units_of(["00000"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (UNITS_FILE, OLD_UNITS_FILE):
        shutil.copy(DATA / name, tmp_path / name)
    return tmp_path


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (UNITS_FILE, "14758\tPhường\tPhường Hàm Rồng", "14758\tXã\tXã Hàm Rồng", "148 Xã, expected 147"),
        (UNITS_FILE, "14758\tPhường", "14797\tPhường", "165 distinct codes"),
        (UNITS_FILE, "\t19.8431\t", "\tnorth\t", "line 2"),
        (UNITS_FILE, "\told_wards", "", "line 2"),
        (OLD_UNITS_FILE, "Thị trấn Nưa", "Nưa", "no type"),
        (OLD_UNITS_FILE, "14758|14797\t14797", "14758|99999\t14758", "leads to 99999"),
    ],
)
def test_a_damaged_table_never_starts(folder: Path, file: str, old: str, new: str, says: str) -> None:
    _edit(folder / file, old, new)
    with pytest.raises(UnitDataError, match=says):
        load(folder)


def test_a_missing_unit_or_file_is_named(folder: Path) -> None:
    lines = (folder / UNITS_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / UNITS_FILE).write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(UnitDataError, match="18 Phường, expected 19"):
        load(folder)
    (folder / UNITS_FILE).unlink()
    with pytest.raises(UnitDataError, match=UNITS_FILE):
        load(folder)
