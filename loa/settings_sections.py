"""The sections of `config.toml`. Every one is a strict model: a key that is not known, or a value of the wrong kind, is
refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    model_validator,
)

from adapters.manual.settings import ManualSettings
from adapters.sms.settings import SmsSettings
from adapters.telegram.settings import TelegramSettings
from adapters.zalo.settings import ZaloSettings
from broadcasts.approval_rules import ANY_APPROVER, ApprovalRules, WhoApproves
from broadcasts.carrier_orders.office import ACKNOWLEDGE_WITHIN_SECONDS
from broadcasts.model import DraftStep, Role
from broadcasts.own_steps import read_steps
from broadcasts.roster_gaps import WARN_AHEAD_SECONDS
from broadcasts.steps import Step
from directory.enrolment import Confirm
from directory.enrolment_codes import VALID_SECONDS
from loa.logs import Form, Level
from loa.settings_error import SettingsError
from store.opening import POSTGRESQL, SQLITE
from store.sqlite import FILES

ROOT = Path(__file__).resolve().parent.parent
VAR = "var"
"""What Loa writes, where no setting says otherwise."""
SIZE_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds(value: Any) -> Any:
    """ "90s", "5m", "6h", "2d", or a number of seconds."""
    if isinstance(value, str) and value[-1:] in SIZE_UNITS:
        try:
            return float(value[:-1]) * SIZE_UNITS[value[-1]]
        except ValueError:
            return value
    return value


Duration = Annotated[float, BeforeValidator(seconds), Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Office(_Section):
    """Who speaks. Nothing here is invented: an empty placeholder refuses the text that needs it."""

    name: str = "Văn phòng thường trực Ban Chỉ huy Phòng thủ dân sự tỉnh Thanh Hóa"
    sender: str = "PCTT Thanh Hoa"
    time_zone: Literal["Asia/Ho_Chi_Minh"] = "Asia/Ho_Chi_Minh"
    hotline: str = ""
    short_code: str = ""
    portal: str = "https://pctt.thanhhoa.gov.vn/"
    group_link: str = ""
    dvc_portal: str = "dichvucong.thanhhoa.gov.vn"
    code_prefix: str = Field(default="TB", pattern=r"^[A-Z]{1,4}$")
    language: Literal["vi", "en"] = "vi"
    organ_id: str = Field(default="", pattern=r"^$|^[0-9A-Z]+(\.[0-9A-Z]+)*$")
    """On the document axis (Quyết định 20/2020/QĐ-TTg), for exported statuses."""


class Store(_Section):
    url: str = "sqlite:///var/loa.db"
    files: str = ""

    def in_a_file(self) -> bool:
        """Whether the ledger is an SQLite file."""
        return self.url.startswith(SQLITE)

    def path(self) -> Path:
        """The ledger's file. Raises `SettingsError` where it is none."""
        rest = self.url.removeprefix(SQLITE)
        if not self.in_a_file() or not rest:
            raise SettingsError("store_url", value=self.url.partition(":")[0])
        return _from_root(rest)

    def ledger_url(self) -> str:
        """For `store.opening`. Raises `SettingsError` for an engine that is not served."""
        if self.url.startswith(POSTGRESQL):
            return self.url
        return f"{SQLITE}{self.path()}"

    def files_folder(self) -> Path:
        """Where the bytes of attachments lie: beside the SQLite file, else in `var`."""
        if self.files:
            return _from_root(self.files)
        return (self.path().parent if self.in_a_file() else ROOT / VAR) / FILES


def _from_root(path: str) -> Path:
    """A relative path begins at the folder of the checkout."""
    return Path(path) if Path(path).is_absolute() else ROOT / path


class LanesSettings(_Section):
    url: str = "memory://"


class Web(_Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    public_url: str = ""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()


class RolesSettings(_Section):
    """Where the work is shared by several processes (`loa run --role`)."""

    lease: Duration = Field(default=15.0, ge=5.0, le=120.0)
    """How long a process may be silent before others take over what it held."""
    notice: Duration = Field(default=5.0, le=120.0)
    """How long a web process that is to end says so before it takes no more calls."""
    drain: Duration = Field(default=45.0, ge=5.0, le=600.0)
    """How long an end may take before the process ends as it is."""
    health_host: str = "127.0.0.1"
    health_port: int = Field(default=0, ge=0, le=65_535)
    """Of `/health/live`, `/health/ready` and `/metrics` of a process without pages; 0: any free one, told at start."""


class SignIn(_Section):
    second_factor_for: tuple[Role, ...] = ()


class Adapters(_Section):
    zalo: ZaloSettings = ZaloSettings()
    telegram: TelegramSettings = TelegramSettings()
    sms: SmsSettings = SmsSettings()
    manual: ManualSettings = ManualSettings()


class StepSettings(_Section):
    after: Duration
    channels: tuple[str, ...] = ()
    roles: tuple[str, ...] | None = None
    """None: whoever the audience names."""
    unless: Literal["", "delivered", "seen", "acknowledged"] = ""
    call: bool = False
    repeat: Duration = 0.0
    times: int = 1

    def given(self) -> DraftStep:
        """As a draft would give it: both are read and refused alike."""
        fields = self.model_dump() | {"channels": list(self.channels)}
        return DraftStep(**fields | {"roles": None if self.roles is None else list(self.roles)})


class Escalation(_Section):
    steps: tuple[StepSettings, ...] = Field(min_length=1)

    def chain(self) -> tuple[Step, ...]:
        return read_steps([step.given() for step in self.steps], FAMILIES)[0]


FAMILIES = ("zalo", "telegram", "sms")
"""Channels that a step may name, whether they are switched on or not."""

DEFAULT_ESCALATION = Escalation(
    steps=(
        StepSettings(after=0, channels=("zalo", "telegram")),
        StepSettings(after=300, channels=("sms",), unless="delivered"),
        StepSettings(after=900, call=True),
    )
)
"""Zalo at once, SMS after five minutes without `delivered`, the call list after fifteen."""


class ApprovalSettings(_Section):
    """Who approves when, and what one officer may send alone; `rules()` has the defaults' reasons."""

    who: WhoApproves = ANY_APPROVER.who
    always: tuple[str, ...] = ANY_APPROVER.always
    next_after: Duration = ANY_APPROVER.next_after
    break_glass: bool = ANY_APPROVER.break_glass
    break_glass_after: Duration = ANY_APPROVER.break_glass_after
    flash_at_once: bool = ANY_APPROVER.flash_at_once
    review_at: str = Field(default=ANY_APPROVER.review_at, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")

    def rules(self) -> ApprovalRules:
        return ApprovalRules(**self.model_dump())


class RosterSettings(_Section):
    warn_ahead: Duration = WARN_AHEAD_SECONDS


class Limits(_Section):
    sms_parts: int = Field(default=4, ge=1, le=10)
    give_up_after: Duration = 600.0
    close_after: Duration = 86_400.0


class EnrolmentSettings(_Section):
    """How accounts of people become addresses: who confirms, how long a code is good."""

    confirm: Confirm = Confirm.OFFICER
    valid_for: Duration = VALID_SECONDS


class CarrierSettings(_Section):
    """One carrier that orders go to: whom to write to and whom to ring."""

    name: str = Field(min_length=1, max_length=60)
    email: str = Field(default="", pattern=r"^$|^[^@\s,;<>]+@[^@\s,;<>]+$")
    phone: str = ""
    note: str = ""


class CarrierOrderSettings(_Section):
    acknowledge_within: Duration = ACKNOWLEDGE_WITHIN_SECONDS


class AlarmAddress(_Section):
    """Who hears of an alarm beside the duty board: a group, or a person."""

    channel: str = Field(min_length=1, max_length=40)
    """Family or channel: "zalo", "telegram.group", "sms"."""
    to: str = Field(min_length=1, max_length=100)


class WatchSettings(_Section):
    """Watching the house itself. Empty: not done, and said so on the page of the watch."""

    heartbeat_url: SecretStr = SecretStr("")
    alarm_to: tuple[AlarmAddress, ...] = ()
    test_to: dict[str, str] = Field(default_factory=dict)
    """Channel or family → address of the office's own that link tests go to."""
    link_test_every: Duration = 21_600.0
    path_proved_within: Duration = 5_184_000.0
    approval_after: Duration = 600.0
    backup_folder: str = ""
    backup_within: Duration = 129_600.0

    @model_validator(mode="after")
    def _outside(self) -> WatchSettings:
        url = self.heartbeat_url.get_secret_value()
        if url and not url.startswith(("https://", "http://")):
            raise ValueError("heartbeat_url begins with https://")
        return self


class Telemetry(_Section):
    """What can be followed from outside, beside `/metrics`: log lines, and spans for OpenTelemetry."""

    log: Form = "text"
    log_level: Level = "info"
    traces: bool = False
    traces_url: str = Field(default="", pattern=r"^$|^https?://[^\s@]+$")
    """OTLP over HTTP; empty: as the variables of the OpenTelemetry SDK say, else this machine's collector."""
    traces_share: float = Field(default=1.0, gt=0.0, le=1.0)
    """Of broadcasts and incoming messages that are traced."""


class CapSettings(_Section):
    """The CAP feed: its sender is unique on the Internet, a domain or an address of the office."""

    sender: str = Field(default="", pattern=r"^[^\s,<&]*$")

    def unique(self, portal: str) -> str:
        return self.sender or urlsplit(portal).hostname or "loa.invalid"


class Mail(_Section):
    """The office's mail server; without a host nothing is mailed, and forms are handed over on paper."""

    host: str = ""
    port: int = Field(default=587, ge=1, le=65_535)
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: str = Field(default="", pattern=r"^$|^[^@\s,;<>]+@[^@\s,;<>]+$")
    tls: Literal["starttls", "tls", "none"] = "starttls"

    @model_validator(mode="after")
    def _whole(self) -> Mail:
        if self.host and not self.sender:
            raise ValueError("sender is needed beside host")
        return self
