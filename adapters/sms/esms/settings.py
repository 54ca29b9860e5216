"""`[[adapters.sms.accounts]]` with `kind = "esms"`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from adapters.sms.accounts import CONTRACT_PATTERN, HttpAccount, Seconds, http_root
from adapters.sms.esms import limits


class EsmsAccount(HttpAccount):
    """Only `name`, `api_key` and `secret_key` have no useful default."""

    kind: Literal["esms"] = "esms"
    base_url: str = limits.BASE_URL
    """Folder of the calls, without the slash at the end."""
    api_key: SecretStr
    secret_key: SecretStr
    sms_type: Literal["2", "8"] = "2"
    """"2": care messages under the brandname; "8": a fixed number, without one."""
    sandbox: bool = False
    """eSMS checks and answers, and delivers nothing."""
    contract: str = Field(default="", pattern=CONTRACT_PATTERN)
    """Accounts that name the same contract share its `tps`, which all of them state."""
    public_url: str = ""
    """Where eSMS reaches this service, "https://loa.example.vn"; with `hook_token` each message names its callback."""
    mo_private_key: SecretStr = SecretStr("")
    """Signs people's messages to the short code; "": none are taken."""
    mo_reply: str = ""
    """Text that eSMS sends back at once for each message of a person, beside our answer; "" for none."""
    status_after: Seconds = limits.STATUS_FIRST_SECONDS
    """When a message without a callback is asked about."""

    @field_validator("base_url", "public_url")
    @classmethod
    def _root(cls, url: str) -> str:
        return http_root(url) if url else url

    @model_validator(mode="after")
    def _sender_by_type(self) -> EsmsAccount:
        if self.sms_type == "2" and len(self.sender) > limits.BRANDNAME_CHARACTERS:
            raise ValueError(f"sender has at most {limits.BRANDNAME_CHARACTERS} characters")
        return self

    @property
    def receipt_hook(self) -> str:
        """Name of the hook for delivery reports, "" if there is none."""
        return self._hook("dlr")

    @property
    def mo_hook(self) -> str:
        return self._hook("mo") if self.mo_private_key.get_secret_value() else ""

    @property
    def callback_url(self) -> str:
        hook = self.receipt_hook
        return f"{self.public_url}/hooks/{hook}" if hook and self.public_url else ""

    def _hook(self, what: str) -> str:
        token = self.hook_token.get_secret_value()
        return f"sms.{self.name}.{what}.{token}" if token else ""
