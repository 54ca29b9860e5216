"""The office's templates: texts with typed blanks, read from `data/templates/*.toml`.

A text holds `{blank}`s. `[[ … {blank} … ]]` is left out whole where a blank in it is empty. Besides the blanks that an
officer types there are automatic ones, filled by the system or by the office's settings.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from broadcasts.blanks import BlankType
from broadcasts.model import Kind, Mode, Urgency
from text.folding import fold

FOLDER: Final = Path(__file__).parent.parent / "data" / "templates"
MAX_LENGTH: Final = 120
"""Characters of a blank that says nothing else."""

CODE: Final = "ma_tin"
REPLACES: Final = "ma_tin_cu"
URGENCY_MARK: Final = "do_khan"
SENDER: Final = "don_vi_gui"
HOTLINE: Final = "sdt_truc_ban"
SHORT_CODE: Final = "dau_so"
PORTAL: Final = "lien_ket"
SYSTEM_BLANKS: Final = frozenset({CODE, REPLACES, URGENCY_MARK})
"""Filled by the system; what an officer types for them is not used."""
OFFICE_BLANKS: Final = frozenset({SENDER, HOTLINE, SHORT_CODE, PORTAL})
"""Filled from `[office]`; an officer may type another value for one message."""

_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_OPTIONAL: Final = re.compile(r"\[\[(.*?)\]\]", re.S)


class TemplateError(Exception):
    """A template file is wrong; the message names the file and the field. Raised at start, never while sending."""


class Blank(BaseModel):
    """One blank that an officer fills in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    type: BlankType = BlankType.TEXT
    example: str
    required: bool = True
    max_length: int = Field(default=MAX_LENGTH, gt=0)
    derived_from: str | None = None
    """A blank whose value gives this one's through `derived` when nothing is typed."""
    derived: dict[str, str] = Field(default_factory=dict)


class Followup(BaseModel):
    """What is said when the thing turns out false, or is over: prepared, so that nobody writes it in a hurry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str
    chat: str
    sms: str
    sms_leader: str


class Template(BaseModel):
    """One template. Texts are accented; SMS texts lose their accents when rendered, unless accents are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str
    """`T1` …: its place in the office's handbook."""
    key: str
    title: str
    hazard: str
    kind: Kind
    urgency: Urgency
    mode: Mode = Mode.ACTUAL
    """`exercise`: may not be sent as an actual message."""
    subject: str
    """The broadcast's title, with blanks."""
    chat: str
    sms: str
    """For residents: one part with ordinary values, action and 112, no reply asked."""
    sms_leader: str
    """For leaders: what to do, until when, and how to confirm."""
    blanks: dict[str, Blank]
    correction: Followup | None = None
    """Of its own; without one the office's general words are used, likewise `all_clear`."""
    all_clear: Followup | None = None

    @property
    def forms(self) -> dict[str, str]:
        return {"chat": self.chat, "sms": self.sms, "sms_leader": self.sms_leader}


@dataclass(slots=True)
class TemplateSet:
    """All templates of the office, in the order of their numbers. Replaced as a whole where the office changes one, so
    that whoever holds the set sees it at once."""

    all: tuple[Template, ...]
    prepared: Mapping[str, Template] = field(default_factory=dict)
    """Key → what follows an earlier broadcast (`broadcasts.prepared`): never chosen from the list."""

    def use(self, other: TemplateSet) -> None:
        """Hold what `other` holds from now on."""
        self.all, self.prepared = other.all, other.prepared

    def find(self, name: str) -> Template | None:
        """By number ("T1", "t01"), key ("bao", "BAO"), hazard word or file name ("t01_bao")."""
        if name in self.prepared:
            return self.prepared[name]
        wanted = _name_key(name)
        return next((one for one in self.all if wanted in _names(one)), None)


def _names(template: Template) -> frozenset[str]:
    number = int(template.number[1:])
    names = {template.number, template.key, template.hazard, f"t{number:02d}", f"t{number:02d}_{template.key}"}
    return frozenset(_name_key(name) for name in names)


def _name_key(name: str) -> str:
    return fold(name.removesuffix(".toml")).replace(" ", "")


def placeholders(pattern: str) -> list[str]:
    """Names of the blanks in `pattern`, each once, in order."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(pattern)))


def needed(pattern: str) -> list[str]:
    """Blanks without which `pattern` cannot be filled: those outside its optional sections."""
    return placeholders(_OPTIONAL.sub("", pattern))


def unpaired(pattern: str) -> str:
    """The first bracket that opens nothing or closes nothing; "" where all is whole."""
    rest = _PLACEHOLDER.sub("", _OPTIONAL.sub(r"\1", pattern))
    found = re.search(r"\[\[|\]\]|[{}]", rest)
    return found.group() if found else ""


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """`pattern` with its blanks filled in one pass: values are not searched for blanks; a missing one stays."""

    def section(found: re.Match[str]) -> str:
        return found[1] if all(values.get(name) for name in placeholders(found[1])) else ""

    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found.group()), _OPTIONAL.sub(section, pattern))


@cache
def load_templates(folder: Path = FOLDER) -> TemplateSet:
    """Read and check every `*.toml` of the folder. Raises `TemplateError`."""
    found = [_read(path) for path in sorted(folder.glob("*.toml"))]
    if not found:
        raise TemplateError(f"{folder}: no template")
    names: dict[str, str] = {}
    for template in found:
        for name in _names(template):
            if names.setdefault(name, template.number) != template.number:
                raise TemplateError(f"{template.number}: its name {name!r} belongs to {names[name]}")
    return TemplateSet(tuple(sorted(found, key=lambda template: int(template.number[1:]))))


def _read(path: Path) -> Template:
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        template = Template.model_validate(raw)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as wrong:
        raise TemplateError(f"{path.name}: {wrong}") from wrong
    if not re.fullmatch(r"T[1-9][0-9]?", template.number):
        raise TemplateError(f"{path.name}: number {template.number!r} is not T1 … T99")
    for pattern in (template.subject, *template.forms.values()):
        if loose := unpaired(pattern):
            raise TemplateError(f"{path.name}: {loose!r} is open or stands alone")
    used = set(placeholders(template.subject + template.chat + template.sms + template.sms_leader))
    automatic = SYSTEM_BLANKS | OFFICE_BLANKS
    if strange := used - automatic - set(template.blanks):
        raise TemplateError(f"{path.name}: no [blanks.…] for {sorted(strange)}")
    if idle := set(template.blanks) - used:
        raise TemplateError(f"{path.name}: blanks that no text uses: {sorted(idle)}")
    if taken := automatic & set(template.blanks):
        raise TemplateError(f"{path.name}: filled by the system: {sorted(taken)}")
    for name, blank in template.blanks.items():
        if blank.derived_from and (blank.derived_from not in template.blanks or not blank.derived):
            raise TemplateError(f"{path.name}: blank {name}: derived_from {blank.derived_from!r} has no table")
    return template
