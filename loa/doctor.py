"""What an operator can check without knowing the code: one line a check, with what to do."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from broadcasts.model import Role
from broadcasts.prepared import office_templates
from broadcasts.templates import TemplateError
from directory import units as unit_data
from directory.group_editing import KIND as GROUP_HISTORY
from directory.units import UnitDataError
from lanes.opening import MEMORY
from lanes.port import LanesError
from loa.backup_files import lost
from loa.cli.client import api, running
from loa.cli.out import Failed, blanks_of, say
from loa.settings import Settings, SettingsError, load_settings
from store import audit, office_texts, paths, second_factors
from store.engine import LedgerError, Tx
from store.opening import is_made, reading

DISK_FREE_MB = 1_024
"""Below it a storm night may fill the disk: 3 million deliveries take about 250 MB, their journal as much again."""
SQLITE_SOUND = (3, 51, 3)
"""From here on two connections cannot lose committed pages (sqlite.org/wal.html#walreset); Loa writes with one."""
NAMES_MOST = 10
"""People that a check names."""
PLACEHOLDERS = ("hotline", "short_code")

Check = dict[str, Any]


def checks(config: Path | None) -> Iterator[Check]:
    yield _check("python", True, version=".".join(str(part) for part in sys.version_info[:3]))
    sound = sqlite3.sqlite_version_info >= SQLITE_SOUND
    yield _check("sqlite", True, key="sqlite" if sound else "sqlite_one_writer", version=sqlite3.sqlite_version)
    try:
        settings = load_settings(config)
    except SettingsError as wrong:
        yield _line("settings", False, say(f"settings.{wrong.key}", **blanks_of(wrong)), say("doctor.settings.mend"))
        return
    yield _check("settings", True)
    yield _data()
    yield _templates()
    yield from _folder(settings)
    yield from _reachable(settings)
    yield from _redis(settings)
    yield from _office(settings)
    yield from _access(settings)
    yield from _files(settings)
    yield from _office_texts(settings)
    yield from _paths(settings)
    yield from _service(config, settings)


def _check(check: str, ok: bool, *, key: str = "", **params: Any) -> Check:
    key = key or (check if ok else f"{check}_bad")
    return _line(check, ok, say(f"doctor.{key}.says", **params), "" if ok else say(f"doctor.{key}.mend", **params))


def _line(name: str, ok: bool, says: str, mend: str) -> Check:
    return {"check": name, "ok": ok, "says": says, "mend": mend}


def _data() -> Check:
    try:
        return _check("units", True, count=len(unit_data.load()))
    except UnitDataError as wrong:
        return _line("units", False, str(wrong), say("doctor.units_bad.mend"))


def _templates() -> Check:
    try:
        return _check("templates", True, count=len(office_templates().all))
    except TemplateError as wrong:
        return _line("templates", False, str(wrong), say("doctor.templates_bad.mend"))


def _folder(settings: Settings) -> Iterator[Check]:
    folder = settings.data_folder()
    there = folder if folder.exists() else next(parent for parent in folder.parents if parent.exists())
    yield _check("data_folder", os.access(there, os.W_OK), path=str(folder))
    free = shutil.disk_usage(there).free // 2**20
    yield _check("disk", free >= DISK_FREE_MB, free=free, wanted=DISK_FREE_MB)


def _redis(settings: Settings) -> Iterator[Check]:
    if settings.lanes.url == MEMORY:
        return
    from lanes.redis_opened import look

    try:
        yield _check("redis", True, version=asyncio.run(look(settings.lanes.url)))
    except LanesError as wrong:
        yield _line("redis", False, say(f"settings.{wrong.key}", **wrong.params), say("doctor.redis_bad.mend"))


def _office(settings: Settings) -> Iterator[Check]:
    for name in PLACEHOLDERS:
        filled = bool(getattr(settings.office, name))
        yield _check("placeholder", filled, key="" if filled else "placeholder_empty", name=f"office.{name}")


@contextmanager
def _ledger(settings: Settings) -> Iterator[Tx | None]:
    """None: there is no ledger yet. One of an older release may lack what is asked for (`LedgerError`): the service
    brings it up to date when it starts."""
    url = settings.store.ledger_url()
    if not is_made(url):
        yield None
        return
    with reading(url) as tx:
        yield tx


def _reachable(settings: Settings) -> Iterator[Check]:
    """Does the database server answer, and is the ledger one of ours?"""
    if settings.store.in_a_file():
        return
    url = settings.store.ledger_url()
    try:
        with reading(url) as tx:
            version = tx.execute("SHOW server_version").fetchone()[0]
    except LedgerError as refused:
        yield _check("postgresql", False, detail=refused.params.get("detail", ""), path=refused.params.get("path", ""))
        return
    yield _check("postgresql", True, version=version)


def _files(settings: Settings) -> Iterator[Check]:
    """Do the attachments that the ledger speaks of lie in their folder?"""
    folder = settings.store.files_folder()
    with suppress(LedgerError), _ledger(settings) as tx:
        count, bad = (0, 0) if tx is None else lost(tx, folder)
        yield _check("attachments", not bad, count=count, bad=bad, folder=str(folder))


def _access(settings: Settings) -> Iterator[Check]:
    """The log's chain, and who could be entered with a stolen password."""
    with suppress(LedgerError), _ledger(settings) as tx:
        if tx is None:
            return
        verdict = audit.verify(tx)
        names = second_factors.without(tx, (Role.APPROVER, Role.ADMIN))
        yield _check("audit", verdict.whole, lines=verdict.lines, at=verdict.broken_at or 0)
        yield _check("second_factor", not names, names=", ".join(names))


def _office_texts(settings: Settings) -> Iterator[Check]:
    """What the office changed of the shipped texts: whoever looks for a sentence in the files should know."""
    with suppress(LedgerError), _ledger(settings) as tx:
        if tx is None:
            return
        rows = [one for one in office_texts.holding(tx) if one.kind != GROUP_HISTORY]
        names = ", ".join(f"{row.kind} {row.name} ({row.author})" for row in rows[:NAMES_MOST])
        yield _check("office_texts", True, key="" if rows else "no_office_texts", count=len(rows), names=names)


def _paths(settings: Settings) -> Iterator[Check]:
    """People who let nothing of ours in any more."""
    with suppress(LedgerError), _ledger(settings) as tx:
        if tx is None:
            return
        names = sorted({path.name for path in paths.shut(tx)})
        yield _check("paths", not names, count=len(names), names=", ".join(names[:NAMES_MOST]))


def _service(config: Path | None, settings: Settings) -> Iterator[Check]:
    try:
        service = api(config)
        channels = service.get("/channels")["items"]
    except Failed:
        yield _check("service", running(settings.data_folder()) is None, key="service_stopped")
        return
    yield _check("service", True, url=service.url)
    for found in service.get("/watch")["items"]:
        yield _line(f"watch {found['kind']}", found["weight"] == "note", found["says"], found["mend"])
    for channel in channels:
        ok = channel["state"] in ("ok", "off")
        yield _line(f"channel {channel['name']}", ok, channel["says"], "" if ok else channel["mend"])
