"""From what an officer typed to what would leave: texts, audience, plan, and everything that stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from directory.audience import Audience, parse_audience, resolve

from broadcasts.content import CHAT, SMS, SMS_LEADER, Content, OfficeFacts, Setting, Source, content_hash, render
from broadcasts.model import Draft, Kind, Mode, Problem, Urgency
from broadcasts.routes import Routes
from broadcasts.steps import Plan, Step, chosen_steps, roles_of
from broadcasts.templates import TemplateSet
from directory.units import UnitCatalogue
from store import broadcasts
from store.broadcasts import MemberRow
from store.engine import Tx
from text.report import count_report

VALID_MAX_SECONDS = 7 * 86_400.0
"""A warning that is older than a week is history."""
DEFAULT_STEPS = "default"


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """What `[office]`, `[escalation]` and `[limits]` say to the desk."""

    office: OfficeFacts
    steps: Mapping[str, Sequence[Step]]
    """Urgency → escalation steps; `default` for the others."""
    close_after: float
    sms_parts_limit: int
    code_prefix: str = "TB"


@dataclass(slots=True)
class Prepared:
    """A draft that was looked at from all sides."""

    content: Content
    audience: Audience
    members: list[MemberRow]
    plan: Plan
    urgency: str
    kind: str
    fire_at: float | None
    valid_until: float
    supersedes: int | None
    problems: list[Problem]

    def frozen(self) -> dict[str, Any]:
        """What was counted, for the record and for the screens."""
        audience = self.audience
        people = {member.person_id for member in self.members}
        bare = sorted(set(audience.units) - {member.unit_code for member in self.members})
        return {
            "units": len(audience.units),
            "people": len(people),
            "numbers": audience.numbers,
            "gaps": [{"code": gap.unit_code, "name": gap.unit_name, "why": gap.why} for gap in audience.gaps],
            "bare_units": bare,
            "digest": audience.digest,
        }

    def hash(self, draft: Draft) -> str:
        """What an approver approves: texts, audience, way and terms."""
        terms = {
            "mode": draft.mode,
            "kind": self.kind,
            "urgency": self.urgency,
            "valid_until": self.valid_until,
            "fire_at": self.fire_at,
            "duplicate_ok": draft.duplicate_ok,
            "supersedes": self.supersedes,
            **self.plan.model_dump(mode="json"),
        }
        return content_hash(self.content.forms, self.audience.digest, terms)

    def sms_report(self) -> dict[str, Any]:
        """The resident's SMS form, counted; what had to be replaced comes first from the rendering."""
        form = SMS if SMS in self.content.forms else SMS_LEADER
        report = count_report(self.content.forms.get(form, ""))
        report["changes"] = [{"from": one.source, "to": one.target} for one in self.content.changes]
        return report


def prepare(
    tx: Tx,
    draft: Draft,
    code: str,
    now: float,
    settings: DeskSettings,
    routes: Routes,
    catalogue: UnitCatalogue,
    templates: TemplateSet,
) -> Prepared:
    """Never raises for what an officer typed: see `Prepared.problems`."""
    problems: list[Problem] = []
    mode = _choice(draft.mode, Mode, "mode", problems)
    template = templates.find(draft.template) if draft.template else None
    urgency = draft.urgency if draft.urgency is not None else (template.urgency if template else Urgency.KHAN)
    kind = draft.kind if draft.kind is not None else (template.kind if template else Kind.ALERT)
    urgent = _choice(urgency, Urgency, "urgency", problems)
    chosen = _choice(kind, Kind, "kind", problems)
    families = _families(draft.channels, routes, problems)
    plan = _plan(settings, urgent, families)
    expression = parse_audience(draft.audience)
    problems += [Problem("audience", problem.key, dict(problem.params)) for problem in expression.problems]
    audience = resolve(tx, catalogue, expression, families, roles_of(plan.steps))
    problems += [Problem("audience", problem.key, dict(problem.params)) for problem in audience.problems]
    replaced = _replaced(tx, draft.supersedes, problems)
    content = render(
        Source(draft.text, draft.template, draft.blanks, draft.title),
        Setting(
            office=settings.office,
            code=code,
            mode=mode,
            urgency=urgent,
            accented=draft.accented,
            replaces=replaced[1],
            forms=forms_needed(families, audience),
            sms_parts_limit=settings.sms_parts_limit,
            known_unit=lambda name: any(unit.name == name or unit.short_name == name for unit in catalogue.all),
        ),
        templates,
    )
    problems += content.problems
    fire_at = _fire_at(draft.fire_at, now, problems)
    valid_until = (fire_at or now) + draft.valid_for_seconds
    if not 0 < draft.valid_for_seconds <= VALID_MAX_SECONDS:
        problems.append(Problem("valid_for_seconds", "validity", {"limit": int(VALID_MAX_SECONDS // 3600)}))
    members = member_rows(audience)
    if not expression.problems and not audience.problems and not members and not audience.numbers:
        problems.append(Problem("audience", "nobody_reached" if audience.units else "audience_empty"))
    if audience.numbers and "sms" not in families:
        problems.append(Problem("channels", "list_needs_sms"))
    return Prepared(
        content, audience, members, plan, urgent.value, chosen.value, fire_at, valid_until, replaced[0], problems
    )


def forms_needed(families: Sequence[str], audience: Audience) -> frozenset[str]:
    """The forms that will be used: what only another form needs is not asked for."""
    forms = set()
    if audience.units and any(family != "sms" for family in families):
        forms.add(CHAT)
    if audience.units and "sms" in families:
        forms.add(SMS_LEADER)
    if audience.numbers:
        forms.add(SMS)
    return frozenset(forms) or frozenset({CHAT, SMS, SMS_LEADER})


def member_rows(audience: Audience) -> list[MemberRow]:
    """One row per way to a person, in the audience's fixed order."""
    return [
        MemberRow(member.unit_code, member.person_id, member.person_name, member.role, family, address_id, value)
        for member in audience.members
        for family, (address_id, value) in sorted(member.addresses.items())
    ]


def _plan(settings: DeskSettings, urgency: Urgency, families: Sequence[str]) -> Plan:
    steps = settings.steps.get(urgency.value) or settings.steps[DEFAULT_STEPS]
    return Plan(families=tuple(families), steps=chosen_steps(steps, families), close_after=settings.close_after)


def _choice(value: str, words: type[StrEnum], where: str, problems: list[Problem]) -> Any:
    """The word that was typed, or the first one with a problem."""
    if value in {one.value for one in words}:
        return words(value)
    problems.append(Problem(where, "not_a_choice", {"value": value, "known": ", ".join(one.value for one in words)}))
    return next(iter(words))


def _families(chosen: Sequence[str], routes: Routes, problems: list[Problem]) -> tuple[str, ...]:
    known = routes.families()
    kept = []
    for family in dict.fromkeys(chosen):
        if family in known:
            kept.append(family)
        else:
            problems.append(Problem("channels", "channel_off", {"channel": family, "known": ", ".join(known)}))
    if not chosen:
        problems.append(Problem("channels", "channels_empty", {"known": ", ".join(known)}))
    return tuple(kept)


def _replaced(tx: Tx, ref: str | None, problems: list[Problem]) -> tuple[int | None, str]:
    """(number, code) of the broadcast that this one replaces."""
    if ref is None:
        return None, ""
    row = broadcasts.one(tx, ref)
    if row is None:
        problems.append(Problem("supersedes", "no_such_broadcast", {"ref": ref}))
        return None, ""
    if row.superseded_by is not None:
        problems.append(Problem("supersedes", "already_superseded", {"code": row.code}))
    return row.no, row.code


def _fire_at(typed: str | None, now: float, problems: list[Problem]) -> float | None:
    if typed is None:
        return None
    try:
        when = datetime.fromisoformat(typed)
    except ValueError:
        problems.append(Problem("fire_at", "not_a_time", {"value": typed}))
        return None
    if when.tzinfo is None:
        problems.append(Problem("fire_at", "time_without_zone", {"value": typed}))
        return None
    if when.timestamp() <= now:
        problems.append(Problem("fire_at", "time_past", {"value": typed}))
    return when.timestamp()
