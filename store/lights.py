"""What each channel says of its health, kept by the process in which it lives, for pages and watches elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class LightRow:
    """`params`: JSON. `at`: when it was said, by the ledger's clock; `proven_at`: epoch seconds."""

    channel: str
    owner: str
    state: str
    key: str
    params: str
    proven_at: float | None
    at: float


def put(tx: Tx, rows: Iterable[LightRow]) -> None:
    for one in rows:
        tx.execute(
            "INSERT INTO light (channel, owner, state, key, params, proven_at, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (channel) DO UPDATE SET owner = excluded.owner, state = excluded.state, key = excluded.key,"
            " params = excluded.params, proven_at = excluded.proven_at, at = excluded.at",
            (one.channel, one.owner, one.state, one.key, one.params, one.proven_at, one.at),
        )


def read(tx: Tx) -> dict[str, LightRow]:
    rows = tx.execute("SELECT channel, owner, state, key, params, proven_at, at FROM light")
    return {row[0]: LightRow(*row) for row in rows}
