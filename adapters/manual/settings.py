"""`[adapters.manual]` of config.toml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from adapters.manual import limits


class ManualSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False
    place: str = ""
    """Where the text is to be posted when a recipient names no place: the group's name or link."""
    ring_after: float = Field(default=limits.RING_SECONDS, gt=0)
    """Seconds after which the duty board rings for an urgent text that nobody has posted."""
    text_limit: int = Field(default=limits.TEXT_LIMIT, ge=1)
    """Characters that the place of posting takes in one message."""
