"""An administrator of the Official Account lets the app in: the link, and the code that comes back.

The verifier that the code is bound to is kept in the ledger, so that the link may be asked for by one process and the
code brought to another. Source: Zalo OA docs, "Xác thực và ủy quyền cho ứng dụng"; RFC 7636.
"""

from __future__ import annotations

import hmac
import secrets

import orjson
import structlog

from adapters.abilities import GrantLink
from adapters.contract import DurableState, LedgerUnavailable, Now
from adapters.zalo import codes, limits, oauth
from adapters.zalo.oauth import Tokens, Trouble
from adapters.zalo.settings import OaAccount, missing

log = structlog.get_logger(__name__)

STATE_BYTES = 12
_WHY = {
    codes.OAUTH_BAD_APP: "app_wrong",
    codes.OAUTH_BAD_CODE: "code_wrong",
    codes.OAUTH_BAD_SECRET: "secret_wrong",
    codes.OAUTH_SPENT: "code_wrong",
}


class Grants:
    """Of one Official Account."""

    def __init__(self, account: OaAccount, state: DurableState, tokens: Tokens, now: Now) -> None:
        self._account = account
        self._state = state
        self._tokens = tokens
        self._now = now
        self._key = f"zalo.oa.{account.oa_id}.grant"

    async def ask(self, redirect: str) -> GrantLink | str:
        if missing(self._account):
            return "credentials_missing"
        verifier, challenge = oauth.verifier_and_challenge()
        state = secrets.token_urlsafe(STATE_BYTES)
        kept = {"verifier": verifier, "state": state, "at": self._now()}
        try:
            await self._state.put(self._key, orjson.dumps(kept))
        except LedgerUnavailable:
            return "ledger"
        link = oauth.permission_url(self._account, redirect, challenge, state)
        return GrantLink(link, challenge, redirect, limits.GRANT_CODE_SECONDS)

    async def take(self, code: str, state: str) -> str:
        """The verifier serves until a code was taken with it: a mistyped code may be entered again."""
        raw = await self._state.get(self._key)
        if raw is None:
            return "no_link"
        kept = orjson.loads(raw)
        if self._now() - kept["at"] > limits.GRANT_LINK_SECONDS:
            return "link_old"
        if state and not hmac.compare_digest(state.encode(), str(kept["state"]).encode()):
            return "state_wrong"
        taken = await self._tokens.exchange(code, str(kept["verifier"]))
        if isinstance(taken, Trouble):
            return self._why(taken)
        await self._state.delete(self._key)
        log.info("zalo_granted")
        return ""

    def _why(self, trouble: Trouble) -> str:
        if trouble is Trouble.LINK:
            return "link_down"
        if trouble is Trouble.LEDGER:
            return "ledger"
        return _WHY.get(self._tokens.refused_code, "refused")
