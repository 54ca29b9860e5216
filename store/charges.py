"""What broadcasts cost, by the account that their messages went through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from store.engine import Tx


@dataclass(slots=True)
class Charge:
    """Messages that one account took for one broadcast. `vnd` is by the account's price at that moment; for
    `told_messages` of them the provider itself said what it charged."""

    messages: int = 0
    parts: int = 0
    vnd: float = 0.0
    told_messages: int = 0
    told_vnd: float = 0.0

    @property
    def charged(self) -> float:
        """VND: the provider's word where there is one, the price list for the rest."""
        told = min(self.told_messages, self.messages)
        return self.told_vnd + (self.vnd * (1 - told / self.messages) if self.messages else 0.0)


def add(tx: Tx, rows: Iterable[tuple[int, int, Charge]]) -> None:
    """(broadcast number, account, what is to be added)"""
    tx.executemany(
        "INSERT INTO charge (broadcast_no, account, messages, parts, vnd, told_messages, told_vnd)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (broadcast_no, account) DO UPDATE SET"
        " messages = charge.messages + excluded.messages, parts = charge.parts + excluded.parts,"
        " vnd = charge.vnd + excluded.vnd, told_messages = charge.told_messages + excluded.told_messages,"
        " told_vnd = charge.told_vnd + excluded.told_vnd",
        [(no, account, c.messages, c.parts, c.vnd, c.told_messages, c.told_vnd) for no, account, c in rows],
    )


def of_broadcast(tx: Tx, no: int) -> dict[str, Charge]:
    """Account name → its charge, in the order of names."""
    rows = tx.execute(
        "SELECT a.name, c.messages, c.parts, c.vnd, c.told_messages, c.told_vnd"
        " FROM charge c JOIN channel_account a ON a.id = c.account WHERE c.broadcast_no = ? ORDER BY a.name",
        (no,),
    )
    return {row[0]: Charge(*row[1:]) for row in rows}
