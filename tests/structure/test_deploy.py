"""The files of deploy/ name only commands, roles, settings and files that exist, hold no secret, and can be read."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from lanes.redis_owner import VERSION_WANTED
from loa.roles.ready import health_app
from loa.roles.role import Role
from loa.settings import Settings, load_settings
from loa.settings_sections import ROOT
from web.api import ROUTES as API

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
        for file in one.get("env_file", ()):
            assert (file["path"], file["required"]) == ("./secrets.env", False)
        assert one.get("healthcheck") or name == "proxy", f"{name} is never asked how it is"
        assert "/" not in one["image"], f"{name}: an image is named plainly"
        if "build" in one:
            assert (DEPLOY / one["build"]["context"] / one["build"]["dockerfile"]).resolve().exists()
    assert whole["services"]["worker"]["deploy"]["replicas"] == 2
    assert whole["services"]["scheduler"]["deploy"]["replicas"] == 2
    assert {"postgres", "redis", "web", "listener", "proxy"} <= set(whole["services"])


ASKED = re.compile(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)")
GIVEN = {"LOA_SITE": "loa.example.vn", "LOA_DB_PASSWORD": "matkhau1", "LOA_REDIS_PASSWORD": "matkhau2"}
"""What `.env` holds."""


def filled(value: str) -> str:
    """With what `.env` gives; a name that the handbook does not ask for fails here."""
    return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: GIVEN[found.group(1)], value)


def of_loa() -> dict[str, Any]:
    return {name: one for name, one in services().items() if one["image"] == "loa"}


@pytest.mark.parametrize("name", sorted(of_loa()))
def test_a_service_reads_its_settings(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the file hands to a process, read as the process reads it."""
    (tmp_path / "config.toml").write_text("", "utf-8")
    given = {key: filled(value) for key, value in services()[name]["environment"].items()}
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    read = load_settings(tmp_path / "config.toml")
    assert read.store.ledger_url() == "postgresql://loa:matkhau1@postgres/loa"
    assert read.store.files_folder() == Path("/var/lib/loa/attachments")
    assert read.data_folder() == Path("/var/lib/loa"), "the one folder that can be written"
    assert read.lanes.url == "redis://:matkhau2@redis/0"
    volumes = dict(volume.split(":")[:2] for volume in services()[name]["volumes"])
    assert volumes["files"] == str(read.data_folder())
    assert volumes["./config.toml"] == given["LOA_CONFIG"]
    ((port, path),) = ASKED.findall(services()[name]["healthcheck"]["test"][-1])
    if name == "web":
        assert (int(port), read.web.host) == (read.web.port, "0.0.0.0")
        assert ("GET", path) in {(route.method, route.path) for route in API}
        assert read.web.public_url == "https://loa.example.vn"
    else:
        assert int(port) == read.roles.health_port
        answered = health_app(None, None).router.resources()  # type: ignore[arg-type]
        assert path in {one.canonical for one in answered}
    assert services()[name]["healthcheck"]["test"][1] == "/opt/loa/.venv/bin/python"


def test_one_service_makes_the_image_and_none_looks_for_it_elsewhere() -> None:
    """Compose builds side by side, and two builds of one name fail ("already exists")."""
    assert [name for name, one in of_loa().items() if "build" in one] == ["web"]
    assert {name: one["pull_policy"] for name, one in of_loa().items()} == {
        "web": "build", "worker": "never", "listener": "never", "scheduler": "never",
    }  # fmt: skip


def test_the_web_trusts_the_networks_that_the_proxy_is_in() -> None:
    whole = yaml.safe_load(COMPOSE.read_text("utf-8"))
    own = [ip_network(whole["networks"][name]["ipam"]["config"][0]["subnet"]) for name in ("inside", "outside")]
    read = json.loads(services()["web"]["environment"]["LOA_WEB__TRUSTED_PROXIES"])
    assert [ip_network(one) for one in read] == own
    assert services()["proxy"]["networks"] == ["inside", "outside"]


def test_a_database_that_only_prepares_itself_is_not_taken_for_ready() -> None:
    """While the image makes the database its server answers on the socket alone."""
    asked = services()["postgres"]["healthcheck"]["test"]
    assert asked[asked.index("--host") + 1] == "127.0.0.1"


@pytest.mark.parametrize("ignored", [".dockerignore", ".gitignore"])
def test_what_holds_secrets_beside_the_compose_file_goes_nowhere(ignored: str) -> None:
    lines = (ROOT / ignored).read_text("utf-8").splitlines()
    assert {"deploy/.env", "deploy/config.toml", "deploy/secrets.env"} <= set(lines)


def test_the_stores_are_those_that_the_processes_look_for() -> None:
    postgres, redis = services()["postgres"], services()["redis"]
    assert postgres["environment"] | {"POSTGRES_PASSWORD": ""} == {
        "POSTGRES_USER": "loa", "POSTGRES_DB": "loa", "POSTGRES_PASSWORD": "",
    }  # fmt: skip
    assert filled(postgres["environment"]["POSTGRES_PASSWORD"]) == "matkhau1"
    assert filled(redis["command"][redis["command"].index("--requirepass") + 1]) == "matkhau2"
    assert int(postgres["image"].rpartition(":")[2]) >= 15
    assert int(redis["image"].rpartition(":")[2]) >= VERSION_WANTED[0]


def test_the_image_holds_the_commands_that_are_run() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)
    assert json.loads(entry) == ["/opt/loa/.venv/bin/loa"]
    assert "WORKDIR /opt/loa" in text
    assert "python -m venv .venv" in text
    assert "-m compileall" in text, "a container cannot keep what it compiles"
    assert "VOLUME /var/lib/loa" in text
    for one in of_loa().values():
        assert one["command"][:2] == ["run", "--role"]


def test_the_handbook_starts_what_there_is() -> None:
    """And a new version begins with the workers, and ends with the web."""
    text = (DEPLOY / "README.md").read_text("utf-8")
    named = [line.split("--no-deps")[1].split() for line in text.splitlines() if "up --detach --no-deps" in line]
    assert named == [["worker", "listener", "scheduler"], ["web"]]
    assert {one for line in named for one in line} == set(of_loa())
    assert set(re.findall(r"compose\.yaml (?:exec|cp) (\w+)", text)) == {"web"}
    assert "of the four official\nimages" in text, "says under which images it was started"


def test_nobody_reaches_the_ledger_from_outside() -> None:
    whole = yaml.safe_load(COMPOSE.read_text("utf-8"))
    assert whole["networks"]["inside"]["internal"] is True
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
    (waits,) = re.findall(r"lb_try_duration (\d+)s", caddy)
    assert int(waits) > load_settings(None, {}).roles.notice, "who calls while a web process is started anew waits"
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
