"""Threads that write: closures of one moment share the commit of one thread; of several each gets its own."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, cast

from store.engine import Tx
from store.group_commit import WritingThreads

PATIENCE_SECONDS = 20.0


class Connection:
    """`store.group_commit.Writer` that only counts."""

    def __init__(self) -> None:
        self.commits = 0

    def begin(self) -> Tx:
        return cast(Tx, None)

    def commit(self) -> None:
        self.commits += 1

    def rollback(self) -> None: ...

    def savepoint(self) -> None: ...

    def undo(self) -> bool:
        return True

    def release(self) -> None: ...

    def undone_by_others(self, raised: Exception) -> bool:
        return False

    def in_our_words(self, raised: Exception) -> Exception:
        return raised

    def close(self) -> None: ...


def started(count: int) -> tuple[WritingThreads, list[Connection]]:
    threads, connections = WritingThreads("test"), [Connection() for _ in range(count)]
    for one in connections:
        threads.start(one)
    return threads, connections


def ended(threads: WritingThreads) -> None:
    threads.end()
    threads.join()


async def test_of_several_threads_none_takes_two() -> None:
    """Each of the two waits for the other: one thread could never run both."""
    threads, connections = started(2)
    both = threading.Barrier(2)

    def meet(tx: Tx) -> Any:
        return both.wait(PATIENCE_SECONDS)

    await asyncio.gather(threads.send(meet), threads.send(meet))
    await asyncio.to_thread(ended, threads)
    assert [one.commits for one in connections] == [1, 1]


async def test_what_waits_for_one_thread_shares_a_commit() -> None:
    threads, (connection,) = started(1)
    may = threading.Event()
    first = asyncio.ensure_future(threads.send(lambda tx: may.wait(PATIENCE_SECONDS)))
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(threads.send(lambda tx, n=n: n)) for n in range(5)]  # type: ignore[misc]
    await asyncio.sleep(0)
    may.set()
    assert await asyncio.gather(*others) == [0, 1, 2, 3, 4]
    assert await first is True
    await asyncio.to_thread(ended, threads)
    assert connection.commits <= 2, "the first, then all that had come meanwhile"
