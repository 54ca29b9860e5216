"""What an update changes against the broadcast that it replaces, for the pages on which it is written and approved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broadcasts.model import BroadcastState
from broadcasts.shown import BroadcastView
from text.differences import Difference, changed_blanks, differences
from web.services import Services

LOOKED_THROUGH: Final = 60
"""Newest broadcasts among which the last approved one of a template is looked for."""
FORMS: Final = ("chat", "sms_leader", "sms")


def differing(old: BroadcastView, texts: Mapping[str, str]) -> dict[str, list[Difference]]:
    """Form → the new text with what it changes, for the first form that both have: the others say the same."""
    for form in FORMS:
        if form in texts and form in old.texts:
            return {form: differences(old.texts[form], texts[form])}
    return {}


async def replaced_by(services: Services, code: str | None) -> BroadcastView | None:
    """The broadcast that a draft replaces; None for none, or one that is not there (the form says so)."""
    if not code:
        return None
    known = await services.desk.find(code)
    return known


async def last_approved(services: Services, view: BroadcastView) -> BroadcastView | None:
    """For who approves: the newest approved broadcast of the same template and mode; None where there is none."""
    if view.template is None or view.state != BroadcastState.PENDING_APPROVAL:
        return None
    for older in await services.desk.list(None, LOOKED_THROUGH):
        if older.id < view.id and older.approved_at and (older.template, older.mode) == (view.template, view.mode):
            return older
    return None


def blanks_before(old: BroadcastView | None, template: str | None, blanks: Mapping[str, str]) -> dict[str, str]:
    """Changed fields with what stood there before; nothing where the old broadcast had another template."""
    if old is None or not template or old.template != template:
        return {}
    return changed_blanks(old.blanks, blanks)
