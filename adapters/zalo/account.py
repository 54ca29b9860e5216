"""One Official Account: the session, tokens, gate and webhook that its channels (group, one to one, ZNS) share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp

from adapters.abilities import GrantLink
from adapters.contract import (
    EVERY_PART,
    DurableState,
    Health,
    HealthState,
    Hook,
    Now,
    Part,
    Priority,
    RejectClass,
    Rejected,
    Sink,
    Unknown,
)
from adapters.zalo import http, limits
from adapters.zalo.client import Answer, OaClient, Refused
from adapters.zalo.gate import Gate
from adapters.zalo.granting import Grants
from adapters.zalo.interactions import Interactions
from adapters.zalo.media import Uploads
from adapters.zalo.oauth import Tokens, Trouble
from adapters.zalo.settings import OaAccount, missing
from adapters.zalo.webhook import OaWebhook

GOVERNMENT = 4
"""`oa_type` of a state body's account. Zalo OA docs, getoa."""

SAID = frozenset(
    {
        "account_disabled",
        "account_unverified",
        "app_not_active",
        "asset_disabled",
        "development_mode",
        "not_authorised",
        "not_in_group",
        "package_too_low",
        "quota",
        "wallet",
        "wrong_account_type",
    }
)
"""Reasons of a refusal with a sentence of their own (`health.zalo_<reason>`): each is mended in another place."""

_TROUBLE = {
    Trouble.REAUTH: "zalo_reauth_required",
    Trouble.REFUSED: "zalo_oauth_refused",
    Trouble.LINK: "zalo_link_down",
    Trouble.LEDGER: "zalo_ledger_away",
}


class OaSide:
    """What the channels of one account have in common beside the contract (`adapters.abilities.Granting`)."""

    _oa: ZaloOa

    async def ask_grant(self, redirect: str) -> GrantLink | str:
        return await self._oa.grants.ask(redirect)

    async def take_grant(self, code: str, state: str) -> str:
        return await self._oa.grants.take(code, state)


class ZaloOa:
    """Shared by reference; the first channel to start opens it and the last one to stop closes it.

    Without `Part.LISTEN` tokens are renewed on need, and in time by the process that listens.
    """

    def __init__(self, account: OaAccount, state: DurableState, now: Now = time.time, parts: Part = EVERY_PART) -> None:
        self.account = account
        self.state = state
        self.now = now
        self.gate = Gate(limits.OA_IN_FLIGHT, account.rate, now)
        self.tokens = Tokens(account, state, self.session, now)
        self.grants = Grants(account, state, self.tokens, now)
        self.client = OaClient(account, self.tokens, self.gate, self.session, now)
        self.uploads = Uploads(self.client, state, account.oa_id, now)
        self.interactions = Interactions(account.oa_id, state, now)
        self.webhook = OaWebhook(account, state, now, self.interactions.heard)
        self.hooks: Mapping[str, Hook] = {"zalo.oa": self.webhook.handle}
        self.names = self.webhook.names
        """Display names by user id, as far as known; events carry none."""
        self.parts = parts
        self.listen = Part.LISTEN in parts
        self._missing = missing(account)
        self._users = 0
        self._session: aiohttp.ClientSession | None = None
        self._renewal: asyncio.Task[None] | None = None

    def session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = http.open_session(limits.OA_IN_FLIGHT)
        return self._session

    async def start(self, sink: Sink) -> None:
        self._users += 1
        self.webhook.sink = sink
        if self._users == 1:
            await self.uploads.forget_old()
        if self._users == 1 and self.listen and not self._missing:
            self._renewal = asyncio.create_task(self.tokens.run())

    async def stop(self) -> None:
        self._users = max(0, self._users - 1)
        if self._users:
            return
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
            self._renewal = None
        await self.tokens.settle()
        if self._session is not None:
            await self._session.close()

    def refusal(self) -> Rejected | None:
        """Why nothing can be sent at all."""
        return Rejected("auth", RejectClass.CONFIG, "credentials_missing") if self._missing else None

    @property
    def proven_at(self) -> datetime | None:
        at = self.client.proven_at
        return datetime.fromtimestamp(at, UTC) if at is not None else None

    async def probe(self) -> Health:
        """The account's own health; a channel adds what it needs beyond it."""
        if self._missing:
            return self.health(HealthState.DOWN, "zalo_credentials_missing", key=self._missing[0])
        token = await self.tokens.access()
        if isinstance(token, Trouble):
            return self.health(HealthState.DOWN, _TROUBLE[token])
        called = await self.client.call("GET", "/v2.0/oa/getoa", priority=Priority.URGENT)
        if not isinstance(called, Answer):
            return self.not_well(called)
        info = called.data if isinstance(called.data, Mapping) else {}
        return self._of_info(info)

    def _of_info(self, info: Mapping[str, Any]) -> Health:
        kind = "government" if str(info.get("oa_type", "")) == str(GOVERNMENT) else "business"
        params: dict[str, str | int | float] = {
            "name": str(info.get("name", "")),
            "kind": kind,
            "package": str(info.get("package_name", "")),
            "package_until": str(info.get("package_valid_through_date", "")),
            "forged_events": self.webhook.counts["forged"],
        }
        if str(info.get("is_verified", True)).lower() == "false":
            return self.health(HealthState.DEGRADED, "zalo_oa_unverified", **params)
        return self.health(HealthState.OK, "zalo_oa_ok", **params)

    def not_well(self, called: Refused | Rejected | Unknown) -> Health:
        """The health that a failed call tells."""
        if isinstance(called, Unknown):
            return self.health(HealthState.DOWN, "zalo_no_answer", why=called.why)
        outcome = self.client.outcome(called) if isinstance(called, Refused) else called
        if outcome.reason == "link_down":
            return self.health(HealthState.DOWN, "zalo_link_down")
        if outcome.reason == "throttled":
            return self.health(HealthState.DEGRADED, "zalo_throttled", seconds=round(outcome.after or 0))
        name = f"zalo_{outcome.reason}" if outcome.reason in SAID else "zalo_refused"
        return self.health(HealthState.DOWN, name, code=outcome.code)

    def health(self, state: HealthState, name: str, /, **params: str | int | float) -> Health:
        return Health(state, name, dict(params), self.proven_at)
