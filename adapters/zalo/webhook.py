"""The one address to which Zalo sends an app's OA events: signed, stored, then answered.

`X-ZEvent-Signature` is SHA-256 (not HMAC) over id + raw body + timestamp + key. Zalo's pages say app id and OA secret
key; accounts in the field differ, so at bring-up the four likely pairs are tried, the one that fits is logged once and
from then on only that one is believed. Source: Zalo OA docs, "Webhook", "Tổng quan".
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
import structlog

from adapters.contract import (
    DurableState,
    HookReply,
    HookRequest,
    Incoming,
    LedgerUnavailable,
    Now,
    Receipt,
    Sink,
)
from adapters.zalo import events, limits
from adapters.zalo.oauth import fingerprint
from adapters.zalo.settings import OaAccount

log = structlog.get_logger(__name__)

SIGNATURE = "x-zevent-signature"
TIMESTAMP = "x-zevent-timestamp"
SERVER = "x-zevent-server"
HEARD_KEPT = 500
_PREFIXES = ("mac=", "sha256=")

Learn = Callable[[Sequence[Incoming]], Awaitable[None]]


def signature(identity: str, body: bytes, timestamp: str, key: str) -> str:
    """Lower-case hex of SHA-256(identity + body + timestamp + key)."""
    return hashlib.sha256(identity.encode() + body + timestamp.encode() + key.encode()).hexdigest()


def bare(header: str) -> str:
    """The hex of a signature header, written bare, as `mac=…` or as `sha256=…`."""
    value = header.strip()
    for prefix in _PREFIXES:
        value = value.removeprefix(prefix)
    return value.lower()


class OaWebhook:
    """Checks, stores and answers. `counts`: accepted, forged, stale, probe, unreadable."""

    def __init__(self, account: OaAccount, state: DurableState, now: Now, learn: Learn | None = None) -> None:
        """`learn` hears of incoming events after they were stored."""
        self.sink: Sink | None = None
        self._learn = learn
        self.names: dict[str, str] = {}
        self.heard: deque[Incoming] = deque(maxlen=HEARD_KEPT)
        """The latest messages that came by webhook, newest last."""
        self.counts: Counter[str] = Counter()
        self.last_at: float | None = None
        """Epoch seconds of the last genuine event."""
        self._account = account
        self._state = state
        self._now = now
        self._pin_key = f"zalo.oa.{account.oa_id}.webhook_pin"
        self._pinned: str | None = None
        self._candidates = _candidates(account)
        self._settings = fingerprint("\n".join(f"{identity}\t{key}" for identity, key in self._candidates.values()))

    async def handle(self, request: HookRequest) -> HookReply:
        """200 only after a durable commit; 503 when the ledger is away, so that Zalo comes again."""
        body = events.readable(request.body)
        header = request.headers.get(SIGNATURE, "")
        if body is not None and not body and not header:
            self.counts["probe"] += 1  # Zalo's own test when the address is saved in its console
            return HookReply()
        if body is None:
            return self._refuse("unreadable")
        if self.sink is None:
            return HookReply(503)
        try:
            if not await self._genuine(request, body, bare(header)):
                return self._refuse("forged")
            if self._stale(body):
                return self._refuse("stale")
            await self._store(events.read(body, request.body, zns=request.headers.get(SERVER, "").upper() == "ZNS"))
        except LedgerUnavailable:
            log.warning("zalo_event_not_stored")
            return HookReply(503)
        self.counts["accepted"] += 1
        self.last_at = self._now()
        return HookReply()

    async def _store(self, found: list[events.Event]) -> None:
        assert self.sink is not None
        receipts = [event for event in found if isinstance(event, Receipt)]
        incoming = [event for event in found if isinstance(event, Incoming)]
        for event in incoming:
            event.sender_name = self.names.get(event.sender, "")
        if receipts:
            await self.sink.receipts(receipts)
        if incoming:
            await self.sink.incoming(incoming)
            self.heard.extend(incoming)
            if self._learn is not None:
                await self._learn(incoming)

    async def _genuine(self, request: HookRequest, body: Mapping[str, Any], given: str) -> bool:
        if not given:
            return False
        stamps = {request.headers.get(TIMESTAMP, ""), str(body.get("timestamp") or "")} - {""}
        pinned = await self._pin()
        for name, (identity, key) in self._candidates.items():
            if pinned not in ("", name):
                continue
            for stamp in stamps:
                if hmac.compare_digest(signature(identity, request.body, stamp, key).encode(), given.encode()):
                    if not pinned:
                        await self._pin_to(name)
                    return True
        return False

    async def _pin(self) -> str:
        """Name of the pair that this account's events are signed with, "" until the first genuine one. A change of
        the configured keys starts the bring-up again."""
        if self._pinned is None:
            raw = await self._state.get(self._pin_key)
            stored = orjson.loads(raw) if raw else {}
            self._pinned = str(stored.get("name", "")) if stored.get("settings") == self._settings else ""
        return self._pinned

    async def _pin_to(self, name: str) -> None:
        if self._pinned:  # by another event that came at the same moment
            return
        self._pinned = name
        try:
            await self._state.put(self._pin_key, orjson.dumps({"name": name, "settings": self._settings}))
        except BaseException:
            self._pinned = ""
            raise
        log.info("zalo_webhook_signature_pinned", signed_with=name)

    def _stale(self, body: Mapping[str, Any]) -> bool:
        age = self._now() - events.moment(body.get("timestamp")).timestamp()
        return age > limits.WEBHOOK_REPLAY_SECONDS

    def _refuse(self, why: str) -> HookReply:
        self.counts[why] += 1
        log.warning("zalo_event_dropped", why=why, so_far=self.counts[why])
        return HookReply(200 if why == "stale" else self._account.forged_status)


def _candidates(account: OaAccount) -> dict[str, tuple[str, str]]:
    """The documented pair first. Pairs with an empty half prove nothing and are left out."""
    identities = {"app_id": account.app_id, "oa_id": account.oa_id}
    keys = {
        "oa_secret_key": account.oa_secret_key.get_secret_value(),
        "app_secret": account.app_secret.get_secret_value(),
    }
    return {
        f"{i}+{k}": (identity, key) for k, key in keys.items() for i, identity in identities.items() if identity and key
    }
