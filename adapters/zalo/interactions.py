"""Who may be written to: a one-to-one text needs an interaction with the account within 7 days.

When each person last did something is kept as events tell it. For people that no event told of, Zalo's list of those
who did something in the last 7 days is read at start and now and then. Who stands in neither is foreseen to be past
the window, and tried all the same, since an event may have been missed; a refusal (-230) is believed until the next
event or list. Sources: Zalo OA docs, tin-tu-van; user/getlist.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import orjson
import structlog

from adapters.contract import DurableState, Incoming, IncomingKind, LedgerUnavailable, Now, Priority
from adapters.zalo import limits
from adapters.zalo.client import Answer, OaClient
from adapters.zalo.events import OA_USER

log = structlog.get_logger(__name__)

WINDOW_CLOSED = "window_closed"
"""The reason that is shown, the same before a send as after a refusal."""
_KINDS = frozenset({IncomingKind.TEXT, IncomingKind.BUTTON, IncomingKind.MEDIA, IncomingKind.FOLLOW})
_OTHERS = frozenset({"user_click_chatnow", "user_submit_info"})
"""Events that count as an interaction beside writing and following. Zalo OA docs, tin-tu-van."""


class Interactions:
    """Of one Official Account, in memory and in the ledger. Times are epoch seconds."""

    def __init__(self, oa_id: str, state: DurableState, now: Now) -> None:
        self._state = state
        self._now = now
        self._prefix = f"zalo.oa.{oa_id}.met."
        self._list_key = f"zalo.oa.{oa_id}.met_lately"
        self._last: dict[str, float] = {}
        self._stored: dict[str, float] = {}
        self._listed: frozenset[str] = frozenset()
        self._listed_at: float | None = None

    async def load(self) -> None:
        """What earlier lives and other processes learned."""
        kept = await self._state.items(self._prefix)
        self._stored = {key.removeprefix(self._prefix): float(at) for key, at in kept.items()}
        for user, at in self._stored.items():
            self._last[user] = max(at, self._last.get(user, at))
        if raw := await self._state.get(self._list_key):
            found = orjson.loads(raw)
            self._listed, self._listed_at = frozenset(found["users"]), float(found["at"])

    async def heard(self, events: Iterable[Incoming]) -> None:
        """Events that were stored. One row a person at most every `MET_STORE_SECONDS`, so that a lively chat costs
        the ledger little; what is not stored yet is Zalo's list's to tell after a restart."""
        for event in events:
            if event.channel != OA_USER or not event.sender:
                continue
            if event.kind is IncomingKind.WITHDRAW:
                await self.forget(event.sender)
            elif event.kind in _KINDS or event.payload in _OTHERS:
                await self._met(event.sender, event.at.timestamp())

    async def refused(self, user: str) -> None:
        """Zalo says that the window is closed (-230, -232)."""
        self._listed -= {user}
        await self._set(user, self._now() - limits.INTERACTION_WINDOW_SECONDS - 1.0)

    async def forget(self, user: str) -> None:
        """A person asked to be erased."""
        self._last.pop(user, None)
        self._stored.pop(user, None)
        try:
            await self._state.delete(self._prefix + user)
            if user in self._listed and self._listed_at is not None:
                await self._keep_list(self._listed - {user}, self._listed_at)
        except LedgerUnavailable:
            log.error("zalo_interaction_not_erased")

    def closed(self, user: str) -> bool:
        """Known of this very person: the last interaction is too long ago. Such a send is not even tried."""
        last = self._last.get(user)
        over = last is not None and self._now() - last > limits.INTERACTION_WINDOW_SECONDS
        return over and not (self._list_is_fresh() and user in self._listed)

    def foresee(self, users: Iterable[str]) -> dict[str, str]:
        """User → why, of those who are, or who by Zalo's list must be, past the window."""
        listed = self._list_is_fresh()
        return {
            user: WINDOW_CLOSED
            for user in users
            if self.closed(user) or (listed and user not in self._last and user not in self._listed)
        }

    def _list_is_fresh(self) -> bool:
        return self._listed_at is not None and self._now() - self._listed_at < limits.MET_LIST_TRUSTED_SECONDS

    async def run(self, client: OaClient, *, ask: bool) -> None:
        """For as long as the process lives: read Zalo's list (`ask`), or what the process that does so has stored."""
        while True:
            pause = limits.MET_LIST_SECONDS
            try:
                if ask:
                    pause = limits.MET_LIST_SECONDS if await self.read_list(client) else limits.BACKOFF_MOST_SECONDS
                else:
                    pause = limits.MET_RELOAD_SECONDS
                    await self.load()
            except Exception as wrong:  # a comfort: no trouble with it may end the loop
                log.warning("zalo_interactions_not_read", error=type(wrong).__name__)
            await asyncio.sleep(pause)

    async def read_list(self, client: OaClient) -> bool:
        """Read who did something in the last 7 days. False: not wholly read, so nothing is concluded from it."""
        began, found = self._now(), []
        for page in range(limits.MET_LIST_PAGES):
            asked = {
                "offset": page * limits.MEMBERS_PAGE,
                "count": limits.MEMBERS_PAGE,
                "last_interaction_period": "L7D",
            }
            called = await client.call(
                "GET",
                "/v3.0/oa/user/getlist",
                params={"data": orjson.dumps(asked).decode()},
                priority=Priority.NORMAL,
            )
            if not isinstance(called, Answer) or not isinstance(called.data, Mapping):
                return False
            rows: Sequence[Mapping[str, object]] = called.data.get("users") or []
            found += [str(row["user_id"]) for row in rows if row.get("user_id")]
            if len(rows) < limits.MEMBERS_PAGE:
                await self._keep_list(frozenset(found), began)
                log.info("zalo_interactions_read", within_window=len(found))
                return True
        return False

    async def _keep_list(self, users: frozenset[str], at: float) -> None:
        self._listed, self._listed_at = users, at
        await self._state.put(self._list_key, orjson.dumps({"at": at, "users": sorted(users)}))

    async def _met(self, user: str, at: float) -> None:
        if at <= self._last.get(user, 0.0):
            return
        self._last[user] = at
        if at - self._stored.get(user, 0.0) >= limits.MET_STORE_SECONDS:
            await self._set(user, at)

    async def _set(self, user: str, at: float) -> None:
        self._last[user] = at
        try:
            await self._state.put(self._prefix + user, str(at).encode())
        except LedgerUnavailable:  # learned again from the next event or refusal
            log.warning("zalo_interaction_not_stored")
        else:
            self._stored[user] = at
