"""Where attachments lie: `<data>/attachments/<first two hex digits>/<SHA-256>`, written whole or not at all.

The ledger knows whose they are; bytes without a row are nobody's, a row without its bytes is shown by `loa doctor`.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from adapters.contract import Now
from broadcasts.file_kinds import judge
from broadcasts.file_names import is_harmful, tidy_name
from broadcasts.model import Actor, Problem, Refusal, RefusalKind
from store import attachments, audit
from store.attachments import AttachmentRow
from store.engine import Ledger, LedgerWriteError, Tx

log = structlog.get_logger(__name__)

SIZE_LIMIT: Final = 20 * 1024 * 1024
"""Bytes: a scanned order of sixty pages, and well below what a chat takes (Telegram Bot API, sendDocument: 50 MB)."""
UNUSED_SECONDS: Final = 86_400.0
"""An upload that no broadcast took for a day is given up (our choice: the next watch may still finish the draft)."""
UNSENT_SECONDS: Final = 30 * 86_400.0
"""After a broadcast ended without having left, its files are kept for so long (our choice)."""
FRESH_SECONDS: Final = 3_600.0
"""Bytes that were written so recently are never deleted: somebody may be about to give them a row."""
COLLECT_EVERY_SECONDS: Final = 3_600.0
SHORT_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is mistaken for a digit when it is typed from a printed or SMS text."""
SHORT_LENGTH: Final = 10
"""50 bits: at a thousand guesses a second against a thousand live files, one hit in 35 years (docs/decisions/0010)."""


class TooLarge(Exception):
    """More than `SIZE_LIMIT` bytes came."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """Bytes that were taken in but not judged yet."""

    path: Path
    sha256: str
    size: int


class Archive:
    def __init__(self, ledger: Ledger, now: Now = time.time) -> None:
        self._ledger = ledger
        self._folder = ledger.files
        self._now = now

    def path(self, sha256: str) -> Path:
        return blob_path(self._folder, sha256)

    async def add(self, name: str, chunks: AsyncIterator[bytes], actor: Actor) -> AttachmentRow:
        """Take a file in as it comes. Raises `TooLarge` as soon as it is, `Refusal` (`invalid_input`) for what cannot
        be sent, `LedgerError` where nothing can be stored."""
        if is_harmful(name):
            raise _refused("attachment_name")
        taken = await self._take(chunks)
        try:
            judged = judge(await asyncio.to_thread(taken.path.read_bytes))
            if judged.problem:
                raise _refused(judged.problem)
            await asyncio.to_thread(_settle, taken.path, self.path(taken.sha256))
        finally:
            await asyncio.to_thread(taken.path.unlink, True)
        tidy = tidy_name(name, judged.media)
        return await self._ledger.write(lambda tx: self._record(tx, taken, tidy, judged.media, actor))

    def _record(self, tx: Tx, taken: Incoming, name: str, media: str, actor: Actor) -> AttachmentRow:
        row = attachments.insert(
            tx, short=new_short(), sha256=taken.sha256, name=name, media=media, size=taken.size,
            created_by=actor.name, now=self._now(),
        )  # fmt: skip
        audit.record(
            tx, self._now(), actor.name, "upload_attachment", id=row.id, file=name, size=row.size, sha256=row.sha256
        )
        return row

    async def _take(self, chunks: AsyncIterator[bytes]) -> Incoming:
        path = self._folder / "incoming" / secrets.token_hex(8)
        digest, size = hashlib.sha256(), 0
        try:
            file = await asyncio.to_thread(_opened, path)
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > SIZE_LIMIT:
                        raise TooLarge
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
            finally:
                await asyncio.to_thread(file.close)
        except OSError as failed:
            await asyncio.to_thread(path.unlink, True)
            raise _not_stored(failed) from failed
        except BaseException:
            await asyncio.to_thread(path.unlink, True)
            raise
        return Incoming(path, digest.hexdigest(), size)

    async def collect(self) -> int:
        """Give up the bytes that nobody needs; how many uploads. Safe to repeat: the rows say what is due."""
        now = self._now()

        def give_up(tx: Tx) -> list[AttachmentRow]:
            rows = attachments.unneeded(tx, now - UNUSED_SECONDS, now - UNSENT_SECONDS)
            attachments.collect(tx, [row.id for row in rows], now)
            return rows

        if not await self._ledger.read(lambda tx: attachments.unneeded(tx, now - UNUSED_SECONDS, now - UNSENT_SECONDS)):
            await asyncio.to_thread(self._sweep_incoming)
            return 0
        rows = await self._ledger.write(give_up)
        for sha256 in {row.sha256 for row in rows}:
            if not await self._ledger.read(lambda tx, sha256=sha256: attachments.is_wanted(tx, sha256)):  # type: ignore[misc]
                await asyncio.to_thread(self._delete, sha256)
        log.info("attachments_collected", count=len(rows))
        return len(rows)

    def _delete(self, sha256: str) -> None:
        path = self.path(sha256)
        if path.exists() and time.time() - path.stat().st_mtime > FRESH_SECONDS:
            path.unlink(missing_ok=True)

    def _sweep_incoming(self) -> None:
        """What an upload left that a kill cut off."""
        for path in (self._folder / "incoming").glob("*"):
            if time.time() - path.stat().st_mtime > FRESH_SECONDS:
                path.unlink(missing_ok=True)


def blob_path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256


def new_short() -> str:
    return "".join(secrets.choice(SHORT_ALPHABET) for _ in range(SHORT_LENGTH))


def read_short(typed: str) -> str:
    """As somebody may have typed it: O for 0, I or L for 1, capitals."""
    return typed.lower().replace("o", "0").replace("i", "1").replace("l", "1")


def store_bytes(folder: Path, sha256: str, content: bytes) -> bool:
    """Put bytes of a backup in their place under the folder of attachments. False: they are not what they claim."""
    if hashlib.sha256(content).hexdigest() != sha256:
        return False
    fresh = folder / "incoming" / secrets.token_hex(8)
    with _opened(fresh) as file:
        file.write(content)
    _settle(fresh, blob_path(folder, sha256))
    return True


def _opened(path: Path) -> BinaryIO:
    """A new file that only we can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _settle(path: Path, place: Path) -> None:
    """On disk for good, then under its name; bytes that are there already are replaced by the same ones, so that they
    count as fresh."""
    try:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
        for folder in (place.parent, place.parent.parent):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    except OSError as failed:
        raise _not_stored(failed) from failed


def _not_stored(failed: OSError) -> LedgerWriteError:
    log.error("attachment_not_stored", error=errno.errorcode.get(failed.errno or 0, type(failed).__name__))
    return LedgerWriteError("disk_full" if failed.errno in (errno.ENOSPC, errno.EDQUOT) else "ledger_write_failed")


def _refused(key: str) -> Refusal:
    return Refusal(RefusalKind.INVALID, "invalid_input", (Problem("file", key),))
