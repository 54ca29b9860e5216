"""From what an officer typed to what would leave: texts, audience, plan, and everything that stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from broadcasts.attachments import look_up, with_links
from broadcasts.campaigns import is_campaign
from broadcasts.content import CHAT, SMS, SMS_LEADER, Content, OfficeFacts, Setting, Source, render
from broadcasts.document_facts import clean_number, document_problems
from broadcasts.model import Draft, Kind, Mode, Notice, Problem, Urgency
from broadcasts.own_steps import reach_problems, read_steps
from broadcasts.repeats import said_lately, unlike, unmarked_of
from broadcasts.routes import Routes
from broadcasts.seal import SealedNumbers, audience_seal, seal
from broadcasts.steps import Plan, Step, chosen_steps, roles_of
from broadcasts.supersession import left_out, replaced
from broadcasts.templates import TemplateSet
from broadcasts.typed_fields import choice, families_of, fire_at_of
from broadcasts.ways import foreseen_gaps
from directory.audience import Audience, resolve
from directory.expression import parse_audience
from directory.number_lists import FrozenNumbers
from directory.people import all_contacts
from directory.units import UnitCatalogue
from store import number_lists
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
    give_up_after: float
    close_after: float
    sms_parts_limit: int
    code_prefix: str = "TB"
    link_base: Callable[[], str] = lambda: ""
    """Public address of this service, under which files are reached; "" for none."""


@dataclass(slots=True)
class Prepared:
    """A draft that was looked at from all sides."""

    content: Content
    audience: Audience
    members: list[MemberRow]
    """Everybody whom some step may write to."""
    gaps: list[dict[str, str]]
    plan: Plan
    urgency: str
    kind: str
    fire_at: float | None
    valid_until: float
    supersedes: int | None
    problems: list[Problem]
    attachments: list[dict[str, Any]] = field(default_factory=list)
    """As they are frozen (`broadcasts.attachments`)."""
    accented: bool = False
    other_forms: dict[str, str] = field(default_factory=dict)
    """The SMS forms with accents where these have none, and the other way round: for the comparison of prices."""
    unmarked: dict[str, str] = field(default_factory=dict)
    """The forms without the mark of a repetition, which depends on what went out lately."""
    from_template: bool = False
    campaign: bool = False
    """Whoever has said no to campaigns is left out of the lists."""
    notices: list[Notice] = field(default_factory=list)

    def frozen(self) -> dict[str, Any]:
        """What was counted, for the record and for the screens."""
        audience = self.audience
        bare = sorted(set(audience.units) - {member.unit_code for member in self.members})
        return {
            "units": len(audience.units),
            "people": len({member.person_id for member in audience.members}),
            "numbers": audience.number_count.size,
            "opted_out": audience.number_count.opted_out,
            "duplicates": audience.number_count.duplicates,
            "campaign": self.campaign,
            "gaps": self.gaps,
            "bare_units": bare,
        }

    def hash(self, draft: Draft, numbers: FrozenNumbers | None) -> str:
        """What an approver approves: texts, audience, way and terms (`broadcasts.seal`)."""
        row = {
            "mode": draft.mode,
            "kind": self.kind,
            "urgency": self.urgency,
            "valid_until": self.valid_until,
            "fire_at": self.fire_at,
            "duplicate_ok": draft.duplicate_ok,
            "supersedes": self.supersedes,
        }
        listed = SealedNumbers(numbers.size, numbers.digest) if numbers else None
        whom = audience_seal(self.members, self.frozen()["bare_units"], listed)
        return seal(row, self.content.forms, draft.model_dump(), self.attachments, self.plan, whom)

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
    mode = choice(draft.mode, Mode, "mode", problems)
    template = templates.find(draft.template) if draft.template else None
    urgency = draft.urgency if draft.urgency is not None else (template.urgency if template else Urgency.KHAN)
    kind = draft.kind if draft.kind is not None else (template.kind if template else Kind.ALERT)
    urgent = choice(urgency, Urgency, "urgency", problems)
    chosen = choice(kind, Kind, "kind", problems)
    families = families_of(draft.channels, routes, problems)
    plan = _plan(settings, draft, urgent, families, problems)
    addresses = routes.addresses(families)
    campaign = is_campaign(tx, chosen, urgent, draft.supersedes)
    audience = resolve(
        tx, catalogue, parse_audience(draft.audience), addresses, file_list=_uploaded(tx), without_opted_out=campaign
    )
    problems += [Problem("audience", problem.key, dict(problem.params)) for problem in audience.problems]
    old = replaced(tx, draft.supersedes, code, problems, taking_back=chosen is Kind.CANCEL)
    if old is not None and old.mode != mode.value:
        problems.append(Problem("mode", "supersede_mode", {"code": old.code}))
    problems += document_problems(draft, chosen, urgent, mode)
    if old is not None and not audience.problems:
        left_out(tx, old, audience.units, lambda one: _name_of(catalogue, one), problems)
    setting = Setting(
        office=settings.office,
        code=code,
        mode=mode,
        urgency=urgent,
        accented=draft.accented,
        replaces=old.code if old else "",
        forms=forms_needed(families, audience, routes),
        sms_parts_limit=settings.sms_parts_limit,
        known_unit=lambda name: any(unit.name == name or unit.short_name == name for unit in catalogue.all),
        document_number=clean_number(draft.document_number),
        signer=draft.signer.strip(),
    )
    files = look_up(tx, draft, settings.link_base(), problems)
    said = said_lately(tx, code, now)
    notices: list[Notice] = []

    def written(how: Setting, notices: list[Notice], problems: list[Problem]) -> Content:
        plain = render(Source(draft.text, draft.template, draft.blanks, draft.title), how, templates)
        plain = with_links(plain, files, families, audience, routes, how, problems)
        return unlike(plain, said, how, notices, problems)

    content = written(setting, notices, problems)
    unmarked = content.forms | unmarked_of(content, setting)
    other = written(replace(setting, accented=not draft.accented), [], [])
    problems += content.problems
    fire_at = fire_at_of(draft.fire_at, now, problems)
    valid_until = (fire_at or now) + draft.valid_for_seconds
    if not 0 < draft.valid_for_seconds <= VALID_MAX_SECONDS:
        problems.append(Problem("valid_for_seconds", "validity", {"limit": int(VALID_MAX_SECONDS // 3600)}))
    plan = plan.addressed_to(dict.fromkeys(one.stands_for or one.role for one in audience.members))
    members = member_rows(tx, audience, plan, addresses)
    if draft.escalation is not None and not problems:
        problems += reach_problems(plan, members)
    people = {one.person_id for one in audience.members}
    addressed = [member for member in members if member.person_id in people]
    if audience.number_count.size and not any(routes.is_sms(family) for family in families):
        problems.append(Problem("channels", "list_needs_sms"))
    return Prepared(
        content=content,
        audience=audience,
        members=members,
        gaps=_gaps(audience, catalogue, routes) + foreseen_gaps(addressed, families, routes, catalogue),
        plan=plan,
        urgency=urgent.value,
        kind=chosen.value,
        fire_at=fire_at,
        valid_until=valid_until,
        supersedes=old.no if old else None,
        problems=problems,
        attachments=files,
        accented=draft.accented,
        other_forms=other.forms,
        unmarked=unmarked,
        from_template=draft.template is not None,
        campaign=campaign,
        notices=notices,
    )


def forms_needed(families: Sequence[str], audience: Audience, routes: Routes) -> frozenset[str]:
    """The forms that will be used: what only another form needs is not asked for."""
    forms = set()
    if audience.members and not all(routes.is_sms(family) for family in families):
        forms.add(CHAT)
    if audience.members and any(routes.is_sms(family) for family in families):
        forms.add(SMS_LEADER)
    if audience.number_count.size:
        forms.add(SMS)
    return frozenset(forms) or frozenset({CHAT, SMS, SMS_LEADER})


def member_rows(tx: Tx, audience: Audience, plan: Plan, families: Sequence[str]) -> list[MemberRow]:
    """One row per way to a person: first the addressed ones in the audience's fixed order, then, unit by unit, the
    others whom a later step may write to. Whoever stands in for the chairman is asked as the chairman."""
    rows = [
        MemberRow(one.unit_code, one.person_id, one.person_name, one.stands_for or one.role, family, way.id, way.value)
        for one in audience.members
        for family, way in sorted(one.addresses.items())
    ]
    known = {(row.person_id, row.channel) for row in rows}
    addressed = {one.stands_for or one.role for one in audience.members}
    later = [role for role in roles_of(plan.steps) if role not in addressed]
    contacts = all_contacts(tx) if later else {}
    for code in audience.units if later else ():
        for contact in contacts.get(code, []):
            if contact.person.role not in later:
                continue
            for family in families:
                way = contact.best(family)
                if way is not None and (contact.person.id, family) not in known:
                    person = contact.person
                    rows.append(MemberRow(code, person.id, person.name, person.role, family, way.id, way.value))
    return rows


def _gaps(audience: Audience, catalogue: UnitCatalogue, routes: Routes) -> list[dict[str, str]]:
    """Units without any way, and units without a telephone number: what an officer can still mend by hand."""
    found = []
    for gap in audience.gaps:
        if gap.family and not routes.is_sms(gap.family):
            continue
        name = _name_of(catalogue, gap.unit_code)
        found.append({"code": gap.unit_code, "name": name, "why": gap.key, "family": gap.family})
    return found


def _name_of(catalogue: UnitCatalogue, code: str) -> str:
    unit = catalogue.by_code(code)
    return unit.name if unit else code


def _uploaded(tx: Tx) -> Callable[[str], int | None]:
    """`file:` names the list that an upload became, by its number."""

    def find(name: str) -> int | None:
        row = number_lists.by_id(tx, int(name)) if name.isdigit() else None
        return row.id if row is not None and not row.name else None

    return find


def _plan(
    settings: DeskSettings, draft: Draft, urgency: Urgency, families: Sequence[str], problems: list[Problem]
) -> Plan:
    steps = settings.steps.get(urgency.value) or settings.steps[DEFAULT_STEPS]
    if draft.escalation is not None:
        steps, wrong = read_steps(draft.escalation, families)
        problems += wrong
    return Plan(
        families=tuple(families),
        steps=chosen_steps(steps, families),
        give_up_after=settings.give_up_after,
        close_after=settings.close_after,
    )
