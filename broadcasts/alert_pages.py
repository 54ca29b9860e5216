"""The page that a broadcast has for the people: put there by an officer, never by itself.

Only actual alerts and notices that have left may have one; a directive speaks to officials (CAP 1.2, scope Restricted).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from adapters.contract import Now
from broadcasts.desk import Desk
from broadcasts.loudspeaker import for_people
from broadcasts.model import Actor, BroadcastState, Kind, Mode, Refusal, RefusalKind
from broadcasts.shown import BroadcastView
from store import alert_pages, audit, broadcasts
from store.alert_pages import AlertPage
from store.engine import Ledger, Tx

LISTED: Final = 30
"""Alerts on the list of the open page."""
LEFT: Final = (BroadcastState.SENDING, BroadcastState.SENT, BroadcastState.CLOSED)
FOR_PEOPLE: Final = (Kind.ALERT, Kind.NOTICE, Kind.UPDATE, Kind.CANCEL)


@dataclass(frozen=True, slots=True)
class PublicAlert:
    """What anybody may read of a broadcast."""

    code: str
    title: str
    text: str
    urgency: str
    published_at: float
    valid_until: float
    state: str
    """`holds`, `over`, or `replaced`."""
    replaced_by: str = ""
    """The code of the page that takes its place, where that one is open, too."""


class AlertPages:
    def __init__(self, ledger: Ledger, desk: Desk, now: Now) -> None:
        self._ledger = ledger
        self._desk = desk
        self._now = now

    async def page_of(self, view: BroadcastView) -> AlertPage | None:
        return await self._ledger.read(lambda tx: alert_pages.of(tx, view.id))

    def why_not(self, view: BroadcastView) -> str:
        """Key of the sentence that says why it can have no page; "" where it can."""
        if view.mode != Mode.ACTUAL:
            return "page_of_exercise"
        if view.kind not in FOR_PEOPLE:
            return "page_of_directive"
        return "" if view.state in LEFT else "page_before_sending"

    async def publish(self, ref: str, actor: Actor) -> None:
        view = await self._desk.view(ref)
        if key := self.why_not(view):
            raise Refusal(RefusalKind.WRONG_STATE, key, code=view.code)
        await self._change(
            lambda tx, now: alert_pages.publish(tx, view.id, actor.name, now), view, actor, "publish_page"
        )

    async def withdraw(self, ref: str, actor: Actor) -> None:
        view = await self._desk.view(ref)
        await self._change(
            lambda tx, now: alert_pages.withdraw(tx, view.id, actor.name, now), view, actor, "withdraw_page"
        )

    async def _change(
        self, change: Callable[[Tx, float], object], view: BroadcastView, actor: Actor, action: str
    ) -> None:
        now = self._now()

        def write(tx: Tx) -> None:
            if change(tx, now) is not False:
                audit.record(tx, now, actor.name, action, broadcast=view.code)

        await self._ledger.write(write)

    async def one(self, code: str) -> PublicAlert:
        """What anybody may read. Raises `Refusal` NOT_FOUND for what has no open page, whatever else it is."""
        gone = Refusal(RefusalKind.NOT_FOUND, "no_such_page")

        def find(tx: Tx) -> AlertPage | None:
            row = broadcasts.one(tx, code)
            return alert_pages.of(tx, row.no) if row else None

        page = await self._ledger.read(find)
        if page is None or not page.is_open:
            raise gone
        return await self._public(page)

    async def newest(self) -> list[PublicAlert]:
        """The open pages, newest first; what was replaced is left out."""
        pages = await self._ledger.read(lambda tx: alert_pages.newest(tx, LISTED))
        found = [await self._public(page) for page in pages]
        return [one for one in found if one.state != "replaced"]

    async def _public(self, page: AlertPage) -> PublicAlert:
        view = await self._desk.view(str(page.broadcast_no))
        replaced = view.superseded_by or ""
        over = view.state not in LEFT or view.valid_until.timestamp() <= self._now()
        return PublicAlert(
            code=view.code,
            title=view.title,
            text=for_people(view.texts.get("chat", "")),
            urgency=view.urgency,
            published_at=page.published_at,
            valid_until=view.valid_until.timestamp(),
            state="replaced" if replaced else "over" if over else "holds",
            replaced_by=await self._open_code(replaced),
        )

    async def _open_code(self, code: str) -> str:
        if not code:
            return ""
        view = await self._desk.view(code)
        page = await self.page_of(view)
        return view.code if page and page.is_open else ""
