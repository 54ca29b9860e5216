"""`config.toml`, with each key overridable as `LOA_SECTION__KEY`.

A key that is not known, or a value of the wrong kind, stops the start with one sentence that names it.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import (
    Field,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from adapters.sms.settings import KINDS
from broadcasts.drafting import DEFAULT_STEPS
from broadcasts.model import Urgency
from broadcasts.own_steps import read_steps
from loa.settings_error import SettingsError
from loa.settings_sections import (
    DEFAULT_ESCALATION,
    FAMILIES,
    ROOT,
    Adapters,
    ApprovalSettings,
    CapSettings,
    CarrierOrderSettings,
    CarrierSettings,
    EnrolmentSettings,
    Escalation,
    LanesSettings,
    Limits,
    Mail,
    Office,
    RolesSettings,
    RosterSettings,
    SignIn,
    Store,
    Telemetry,
    WatchSettings,
    Web,
)

CONFIG_DEFAULT = "config.toml"


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
