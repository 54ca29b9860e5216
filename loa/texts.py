"""What the settings say of the office, in the shapes that texts and answers need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bot.answers import Office
from broadcasts.cap_mapping import CapOffice
from broadcasts.content import OfficeFacts
from broadcasts.drafting import DeskSettings
from broadcasts.marks import load_marks
from broadcasts.steps import Step
from loa.settings import Settings


def office_facts(settings: Settings) -> OfficeFacts:
    office = settings.office
    return OfficeFacts(office.sender, office.hotline, office.short_code, office.portal)


def cap_office(settings: Settings) -> CapOffice:
    office = settings.office
    return CapOffice(settings.cap.unique(office.portal), office.name, office.hotline)


def bot_office(settings: Settings) -> Office:
    office = settings.office
    return Office(office.hotline, office.portal, office.dvc_portal)


def ack_label() -> str:
    """What the confirm button says."""
    return load_marks().ack_label


def escalation_chains(settings: Settings) -> dict[str, Sequence[Step]]:
    """Urgency → steps, as `[escalation]` says."""
    return {name: one.chain() for name, one in settings.escalation.items()}


def desk_settings(
    settings: Settings, link_base: Callable[[], str], chains: Mapping[str, Sequence[Step]] | None = None
) -> DeskSettings:
    """`link_base` gives the public address of this service, "" for none. `chains`: those that the office may change,
    by default `escalation_chains`."""
    return DeskSettings(
        office=office_facts(settings),
        steps=escalation_chains(settings) if chains is None else chains,
        give_up_after=settings.limits.give_up_after,
        close_after=settings.limits.close_after,
        sms_parts_limit=settings.limits.sms_parts,
        code_prefix=settings.office.code_prefix,
        link_base=link_base,
    )
