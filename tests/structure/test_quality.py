"""Every channel says in its `quality.toml` what it does, what it cannot do and how it was proved, and says it truly."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from loa.settings_sections import ROOT

FOLDERS = sorted(path.parent for path in (ROOT / "adapters").rglob("channel.py"))
NEEDED = {
    "channel": {"names", "library", "provider"},
    "does": {"send"},
    "cannot": set(),
    "proved": {"contract"},
}


def named(folder: Path) -> str:
    return str(folder.relative_to(ROOT / "adapters"))


def quality(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "quality.toml").read_text("utf-8"))


def test_there_are_channels() -> None:
    assert len(FOLDERS) >= 9


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_the_needed_keys_are_there_and_say_something(folder: Path) -> None:
    said = quality(folder)
    assert set(said) == set(NEEDED)
    for section, keys in NEEDED.items():
        assert keys <= set(said[section]), section
        assert said[section], f"{section} is empty"
        for key, value in said[section].items():
            assert value, f"{section}.{key}"


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_its_proofs_exist(folder: Path) -> None:
    """`tests/…` names a file; a bare `test_….py` beside it lies in the same folder."""
    for key, value in quality(folder)["proved"].items():
        paths = re.findall(r"tests/[\w/]+\.py", value)
        measured = re.findall(r"benchmarks\.(\w+)", value)
        assert paths or measured or key == "live", f"{key} names no test"
        assert all((ROOT / "benchmarks" / f"{name}.py").is_file() for name in measured), value
        for path in paths:
            assert (ROOT / path).is_file(), path
        for bare in re.findall(r"(?<![\w/])test_\w+\.py", value):
            assert list((ROOT / "tests").rglob(bare)), bare


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_it_names_the_channels_of_its_folder(folder: Path) -> None:
    source = "".join(path.read_text("utf-8") for path in (folder, folder.parent) for path in path.glob("*.py"))
    for name in quality(folder)["channel"]["names"]:
        family = name.partition("<")[0].rstrip(".")
        assert f'"{family}' in source, f"{name} stands nowhere in {named(folder)}"


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_nothing_is_put_off(folder: Path) -> None:
    """What is not done is not done; only a trial against the provider itself may still be to come."""
    said = quality(folder)
    late = [f"{section}.{key}" for section in ("does", "cannot") for key, v in said[section].items() if "not yet" in v]
    assert not late


def test_nothing_waits_in_a_way_that_forgets_its_own_end() -> None:
    """`asyncio.wait_for` of Python 3.11 forgets a cancellation that comes as what it waits for is done, and the task
    goes on for ever (python/cpython#86296); `asyncio.timeout` does not."""
    folders = ("adapters", "bot", "broadcasts", "directory", "lanes", "loa", "simulators", "store", "text", "web")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert [str(path) for path in files if "asyncio.wait_for(" in path.read_text("utf-8")] == []
