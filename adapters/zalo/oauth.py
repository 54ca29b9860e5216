"""OAuth v4 of an Official Account: one pair of tokens, rotated by one process at a time, never lost.

A refresh token works once. So: one lock per OA, the pair is read again after taking it, the new pair is durable before
its first use, and the old one is kept beside it. A refresh without an answer may have burnt the token: it is tried once
more, and if Zalo then calls the token spent, an administrator must grant again (`reauth_required`).
Source: Zalo OA docs, "Xác thực và ủy quyền cho ứng dụng".
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode

import aiohttp
import orjson
import structlog

from adapters.contract import DurableState, LedgerUnavailable, Now
from adapters.zalo import codes, http, limits
from adapters.zalo.settings import OaAccount

log = structlog.get_logger(__name__)

VERIFIER_BYTES = 32
"""Gives the 43 characters that Zalo asks of a PKCE verifier."""


class Trouble(StrEnum):
    """Why there is no token."""

    REAUTH = "reauth_required"
    REFUSED = "oauth_refused"  # wrong app id or secret
    LINK = "link_down"
    LEDGER = "ledger"  # the new pair could not be stored, so it is not used


@dataclass(frozen=True, slots=True)
class Pair:
    """The stored pair. Times are epoch seconds; `seed` is the fingerprint of the configured first refresh token."""

    access: str
    refresh: str
    issued_at: float
    expires_at: float
    seed: str = ""
    previous_access: str = ""
    previous_refresh: str = ""
    spent: bool = False
    """Zalo called the refresh token used or expired."""

    def due(self, now: float) -> bool:
        return now >= self.issued_at + limits.REFRESH_AT_SHARE * (self.expires_at - self.issued_at)


def fingerprint(secret: str) -> str:
    """A short hash that tells two secrets apart and gives neither away."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16] if secret else ""


def verifier_and_challenge() -> tuple[str, str]:
    """A PKCE pair: 43 characters, and base64url(SHA-256) without padding."""
    verifier = secrets.token_urlsafe(VERIFIER_BYTES)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def permission_url(account: OaAccount, redirect_uri: str, challenge: str, state: str) -> str:
    """The consent page that an administrator of the OA opens."""
    query = {"app_id": account.app_id, "redirect_uri": redirect_uri, "code_challenge": challenge, "state": state}
    return f"{account.oauth_url}/v4/oa/permission?{urlencode(query)}"


class Tokens:
    """The access token of one OA."""

    def __init__(
        self, account: OaAccount, state: DurableState, session: Callable[[], aiohttp.ClientSession], now: Now
    ) -> None:
        self._account = account
        self._state = state
        self._session = session
        self._now = now
        self._key = f"zalo.oa.{account.oa_id}.tokens"
        self._pair: Pair | None = None
        self._unsaved: Pair | None = None
        self._refused_until = 0.0
        self.refused_code = 0
        """Zalo's number for the latest refusal of a rotation or exchange."""
        self._seed = fingerprint(account.refresh_token.get_secret_value())
        self._flight = asyncio.Lock()

    async def access(self, stale: str = "") -> str | Trouble:
        """A usable access token. `stale` is one that Zalo has just refused: renewed, unless somebody already has."""
        pair = self._pair
        if pair and self._usable(pair, stale):
            return pair.access
        return await self._shielded(lambda found: self._usable(found, stale))

    async def refresh_if_due(self) -> str | Trouble | None:
        """Renew ahead of need. None when there was nothing to do."""
        pair = self._pair or await self._load()
        if pair and not pair.spent and pair.seed == self._seed and not pair.due(self._now()):
            return None
        return await self._shielded(lambda found: self._usable(found) and not found.due(self._now()))

    async def exchange(self, code: str, verifier: str) -> str | Trouble:
        """Turn the code of the consent page (10 minutes, one use) into the first pair."""
        form = {"code": code, "grant_type": "authorization_code", "code_verifier": verifier}
        async with self._flight, self._state.lock(self._key):
            pair = await self._load()
            ending = await self._post(form)
            if not isinstance(ending, http.Reply):
                return Trouble.LINK
            fresh = self._fresh(ending.body, pair)
            if fresh is None:
                return self._refused(ending.body, pause=0.0)  # says nothing of the pair that may be in use
            self._refused_until = 0.0
            return await self._keep(fresh)

    async def settle(self) -> None:
        """Return when no rotation is under way: closing the session under one could burn the pair."""
        async with self._flight:
            return

    async def run(self) -> None:
        """Renew at 80 % of the token's life, for as long as the process lives."""
        while True:
            try:
                trouble = await self.refresh_if_due()
            except Exception as wrong:  # the ledger may be away for a while; the loop must outlive it
                log.error("zalo_oauth_check_failed", error=type(wrong).__name__)
            else:
                if isinstance(trouble, Trouble):
                    log.warning("zalo_oauth_not_renewed", trouble=trouble.value)
            await asyncio.sleep(limits.REFRESH_CHECK_SECONDS)

    def _usable(self, pair: Pair, stale: str = "") -> bool:
        fresh = pair.access and pair.access != stale and self._now() < pair.expires_at
        return bool(fresh) and pair.seed == self._seed

    async def _load(self) -> Pair | None:
        raw = await self._state.get(self._key)
        self._pair = Pair(**orjson.loads(raw)) if raw else None
        return self._pair

    async def _shielded(self, enough: Callable[[Pair], bool]) -> str | Trouble:
        """A caller that gives up must not interrupt a rotation between Zalo's commit and ours."""
        try:
            return await asyncio.shield(asyncio.ensure_future(self._renew(enough)))
        except LedgerUnavailable:
            return Trouble.LEDGER

    async def _renew(self, enough: Callable[[Pair], bool]) -> str | Trouble:
        async with self._flight, self._state.lock(self._key):
            if self._unsaved is not None and not await self._save(self._unsaved):
                return Trouble.LEDGER
            pair = await self._load()
            if pair and enough(pair):
                return pair.access
            configured = self._account.refresh_token.get_secret_value()
            granted_again = bool(configured) and (pair is None or pair.seed != self._seed)
            if pair and pair.spent and not granted_again:
                return Trouble.REAUTH
            refresh = configured if granted_again or pair is None else pair.refresh
            if not refresh:
                return Trouble.REAUTH
            if self._now() < self._refused_until:
                return Trouble.REFUSED
            return await self._refresh(refresh, pair)

    async def _refresh(self, refresh: str, pair: Pair | None) -> str | Trouble:
        form = {"refresh_token": refresh, "grant_type": "refresh_token"}
        ending = await self._post(form)
        if isinstance(ending, http.NoAnswer):
            log.warning("zalo_oauth_no_answer", why=ending.why)
            ending = await self._post(form)
        if not isinstance(ending, http.Reply):
            return Trouble.LINK
        return await self._take(ending.body, pair, refresh)

    async def _post(self, form: dict[str, str]) -> http.Ending:
        return await http.call(
            self._session(),
            "POST",
            f"{self._account.oauth_url}/v4/oa/access_token",
            headers={"secret_key": self._account.app_secret.get_secret_value()},
            form={"app_id": self._account.app_id, **form},
            answer_seconds=self._account.answer_seconds,
        )

    async def _take(self, body: dict[str, object], pair: Pair | None, refresh: str) -> str | Trouble:
        """The answer to a rotation with `refresh`."""
        if fresh := self._fresh(body, pair, refresh):
            return await self._keep(fresh)
        if _integer(body.get("error")) != codes.OAUTH_SPENT:
            return self._refused(body)
        log.error("zalo_reauth_required", code=codes.OAUTH_SPENT)
        last = pair or Pair("", "", 0.0, 0.0)
        await self._save(replace(last, spent=True, seed=self._seed))
        return Trouble.REAUTH

    def _fresh(self, body: dict[str, object], pair: Pair | None, refresh: str = "") -> Pair | None:
        access, new_refresh = str(body.get("access_token") or ""), str(body.get("refresh_token") or "")
        if not access or not new_refresh:
            return None
        now = self._now()
        ends = now + _seconds(body.get("expires_in"))
        previous = pair.access if pair else ""
        return Pair(access, new_refresh, now, ends, self._seed, previous, refresh or (pair.refresh if pair else ""))

    async def _keep(self, fresh: Pair) -> str | Trouble:
        self._unsaved = fresh
        return fresh.access if await self._save(fresh) else Trouble.LEDGER

    def _refused(self, body: dict[str, object], pause: float = limits.REFUSED_REFRESH_PAUSE_SECONDS) -> Trouble:
        number = _integer(body.get("error"))
        self.refused_code = number
        log.error("zalo_oauth_refused", code=number, known=number in codes.OAUTH_WRONG)
        self._refused_until = max(self._refused_until, self._now() + pause)
        return Trouble.REFUSED

    async def _save(self, pair: Pair) -> bool:
        """Durable first, used second. A pair that cannot be stored is kept in hand and stored before anything else."""
        try:
            await self._state.put(self._key, orjson.dumps(asdict(pair)))
        except Exception as wrong:  # any failure of the store means the same here: not durable, so not used
            log.error("zalo_tokens_not_stored", error=type(wrong).__name__)
            return False
        self._pair, self._unsaved = pair, None
        return True


def _seconds(value: object) -> float:
    """`expires_in` is a number written as a string."""
    try:
        return float(str(value))
    except ValueError:
        return float(limits.ACCESS_TOKEN_SECONDS)


def _integer(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
