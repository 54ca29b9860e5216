"""What the accounts of all kinds have in common in `[[adapters.sms.accounts]]`."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from adapters.sms.carriers import CARRIERS
from adapters.sms.registered import compiled

Seconds = Annotated[float, Field(gt=0)]
Vnd = Annotated[float, Field(ge=0)]

CONNECT_SECONDS: Final = 5.0
"""TCP and TLS to an aggregator in the same country; past this nothing has left."""
ANSWER_SECONDS: Final = 10.0
"""An aggregator answers a send in well under a second; after this the outcome is unknown."""
MAX_PARTS: Final = 4
"""Aggregators take up to 612 plain or 266 accented characters: four parts."""
LOW_BALANCE_VND: Final = 500_000.0
"""About a thousand messages: an hour's notice for whoever has to pay in."""
TOKEN_CHARACTERS: Final = 16
"""Fewest of `hook_token`: 96 bits from an alphabet of 64."""


CONTRACT_PATTERN: Final = r"^$|^[a-z0-9][a-z0-9_-]*$"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountSettings(Section):
    """How the router may use an account."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    enabled: bool = True
    carriers: tuple[str, ...] = ()
    """Networks that this account reaches ("viettel", …); empty: all."""
    price: Vnd = 0
    """VND for one part."""
    weight: float = Field(default=0, ge=0)
    """Share of the traffic among the accounts that reach the same network; 0 for all of them: the cheapest takes it."""
    daily_budget: Vnd = 0
    """VND a day (of the office's clock); 0: no limit of ours. Rescue answers are sent beyond it."""
    templates: tuple[str, ...] = ()
    """Texts registered with it, where it takes no other: `{}` stands for any words, `{20}` for up to 20 characters."""

    @field_validator("templates")
    @classmethod
    def _templates(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        for template in templates:
            compiled(template)  # its ValueError names the template
        return templates

    @field_validator("carriers")
    @classmethod
    def _known(cls, carriers: tuple[str, ...]) -> tuple[str, ...]:
        for name in carriers:
            if name not in CARRIERS:
                raise ValueError(f"no network {name!r}; there are {', '.join(CARRIERS)}")
        return carriers


class HttpAccount(AccountSettings):
    """An aggregator's account over HTTP."""

    sender: str = ""
    """Brandname, as registered with the aggregator."""
    tps: float = Field(default=20, gt=0, le=1_000)
    """Requests a second, as the aggregator allows."""
    concurrency: int = Field(default=8, ge=2, le=64)
    """Requests without an answer at one time; one of them is kept for urgent messages."""
    max_parts: int = Field(default=MAX_PARTS, ge=1, le=10)
    connect_seconds: Seconds = CONNECT_SECONDS
    answer_seconds: Seconds = ANSWER_SECONDS
    low_balance: Vnd = LOW_BALANCE_VND
    """Below it the duty board warns."""
    hook_token: SecretStr = SecretStr("")
    """Secret part of the address that the aggregator calls; "": it cannot call us."""
    hook_ips: tuple[str, ...] = ()
    """Addresses or networks that may call, "203.0.113.0/24"; empty: whoever knows the token."""
    behind_proxy: bool = False
    """Our own proxy stands in front and adds the caller's address to X-Forwarded-For."""

    @field_validator("hook_token")
    @classmethod
    def _token(cls, token: SecretStr) -> SecretStr:
        if not re.fullmatch(rf"(?:[A-Za-z0-9_-]{{{TOKEN_CHARACTERS},}})?", token.get_secret_value()):
            raise ValueError(f"hook_token must have {TOKEN_CHARACTERS} or more of A-Z, a-z, 0-9, _ and -")
        return token

    @field_validator("hook_ips")
    @classmethod
    def _networks(cls, wanted: tuple[str, ...]) -> tuple[str, ...]:
        for each in wanted:
            ipaddress.ip_network(each, strict=False)  # its ValueError names the value
        return wanted

    @field_validator("sender")
    @classmethod
    def _sender(cls, sender: str) -> str:
        if not sender.isascii() or not sender.isprintable():
            raise ValueError("only unaccented characters")
        return sender


def http_root(url: str) -> str:
    """For validators of addresses: without the slash at the end. Raises ValueError for anything but http(s)."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return url.rstrip("/")
