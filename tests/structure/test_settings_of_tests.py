"""Tests run on SQLite and lanes in the process, and on PostgreSQL and Redis, and do not ask which: what the exceptions
are, and why."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from tests.processes import ROOT

TESTS = ROOT / "tests"
ASKS = re.compile(r"\b(ON_POSTGRESQL|LOA_TEST_LEDGER|LOA_TEST_LANES)\b")
THE_SETTING_ITSELF = {"tests/conftest.py", "tests/ledgers.py", "tests/redis_stand.py"}
MAY_ASK = {
    "tests/faults/test_seeded_nights.py": "an embedded service has other machines to lose than an office of many",
    "tests/unit/test_migrations_of_data.py": "a migration rewrites rows by other statements on each",
}
OF_THE_FILE = {
    "tests/unit/test_sqlite_engine.py": 1,
    "tests/faults/test_trouble_of_our_own.py": 5,
}
"""Tests, or a whole file (1), about the file of SQLite: its locks, a disk that is full, a second service on it."""


def marks(path: Path, name: str) -> int:
    """How often a file says `pytest.mark.NAME`."""
    tree = ast.parse(path.read_text("utf-8"))
    return sum(isinstance(node, ast.Attribute) and node.attr == name for node in ast.walk(tree))


def test_no_test_asks_in_which_setting_it_runs() -> None:
    asking = {
        str(path.relative_to(ROOT)) for path in TESTS.rglob("*.py") if ASKS.search(path.read_text("utf-8", "replace"))
    }
    here = str(Path(__file__).relative_to(ROOT))
    assert asking - {here} - THE_SETTING_ITSELF <= set(MAY_ASK)


def test_few_tests_are_about_the_file_of_sqlite() -> None:
    found = Counter({str(path.relative_to(ROOT)): marks(path, "sqlite_file") for path in TESTS.rglob("*.py")})
    assert +found == OF_THE_FILE


def test_the_second_run_is_of_every_room() -> None:
    """Only what opened neither ledger nor lanes is left out of it."""
    text = (ROOT / ".ci" / "run").read_text("utf-8").replace("\\\n", "")
    runs = [line for line in text.splitlines() if "make test" in line]
    assert len(runs) == 2
    assert not any("-k" in line or "-m " in line for line in runs)
    assert not any("TESTS" in line for line in runs)
    assert "LOA_TEST_NOTES=$notes" in runs[0]
    assert all(word in runs[1] for word in ("LOA_TEST_ONLY=$notes", "=postgresql", "=redis"))
