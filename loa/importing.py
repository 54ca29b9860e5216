"""Uploads for the directory: the body goes to a file beside the ledger, then through the importers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from broadcasts.model import Actor, Refusal, RefusalKind
from directory import content_import, importing
from directory.importing import Told, untold
from directory.reading import FileRefused, Reject
from directory.units import UnitCatalogue
from store.engine import Ledger, LedgerError
from web.services import ImportReport

REJECTS_SHOWN = 200


class Imports:
    """`web.services.Importing` over the directory."""

    def __init__(self, ledger: Ledger, units: UnitCatalogue, folder: Path) -> None:
        self._ledger = ledger
        self._units = units
        self._folder = folder

    async def numbers(
        self, name: str, chunks: AsyncIterator[bytes], *, dry_run: bool, told: Told = untold
    ) -> ImportReport:
        """Numbers in CSV or one a line, as they come; "" makes a list for one broadcast."""
        with self._upload(".csv") as path:
            await _fill(path, chunks)
            told(0, 0)
            with _refusals():
                report = await importing.import_numbers(
                    self._ledger, path, name, time.time(), dry_run=dry_run, told=told
                )
        return ImportReport(
            added=report.added,
            changed=0,
            removed=report.removed,
            rejected=[_reject(one) for one in report.rejected[:REJECTS_SHOWN]],
            rejections=report.rejections,
            list_id=report.list_id,
        )

    async def people(
        self, filename: str, content: bytes, actor: Actor, *, dry_run: bool, replace: bool = False, expect: str = ""
    ) -> ImportReport:
        with self._upload(Path(filename).suffix.lower()) as path:
            await asyncio.to_thread(path.write_bytes, content)
            with _refusals():
                report = await importing.import_people(
                    self._ledger, self._units, path, time.time(), dry_run=dry_run, replace=replace, expect=expect
                )
        return ImportReport(
            added=report.added,
            changed=report.changed,
            removed=report.removed,
            rejected=[_reject(one) for one in report.rejected[:REJECTS_SHOWN]],
            rejections=len(report.rejected),
            steps=report.steps,
            digest=report.digest,
        )

    async def content(self, filename: str, content: bytes, actor: Actor, *, dry_run: bool) -> ImportReport:
        with self._upload(Path(filename).suffix.lower()) as path:
            await asyncio.to_thread(path.write_bytes, content)
            with _refusals():
                report = await content_import.import_content(
                    self._ledger, self._units, path, actor.name, time.time(), dry_run=dry_run
                )
        return ImportReport(
            added=report.added,
            changed=0,
            removed=0,
            rejected=[_reject(one) for one in report.rejected[:REJECTS_SHOWN]],
            rejections=len(report.rejected),
        )

    @contextmanager
    def _upload(self, suffix: str) -> Iterator[Path]:
        try:
            with NamedTemporaryFile(dir=self._folder, prefix="upload-", suffix=suffix, delete=False) as file:
                path = Path(file.name)
        except OSError as refused:
            raise LedgerError("ledger_not_writable", path=str(self._folder)) from refused
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


async def _fill(path: Path, chunks: AsyncIterator[bytes]) -> None:
    with path.open("wb") as file:
        async for chunk in chunks:
            await asyncio.to_thread(file.write, chunk)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except FileRefused as refused:
        raise Refusal(RefusalKind.INVALID, refused.key, (), **refused.params) from refused


def _reject(one: Reject) -> dict[str, object]:
    return {"line": one.line, "key": one.key, "params": dict(one.params)}
