"""What can be wrong, one finding each; its sentence and what to do are `watch.<kind>.says` and `.mend` in `locale/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from text.dates import moment


class Weight(StrEnum):
    NOTE = "note"
    """Stands on the page of the watch."""
    TELL = "tell"
    """Goes to the people in `[watch] alarm_to`; something else rings for it on the duty board."""
    RING = "ring"
    """Both, and rings on the duty board."""


@dataclass(frozen=True, slots=True)
class Finding:
    kind: str
    subject: str
    params: dict[str, Any] = field(default_factory=dict)
    weight: Weight = Weight.RING
    href: str = ""
    """The page that shows more."""

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.subject


def spoken(params: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a finding as its sentence shows them: times as people read them; `since` 0 or None: never."""
    return {
        name: (moment(float(value)) if value else "…") if name == "since" else value for name, value in params.items()
    }


KINDS = (
    "idle", "unknown", "no_way", "path_old", "not_started", "channel_down", "approval_waiting", "disk_low",
    "backup_old", "backup_unset", "link_failed", "link_unset", "heartbeat_failed", "heartbeat_held", "unread",
    "step_late", "lanes_away",
)  # fmt: skip
"""Every kind there is, for the wording's test."""
