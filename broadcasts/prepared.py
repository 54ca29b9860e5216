"""What follows a broadcast in words that the office has prepared: correction of a false alert, all-clear, recall.

They are templates that nobody chooses from the list (`TemplateSet.prepared`), rendered, checked and hashed like all
others. Because nothing in them is written at night but names, times and a reason from a list, they need no second
approval (`docs/decisions/`): who sent them is recorded.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from broadcasts.blanks import BlankType, find_links
from broadcasts.model import Kind, Mode, Urgency
from broadcasts.templates import (
    FOLDER,
    OFFICE_BLANKS,
    SYSTEM_BLANKS,
    Blank,
    Followup,
    Template,
    TemplateError,
    TemplateSet,
    load_templates,
    placeholders,
)
from text.dates import moment

PREPARED_FILE: Final = FOLDER.parent / "prepared.toml"
OLD_TITLE: Final = "tieu_de_cu"
OLD_TIME: Final = "gio_cu"
OLD_DOCUMENT: Final = "van_ban_cu"
WHY: Final = "ly_do"


PATH_TEST: Final = "path_test"
"""Key of the words with which each unit's path is tested."""


class After(StrEnum):
    """What follows."""

    CORRECTION = "correction"
    ALL_CLEAR = "all_clear"
    RECALL = "recall"


KIND_OF: Final = {After.CORRECTION: Kind.CANCEL, After.ALL_CLEAR: Kind.UPDATE, After.RECALL: Kind.CANCEL}


@dataclass(frozen=True, slots=True)
class PreparedWords:
    """`data/prepared.toml`: the general words, and the reasons for which an officer may recall alone."""

    general: Mapping[After, Followup]
    path_test: Followup
    reasons: tuple[str, ...]
    blanks: Mapping[str, str]
    """Name → label."""


@cache
def load_prepared(path: Path = PREPARED_FILE) -> PreparedWords:
    """Raises `TemplateError` at start where the file is not whole."""
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        general = {after: Followup.model_validate(raw[after.value]) for after in After}
        path_test = Followup.model_validate(raw[PATH_TEST])
        words = PreparedWords(general, path_test, tuple(raw["reasons"]), dict(raw["blanks"]))
    except (OSError, ValueError, KeyError) as wrong:
        raise TemplateError(f"{path.name}: {wrong}") from wrong
    return words


@cache
def office_templates() -> TemplateSet:
    """The office's templates together with all that may follow them. Raises `TemplateError`."""
    return with_prepared(load_templates(), load_prepared())


def with_prepared(templates: TemplateSet, words: PreparedWords) -> TemplateSet:
    """Every follow-up as a template of its own; a text with a blank that nobody fills is refused at start."""
    made = {
        after.value: _as_template(after.value, KIND_OF[after], followup, words)
        for after, followup in words.general.items()
    }
    made[PATH_TEST] = _as_template(PATH_TEST, Kind.NOTICE, words.path_test, words)
    for template in templates.all:
        for after in (After.CORRECTION, After.ALL_CLEAR):
            own = template.correction if after is After.CORRECTION else template.all_clear
            if own is not None:
                key = f"{after.value}.{template.key}"
                made[key] = _as_template(key, KIND_OF[after], own, words)
    return replace(templates, prepared=made)


def _as_template(key: str, kind: Kind, followup: Followup, words: PreparedWords) -> Template:
    used = set(placeholders(followup.subject + followup.chat + followup.sms + followup.sms_leader))
    if strange := used - SYSTEM_BLANKS - OFFICE_BLANKS - set(words.blanks):
        raise TemplateError(f"{key}: no blank {sorted(strange)}")
    blanks = {
        name: Blank(label=label, type=BlankType.TEXT, example=label, required=name in used)
        for name, label in words.blanks.items()
        if name in used
    }
    return Template(
        number="P0",
        key=key,
        title=followup.subject,
        hazard=key,
        kind=kind,
        urgency=Urgency.HOA_TOC,
        mode=Mode.ACTUAL,
        subject=followup.subject,
        chat=followup.chat,
        sms=followup.sms,
        sms_leader=followup.sms_leader,
        blanks=blanks,
    )


def template_key(templates: TemplateSet, after: After, old_template: str | None) -> str:
    """The words of the old broadcast's own template, else the general ones."""
    old = templates.find(old_template) if old_template else None
    own = f"{after.value}.{old.key}" if old is not None else ""
    return own if own in templates.prepared else after.value


def filled(template: Template, *, title: str, sent_at: float, document: str, reason: str) -> dict[str, str]:
    """The blanks of a follow-up from what it follows; links, line breaks and a full stop at the end of a title go."""
    values = {OLD_TITLE: title, OLD_TIME: moment(sent_at), OLD_DOCUMENT: document, WHY: reason}
    return {
        name: _tame(value, template.blanks[name].max_length)
        for name, value in values.items()
        if name in template.blanks
    }


def _tame(value: str, limit: int) -> str:
    for link in find_links(value):
        value = value.replace(link, "")
    line = re.sub(r"\s+", " ", value).strip().rstrip(".")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
