"""The simulated OAuth v4 server: consent, code exchange, rotation.

Tokens are signed instead of listed, so a simulator that is started anew still knows those of its last life; only what
was used up is remembered: for as long as the process lives, or its journal.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from simulators.journal import Journal
from simulators.zalo import limits
from simulators.zalo.world import Json

SPENT, BAD_APP, BAD_PARAM, BAD_SECRET = -14020, -14002, -14003, -14004
INVALID_TOKEN, EXPIRED_TOKEN = -216, -220


@dataclass(frozen=True, slots=True)
class App:
    """One app and the Official Account that granted it."""

    app_id: str
    app_secret: str
    oa_id: str
    oa_secret_key: str
    refresh_token: str
    """The first one, as the console's API Explorer gives it."""


@dataclass(slots=True)
class _Code:
    redirect_uri: str
    challenge: str
    at: float


class OauthServer:
    def __init__(self, app: App, now: Callable[[], float], journal: Journal | None = None) -> None:
        self.app = app
        self._journal = journal or Journal()
        self.counts: Counter[str] = Counter()
        self._now = now
        self._codes: dict[str, _Code] = {}
        self._used: set[str] = set()
        self._dead: set[str] = set()
        self._access_of: dict[str, str] = {}
        for one in self._journal.read():
            if one["what"] == "pair":
                self._access_of[one["refresh"]] = one["access"]
            elif one["what"] == "used":
                self._spend(one["token"])
        self._key = hashlib.sha256(f"{app.app_id}{app.app_secret}".encode()).digest()

    def consent(self, query: dict[str, str]) -> str:
        """An administrator says yes: the address to go back to, with a code. Raises ValueError for a wrong app."""
        if query.get("app_id") != self.app.app_id or not query.get("redirect_uri"):
            raise ValueError("wrong app_id or no redirect_uri")
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(query["redirect_uri"], query.get("code_challenge", ""), self._now())
        back = {"code": code, "oa_id": self.app.oa_id} | ({"state": query["state"]} if "state" in query else {})
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def token(self, secret_key: str, form: dict[str, str], life: float) -> Json:
        """The answer of `/v4/oa/access_token`; failures are answers too."""
        self.counts[form.get("grant_type", "")] += 1
        if form.get("app_id") != self.app.app_id:
            return failure(BAD_APP, "Invalid app id.")
        if not hmac.compare_digest(secret_key.encode(), self.app.app_secret.encode()):
            return failure(BAD_SECRET, "Invalid secret key.")
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form.get("refresh_token", ""), life)
        if form.get("grant_type") == "authorization_code":
            return self._exchange(form.get("code", ""), form.get("code_verifier", ""), life)
        return failure(BAD_PARAM, "Invalid grant type.")

    def check(self, token: str) -> int:
        """0, -216 or -220."""
        ends = self._read("at", token)
        if ends is None or token in self._dead:
            return INVALID_TOKEN
        return EXPIRED_TOKEN if self._now() >= ends else 0

    def kill_access_tokens(self) -> None:
        """The account's administrator withdrew them: every access token so far is invalid."""
        self._dead.update(self._access_of.values())

    def _refresh(self, token: str, life: float) -> Json:
        first = bool(token) and token == self.app.refresh_token
        ends = self._now() + 1 if first else self._read("rt", token)
        if ends is None or token in self._used or self._now() >= ends:
            return failure(SPENT, "Invalid refresh token.")
        self._spend(token)
        self._journal.write("used", token=token)
        return self._pair(life)

    def _spend(self, token: str) -> None:
        self._used.add(token)
        if token in self._access_of:
            self._dead.add(self._access_of[token])

    def _exchange(self, code: str, verifier: str, life: float) -> Json:
        kept = self._codes.pop(code, None)
        if kept is None or self._now() - kept.at > limits.CODE_SECONDS:
            return failure(BAD_PARAM, "Invalid code.")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if kept.challenge and digest != kept.challenge:
            return failure(BAD_PARAM, "Invalid code verifier.")
        return self._pair(life)

    def _pair(self, life: float) -> Json:
        access = self._sign("at", self._now() + life)
        refresh = self._sign("rt", self._now() + limits.REFRESH_SECONDS)
        self._access_of[refresh] = access
        self._journal.write("pair", refresh=refresh, access=access)
        return {"access_token": access, "refresh_token": refresh, "expires_in": str(int(life))}

    def _sign(self, kind: str, ends: float) -> str:
        head = f"{kind}.{ends:.3f}.{secrets.token_hex(12)}"
        return f"{head}.{hmac.new(self._key, head.encode(), hashlib.sha256).hexdigest()}"

    def _read(self, kind: str, token: str) -> float | None:
        """When a token that we signed ends."""
        head, _, mark = token.rpartition(".")
        good = hmac.new(self._key, head.encode(), hashlib.sha256).hexdigest()
        if not head.startswith(f"{kind}.") or not hmac.compare_digest(mark.encode(), good.encode()):
            return None
        return float(head.removeprefix(f"{kind}.").rpartition(".")[0])


def failure(code: int, says: str) -> Json:
    return {"error": code, "error_name": says, "error_reason": says, "ref_doc": "simulated"}
