"""What a flush learned of money, summed by broadcast and account."""

from __future__ import annotations

from typing import Any

from adapters.contract import Accepted, Outcome, Receipt, Unknown
from store import charges
from store.charges import Charge
from store.engine import Tx


class Tally:
    """`close` writes the sums; nothing of a flush that failed is kept."""

    def __init__(self) -> None:
        self._charges: dict[tuple[int, int], Charge] = {}

    def _charge(self, broadcast_no: int, account: int) -> Charge:
        return self._charges.setdefault((broadcast_no, account), Charge())

    def sent(self, broadcast_no: int, account: int, outcome: Outcome) -> None:
        """What was taken is charged, also a part of a message whose rest was refused; a doubt is not."""
        if isinstance(outcome, Unknown) or outcome.vnd is None:
            return
        charge = self._charge(broadcast_no, account)
        charge.messages += 1
        charge.parts += outcome.parts
        charge.vnd += outcome.vnd
        if isinstance(outcome, Accepted) and outcome.told_vnd is not None:
            charge.told_messages += 1
            charge.told_vnd += outcome.told_vnd

    def told(self, broadcast_no: int, account: int, receipt: Receipt) -> None:
        """A receipt that was news."""
        if receipt.told_vnd is not None:
            charge = self._charge(broadcast_no, account)
            charge.told_messages += 1
            charge.told_vnd += receipt.told_vnd

    def close(self, tx: Tx) -> None:
        if self._charges:
            charges.add(tx, ((no, account, charge) for (no, account), charge in self._charges.items()))


def cost_of(tx: Tx, no: int, estimated: dict[str, Any] | None) -> dict[str, Any] | None:
    """`{"estimated": as it was known at approval, "charged": {"messages", "parts", "vnd", "accounts": [{"account",
    "messages", "parts", "vnd"}]}}`; None where nothing cost or costs money."""
    charged = charges.of_broadcast(tx, no)
    if not charged and estimated is None:
        return None
    accounts = [
        {"account": name, "messages": one.messages, "parts": one.parts, "vnd": round(one.charged, 2)}
        for name, one in charged.items()
    ]
    return {
        "estimated": estimated,
        "charged": {
            "messages": sum(one.messages for one in charged.values()),
            "parts": sum(one.parts for one in charged.values()),
            "vnd": round(sum(one.charged for one in charged.values()), 2),
            "accounts": accounts,
        },
    }
