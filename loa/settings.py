"""`config.toml`, with each key overridable as `LOA_SECTION__KEY`.

Every section is a strict model: a key that is not known, or a value of the wrong kind, stops the start with one
sentence that names it.
"""

from __future__ import annotations

import os
import tomllib
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
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from adapters.manual.settings import ManualSettings
from adapters.sms.settings import KINDS, SmsSettings
from adapters.telegram.settings import TelegramSettings
from adapters.zalo.settings import ZaloSettings
from broadcasts.approval_rules import ANY_APPROVER, ApprovalRules, WhoApproves
from broadcasts.carrier_orders.office import ACKNOWLEDGE_WITHIN_SECONDS
from broadcasts.drafting import DEFAULT_STEPS
from broadcasts.model import DraftStep, Problem, Role, Urgency
from broadcasts.own_steps import read_steps
from broadcasts.roster_gaps import WARN_AHEAD_SECONDS
from broadcasts.steps import Step
from directory.enrolment import Confirm
from directory.enrolment_codes import VALID_SECONDS
from loa.logs import Form, Level
from store.opening import POSTGRESQL, SQLITE
from store.sqlite import FILES

ROOT = Path(__file__).resolve().parent.parent
CONFIG_DEFAULT = "config.toml"
VAR = "var"
"""What Loa writes, where no setting says otherwise."""
SIZE_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class SettingsError(Exception):
    """The settings cannot be used; `key` names the sentence in `locale/` (`settings.<key>`)."""

    def __init__(self, key: str, problem: Problem | None = None, **params: str) -> None:
        super().__init__(key)
        self.key = key
        self.params = params
        self.problem = problem
        """What is wrong with a value that drafts may hold, too; its sentence is the blank `says`."""


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


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="LOA_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    office: Office = Office()
    store: Store = Store()
    lanes: LanesSettings = LanesSettings()
    web: Web = Web()
    roles: RolesSettings = RolesSettings()
    sign_in: SignIn = SignIn()
    adapters: Adapters = Adapters()
    escalation: dict[str, Escalation] = Field(default_factory=lambda: {"default": DEFAULT_ESCALATION})
    approval: ApprovalSettings = ApprovalSettings()
    roster: RosterSettings = RosterSettings()
    limits: Limits = Limits()
    carriers: tuple[CarrierSettings, ...] = ()
    carrier_orders: CarrierOrderSettings = CarrierOrderSettings()
    mail: Mail = Mail()
    cap: CapSettings = CapSettings()
    watch: WatchSettings = WatchSettings()
    telemetry: Telemetry = Telemetry()
    enrolment: EnrolmentSettings = EnrolmentSettings()

    @model_validator(mode="after")
    def _carriers_once(self) -> Settings:
        names = [one.name for one in self.carriers]
        if len(set(names)) != len(names):
            raise ValueError("two carriers have one name")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    def data_folder(self) -> Path:
        """Where this process keeps what is no part of the ledger: who runs, logs, the operator's key."""
        return self.store.path().parent if self.store.in_a_file() else self.store.files_folder().parent


def load_settings(config: Path | None = None, overrides: dict[str, Any] | None = None) -> Settings:
    """Read the file (`--config`, else `LOA_CONFIG`, else `config.toml` where there is one), then the environment.

    `overrides` lie above the file and below the environment. Raises `SettingsError`.
    """
    named = config or (Path(os.environ["LOA_CONFIG"]) if "LOA_CONFIG" in os.environ else None)
    path = named or ROOT / CONFIG_DEFAULT
    values: dict[str, Any] = {}
    if named is not None or path.exists():
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError as missing:
            raise SettingsError("config_missing", path=str(path)) from missing
        except (OSError, UnicodeDecodeError) as unreadable:
            raise SettingsError("config_unreadable", path=str(path)) from unreadable
        except tomllib.TOMLDecodeError as broken:
            raise SettingsError("config_broken", path=str(path), says=str(broken)) from broken
    try:
        made = Settings(**merged(values, overrides or {}))
    except ValidationError as wrong:
        raise _explained(wrong, path) from wrong
    _check_escalation(made, path)
    return made


def _check_escalation(settings: Settings, path: Path) -> None:
    """Raises `SettingsError` with the first step that makes no sense."""
    for name, chain in settings.escalation.items():
        if name not in {DEFAULT_STEPS, *(one.value for one in Urgency)}:
            raise SettingsError("key_unknown", path=path.name, where=f"escalation.{name}")
        problems = read_steps([step.given() for step in chain.steps], FAMILIES)[1]
        for problem in problems:
            raise SettingsError("escalation", path=path.name, where=name, problem=problem)
    if DEFAULT_STEPS not in settings.escalation:
        raise SettingsError("key_missing", path=path.name, where=f"escalation.{DEFAULT_STEPS}")


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables merge, anything else is replaced."""
    both = dict(below)
    for key, value in above.items():
        old = both.get(key)
        both[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def _explained(wrong: ValidationError, path: Path) -> SettingsError:
    """The first problem, in one sentence; values stay out of it, for they may be secrets."""
    first = wrong.errors(include_input=False, include_url=False)[0]
    loc = first["loc"]
    kinds = {place + 1 for place, part in enumerate(loc[:-1]) if isinstance(part, int) and loc[place + 1] in KINDS}
    where = ".".join(str(part) for place, part in enumerate(loc) if place not in kinds)
    if first["type"] == "extra_forbidden":
        return SettingsError("key_unknown", path=path.name, where=where)
    if first["type"] == "missing":
        return SettingsError("key_missing", path=path.name, where=where)
    return SettingsError("value_wrong", path=path.name, where=where, says=first["msg"])
