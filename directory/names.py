"""How groups and lists are called, which unit a written name is, and when two spellings are one person's name."""

from __future__ import annotations

from directory.units import Unit, UnitCatalogue
from text.folding import fold, has_marks, nfc, tone_key


def slug(name: str) -> str:
    """The name by which a group or list is kept and asked for: "Ven biển" → "ven-bien". "" where nothing is left."""
    return fold(name).replace(" ", "-")


def tidy(name: str) -> str:
    """A person's name as it is kept: NFC, single spaces."""
    return " ".join(nfc(name).split())


def same_name(one: str, other: str) -> bool:
    """True for two spellings of one name: tone placement and case aside, or one of them without any accents."""
    if tone_key(one) == tone_key(other):
        return True
    return fold(one) == fold(other) and not (has_marks(one) and has_marks(other))


def unit_names(catalogue: UnitCatalogue) -> dict[str, Unit]:
    """`tone_key` of every unit's full and short name → the unit: exact but for case and tone placement ("Hoá", "Hóa").
    Two units never share an accented name."""
    return {tone_key(name): unit for unit in catalogue.all for name in (unit.short_name, unit.name)}
