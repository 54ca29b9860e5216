"""What an operator can check without knowing the code: one line a check, with what to do."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from broadcasts.model import Role
from broadcasts.prepared import office_templates
from broadcasts.templates import TemplateError
from directory import units as unit_data
from directory.group_editing import KIND as GROUP_HISTORY
from directory.units import UnitDataError
from lanes.opening import MEMORY
from lanes.port import LanesError
from loa import local_word
from loa.backup_files import lost
from loa.cli.client import api
from loa.cli.out import Failed, blanks_of, say
from loa.doctor_ledger import ledger_checks, opened, process_checks
from loa.doctor_line import Check, check, line
from loa.settings import Settings, load_settings
from loa.settings_error import SettingsError
from store import audit, office_texts, paths, second_factors
from store.engine import LedgerError

DISK_FREE_MB = 1_024
"""Below it a storm night may fill the disk: 3 million deliveries take about 250 MB, their journal as much again."""
ANSWER_SECONDS = 15.0
"""How long the doctor waits for the service: a storm night's board takes well below one."""
NAMES_MOST = 10
"""People that a check names."""
PLACEHOLDERS = ("hotline", "short_code")


def checks(config: Path | None) -> Iterator[Check]:
    yield check("python", True, version=".".join(str(part) for part in sys.version_info[:3]))
    try:
        settings = load_settings(config)
    except SettingsError as wrong:
        yield line("settings", False, say(f"settings.{wrong.key}", **blanks_of(wrong)), say("doctor.settings.mend"))
        return
    yield check("settings", True)
    yield _data()
    yield _templates()
    yield from _folder(settings)
    found = list(ledger_checks(settings))
    yield from found
    yield from _redis(settings)
    yield from _office(settings)
    if found[-1]["ok"]:
        yield from _ledger(settings)
    yield from _service(config, settings)


def _ledger(settings: Settings) -> Iterator[Check]:
    """What only a ledger that can be read tells."""
    with suppress(LedgerError):
        yield from process_checks(settings)
    yield from _access(settings)
    yield from _files(settings)
    yield from _office_texts(settings)
    yield from _paths(settings)


def _data() -> Check:
    try:
        return check("units", True, count=len(unit_data.load()))
    except UnitDataError as wrong:
        return line("units", False, str(wrong), say("doctor.units_bad.mend"))


def _templates() -> Check:
    try:
        return check("templates", True, count=len(office_templates().all))
    except TemplateError as wrong:
        return line("templates", False, str(wrong), say("doctor.templates_bad.mend"))


def _folder(settings: Settings) -> Iterator[Check]:
    folder = settings.data_folder()
    there = folder if folder.exists() else next(parent for parent in folder.parents if parent.exists())
    yield check("data_folder", os.access(there, os.W_OK), path=str(folder))
    free = shutil.disk_usage(there).free // 2**20
    yield check("disk", free >= DISK_FREE_MB, free=free, wanted=DISK_FREE_MB)


def _redis(settings: Settings) -> Iterator[Check]:
    if settings.lanes.url == MEMORY:
        return
    from lanes.redis_opened import look

    try:
        yield check("redis", True, version=asyncio.run(look(settings.lanes.url)))
    except LanesError as wrong:
        yield line("redis", False, say(f"settings.{wrong.key}", **wrong.params), say("doctor.redis_bad.mend"))


def _office(settings: Settings) -> Iterator[Check]:
    for name in PLACEHOLDERS:
        filled = bool(getattr(settings.office, name))
        yield check("placeholder", filled, key="" if filled else "placeholder_empty", name=f"office.{name}")


def _files(settings: Settings) -> Iterator[Check]:
    """Do the attachments that the ledger speaks of lie in their folder?"""
    folder = settings.store.files_folder()
    with suppress(LedgerError), opened(settings) as tx:
        count, bad = (0, 0) if tx is None else lost(tx, folder)
        yield check("attachments", not bad, count=count, bad=bad, folder=str(folder))


def _access(settings: Settings) -> Iterator[Check]:
    """The log's chain, and who could be entered with a stolen password."""
    with suppress(LedgerError), opened(settings) as tx:
        if tx is None:
            return
        verdict = audit.verify(tx)
        names = second_factors.without(tx, (Role.APPROVER, Role.ADMIN))
        yield check("audit", verdict.whole, lines=verdict.lines, at=verdict.broken_at or 0)
        yield check("second_factor", not names, names=", ".join(names))


def _office_texts(settings: Settings) -> Iterator[Check]:
    """What the office changed of the shipped texts: whoever looks for a sentence in the files should know."""
    with suppress(LedgerError), opened(settings) as tx:
        if tx is None:
            return
        rows = [one for one in office_texts.holding(tx) if one.kind != GROUP_HISTORY]
        names = ", ".join(f"{row.kind} {row.name} ({row.author})" for row in rows[:NAMES_MOST])
        yield check("office_texts", True, key="" if rows else "no_office_texts", count=len(rows), names=names)


def _paths(settings: Settings) -> Iterator[Check]:
    """People who let nothing of ours in any more."""
    with suppress(LedgerError), opened(settings) as tx:
        if tx is None:
            return
        names = sorted({path.name for path in paths.shut(tx)})
        yield check("paths", not names, count=len(names), names=", ".join(names[:NAMES_MOST]))


def _service(config: Path | None, settings: Settings) -> Iterator[Check]:
    try:
        service = replace(api(config), timeout=ANSWER_SECONDS)
    except Failed:
        stopped = local_word.read(settings.data_folder()) is None
        away = stopped and not settings.store.in_a_file()
        yield check("service", stopped, key="service_elsewhere" if away else "service_stopped")
        return
    try:
        channels = service.get("/channels")["items"]
    except Failed as silent:
        yield check("service", False, key="service_silent", says=silent.sentence or say(silent.key, **silent.params))
        return
    yield check("service", True, url=service.url)
    for found in service.get("/watch")["items"]:
        yield line(f"watch {found['kind']}", found["weight"] == "note", found["says"], found["mend"])
    for channel in channels:
        ok = channel["state"] in ("ok", "off")
        yield line(f"channel {channel['name']}", ok, channel["says"], "" if ok else channel["mend"])
