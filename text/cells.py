"""Cells of tables that people open in a spreadsheet."""

from __future__ import annotations

from typing import Final

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula (OWASP, CSV injection)."""


def plain_cell(value: object) -> object:
    """The value as it is; a text that a spreadsheet would run, with an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
