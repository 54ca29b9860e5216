"""Threads that write. Where one does, closures that wait together share one commit, each behind its own savepoint, so
that one that raises does not undo the others."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import structlog

from store import commits
from store.engine import LedgerError, Tx

log = structlog.get_logger(__name__)

CLOSURES_PER_COMMIT: Final = 64
"""Most closures that share one commit."""
RUNS: Final = 4
"""How often closures are run that another transaction or a lost connection undid."""

Closure = Callable[[Tx], Any]
Result = tuple[bool, Any]
"""(ok, value or exception)"""


class Writer(Protocol):
    """One connection that may write; used by one thread."""

    def begin(self) -> Tx: ...

    def commit(self) -> None: ...

    def rollback(self) -> None:
        """Undo whatever is open; never raises."""

    def savepoint(self) -> None: ...

    def undo(self) -> bool:
        """Back to the savepoint. False: the whole transaction is gone."""
        ...

    def release(self) -> None: ...

    def undone_by_others(self, raised: Exception) -> bool:
        """Whether nothing is stored for a reason that the closures have no part in: they may be run again."""
        ...

    def in_our_words(self, raised: Exception) -> Exception:
        """The engine's own failures as `LedgerWriteError`; a closure's own exception stays what it is."""
        ...

    def close(self) -> None: ...


class _Job:
    __slots__ = ("fn", "future", "loop")

    def __init__(self, fn: Closure, future: asyncio.Future[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.fn = fn
        self.future = future
        self.loop = loop


class WritingThreads:
    """Threads with one queue. Where there is one, what is sent is run in that order, and what waits shares a commit.

    Where there are several, each closure has a transaction of its own. In a shared one the rows of the first would stay
    locked until the others have theirs, and two such transactions could wait for each other; commits of several
    connections share the database's disk anyway."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.commits = 0

    def start(self, writer: Writer) -> None:
        """One more thread, with a connection of its own."""
        name = f"{self._name}-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._loop, args=(writer,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    async def send(self, fn: Closure) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._jobs.put(_Job(fn, future, loop))
        return await asyncio.shield(future)

    def end(self) -> None:
        """What was sent is still run."""
        for _ in self._threads:
            self._jobs.put(None)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _loop(self, writer: Writer) -> None:
        ending = False
        while not ending:
            jobs, ending = self._next()
            if jobs:
                began = time.perf_counter()
                results = commit_together(writer, [job.fn for job in jobs])
                commits.committed(len(jobs), time.perf_counter() - began)
                _answer(jobs, results)
                self.commits += 1
        writer.close()

    def _next(self) -> tuple[list[_Job], bool]:
        """(what waits now, at least one; whether this was the last)"""
        job = self._jobs.get()
        most = CLOSURES_PER_COMMIT if len(self._threads) == 1 else 1
        jobs: list[_Job] = []
        while job is not None:
            jobs.append(job)
            if len(jobs) == most:
                return jobs, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, False
        return jobs, True


def commit_together(writer: Writer, closures: Sequence[Closure]) -> list[Result]:
    """One transaction for all; each closure behind a savepoint. (ok, value or exception) per closure."""
    for run in range(1, RUNS + 1):
        results: list[Result] = []
        try:
            tx = writer.begin()
            for closure in closures:
                results.append(_run_one(writer, tx, closure, alone=len(closures) == 1))
            writer.commit()
        except Exception as failed:
            writer.rollback()
            if run < RUNS and writer.undone_by_others(failed):
                log.info("ledger_runs_again", closures=len(closures), run=run, why=type(failed).__name__)
                continue
            error = writer.in_our_words(failed)
            if isinstance(error, LedgerError):
                log.error("ledger_commit_failed", reason=error.key, closures=len(closures))
                commits.failed(error.key)
            return [result if not result[0] else (False, error) for result in results] + [(False, error)] * (
                len(closures) - len(results)
            )
        break
    return results


def _run_one(writer: Writer, tx: Tx, closure: Closure, *, alone: bool) -> Result:
    if alone:
        return True, closure(tx)
    writer.savepoint()
    try:
        value = closure(tx)
    except Exception as raised:
        if writer.undone_by_others(raised) or not writer.undo():
            raise
        return False, writer.in_our_words(raised)
    writer.release()
    return True, value


def _answer(jobs: Sequence[_Job], results: Sequence[Result]) -> None:
    """Wake the callers, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Result]]] = {}
    for job, result in zip(jobs, results, strict=True):
        by_loop.setdefault(job.loop, []).append((job.future, result))
    for loop, answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_set_results, answers)
        except RuntimeError:  # the loop is gone; so is whoever waited
            continue


def _set_results(answers: list[tuple[asyncio.Future[Any], Result]]) -> None:
    for future, (ok, value) in answers:
        if future.done():
            continue
        if ok:
            future.set_result(value)
        else:
            future.set_exception(value)
