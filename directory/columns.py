"""Which column of a table is what: headers and posts as offices write them (`data/import/columns.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from directory.roles import ContactRole
from text.folding import fold

COLUMNS_FILE: Final = Path(__file__).resolve().parent.parent / "data" / "import" / "columns.toml"


class Form(StrEnum):
    """What a cell of an address column may hold."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of address; `pattern` (for `ID`) must match a whole cell."""

    name: str
    form: Form
    pattern: str


@dataclass(frozen=True, slots=True)
class Words:
    """The whole file. Keys of `headers` and `roles` are folded."""

    headers: Mapping[str, str]
    families: Mapping[str, Family]
    roles: Mapping[str, ContactRole]
    role_endings: tuple[str, ...]
    unnamed: Mapping[ContactRole, str]

    def role(self, cell: str) -> ContactRole | None:
        """ "Phó Chủ tịch UBND xã" → deputy; "Chủ tịch Hội Nông dân" is none of ours."""
        key = fold(cell)
        for words in sorted(self.roles, key=len, reverse=True):
            if key == words:
                return self.roles[words]
            rest = key.removeprefix(f"{words} ")
            if rest != key and any(rest == ending or rest.startswith(f"{ending} ") for ending in self.role_endings):
                return self.roles[words]
        return None


@cache
def load_words(path: Path = COLUMNS_FILE) -> Words:
    """Raises OSError, TOMLDecodeError, KeyError or ValueError at start where the file is not whole."""
    raw = tomllib.loads(path.read_text("utf-8"))
    columns = {**raw["field"], **raw["family"]}
    families = {name: Family(name, Form(one["form"]), one.get("pattern", "")) for name, one in raw["family"].items()}
    return Words(
        headers={fold(header): name for name, column in columns.items() for header in column["headers"]},
        families=families,
        roles={fold(word): ContactRole(role) for role, words in raw["roles"].items() for word in words},
        role_endings=tuple(fold(ending) for ending in raw["role_endings"]),
        unnamed={ContactRole(role): name for role, name in raw["unnamed"].items()},
    )


def match_header(cells: Sequence[str], words: Words) -> dict[str, int]:
    """Column name (`unit_code`, `sms`, …) → index; the first of two alike counts, unknown headers are left out."""
    found: dict[str, int] = {}
    for index, cell in enumerate(cells):
        name = words.headers.get(fold(cell))
        if name is not None:
            found.setdefault(name, index)
    return found
