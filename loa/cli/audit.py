"""`loa audit`: the log of who did what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loa.cli.office import ledger_url
from loa.cli.out import Failed, line
from store import audit
from store.engine import LedgerError
from store.opening import reading

Config = Annotated[Path | None, typer.Option(help="Settings file; else LOA_CONFIG, else config.toml.")]


def verify(
    head: Annotated[str, typer.Option(help="A digest noted before; it must still be in the log.")] = "",
    config: Config = None,
) -> None:
    """Check that no line of the audit log was changed or taken out. Needs no service."""
    try:
        with reading(ledger_url(config)) as tx:
            verdict = audit.verify(tx, head.strip().lower())
    except LedgerError as refused:
        raise Failed(f"error.{refused.key}", **refused.params) from None
    line({"whole": verdict.whole, "lines": verdict.lines, "head": verdict.head.chain, "broken_at": verdict.broken_at})
    if verdict.broken_at is not None:
        raise Failed("audit.broken", at=str(verdict.broken_at))
    if not verdict.known_head_found:
        raise Failed("audit.known_missing")
