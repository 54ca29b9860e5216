"""`[[adapters.sms.accounts]]` with `kind = "speedsms"`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from adapters.sms.accounts import HttpAccount, Seconds, http_root
from adapters.sms.speedsms import limits


class SpeedSmsAccount(HttpAccount):
    """Only `name` and `access_token` have no useful default."""

    kind: Literal["speedsms"] = "speedsms"
    base_url: str = limits.BASE_URL
    access_token: SecretStr
    sms_type: Literal[2, 3, 4, 5, 6, 7, 8] = 2
    """2 any long number · 3 own brandname · 4 shared brandname · 5 an Android gateway (its id as `sender`) · 6 fixed,
    7 own, 8 two-way number."""
    tps: float = Field(default=limits.REQUESTS / limits.WINDOW_SECONDS, gt=0, le=1_000)
    """Requests a second over a minute; each carries up to 100 numbers."""
    concurrency: int = Field(default=limits.CONCURRENCY, ge=2, le=64)
    status_after: Seconds = limits.STATUS_FIRST_SECONDS
    """When reports that did not come are asked for."""

    @field_validator("base_url")
    @classmethod
    def _root(cls, url: str) -> str:
        return http_root(url)

    @model_validator(mode="after")
    def _sender_by_type(self) -> SpeedSmsAccount:
        if self.sms_type in (3, 5) and not self.sender:
            raise ValueError(f"sms_type = {self.sms_type} needs a sender")
        return self

    @property
    def hook(self) -> str:
        """Name of the hook for reports and people's messages, "" if there is none."""
        token = self.hook_token.get_secret_value()
        return f"sms.{self.name}.{token}" if token else ""
