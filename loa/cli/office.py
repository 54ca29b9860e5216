"""Commands about the office's own things: imports, people who sign in, keys, health, exports, backups."""

from __future__ import annotations

import asyncio
import os
import platform
import pwd
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar
from urllib.parse import quote

import typer

from broadcasts.model import Role
from directory.staff_addresses import AddressRefused
from loa.cli.client import api, is_served
from loa.cli.out import Failed, line, say
from loa.settings import load_settings
from store import access
from store.engine import LedgerError, Tx
from store.opening import SQLITE, is_made, ledger_at

T = TypeVar("T")
Config = Annotated[Path | None, typer.Option(help="Settings file; else LOA_CONFIG, else config.toml.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")]
RoleOption = Annotated[Role, typer.Option(help="viewer, officer, approver or admin.")]


def import_people(file: Annotated[Path, typer.Argument()], dry_run: DryRun = False, config: Config = None) -> None:
    """Import people with their addresses from CSV or XLSX."""
    with _opened(file) as content:
        report = api(config, admin=True).upload(
            "/import/people", content, filename=file.name, dry_run=str(dry_run).lower()
        )
    line(_import_line(report))


def import_list(
    file: Annotated[Path, typer.Argument()],
    name: Annotated[str, typer.Option(help="The list's name; left out, the file's.")] = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """Import a list of telephone numbers from CSV or XLSX."""
    with _opened(file) as content:
        report = api(config).upload("/lists", content, name=name or file.stem, dry_run=str(dry_run).lower())
    line(_import_line(report))


def import_content(file: Annotated[Path, typer.Argument()], dry_run: DryRun = False, config: Config = None) -> None:
    """Import entries that answers are made of (bulletins, evacuation points, levels) from CSV or XLSX."""
    with _opened(file) as content:
        report = api(config).upload("/import/content", content, filename=file.name, dry_run=str(dry_run).lower())
    line(_import_line(report))


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError:
        raise Failed("cli.file_unreadable", path=str(file)) from None


def _import_line(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "added": report["added"],
        "changed": report["changed"],
        "removed": report["removed"],
        "rejected": [{"line": one["line"], "reason": one["reason"]} for one in report["rejected"]],
        "rejections": report["rejections"],
    }


def add_user(
    name: Annotated[str, typer.Argument()],
    role: RoleOption,
    title: Annotated[str, typer.Option(help="As shown beside the name.")] = "",
    config: Config = None,
) -> None:
    """Add somebody who may sign in; the password is shown this once."""
    from web import passwords
    from web.admitting import let_in

    password = passwords.made_password()

    def directly(tx: Tx) -> bool:
        _check_name(name)
        let_in(tx, name, role, asyncio.run(passwords.hashed(password)), title, operator(), time.time())
        return True

    if not _into_idle_ledger(config, directly):
        body = {"name": name, "role": role.value, "title": title, "password": password}
        api(config, admin=True).post("/staff", body)
    line({"user": name, "password": password})


def reset_user(
    name: Annotated[str, typer.Argument()],
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="Remove the second factor; the password stays.")
    ] = False,
    config: Config = None,
) -> None:
    """A new password for a member of staff, shown this once: where no two administrators are left who can sign in."""
    from web import passwords
    from web.resetting import Reset, reset

    what, password = Reset.SECOND_FACTOR if second_factor else Reset.PASSWORD, passwords.made_password()

    def directly(tx: Tx) -> dict[str, Any]:
        one = access.staff_named(tx, name)
        if one is None:
            raise Failed("problem.staff_unknown", name=name)
        stored = asyncio.run(passwords.hashed(password))
        reset(tx, one.id, one.name, what, stored, operator(), time.time())
        return {"user": name, "waiting": False, "password": None if second_factor else password}

    done = _into_idle_ledger(config, directly)
    line(done or api(config, admin=True).post(f"/staff/{quote(name, safe='')}/reset", {"what": what.value}))


def bind_user(
    name: Annotated[str, typer.Argument()],
    channel: Annotated[str, typer.Option(help="Family: sms, zalo, telegram.")],
    address: Annotated[str, typer.Option(help="A telephone number, or the provider's user id.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take it away again.")] = False,
    config: Config = None,
) -> None:
    """Let a member of staff command by message from this address: approve, status, who is silent."""
    from web.admitting import bind, remove_address

    change, waiting = remove_address if remove else bind, False
    try:
        kept = _into_idle_ledger(config, lambda tx: change(tx, name, channel, address, operator(), time.time()))
    except AddressRefused as refused:
        raise Failed(f"problem.{refused.key}", **refused.params) from None
    if kept is None:
        body = {"channel": channel, "address": address, "remove": remove}
        said = api(config, admin=True).post(f"/staff/{quote(name, safe='')}/addresses", body)
        kept, waiting = said["address"], said["waiting"]
    bound = not (remove or waiting)
    line({"user": name, "channel": channel, "address": kept, "bound": bound} | ({"waiting": True} if waiting else {}))


def add_key(name: Annotated[str, typer.Argument()], role: RoleOption, config: Config = None) -> None:
    """Make an API key; it is shown this once."""
    from web.admitting import make_key

    def directly(tx: Tx) -> str:
        _check_name(name)
        return make_key(tx, name, role, operator(), time.time())

    key = _into_idle_ledger(config, directly)
    if key is None:
        key = api(config, admin=True).post("/keys", {"name": name, "role": role.value})["api_key"]
    line({"api_key": key})


def _check_name(name: str) -> None:
    """As on the page for people who sign in."""
    from web.admitting import LONGEST_NAME, name_problem

    if name_problem(name) is not None:
        raise Failed("cli.name_wrong", longest=LONGEST_NAME)


def _into_idle_ledger(config: Path | None, closure: Callable[[Tx], T]) -> T | None:
    """Write into a ledger that no service holds, with the line in its log that the service would have left. None: one
    does, ask that one, for it has rules of its own.

    On PostgreSQL the web process of this machine tells; a file has a lock, too, which is held before anything answers.
    """
    from store.migrate import migrate

    if "LOA_API" in os.environ or is_served(config):
        return None
    store = load_settings(config).store
    url = f"sqlite:///{Path(os.environ['LOA_DATA']) / 'loa.db'}" if "LOA_DATA" in os.environ else store.ledger_url()

    async def write() -> T:
        migrate(url)
        ledger = ledger_at(url, store.files_folder())
        ledger.open()
        try:
            return await ledger.write(closure)
        finally:
            await ledger.close()

    try:
        return asyncio.run(write())
    except access.NameTaken:
        raise Failed("cli.name_taken") from None
    except LedgerError as wrong:
        if wrong.key == "ledger_in_use":
            return None
        raise Failed(f"error.{wrong.key}", **wrong.params) from None


def doctor(config: Config = None) -> None:
    """Check the installation, the ledger and, where the service runs, every channel. One line a check."""
    from loa.doctor import checks

    failed = False
    for check in checks(config):
        failed |= not check["ok"]
        line(check)
    if failed:
        raise Failed("cli.doctor_failed")


def export(
    code: Annotated[str, typer.Argument(help="The broadcast's code.")],
    to: Annotated[Path, typer.Option(help="FILE.xlsx, .csv, .pdf, .json; .xml or .codes.csv: document codes.")],
    config: Config = None,
) -> None:
    """The roll-call and the deliveries of a broadcast as a file."""
    from broadcasts.export import UnknownKind, write_export

    service = api(config)
    view = service.get(f"/broadcasts/{code}")
    rollcall = service.get(f"/broadcasts/{code}/rollcall")["items"]
    statuses = service.get(f"/broadcasts/{code}/statuses")["items"]
    exercise = service.get(f"/broadcasts/{code}/exercise") if view["mode"] == "exercise" else None

    def deliveries() -> Iterator[dict[str, Any]]:
        after: int | None = 0
        while after is not None:
            page = service.get(f"/broadcasts/{code}/deliveries", after=after)
            yield from page["items"]
            after = page["next"]

    try:
        organ = load_settings(config).office.organ_id
        rows = write_export(to, view, rollcall, deliveries(), say, statuses, organ, exercise)
    except UnknownKind as unknown:
        raise Failed("cli.export_kind", kind=str(unknown)) from None
    except OSError:
        raise Failed("cli.file_not_writable", path=str(to)) from None
    line({"file": str(to), "rows": rows})


def ledger_url(config: Path | None) -> str:
    """Of a ledger that is there."""
    if "LOA_DATA" in os.environ:
        return f"{SQLITE}{Path(os.environ['LOA_DATA']) / 'loa.db'}"
    url = load_settings(config).store.ledger_url()
    if not is_made(url):
        raise Failed("cli.no_ledger", path=url.removeprefix(SQLITE))
    return url


def operator() -> str:
    """Whoever types this, as the machine knows him and the audit log names him: some commands are for its operator,
    without a service."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return f"{user}@{platform.node() or '?'}"
