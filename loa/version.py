"""Which release of Loa this is."""

from __future__ import annotations

import tomllib
from functools import cache

from loa.settings_sections import ROOT


@cache
def version() -> str:
    """As `pyproject.toml` says; Loa runs from its own folder and is not installed as a package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])
