"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): one key, one effect, one answer.

The key is claimed in the ledger before anything is done, so that of two requests at once one waits for the other. A
request that was refused frees its key. One that was cut off by a crash leaves its key claimed without an answer: it is
then refused rather than done twice, and the caller is told where to look.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final
from weakref import WeakValueDictionary

from aiohttp import web

from broadcasts.model import Refusal
from store import access
from store.engine import LedgerWriteError
from web.api.endpoint import JSON, Call, as_json
from web.problems import Trouble

HEADER: Final = "Idempotency-Key"
_FORM: Final = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,254}")
"""1 to 255 printable ASCII characters."""
LOCKS: Final = web.AppKey("idempotency_locks", WeakValueDictionary[tuple[str, str], asyncio.Lock])
"""A lock lives as long as a request holds or awaits it."""


async def once(call: Call[Any, Any], status: int, act: Callable[[], Awaitable[Any]]) -> web.Response:
    """Do `act` and answer with what it gives; with the same key and body, give the same answer without doing it."""
    key = call.request.headers.get(HEADER)
    if key is None:
        return _answer(status, as_json(await act()), repeated=False)
    if not _FORM.fullmatch(key):
        raise Trouble(422, "idempotency_key_form")
    owner = call.who.name
    async with one_at_a_time(call.request, owner, key):
        return await _once(call, key, status, act)


def one_at_a_time(request: web.Request, owner: str, key: str) -> asyncio.Lock:
    """The lock of one caller's one key, so that of two requests at once the second gets the answer of the first."""
    return request.app[LOCKS].setdefault((owner, key), asyncio.Lock())


async def _once(call: Call[Any, Any], key: str, status: int, act: Callable[[], Awaitable[Any]]) -> web.Response:
    ledger, owner, now = call.services.ledger, call.who.name, call.services.now()
    asked = _digest(call)
    known = await ledger.write(lambda tx: access.reserve_answer(tx, owner, key, asked, now))
    if known is not None:
        return _again(known, asked)
    try:
        body = as_json(await act())
    except (Refusal, Trouble, LedgerWriteError):  # nothing was done
        await ledger.write(lambda tx: access.forget_answer(tx, owner, key))
        raise
    await ledger.write(lambda tx: access.remember_answer(tx, owner, key, status, body))
    return _answer(status, body, repeated=False)


def _again(known: access.Remembered, asked: str) -> web.Response:
    if known.request_hash != asked:
        raise Trouble(422, "idempotency_key_reused")
    if known.status == 0:
        raise Trouble(409, "idempotency_unfinished")
    return _answer(known.status, known.body, repeated=True)


def _digest(call: Call[Any, Any]) -> str:
    """Of what was asked, not of how it was spelled: the order of keys in the JSON does not matter."""
    asked = as_json([call.request.method, call.request.path, call.body.model_dump_json()])
    return hashlib.sha256(asked).hexdigest()


def _answer(status: int, body: bytes, *, repeated: bool) -> web.Response:
    headers = {"Idempotent-Replayed": "true"} if repeated else {}
    return web.Response(body=body, status=status, content_type=JSON, headers=headers)
