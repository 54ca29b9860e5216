"""The `[adapters.telegram]` section of `config.toml`."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from adapters.telegram import limits

Mode = Literal["poll", "webhook"]
Formatting = Literal["plain", "title", "html"]


class TelegramSettings(BaseModel):
    """Off unless switched on. Without a token the channel starts, refuses every message and says why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False
    base_url: str = limits.BASE_URL
    """Root of a Bot API server, without `/bot<token>`."""
    token: SecretStr = SecretStr("")
    """From @BotFather."""
    proxy: SecretStr = SecretStr("")
    """`http://[user:password@]host:port`, "" for none."""
    mode: Mode = "poll"
    """`poll` needs no public address; `webhook` needs one with HTTPS."""
    webhook_url: str = ""
    """Public address of our hook; "" when the operator registers it with setWebhook himself."""
    webhook_secret: SecretStr = SecretStr("")
    group_chat_id: str = ""
    """The duty group: `-100…`, with `:<topic>` after it for one topic of a forum."""
    formatting: Formatting = "title"
    """`title` sets the first line in bold, `html` hands the text over as Bot API HTML, `plain` sends it as it is."""
    per_chat_per_second: float = Field(default=limits.PER_CHAT_PER_SECOND, gt=0)
    per_group_per_minute: float = Field(default=limits.PER_GROUP_PER_MINUTE, gt=0)
    per_second: float = Field(default=limits.PER_SECOND, gt=0)
    edit_seconds: float = Field(default=limits.EDIT_SECONDS, gt=0)
    """Between two edits of the pinned roll-call."""
    poll_seconds: int = Field(default=limits.POLL_SECONDS, ge=0, le=50)
    connect_seconds: float = Field(default=limits.CONNECT_SECONDS, gt=0)
    answer_seconds: float = Field(default=limits.ANSWER_SECONDS, gt=0)

    @field_validator("base_url")
    @classmethod
    def _root_only(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("base_url must begin with http:// or https://")
        return value.rstrip("/")

    @field_validator("group_chat_id")
    @classmethod
    def _group(cls, value: str) -> str:
        if value and not re.fullmatch(r"-\d+(:\d+)?|@\w+", value):
            raise ValueError("group_chat_id must be a negative chat id, such as -1001234567890")
        return value

    @model_validator(mode="after")
    def _webhook_needs_secret(self) -> Self:
        secret = self.webhook_secret.get_secret_value()
        if self.mode == "webhook" and not re.match(limits.WEBHOOK_SECRET_PATTERN, secret):
            raise ValueError("mode = 'webhook' needs webhook_secret: 1 to 256 of A-Z, a-z, 0-9, _ and -")
        return self
