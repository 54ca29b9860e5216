"""A service on one machine keeps no library in memory that it has no use for (an idle one takes less than 120 MB)."""

import json
import subprocess
import sys

from tests.processes import ROOT

HEAVY = ("redis", "alembic", "sqlalchemy", "asyncpg", "telegram", "reportlab", "xlsxwriter", "icalendar")
"""Shared lanes, migrations, the other database, a channel that is off, files that nobody asked for yet."""


def test_what_is_off_is_not_loaded() -> None:
    said = subprocess.run(
        (sys.executable, "-c", "import json, sys, loa.cli, loa.service; print(json.dumps(list(sys.modules)))"),
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(HEAVY) & set(json.loads(said.stdout)) == set()
