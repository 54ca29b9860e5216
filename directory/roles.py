"""The posts that people of a unit hold, and the order in which we turn to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ContactRole(StrEnum):
    CHAIRMAN = "chairman"
    DEPUTY = "deputy"
    SECRETARY = "secretary"
    DUTY = "duty"
    MEMBER = "member"  # of the provincial command, or anyone else of the unit


CONTACT_ORDER: Final = (ContactRole.CHAIRMAN, ContactRole.DEPUTY, ContactRole.SECRETARY, ContactRole.DUTY)
"""Who answers for a unit: chairman first, the duty phone last."""
SINGLE: Final = frozenset({ContactRole.CHAIRMAN, ContactRole.SECRETARY})
"""A unit has one of each: a new name is a successor."""

_RANK: Final = {role.value: place for place, role in enumerate([*CONTACT_ORDER, ContactRole.MEMBER])}


def rank(role: str) -> int:
    """Place of a role in every list of people; unknown ones last."""
    return _RANK.get(role, len(_RANK))
