"""The compose form and the draft that it stands for, in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from multidict import MultiMapping
from pydantic import ValidationError

from broadcasts.model import VALID_FOR_DEFAULT, Draft, Kind, Mode, Urgency
from broadcasts.templates import Template, TemplateSet
from text.dates import OFFICE_ZONE
from web.console.step_fields import OWN, StepFields, read_rows, rows_of, steps_given
from web.problems import Trouble, invalid

VALID_HOURS: Final = (1, 3, 6, 12, 24, 48, 72)
KINDS: Final = (Kind.ALERT, Kind.DIRECTIVE, Kind.NOTICE)
"""Update and cancel are made by "replace", not chosen."""
BLANK: Final = "blank."
_TAKEN_AWAY: Final = re.compile(r"-\s*(?:all-units|unit:|group:|role:|list:|file:)")
"""A minus before a term; a name may hold one too."""
ALL_UNITS: Final = "all-units"
LONGEST_NUMBER: Final = 18
"""Digits that surely fit the ledger's 64 bits."""
FILES_READ: Final = 50
"""Files of one form that are looked at; the desk allows fewer."""


@dataclass(frozen=True, slots=True)
class ComposeForm:
    """What stands in the form, as typed."""

    template: str = ""
    text: str = ""
    title: str = ""
    blanks: Mapping[str, str] = field(default_factory=dict)
    reach: str = "all"
    """`all`: every unit, `some`: `units` and `groups`, `other`: `audience` as typed."""
    units: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    audience: str = ""
    channels: tuple[str, ...] = ()
    accented: bool = False
    urgency: str = Urgency.KHAN.value
    kind: str = Kind.ALERT.value
    mode: str = Mode.ACTUAL.value
    valid_hours: int = int(VALID_FOR_DEFAULT / timedelta(hours=1))
    fire_at: str = ""
    """`YYYY-MM-DDTHH:MM` on the office's clock, "" for at once."""
    duplicate_ok: bool = False
    own_steps: bool = False
    """The rows below hold for this message; else those of the settings."""
    steps: tuple[StepFields, ...] = ()
    supersedes: str = ""
    document_number: str = ""
    signer: str = ""
    attachments: tuple[int, ...] = ()
    """Numbers of uploaded files that are still ticked."""

    def expression(self) -> str:
        """The audience in the words of the command line: `unit:…+group:…+list:…`."""
        if self.reach == "all":
            parts = [ALL_UNITS]
        elif self.reach == "some":
            parts = [f"unit:{','.join(sorted(self.units))}"] if self.units else []
            parts += [f"group:{name}" for name in sorted(self.groups)]
        else:
            parts = [self.audience.strip()] if self.audience.strip() else []
        return "+".join(parts + [f"list:{name}" for name in sorted(self.lists)])

    def draft(self) -> Draft:
        """Raises `Trouble` 422 for a form that no page of ours sends."""
        try:
            return Draft(
                text=None if self.template else self.text,
                template=self.template or None,
                blanks=dict(self.blanks) if self.template else {},
                title=self.title,
                audience=self.expression(),
                channels=list(self.channels),
                accented=self.accented,
                urgency=self.urgency,
                kind=self.kind,
                mode=self.mode,
                valid_for_seconds=timedelta(hours=self.valid_hours).total_seconds(),
                fire_at=_offset(self.fire_at),
                escalation=steps_given(self.steps) if self.own_steps else None,
                duplicate_ok=self.duplicate_ok,
                supersedes=self.supersedes or None,
                document_number=self.document_number,
                signer=self.signer,
                attachments=list(self.attachments),
            )
        except ValidationError as wrong:
            raise invalid(wrong) from wrong


def blank_form(template: Template | None, mode: str, channels: Iterable[str]) -> ComposeForm:
    """An empty form for a template, or for free text (None)."""
    if template is None:
        return ComposeForm(mode=mode, channels=tuple(channels))
    return ComposeForm(
        template=template.key,
        channels=tuple(channels),
        urgency=template.urgency.value,
        kind=template.kind.value,
        mode=template.mode.value if template.mode is not Mode.ACTUAL else mode,
    )


def read(form: MultiMapping[object]) -> ComposeForm:
    """What a browser sent. Raises `Trouble` 422."""

    def one(name: str, default: str = "") -> str:
        return str(form.get(name, default))

    def many(name: str) -> frozenset[str]:
        return frozenset(str(value) for value in form.getall(name, []))

    hours = one("valid_hours")
    if not hours.isdecimal() or int(hours[:4]) not in VALID_HOURS:
        raise Trouble(422, "validity_missing")
    return ComposeForm(
        template=one("template"),
        text=one("text"),
        title=one("title"),
        blanks={key[len(BLANK) :]: str(form[key]) for key in form if key.startswith(BLANK)},
        reach=one("reach", "all"),
        units=many("unit"),
        groups=many("group"),
        lists=many("list"),
        audience=one("audience"),
        channels=tuple(str(value) for value in form.getall("channel", [])),
        accented=bool(one("accented")),
        urgency=one("urgency", Urgency.KHAN.value),
        kind=one("kind", Kind.ALERT.value),
        mode=one("mode", Mode.ACTUAL.value),
        valid_hours=int(hours),
        fire_at=one("fire_at"),
        own_steps=bool(one(OWN)),
        steps=read_rows(form),
        duplicate_ok=bool(one("duplicate_ok")),
        supersedes=one("supersedes"),
        document_number=one("document_number"),
        signer=one("signer"),
        attachments=_file_numbers(form.getall("attachment", [])),
    )


def form_of(draft: Draft, templates: TemplateSet) -> ComposeForm:
    """The form that a draft came from, to go on with it."""
    found = templates.find(draft.template) if draft.template else None
    reach, units, groups, lists = reach_of(draft.audience)
    hours = draft.valid_for_seconds / 3600
    fire_at = datetime.fromisoformat(draft.fire_at).astimezone(OFFICE_ZONE) if draft.fire_at else None
    return ComposeForm(
        template=found.key if found else "",
        text=draft.text or "",
        title=draft.title,
        blanks=dict(draft.blanks),
        reach=reach,
        units=units,
        groups=groups,
        lists=lists,
        audience=draft.audience if reach == "other" else "",
        channels=tuple(draft.channels),
        accented=draft.accented,
        urgency=draft.urgency or (found.urgency.value if found else Urgency.KHAN.value),
        kind=draft.kind or (found.kind.value if found else Kind.ALERT.value),
        mode=draft.mode,
        valid_hours=min(VALID_HOURS, key=lambda one: abs(one - hours)),
        fire_at=f"{fire_at:%Y-%m-%dT%H:%M}" if fire_at else "",
        own_steps=draft.escalation is not None,
        steps=rows_of(draft.escalation or ()),
        duplicate_ok=draft.duplicate_ok,
        supersedes=draft.supersedes or "",
        document_number=draft.document_number,
        signer=draft.signer,
        attachments=tuple(draft.attachments),
    )


def _file_numbers(given: Iterable[object]) -> tuple[int, ...]:
    """Each once, in order; anything else is left out."""
    whole = (int(one) for one in map(str, given) if one.isascii() and one.isdecimal() and len(one) < LONGEST_NUMBER)
    return tuple(dict.fromkeys(one for one in whole if one))[:FILES_READ]


def reach_of(audience: str) -> tuple[str, frozenset[str], frozenset[str], frozenset[str]]:
    """An expression as the boxes of the form; anything finer stays as it was typed."""
    parts = [part.strip() for part in audience.split("+")]
    lists = frozenset(part[5:] for part in parts if part.startswith("list:"))
    rest = [part for part in parts if not part.startswith("list:")]
    if rest == [ALL_UNITS]:
        return "all", frozenset(), frozenset(), lists
    known = all(part.startswith(("unit:", "group:")) for part in rest)
    if not rest or not known or _TAKEN_AWAY.search(audience):
        return "other", frozenset(), frozenset(), frozenset()
    units = frozenset(code for part in rest if part.startswith("unit:") for code in part[5:].split(",") if code)
    groups = frozenset(part[6:] for part in rest if part.startswith("group:"))
    return "some", units, groups, lists


def _offset(local_time: str) -> str | None:
    """ISO 8601 with the office's offset. Raises `Trouble` 422 for something that is no time."""
    if not local_time:
        return None
    try:
        return datetime.fromisoformat(local_time).replace(tzinfo=OFFICE_ZONE).isoformat()
    except ValueError as wrong:
        raise Trouble(422, "fire_at_form") from wrong
