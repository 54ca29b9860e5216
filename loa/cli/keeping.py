"""Commands that keep the ledger: backup, restore, and moving it into another database.

`loa run` loads this module, too, so each command loads for itself what takes tens of megabytes: the migrations and the
drivers of both databases."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Annotated, Final, TypeVar

import typer

from loa.cli.office import ledger_url, operator
from loa.cli.out import Failed, line, note, say
from loa.settings import Settings, load_settings
from store.engine import LedgerError
from store.opening import SQLITE
from store.sqlite import FILES

T = TypeVar("T")
Config = Annotated[Path | None, typer.Option(help="Settings file; else LOA_CONFIG, else config.toml.")]
TELL_SECONDS: Final = 2.0
"""Between two words about one table."""


def backup(file: Annotated[Path, typer.Argument()], config: Config = None) -> None:
    """A whole copy of the ledger with all attached files, also while the service runs."""
    from loa import backups, moving

    url, files = _ledger(config)
    if file.exists():
        raise Failed("cli.file_exists", path=str(file))
    if url.startswith(SQLITE) and not moving.path_of(url).exists():
        raise Failed("cli.no_ledger", path=str(moving.path_of(url)))
    try:
        made = asyncio.run(backups.back_up(url, files, file, _told()))
    except LedgerError as wrong:
        raise Failed(f"error.{wrong.key}", **wrong.params) from None
    except (sqlite3.Error, OSError) as failed:
        raise Failed("cli.backup_failed", path=str(file), says=str(failed)) from None
    line({"file": str(file), "rows": made.rows, "attachments": made.attachments, "attachments_missing": made.missing})


def restore(
    file: Annotated[Path, typer.Argument()],
    replace: Annotated[bool, typer.Option("--replace", help="PostgreSQL: give up what the ledger holds now.")] = False,
    config: Config = None,
) -> None:
    """Put a backup in the ledger's place; the service must not run. A ledger in a file is kept beside it."""
    from loa import backups, moving

    settings = load_settings(config)
    url, files = settings.store.ledger_url(), settings.store.files_folder()
    try:
        done = asyncio.run(backups.restore(file, url, files, _told(), replace=replace, by=operator()))
    except backups.BadBackup as bad:
        raise Failed(f"cli.{bad.key}", path=str(file)) from None
    except LedgerError as wrong:
        key = "restore_not_empty" if wrong.key == "transfer_not_empty" else wrong.key
        raise Failed(f"error.{key}", **wrong.params) from None
    except (sqlite3.Error, OSError) as failed:
        raise Failed("cli.restore_failed", path=str(file), says=str(failed)) from None
    where = str(moving.path_of(url)) if url.startswith(SQLITE) else moving.shown(url)
    line({"file": where, "rows": done.rows, "attachments": done.attachments})


def move(
    source: Annotated[str, typer.Argument(metavar="FROM", help="sqlite:///… or postgresql://…")],
    target: Annotated[str, typer.Argument(metavar="TO", help="postgresql://… or sqlite:///…, with nothing in it")],
    files_from: Annotated[Path | None, typer.Option(help="Attachments of FROM; else as [store] says.")] = None,
    files_to: Annotated[Path | None, typer.Option(help="Attachments of TO; else as [store] says.")] = None,
    config: Config = None,
) -> None:
    """Move the ledger into another database while no service runs; FROM stays as it is."""
    from loa import moving

    for url in (source, target):
        if not moving.is_served(url):
            raise Failed("error.ledger_url", value=url.partition(":")[0])
    settings = load_settings(config)
    began = monotonic()
    try:
        moved = asyncio.run(
            moving.move(
                source,
                target,
                files_from or _files(settings, source),
                files_to or _files(settings, target),
                _told(),
                operator(),
            )
        )
    except LedgerError as wrong:
        raise Failed(f"error.{wrong.key}", **wrong.params) from None
    except OSError as failed:
        raise Failed("cli.move_failed", says=str(failed)) from None
    line(
        {
            "from": moving.shown(source),
            "to": moving.shown(target),
            "tables": moved.what.tables,
            "rows": moved.what.rows,
            "attachments": moved.attachments,
            "attachments_missing": moved.missing,
            "seconds": round(monotonic() - began, 1),
        }
    )


def _ledger(config: Path | None) -> tuple[str, Path]:
    """(URL, folder of attachments) of this machine's ledger."""
    url = ledger_url(config)
    if "LOA_DATA" in os.environ:
        return url, Path(os.environ["LOA_DATA"]) / FILES
    return url, load_settings(config).store.files_folder()


def _files(settings: Settings, url: str) -> Path:
    """Where the attachments of a ledger lie as `[store]` would have it with that URL."""
    return settings.store.model_copy(update={"url": url}).files_folder()


def _told() -> Callable[[str, int, int], None]:
    """Progress for the person at the keyboard: the end of each table, and now and then on the way."""
    last = [monotonic()]

    def tell(table: str, done: int, total: int) -> None:
        if done == total or monotonic() - last[0] >= TELL_SECONDS:
            last[0] = monotonic()
            note(say("cli.carried", table=table, done=f"{done:,}", total=f"{total:,}"))

    return tell
