"""The facts of a finding as its sentence shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from text.dates import moment


def spoken(params: Mapping[str, Any]) -> dict[str, Any]:
    """Times as people read them; `since` 0 or None: never."""
    return {
        name: (moment(float(value)) if value else "…") if name == "since" else value for name, value in params.items()
    }
