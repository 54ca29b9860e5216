"""Steps that share a transaction: in order, few transactions, and failures that stay where they belong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bot.together import Together
from store.engine import LedgerError


class Ledger:
    """Runs a closure a turn later and counts transactions; `refuse` transactions fail as a whole."""

    def __init__(self, refuse: int = 0) -> None:
        self.transactions = 0
        self.refuse = refuse

    async def run(self, fn: Callable[[Any], Any]) -> Any:
        self.transactions += 1
        await asyncio.sleep(0)
        if self.refuse:
            self.refuse -= 1
            raise OSError("disk full")
        return fn(self)


def fail(_: object) -> int:
    raise ZeroDivisionError


async def test_what_is_due_together_shares_a_transaction() -> None:
    ledger = Ledger()
    together: Together[int] = Together(ledger.run, apart=True)
    assert await asyncio.gather(*(together(lambda _, n=n: n) for n in range(50))) == list(range(50))
    assert ledger.transactions == 1
    assert await together(lambda _: 7) == 7
    assert ledger.transactions == 2


async def test_a_step_apart_fails_alone() -> None:
    together: Together[int] = Together(Ledger().run, apart=True)
    found = await asyncio.gather(together(lambda _: 1), together(fail), together(lambda _: 3), return_exceptions=True)
    assert found[0::2] == [1, 3]
    assert isinstance(found[1], ZeroDivisionError)


class Losing(Ledger):
    """The connection is lost `often` times in the middle of a step, and a transaction is then run once more."""

    def __init__(self, often: int) -> None:
        super().__init__()
        self.losses = often

    async def run(self, fn: Callable[[Any], Any]) -> Any:
        for _ in range(2):
            try:
                return await super().run(fn)
            except ConnectionError:
                continue
        raise LedgerError("ledger_unreachable")

    def one(self, value: int) -> int:
        if self.losses:
            self.losses -= 1
            raise ConnectionResetError
        return value


async def test_what_a_step_meets_the_ledger_hears_of_and_mends() -> None:
    """It is not the step's fault: a message whose sender was being looked up then is no bad message."""
    ledger = Losing(often=1)
    together: Together[int] = Together(ledger.run, apart=True)
    assert await asyncio.gather(*(together(lambda tx, n=n: tx.one(n)) for n in range(3))) == [0, 1, 2]  # type: ignore[misc]
    assert ledger.transactions == 2


async def test_a_ledger_that_is_away_is_not_asked_once_for_each_step() -> None:
    ledger = Losing(often=99)
    together: Together[int] = Together(ledger.run, apart=True)
    found = await asyncio.gather(*(together(lambda tx: tx.one(1)) for _ in range(9)), return_exceptions=True)
    assert [type(one) for one in found] == [LedgerError] * 9
    assert ledger.transactions == 2


async def test_steps_of_one_transaction_fail_together() -> None:
    together: Together[int] = Together(Ledger().run, apart=False)
    found = await asyncio.gather(together(lambda _: 1), together(fail), return_exceptions=True)
    assert [type(one) for one in found] == [ZeroDivisionError, ZeroDivisionError]


async def test_after_a_refusal_the_next_ones_run() -> None:
    together: Together[int] = Together(Ledger(refuse=1).run, apart=False)
    with pytest.raises(OSError, match="disk full"):
        await together(lambda _: 1)
    assert await together(lambda _: 2) == 2


async def test_a_caller_that_gave_up_disturbs_nobody() -> None:
    together: Together[int] = Together(Ledger().run, apart=True)
    gone = asyncio.create_task(together(lambda _: 1))
    stays = asyncio.create_task(together(lambda _: 2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 2
    assert gone.cancelled() or gone.done()
