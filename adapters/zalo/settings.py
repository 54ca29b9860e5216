"""`[adapters.zalo.*]` of config.toml.

`oa_group`, `oa_user` and `zns` are three routes of one Official Account: its credentials may stand in any of their
sections or, once, in `[adapters.zalo.oa]`. Missing credentials are not an error here: the channel says so in its probe.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from adapters.zalo import limits


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OaAccount(_Section):
    """One Official Account and the app that speaks for it."""

    base_url: str = limits.OPENAPI_HOST
    oauth_url: str = limits.OAUTH_HOST
    app_id: str = ""
    app_secret: SecretStr = SecretStr("")
    oa_id: str = ""
    oa_secret_key: SecretStr = SecretStr("")
    """The key shown on the app's webhook page; it signs events and is not the app secret."""
    refresh_token: SecretStr = SecretStr("")
    """First refresh token, from the console's API Explorer or `loa zalo authorise`; later ones live in the ledger."""
    rate: int = Field(default=limits.OA_REQUESTS_A_MINUTE, ge=1)
    """Requests a minute until the provider's own header says otherwise."""
    answer_seconds: float = Field(default=limits.ANSWER_SECONDS, gt=0)
    """A call without an answer for so long is given up; a send is then unknown."""
    forged_status: Literal[200, 401] = 200
    """What a forged webhook hears. 200 during bring-up (Zalo drops what it cannot deliver), 401 once live."""


class OaGroupSettings(OaAccount):
    enabled: bool = False
    group_id: str = ""
    """Used when a recipient names no group of its own."""
    group_link: str = ""
    """`https://zalo.me/g/…`; only to find the group id of a new set-up."""
    catch_up_seconds: float = Field(default=limits.CATCH_UP_SECONDS, ge=0)
    """How often the group's history is read for messages that the webhook missed; 0 never."""


class OaUserSettings(OaAccount):
    enabled: bool = False


PLACEHOLDERS = ("text", "title", "code")
"""What a parameter of a ZNS template may be filled with, written `{title}`."""


class ZnsTemplate(_Section):
    """One approved template and which messages it serves."""

    id: str = Field(min_length=1)
    kinds: tuple[str, ...] = ()
    """alert, directive, notice, update, cancel; empty: all."""
    urgencies: tuple[str, ...] = ()
    """thuong, khan, thuong-khan, hoa-toc; empty: all."""
    params: dict[str, str] = Field(default_factory=dict)
    """Parameter → its value, with {text}, {title} and {code} of the message."""
    limits: dict[str, int] = Field(default_factory=dict)
    """Parameter → the most characters that Zalo approved for it."""
    night: bool = True
    """May go from 22:00 to 06:00."""

    @field_validator("params")
    @classmethod
    def _known_placeholders(cls, value: dict[str, str]) -> dict[str, str]:
        for name, pattern in value.items():
            try:
                pattern.format_map(dict.fromkeys(PLACEHOLDERS, ""))
            except (KeyError, ValueError, IndexError, AttributeError):
                raise ValueError(f"{name}: only {', '.join('{' + p + '}' for p in PLACEHOLDERS)} are known") from None
        return value


class ZnsSettings(OaAccount):
    enabled: bool = False
    zns_url: str = limits.BUSINESS_HOST
    template_id: str = ""
    text_param: str = "noi_dung"
    """Name of the template's parameter that takes the text."""
    text_param_limit: int = Field(default=200, ge=1, le=limits.TEXT_LIMIT)
    """Characters that the template allows for it."""
    fixed_params: dict[str, str] = Field(default_factory=dict)
    """Other parameters of the template, the same in every message."""
    templates: tuple[ZnsTemplate, ...] = ()
    """Looked through in this order; `template_id` serves what none of them does."""


class BotSettings(_Section):
    enabled: bool = False
    base_url: str = limits.BOT_HOST
    token: SecretStr = SecretStr("")
    display_name: str = ""
    """The bot's name as people mention it ("Bot PCTT"), stripped from what they write."""
    group_id: str = ""
    """`zgr-…`, used when a recipient names no chat of its own; learned from the first mention in the group."""
    updates: Literal["poll", "webhook"] = "poll"
    webhook_url: str = ""
    """Public https address of `/hooks/zalo.bot`, registered at start in webhook mode."""
    webhook_secret: SecretStr = SecretStr("")
    """8 to 256 characters, echoed by Zalo in `X-Bot-Api-Secret-Token`."""
    rate: int = Field(default=limits.BOT_REQUESTS_A_MINUTE, ge=1)
    answer_seconds: float = Field(default=limits.ANSWER_SECONDS, gt=0)
    poll_seconds: int = Field(default=limits.BOT_POLL_SECONDS, ge=1)
    monthly_limit: int = Field(default=limits.BOT_MONTHLY_MESSAGES, ge=0)
    reserve: int = Field(default=limits.BOT_DIRECTIVE_RESERVE, ge=0)
    """Messages of the month that only urgent directives and rescue answers may use."""


class ZaloSettings(_Section):
    """The whole of `[adapters.zalo]`."""

    oa: OaAccount = OaAccount()
    oa_group: OaGroupSettings = OaGroupSettings()
    oa_user: OaUserSettings = OaUserSettings()
    zns: ZnsSettings = ZnsSettings()
    bot: BotSettings = BotSettings()

    def account(self) -> OaAccount:
        """The office's one Official Account, gathered from whichever sections name it.

        Raises ValueError when two enabled sections disagree, since one webhook and one token pair serve them all.
        """
        sections = [self.oa, *(s for s in (self.oa_group, self.oa_user, self.zns) if s.enabled)]
        gathered: dict[str, Any] = {}
        for section in sections:
            for key in OaAccount.model_fields:
                if key not in section.model_fields_set:
                    continue
                value = getattr(section, key)
                if gathered.setdefault(key, value) != value:
                    raise ValueError(f"adapters.zalo: two sections give a different {key}; name one Official Account")
        return OaAccount(**gathered)


def missing(account: OaAccount) -> list[str]:
    """Names of the credentials without which the OA API cannot be called."""
    secrets = {"app_secret": account.app_secret.get_secret_value()}
    return [key for key, value in {"app_id": account.app_id, **secrets, "oa_id": account.oa_id}.items() if not value]
