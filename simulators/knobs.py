"""Fault knobs: a flat dataclass that a control API may read and turn."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

Knobs = TypeVar("Knobs")


def turned(knobs: Knobs, wanted: dict[str, Any]) -> Knobs:
    """A copy of the dataclass `knobs` with new values. Raises ValueError for an unknown knob or a wrong type.

    An int does for a float; a bool does for nothing but a bool.
    """
    known = {field.name: getattr(knobs, field.name) for field in fields(knobs)}  # type: ignore[arg-type]
    for name, value in wanted.items():
        if name not in known:
            raise ValueError(f"no such knob: {name}; there are {', '.join(sorted(known))}")
        kind = type(known[name])
        fits = type(value) is kind or (kind is float and type(value) is int)
        if not fits:
            raise ValueError(f"{name} must be of type {kind.__name__}")
        if isinstance(value, int | float) and value < 0:
            raise ValueError(f"{name} must not be negative")
    return replace(knobs, **wanted)  # type: ignore[type-var]
