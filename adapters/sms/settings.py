"""`[[adapters.sms.accounts]]` of config.toml: one table per contract with a carrier or an aggregator."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, SecretStr, Tag, field_validator, model_validator

from adapters.contract import PARTS_MOST, RejectClass
from adapters.sms.accounts import CONTRACT_PATTERN, AccountSettings, Seconds, Section
from adapters.sms.esms.settings import EsmsAccount
from adapters.sms.smpp import limits
from adapters.sms.smpp.codes import VENDOR
from adapters.sms.speedsms.settings import SpeedSmsAccount

Ton = Annotated[int, Field(ge=0, le=6)]
"""Type of number (SMPP 3.4 5.2.5)."""
Npi = Annotated[int, Field(ge=0, le=18)]
"""Numbering plan (SMPP 3.4 5.2.6)."""


class SmppTimers(Section):
    """Seconds. The defaults suit every carrier that says nothing else."""

    connect: Seconds = limits.CONNECT_SECONDS
    bind: Seconds = limits.BIND_SECONDS
    enquire_link: Seconds = limits.ENQUIRE_SECONDS
    enquire_link_answer: Seconds = limits.ENQUIRE_ANSWER_SECONDS
    response: Seconds = limits.RESPONSE_SECONDS
    partial_pdu: Seconds = limits.PARTIAL_PDU_SECONDS
    unbind: Seconds = limits.UNBIND_SECONDS
    drain: Seconds = limits.DRAIN_SECONDS
    backoff_min: Seconds = limits.BACKOFF_MIN_SECONDS
    backoff_max: Seconds = limits.BACKOFF_MAX_SECONDS
    stable: Seconds = limits.STABLE_SECONDS
    already_bound: Seconds = limits.ALREADY_BOUND_SECONDS
    bind_grace: Seconds = limits.BIND_GRACE_SECONDS
    mo_parts: Seconds = limits.MO_PARTS_SECONDS


class SmppAccount(AccountSettings):
    """One SMPP account. Only `name`, `host`, `system_id` and `password` have no useful default."""

    kind: Literal["smpp"] = "smpp"
    host: str
    port: int = Field(default=2775, ge=1, le=65_535)
    """2775 is IANA's port for SMPP; with TLS carriers mostly use 3550."""
    system_id: str = Field(max_length=limits.SYSTEM_ID_CHARACTERS)
    password: SecretStr
    system_type: str = ""
    bind: Literal["trx", "tx+rx"] = "trx"
    address_range: str = ""
    window: int = Field(default=limits.WINDOW, ge=1, le=10_000)
    """submit_sm without an answer, as the carrier allows."""
    tps: float = Field(default=0, ge=0)
    """submit_sm a second, as the carrier allows; 0: as fast as it answers."""
    contract: str = Field(default="", pattern=CONTRACT_PATTERN)
    """Accounts that name the same contract share its `tps`, which all of them state."""

    sender: str = ""
    """Brandname (up to 11 characters) or short code."""
    sender_ton: Ton | None = None
    """None: 5 for letters, 3 for a short code, 1 for a full number."""
    sender_npi: Npi | None = None
    dest_ton: Ton = 1
    dest_npi: Npi = 1
    service_type: str = Field(default="", max_length=5)
    honours_priority: bool = False
    """The carrier reads priority_flag: rescue answers then carry 3, urgent ones 2."""

    split: Literal["udh", "sar", "payload"] = "udh"
    udh_ref: Literal[8, 16] = 8
    """Bits of the reference number in a user data header; 8 is understood everywhere, 16 costs a character a part."""
    max_parts: int = Field(default=limits.MAX_PARTS, ge=1, le=PARTS_MOST)
    alphabet: Literal["gsm", "ascii", "latin1", "ucs2"] = "gsm"
    """How unaccented text travels: data_coding 0 (GSM 03.38), 1, 3, or everything as 8 (UCS-2)."""

    registered_delivery: Literal[0, 1, 2, 3] = 1
    """1 asks for a receipt at success and failure."""
    dlr_ids: Literal["auto", "same", "resp_hex", "resp_dec"] = "auto"
    """Ids of submit_sm_resp against those of receipts; "auto" learns the carrier's habit."""
    vendor_codes: dict[str, RejectClass] = Field(default_factory=dict)
    """Classes of the carrier's own statuses: `{"0x450" = "recipient"}`."""

    tls: bool = False
    tls_ca: str = ""
    """File of the certificate authority, "" for the system's."""
    tls_cert: str = ""
    """Our own certificate and key in one file, where the carrier asks for one."""
    tls_server_name: str = ""
    """Name in the carrier's certificate where it differs from `host`."""
    timers: SmppTimers = SmppTimers()

    @field_validator("sender")
    @classmethod
    def _sender(cls, sender: str) -> str:
        if not sender.isascii() or "\0" in sender:
            raise ValueError("only unaccented characters")
        limit = limits.ADDRESS_CHARACTERS if sender.isdigit() else limits.ALPHANUMERIC_SENDER_CHARACTERS
        if len(sender) > limit:
            raise ValueError(f"at most {limit} characters")
        return sender

    @field_validator("system_id", "system_type", "address_range", "service_type")
    @classmethod
    def _ascii(cls, value: str) -> str:
        if not value.isascii() or "\0" in value:
            raise ValueError("only unaccented characters")
        return value

    @field_validator("vendor_codes")
    @classmethod
    def _vendor(cls, codes: dict[str, RejectClass]) -> dict[str, RejectClass]:
        for key in codes:
            if not re.fullmatch(r"0x[0-9A-Fa-f]{1,8}", key):
                raise ValueError(f"{key!r} is not a status such as 0x450")
            if int(key, 16) not in VENDOR:
                raise ValueError(f"{key} is not a vendor status (0x400 to 0x4FF)")
        return codes

    @model_validator(mode="after")
    def _timers_agree(self) -> SmppAccount:
        if self.timers.backoff_max < self.timers.backoff_min:
            raise ValueError("timers.backoff_max is below timers.backoff_min")
        return self

    def sender_numbering(self) -> tuple[int, int]:
        """(ton, npi) of the sender (3GPP TS 23.040 9.1.2.5; carriers may say otherwise)."""
        if not self.sender.isdigit():
            ton, npi = (5, 0) if self.sender else (0, 0)
        else:
            ton, npi = (1, 1) if len(self.sender) > 8 else (3, 0)
        return (
            self.sender_ton if self.sender_ton is not None else ton,
            self.sender_npi if self.sender_npi is not None else npi,
        )


KINDS: Final = ("smpp", "esms", "speedsms")


def _kind(account: Any) -> str:
    """A table without `kind` is SMPP's."""
    return str(account.get("kind", "smpp") if isinstance(account, dict) else getattr(account, "kind", ""))


SmsAccount = Annotated[
    Annotated[SmppAccount, Tag("smpp")]
    | Annotated[EsmsAccount, Tag("esms")]
    | Annotated[SpeedSmsAccount, Tag("speedsms")],
    Discriminator(_kind, custom_error_type="kind", custom_error_message=f"kind must be one of {', '.join(KINDS)}"),
]


class SmsSettings(Section):
    """The whole of `[adapters.sms]`."""

    accounts: tuple[SmsAccount, ...] = ()

    @field_validator("accounts")
    @classmethod
    def _names(cls, accounts: tuple[SmsAccount, ...]) -> tuple[SmsAccount, ...]:
        names = [account.name for account in accounts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two accounts are called {', '.join(twice)}")
        return accounts

    @field_validator("accounts")
    @classmethod
    def _contracts(cls, accounts: tuple[SmsAccount, ...]) -> tuple[SmsAccount, ...]:
        rates: dict[str, float] = {}
        for account in accounts:
            contract = contract_of(account)
            if contract and (not account.tps or rates.setdefault(contract, account.tps) != account.tps):
                raise ValueError(f"the accounts of contract {contract!r} must state the same tps, above 0")
        return accounts


def contract_of(account: SmsAccount) -> str:
    """The contract whose rate an account shares, "" where it has its own."""
    return "" if isinstance(account, SpeedSmsAccount) else account.contract
