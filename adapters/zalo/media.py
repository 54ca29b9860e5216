"""Files at Zalo: each is uploaded once for all who get it, and sent by the token that the upload gave.

Zalo keeps an upload for at most seven days; a send with a token that it no longer knows is refused with -100, and then
the file is uploaded again, once however many sends heard so. Sources: Zalo OA docs, "Upload hình ảnh", "Upload file",
tin-tu-van, nhom-chat-gmf.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import aiohttp
import orjson
import structlog

from adapters.contract import (
    Attachment,
    DurableState,
    LedgerUnavailable,
    MediaLimit,
    Now,
    Priority,
    RejectClass,
    Rejected,
    Unknown,
)
from adapters.zalo import limits
from adapters.zalo.client import Called, OaClient, Refused
from text.folding import unaccent

log = structlog.get_logger(__name__)

PDF: Final = "application/pdf"
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
OA_MEDIA: Final = (
    MediaLimit(PDF, limits.UPLOAD_FILE_BYTES),
    MediaLimit(JPEG, limits.UPLOAD_IMAGE_BYTES),
    MediaLimit(PNG, limits.UPLOAD_IMAGE_BYTES),
)
BOT_MEDIA: Final = (
    MediaLimit(JPEG, limits.BOT_PHOTO_BYTES, by_url=True),
    MediaLimit(PNG, limits.BOT_PHOTO_BYTES, by_url=True),
)
EXPIRED: Final = -100
"""The upload is gone: "attachment_id expired". Zalo OA docs, "Mã lỗi"."""
NOT_TAKEN: Final = frozenset({EXPIRED, -201, -210, -233, -244})
"""Refusals of a message for the file in it; a link says the same."""
LINK_RETRY_SECONDS: Final = 5.0

Post = Callable[[Mapping[str, Any]], Awaitable[Called]]
"""Sends one `message` object to the envelope's recipient."""


class Uploads:
    """The uploads of one Official Account, remembered durably by the file's SHA-256."""

    def __init__(self, client: OaClient, state: DurableState, oa_id: str, now: Now) -> None:
        self._client = client
        self._state = state
        self._prefix = f"zalo.oa.{oa_id}.upload."
        self._now = now

    async def send(self, file: Attachment, priority: Priority, post: Post) -> Called:
        """Send `file` by `post`: its native form, or a text with its link where Zalo does not take the file."""
        token = await self.token(file, priority)
        called = await post(message(file, token)) if isinstance(token, str) else token
        if isinstance(called, Refused) and called.number == EXPIRED and isinstance(token, str):
            token = await self.token(file, priority, stale=token)
            called = await post(message(file, token)) if isinstance(token, str) else token
        if not _for_the_file(called):
            return called
        log.warning("zalo_file_refused", sha256=file.sha256[:12], code=_code(called))
        if file.url:
            return await post({"text": f"{file.name}\n{file.url}"})
        return Rejected("media_refused", RejectClass.TEXT, _code(called))

    async def token(self, file: Attachment, priority: Priority, stale: str = "") -> str | Rejected:
        """The token of a copy that Zalo still has; `stale` is one that it has no more."""
        key = self._prefix + file.sha256
        if known := await self._known(key, stale):
            return known
        async with self._state.lock(key):
            if known := await self._known(key, stale):  # somebody else was faster
                return known
            return await self._upload(key, file, priority)

    async def forget_old(self) -> None:
        """Drop what Zalo has dropped."""
        kept = await self._state.items(self._prefix)
        old = [key for key, raw in kept.items() if not self._fresh(orjson.loads(raw))]
        if old:
            with suppress(LedgerUnavailable):  # they are not used either way
                await self._state.delete(*old)

    async def _known(self, key: str, stale: str) -> str:
        raw = await self._state.get(key)
        copy = orjson.loads(raw) if raw else {}
        return str(copy["token"]) if copy and copy["token"] != stale and self._fresh(copy) else ""

    def _fresh(self, copy: Mapping[str, Any]) -> bool:
        return self._now() - float(copy["at"]) < limits.UPLOAD_REUSE_SECONDS

    async def _upload(self, key: str, file: Attachment, priority: Priority) -> str | Rejected:
        try:
            content = await asyncio.to_thread(file.path.read_bytes)
        except OSError as missing:
            log.error("zalo_file_unreadable", sha256=file.sha256[:12], error=type(missing).__name__)
            return Rejected("file_missing", RejectClass.TEXT)
        kind = "file" if file.media == PDF else "image"
        called = await self._client.call(
            "POST", f"/v2.0/oa/upload/{kind}", form=lambda: _form(file, content), priority=priority,
            answer_seconds=limits.UPLOAD_SECONDS,
        )  # fmt: skip
        if isinstance(called, Unknown):  # nobody saw it: uploading once more harms nobody
            return Rejected("link_down", RejectClass.RETRY_LATER, called.code, LINK_RETRY_SECONDS)
        if isinstance(called, Refused):
            outcome = self._client.outcome(called)
            return Rejected("media_refused", outcome.cls, outcome.code) if _is_text(outcome) else outcome
        if isinstance(called, Rejected):
            return called
        data = called.data if isinstance(called.data, Mapping) else {}
        token = str(data.get("token") or data.get("attachment_id") or "")
        if not token:
            return Rejected("media_refused", RejectClass.TEXT, "not_understood")
        await self._keep(key, token)
        return token

    async def _keep(self, key: str, token: str) -> None:
        try:
            await self._state.put(key, orjson.dumps({"token": token, "at": self._now()}))
        except LedgerUnavailable:  # the next send uploads again; this one goes on
            log.warning("zalo_upload_not_stored")


def message(file: Attachment, token: str) -> Mapping[str, Any]:
    """The `message` object of an uploaded file. A group wants a text beside a picture: its name."""
    if file.media == PDF:
        return {"attachment": {"type": "file", "payload": {"token": token}}}
    element = {"media_type": "image", "attachment_id": token}
    payload = {"template_type": "media", "elements": [element]}
    return {"text": file.name, "attachment": {"type": "template", "payload": payload}}


def _form(file: Attachment, content: bytes) -> aiohttp.FormData:
    """A new one for each try. The name goes over unaccented: Zalo does not document how it reads others."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", content, filename=_ascii(file.name), content_type=file.media)
    return form


def _ascii(name: str) -> str:
    return "".join(ch if ch.isascii() and ch not in '"\\' else "_" for ch in unaccent(name))


def _for_the_file(called: Called | Rejected) -> bool:
    """Nothing is wrong but the file."""
    if isinstance(called, Refused):
        return called.number in NOT_TAKEN
    return isinstance(called, Rejected) and (_is_text(called) or called.cls is RejectClass.QUOTA)


def _is_text(outcome: Rejected) -> bool:
    return outcome.cls is RejectClass.TEXT and outcome.reason != "expired"


def _code(called: Called | Rejected) -> str:
    if isinstance(called, Refused):
        return str(called.number)
    return called.code if isinstance(called, Rejected) else ""
