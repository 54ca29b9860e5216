"""Lists of numbers as sets: joined, taken from each other, and kept as new versions. Flat memory, whatever the size."""

from __future__ import annotations

import asyncio
import math
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from directory.number_lines import ListDigest
from store import number_lists
from store.engine import Ledger, Tx
from store.number_lists import ListRow

BATCH: Final = 5_000
"""Numbers of one transaction: it holds the writer for 10 to 30 ms, so that an answer to a cry for help never waits."""


@dataclass(frozen=True, slots=True)
class NumberTerm:
    """One list of an expression: joined to what stands before it, or taken away from it."""

    list_id: int
    plus: bool


@dataclass(frozen=True, slots=True)
class NumberCount:
    """`opted_out` of the numbers were left out because they take no campaign texts; `duplicates` more are in several
    of the lists and count once."""

    size: int
    opted_out: int
    duplicates: int = 0


@dataclass(frozen=True, slots=True)
class FrozenNumbers:
    """A version that will not change, and how many numbers were left out as opted out."""

    list_id: int
    size: int
    digest: str
    opted_out: int


@dataclass(frozen=True, slots=True)
class _Window:
    numbers: list[int]
    opted_out: int
    duplicates: int
    upto: int | None
    """Everything up to this number was looked at; None: everything."""


def _window(tx: Tx, terms: Sequence[NumberTerm], without_opted_out: bool, after: int, limit: int) -> _Window:
    """The next numbers of the expression above `after`, terms worked off from left to right."""
    pages_ = [number_lists.page(tx, term.list_id, after, limit) for term in terms]
    out = number_lists.opted_out_page(tx, after, limit) if without_opted_out else []
    full = [page[-1] for page in [*pages_, out] if len(page) == limit]
    upto = min(full, default=None)
    found: set[int] = set()
    duplicates = 0
    for term, page in zip(terms, pages_, strict=True):
        part = page if upto is None else page[: bisect_right(page, upto)]
        if term.plus:
            before = len(found)
            found.update(part)
            duplicates += len(part) - (len(found) - before)
        else:
            found.difference_update(part)
    gone = found.intersection(out)
    return _Window(sorted(found - gone), len(gone), duplicates, upto)


def _only(tx: Tx, terms: Sequence[NumberTerm], without_opted_out: bool) -> ListRow | None:
    """The version that already is the whole expression, if one is."""
    if len(terms) != 1 or not terms[0].plus:
        return None
    if without_opted_out and number_lists.opted_out_in(tx, terms[0].list_id):
        return None
    return number_lists.by_id(tx, terms[0].list_id)


def count_numbers(tx: Tx, terms: Sequence[NumberTerm], *, without_opted_out: bool = False) -> NumberCount:
    """How many numbers an expression of lists has, each once. About a second for a million in several lists."""
    if not terms:
        return NumberCount(0, 0)
    if (only := _only(tx, terms, without_opted_out)) is not None:
        return NumberCount(only.size, 0)
    size = opted_out = duplicates = 0
    for window in _windows(tx, terms, without_opted_out):
        size += len(window.numbers)
        opted_out += window.opted_out
        duplicates += window.duplicates
    return NumberCount(size, opted_out, duplicates)


def pages(tx: Tx, terms: Sequence[NumberTerm], *, without_opted_out: bool = False) -> Iterator[list[int]]:
    """The numbers of an expression of lists, each once, ascending, some thousands at a time."""
    for window in _windows(tx, terms, without_opted_out):
        yield window.numbers


def _windows(tx: Tx, terms: Sequence[NumberTerm], without_opted_out: bool) -> Iterator[_Window]:
    after: int | None = 0 if terms else None
    while after is not None:
        window = _window(tx, terms, without_opted_out, after, BATCH)
        yield window
        after = window.upto


def counted_digest(tx: Tx, lists: Sequence[int]) -> tuple[int, str]:
    """(how many, SHA-256 in hex) of the numbers that stand in these versions now, whatever was noted beside them."""
    found = ListDigest()
    for page in pages(tx, [NumberTerm(one, True) for one in lists]):
        found.add(page)
    return found.size, found.hexdigest()


async def freeze_numbers(
    ledger: Ledger, terms: Sequence[NumberTerm], now: float, *, without_opted_out: bool = False
) -> FrozenNumbers | None:
    """The expression as one version: the list itself where it is the only one, else a new nameless one. None: empty.

    Raises `LedgerError` where nothing could be stored; then nothing of it is left.
    """
    if not terms:
        return None
    only = await ledger.read(lambda tx: _only(tx, terms, without_opted_out))
    if only is not None:
        return FrozenNumbers(only.id, only.size, only.digest, 0) if only.size else None
    opted_out = 0
    async with NewVersion(ledger, "", now) as version:
        after: int | None = 0
        while after is not None:
            window = await ledger.read(_window_reader(terms, without_opted_out, after))
            await version.append(window.numbers)
            opted_out += window.opted_out
            after = window.upto
        frozen = await version.finish() if version.digest.size else None
    return FrozenNumbers(frozen.id, frozen.size, frozen.digest, opted_out) if frozen else None


def _window_reader(terms: Sequence[NumberTerm], without_opted_out: bool, after: int) -> Callable[[Tx], _Window]:
    return lambda tx: _window(tx, terms, without_opted_out, after, BATCH)


class NewVersion:
    """A version being written, in ascending batches. Left without `finish`, nothing of it stays."""

    def __init__(self, ledger: Ledger, name: str, now: float) -> None:
        self._ledger = ledger
        self._name = name
        self._now = now
        self._id = 0
        self._whole = False
        self.digest = ListDigest()

    async def __aenter__(self) -> NewVersion:
        self._id = await self._ledger.write(lambda tx: number_lists.begin(tx, self._name, self._now))
        return self

    async def append(self, batch: list[int]) -> None:
        """`batch` is ascending and above everything before it."""
        self.digest.add(batch)
        await self._ledger.write(lambda tx: number_lists.append(tx, self._id, batch), beside=True)

    async def finish(self) -> ListRow:
        """From here on the name means this version."""
        size, digest = self.digest.size, self.digest.hexdigest()

        def close(tx: Tx) -> ListRow:
            number_lists.finish(tx, self._id, size, digest)
            found = number_lists.by_id(tx, self._id)
            assert found is not None
            return found

        row = await self._ledger.write(close)
        self._whole = True
        return row

    async def __aexit__(self, *_: object) -> None:
        if not self._whole:
            # Also when cancelled: a half list would only wait for the next start.
            await asyncio.shield(discard(self._ledger, self._id))


async def discard(ledger: Ledger, list_id: int) -> None:
    """Remove a version and its numbers, in short transactions."""
    while await ledger.write(lambda tx: number_lists.drop_entries(tx, list_id, BATCH), beside=True):
        pass
    await ledger.write(lambda tx: number_lists.drop(tx, list_id))


async def discard_incomplete(ledger: Ledger, older: float | None = None) -> int:
    """At start: remove what imports left that a crash ended. How many versions went. `older`: only what was begun so
    many seconds ago, since another process may be importing now."""
    before = math.inf if older is None else time.time() - older
    left = await ledger.read(lambda tx: number_lists.incomplete(tx, before))
    for list_id in left:
        await discard(ledger, list_id)
    return len(left)
