"""`loa audit`: the log of who did what."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from loa.cli.office import ledger_file
from loa.cli.out import Failed, line
from store import audit
from store.sqlite import connect_reader

Config = Annotated[Path | None, typer.Option(help="Settings file; else LOA_CONFIG, else config.toml.")]


def verify(
    head: Annotated[str, typer.Option(help="A digest noted before; it must still be in the log.")] = "",
    config: Config = None,
) -> None:
    """Check that no line of the audit log was changed or taken out. Needs no service."""
    with closing(connect_reader(ledger_file(config))) as tx:
        verdict = audit.verify(tx, head.strip().lower())
    line({"whole": verdict.whole, "lines": verdict.lines, "head": verdict.head.chain, "broken_at": verdict.broken_at})
    if verdict.broken_at is not None:
        raise Failed("audit.broken", at=str(verdict.broken_at))
    if not verdict.known_head_found:
        raise Failed("audit.known_missing")
