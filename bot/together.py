"""Small steps on the ledger that are due together share one transaction: many messages, one wake-up of a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from store.engine import Tx

T = TypeVar("T")
Step = Callable[[Tx], T]
Outcome = tuple[bool, T | Exception]


class Together(Generic[T]):
    """Collects the steps of one turn of the event loop, and those that come while the transaction before is running.

    `run` is `Ledger.read` or `Ledger.write`. A step that raises fails alone where steps are `apart` (reads); else the
    whole transaction is undone and every step of it fails.
    """

    def __init__(self, run: Callable[[Step[list[Outcome[T]]]], Awaitable[list[Outcome[T]]]], *, apart: bool) -> None:
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
            steps = [step for step, _ in batch]
            try:
                outcomes = await self._run(lambda tx, steps=steps: self._take(tx, steps))  # type: ignore[misc]
            except Exception as raised:
                outcomes = [(False, raised)] * len(batch)
            for (_, future), (ok, value) in zip(batch, outcomes, strict=True):
                if future.done():
                    continue
                if ok:
                    future.set_result(value)  # type: ignore[arg-type]
                else:
                    future.set_exception(value)  # type: ignore[arg-type]

    def _take(self, tx: Tx, steps: list[Step[T]]) -> list[Outcome[T]]:
        outcomes: list[Outcome[T]] = []
        for step in steps:
            try:
                outcomes.append((True, step(tx)))
            except Exception as raised:
                if not self._apart:
                    raise
                outcomes.append((False, raised))
        return outcomes
