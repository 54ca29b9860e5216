"""What a PostgreSQL server says of itself, for whoever runs it. Nothing here is asked of a ledger in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from store.engine import Tx

DURABLE: Final = ("fsync", "full_page_writes", "synchronous_commit")
"""Settings of which each, switched off, lets a power cut take what was answered with a 2xx (postgresql.org/docs/15,
20.5.1)."""


@dataclass(frozen=True, slots=True)
class Server:
    """`unsafe`: those of `DURABLE` that are off. `used`: connections of everybody, `most`: how many there may be."""

    version: str
    unsafe: tuple[str, ...]
    used: int
    most: int


def about(tx: Tx) -> Server:
    settings = ("server_version", "max_connections", *DURABLE)
    asked = ", ".join(f"current_setting('{name}')" for name in settings)
    version, most, *durable = tx.execute(f"SELECT {asked}").fetchone()
    used = int(tx.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'").fetchone()[0])
    unsafe = tuple(name for name, value in zip(DURABLE, durable, strict=True) if value == "off")
    return Server(str(version), unsafe, used, int(most))
