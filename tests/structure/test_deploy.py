"""The files of deploy/ name only commands, roles, settings and files that exist, hold no secret, and can be read."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from loa.roles.role import Role
from loa.settings import ROOT, Settings, load_settings

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = DEPLOY / "compose.yaml"
SAYS_SECRET = re.compile(r"(password|secret|token|api_key)\s*[:=](?!\s*[\"']?(?:\$\{|$))\s*\S", re.IGNORECASE)
WANTED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "KillMode": "mixed",
    "Restart": "always",
}


class _Lines(dict[str, str]):
    """A key may stand more than once in a unit; each place counts."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self and isinstance(value, list):
            value = [*self[key], *value]  # type: ignore[misc]
        super().__setitem__(key, value)


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, dict_type=_Lines)  # type: ignore[arg-type]
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text("utf-8"))
    return parser


def environment(path: Path) -> dict[str, str]:
    pairs = [line.partition("=")[2] for line in path.read_text("utf-8").splitlines() if line.startswith("Environment=")]
    return dict(pair.split("=", 1) for pair in pairs)


def setting_exists(name: str) -> bool:
    """`LOA_SECTION__KEY`"""
    model: Any = Settings
    for part in name.removeprefix("LOA_").lower().split("__"):
        field = model.model_fields.get(part)
        if field is None:
            return False
        model = field.annotation if isinstance(field.annotation, type) else None
        if model is None or not issubclass(model, BaseModel):
            return True
    return False


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_what_there_is(path: Path) -> None:
    read = unit(path)
    command = read["Service"]["ExecStart"].split()
    assert command[:2] == ["/opt/loa/.venv/bin/loa", "run"]
    role = command[command.index("--role") + 1] if "--role" in command else "all"
    assert role in list(Role)
    assert path.name.startswith("loa" if role == "all" else f"loa-{role}")
    for name in environment(path):
        assert setting_exists(name), name
    for key, value in WANTED.items():
        assert read["Service"][key] == value, key
    drained = load_settings(None, {}).roles.drain
    assert float(read["Service"]["TimeoutStopSec"]) > drained, "systemd kills before the drain is over"
    document = Path(read["Unit"]["Documentation"].removeprefix("file:///opt/loa/"))
    assert (ROOT / document).exists()


def test_every_role_has_a_unit_and_a_service() -> None:
    roles = {command[command.index("--role") + 1] for command in _commands()}
    assert roles == {role.value for role in Role} - {"all"}
    assert {path.stem.rstrip("@") for path in UNITS} == {"loa", *(f"loa-{role}" for role in roles)}


def _commands() -> list[list[str]]:
    return [one["command"] for one in services().values() if "--role" in one.get("command", ())]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_it(path: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    name = path.name.replace("@.", "@9101.")
    text = path.read_text("utf-8").replace("/opt/loa/.venv/bin/loa", "/bin/true").replace("/opt/loa", "/")
    (tmp_path / path.name).write_text(text, "utf-8")
    (tmp_path / name).write_text(text, "utf-8")
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)], capture_output=True, text=True, timeout=60,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )  # fmt: skip
    about = [line for line in said.stderr.splitlines() if "loa" in line]
    assert about == [], said.stderr


def test_compose_names_what_there_is() -> None:
    whole = yaml.safe_load(COMPOSE.read_text("utf-8"))
    for name, one in whole["services"].items():
        for key in one.get("environment") or {}:
            assert not key.startswith("LOA_") or key in ("LOA_CONFIG", "LOA_SITE") or setting_exists(key), (name, key)
        assert set(one.get("depends_on", {})) <= set(whole["services"])
        for volume in one.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in whole["volumes"] or source in ("./config.toml", "./Caddyfile"), volume
        assert one.get("healthcheck") or name == "proxy", f"{name} is never asked how it is"
        assert "/" not in one["image"], f"{name}: an image is named plainly"
        if "build" in one:
            assert (DEPLOY / one["build"]["context"] / one["build"]["dockerfile"]).resolve().exists()
    assert whole["services"]["worker"]["deploy"]["replicas"] == 2
    assert whole["services"]["scheduler"]["deploy"]["replicas"] == 2
    assert {"postgres", "redis", "web", "listener", "proxy"} <= set(whole["services"])


def test_nobody_reaches_the_ledger_from_outside() -> None:
    whole = yaml.safe_load(COMPOSE.read_text("utf-8"))
    assert whole["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert whole["services"][name]["networks"] == ["inside"]
        assert "ports" not in whole["services"][name]
    assert [name for name, one in whole["services"].items() if "ports" in one] == ["proxy"]


def test_a_container_is_given_time_to_drain() -> None:
    for name in ("web", "worker", "listener", "scheduler"):
        grace = services()[name]["stop_grace_period"]
        assert float(grace.removesuffix("s")) > load_settings(None, {}).roles.drain


def test_the_proxy_asks_a_route_that_there_is() -> None:
    caddy = (DEPLOY / "Caddyfile").read_text("utf-8")
    web = services()["web"]
    assert f"reverse_proxy web:{web['environment']['LOA_WEB__PORT']}" in caddy
    assert "health_uri /api/v1/health/ready" in caddy
    assert caddy.count("{") == caddy.count("}")


def test_the_image_is_made_of_what_there_is() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    for line in text.splitlines():
        if line.startswith("COPY") and not line.startswith("COPY . ."):
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
    assert "deploy/install-command .venv" in text
    assert (DEPLOY / "install-command").exists()
    assert re.search(r"^USER loa$", text, re.MULTILINE), "not root"
    assert re.search(r"^FROM python:3\.\d+-slim$", text, re.MULTILINE)


def test_no_secret_is_in_these_files() -> None:
    files = [*UNITS, COMPOSE, DEPLOY / "Dockerfile", DEPLOY / "Caddyfile"]
    for path in files:
        for line in path.read_text("utf-8").splitlines():
            bare = re.sub(r"\$\{[^}]*\}", "${}", line)
            assert not SAYS_SECRET.search(bare), (path.name, line)
            assert not re.search(r"://\w*:(?!\$\{\})[^/\s@]+@", bare), (path.name, line)
    for value in re.findall(r"\$\{(\w*PASSWORD)([^}]*)\}", COMPOSE.read_text("utf-8")):
        assert value[1] == ":?set it in .env", "there is no password to fall back on"


def test_the_handbook_names_every_file() -> None:
    text = (DEPLOY / "README.md").read_text("utf-8")
    for path in (*UNITS, COMPOSE, DEPLOY / "Dockerfile", DEPLOY / "Caddyfile"):
        assert path.name in text, path.name
    for name in re.findall(r"`(LOA_[A-Z_]+__[A-Z_]+)`", text):
        assert setting_exists(name), name
