"""The words of forms and letters, from `data/carrier_order.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

WORDING_FILE: Final = Path(__file__).resolve().parent.parent.parent / "data" / "carrier_order.toml"


@dataclass(frozen=True, slots=True)
class Wording:
    head: Mapping[str, str]
    form: Mapping[str, str]
    letters: Mapping[str, Mapping[str, str]]
    """`order`, `cancel` → subject, body and their pieces."""


@cache
def load_wording(path: Path = WORDING_FILE) -> Wording:
    """Raises OSError, TOMLDecodeError or KeyError at start where the file is not whole."""
    raw = tomllib.loads(path.read_text("utf-8"))
    return Wording(raw["letterhead"], raw["form"], raw["letter"])
