"""Who sits at the machine makes people, keys and addresses without a service, and the log says so all the same."""

from __future__ import annotations

import os
import platform
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from loa.cli.app import app
from loa.cli.out import Failed
from store import audit
from store.opening import reading
from store.sqlite import FILES
from tests.ledgers import address, rows

OPERATOR = f"{pwd.getpwuid(os.getuid()).pw_name}@{platform.node()}"
PHONE, SHOWN = "84900009100", "8490***100"


@dataclass(frozen=True, slots=True)
class Machine:
    """An installation whose service does not run."""

    config: Path
    folder: Path
    """Of the ledger."""

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--config", str(self.config)])

    def said(self, *arguments: str) -> dict[str, Any]:
        done = self.run(*arguments)
        assert done.exit_code == 0, (done.stderr, done.exception)
        said: dict[str, Any] = orjson.loads(done.stdout)
        return said

    def refused(self, *arguments: str) -> Failed:
        done = self.run(*arguments)
        assert '{"' not in done.stdout, "nothing was made, so nothing is shown"
        assert isinstance(done.exception, Failed), done.exception
        return done.exception

    def log(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(who, what, detail), oldest first, of a log that must be whole."""
        with reading(address(self.folder)) as tx:
            assert audit.verify(tx).whole
            return [(one.actor, one.action, one.detail) for one in audit.lines(tx)[::-1]]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return rows(self.folder, sql)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for name in ("LOA_API", "LOA_DATA", "LOA_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "data"
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\nurl = "{address(folder)}"\nfiles = "{folder / FILES}"\n')
    return Machine(config, folder)


def test_every_change_stands_in_the_log_with_who_typed_it(machine: Machine) -> None:
    """As the service would have written it; somebody who approves is made alone here, so this is where it shows."""
    machine.said("user", "add", "lanhdao", "--role", "approver", "--title", "Chi cục trưởng")
    machine.said("key", "add", "may", "--role", "admin")
    assert machine.said("user", "bind", "lanhdao", "--channel", "sms", "--address", PHONE)["bound"] is True
    machine.said("user", "bind", "lanhdao", "--channel", "sms", "--address", PHONE, "--remove")
    machine.said("user", "reset", "lanhdao")
    machine.ask("INSERT INTO second_factor (staff_id, secret, confirmed_at) VALUES (1, 'x', 1)")
    machine.said("user", "reset", "lanhdao", "--second-factor")
    bound = {"name": "lanhdao", "channel": "sms", "address": SHOWN}
    assert machine.log() == [
        (OPERATOR, "add_staff", {"name": "lanhdao", "role": "approver"}),
        (OPERATOR, "add_key", {"name": "may", "role": "admin"}),
        (OPERATOR, "bind_staff", bound),
        (OPERATOR, "unbind_staff", bound),
        (OPERATOR, "password_reset", {"name": "lanhdao"}),
        (OPERATOR, "second_factor_reset", {"name": "lanhdao"}),
    ]
    assert machine.ask("SELECT name, role, title FROM staff") == [("lanhdao", "approver", "Chi cục trưởng")]
    assert machine.ask("SELECT name, role FROM api_key") == [("may", "admin")]


def test_the_log_shows_no_secret(machine: Machine) -> None:
    password = machine.said("user", "add", "canbo", "--role", "officer")["password"]
    key = machine.said("key", "add", "may", "--role", "viewer")["api_key"]
    fresh = machine.said("user", "reset", "canbo")["password"]
    machine.said("user", "bind", "canbo", "--channel", "sms", "--address", PHONE)
    written = str(machine.log())
    assert not [secret for secret in (password, key, fresh, PHONE) if secret in written]


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("user", "add", "canbo", "--role", "approver"), "cli.name_taken"),
        (("user", "add", "may", "--role", "approver"), "cli.name_taken"),
        (("user", "add", "local", "--role", "approver"), "cli.name_taken"),
        (("user", "add", "", "--role", "approver"), "cli.name_wrong"),
        (("user", "add", "hai\ndong", "--role", "approver"), "cli.name_wrong"),
        (("user", "add", "d" * 65, "--role", "approver"), "cli.name_wrong"),
        (("key", "add", "canbo", "--role", "admin"), "cli.name_taken"),
        (("key", "add", "local@may:80", "--role", "admin"), "cli.name_taken"),
        (("key", "add", "\x1b[2J", "--role", "admin"), "cli.name_wrong"),
        (("user", "bind", "khongai", "--channel", "sms", "--address", PHONE), "problem.staff_unknown"),
        (("user", "bind", "canbo", "--channel", "fax", "--address", PHONE), "problem.family_unknown"),
        (("user", "bind", "canbo", "--channel", "sms", "--address", "abc"), "problem.address_wrong"),
        (("user", "bind", "canbo", "--channel", "sms", "--address", PHONE, "--remove"), "problem.address_not_bound"),
        (("user", "reset", "khongai"), "problem.staff_unknown"),
        (("user", "reset", "khongai", "--second-factor"), "problem.staff_unknown"),
    ],
)
def test_what_is_refused_changes_nothing_and_leaves_no_line(
    machine: Machine, arguments: tuple[str, ...], key: str
) -> None:
    machine.said("user", "add", "canbo", "--role", "officer")
    machine.said("key", "add", "may", "--role", "viewer")
    everything = "SELECT name, role, password_hash FROM staff UNION SELECT name, role, key_hash FROM api_key ORDER BY 1"
    before, log = machine.ask(everything), machine.log()
    assert machine.refused(*arguments).key == key
    assert machine.ask(everything) == before
    assert machine.ask("SELECT * FROM staff_address") == []
    assert machine.log() == log


@pytest.mark.parametrize("command", ["user", "key"])
def test_a_role_that_there_is_not(machine: Machine, command: str) -> None:
    machine.said("user", "add", "canbo", "--role", "officer")
    assert machine.run(command, "add", "moi", "--role", "chief").exit_code == 2
    assert len(machine.log()) == 1
    assert machine.ask("SELECT name FROM staff UNION SELECT name FROM api_key") == [("canbo",)]


def test_what_cannot_be_written_into_the_log_is_not_done(machine: Machine) -> None:
    machine.said("user", "add", "canbo", "--role", "officer")
    before = machine.ask("SELECT password_hash FROM staff")
    machine.ask("ALTER TABLE audit RENAME TO audit_away")
    for arguments in (
        ("user", "add", "lanhdao", "--role", "approver"),
        ("key", "add", "may", "--role", "admin"),
        ("user", "bind", "canbo", "--channel", "sms", "--address", PHONE),
        ("user", "reset", "canbo"),
    ):
        assert machine.refused(*arguments).key == "error.ledger_write_failed"
    machine.ask("ALTER TABLE audit_away RENAME TO audit")
    assert machine.ask("SELECT name, password_hash FROM staff") == [("canbo", *before[0])]
    assert machine.ask("SELECT name FROM api_key UNION SELECT value FROM staff_address") == []
    assert len(machine.log()) == 1
