"""Small steps on the ledger that are due together share one transaction: many messages, one wake-up of a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from store.engine import LedgerError, Tx

T = TypeVar("T")
Step = Callable[[Tx], T]
Outcome = tuple[bool, T | Exception]


class Together(Generic[T]):
    """Collects the steps of one turn of the event loop, and those that come while the transaction before is running.

    `run` is `Ledger.read` or `Ledger.write`. What a step raises ends the transaction, so that the ledger hears of it: a
    lost connection is its to mend or to name. A step that fails by itself fails alone where steps are `apart` (reads):
    each is then run in a transaction of its own; else every step of the transaction fails.
    """

    def __init__(self, run: Callable[[Step[list[T]]], Awaitable[list[T]]], *, apart: bool) -> None:
        self._run = run
        self._apart = apart
        self._due: list[tuple[Step[T], asyncio.Future[T]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, step: Step[T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._due.append((step, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while self._due:
            batch, self._due = self._due, []
            outcomes = await self._outcomes([step for step, _ in batch])
            for (_, future), (ok, value) in zip(batch, outcomes, strict=True):
                if future.done():
                    continue
                if ok:
                    future.set_result(value)  # type: ignore[arg-type]
                else:
                    future.set_exception(value)  # type: ignore[arg-type]

    async def _outcomes(self, steps: list[Step[T]]) -> list[Outcome[T]]:
        try:
            return [(True, value) for value in await self._run(lambda tx: [step(tx) for step in steps])]
        except LedgerError as failed:
            return [(False, failed)] * len(steps)
        except Exception as raised:
            if not self._apart or len(steps) == 1:
                return [(False, raised)] * len(steps)
            return [outcome for step in steps for outcome in await self._outcomes([step])]
