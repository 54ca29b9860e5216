"""The room of enrolment: links of the channels, decisions of officers and what people are told, lists of groups."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

import structlog

from adapters.contract import Now
from adapters.joining import Invitation, Inviting, KnowsNames, ListsMembers
from bot import wording
from broadcasts.desk import Desk
from broadcasts.model import Actor, Refusal, RefusalKind
from broadcasts.routes import Route, Routes
from directory import enrolment, enrolment_codes
from directory.enrolment import EnrolmentRefused
from directory.people import SMS_FAMILY
from directory.units import UnitCatalogue
from lanes.port import Bus
from store import audit, directory, group_members
from store import enrolment as rows
from store.engine import Ledger, LedgerError, Tx
from store.enrolment import CodeRow, Request
from text.dates import OFFICE_ZONE
from text.safe import is_safe

log = structlog.get_logger(__name__)
_T = TypeVar("_T")

TICK_SECONDS: Final = 3.0
NAMES_AT_ONCE: Final = 20
"""Accounts that a provider is asked about in one round."""
LISTS_SECONDS: Final = 900.0
"""How often a provider is asked who is in a group: 1,000 members are 20 requests, of 100 a minute that Zalo allows."""


class EnrolmentRoom:
    """`web.services.Enrolling` over the ledger, the channels and the desk."""

    def __init__(
        self,
        ledger: Ledger,
        bus: Bus,
        desk: Desk,
        routes: Routes,
        units: UnitCatalogue,
        valid: float = enrolment_codes.VALID_SECONDS,
        now: Now = time.time,
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self._desk = desk
        self._routes = routes
        self._units = units
        self._wording = wording.load()
        self._valid = valid
        self._now = now
        self._listed_at = 0.0
        self._asked: set[int] = set()

    def jobs(self) -> tuple[tuple[Callable[[], Awaitable[None]], float], ...]:
        return ((self.tick, TICK_SECONDS),)

    # -- links --------------------------------------------------------------------------------------------------------

    @property
    def families(self) -> list[str]:
        """Families that people enrol in: those whose channel can tell how it is found."""
        found = [route.family for route in self._routes.all if isinstance(route.channel, Inviting)]
        return list(dict.fromkeys(found))

    @property
    def groups(self) -> list[tuple[str, str, str]]:
        """(channel, whose ids its members have, the group) of every group that we post to and hear."""
        return [
            (one.name, self._routes.space_of(one), one.post_to)
            for one in self._routes.all
            if one.post_to and one.traits.hears
        ]

    def invitation(self, family: str, code: str) -> Invitation | None:
        for route in self._routes.all:
            if route.family == family and isinstance(route.channel, Inviting):
                return route.channel.invitation(code)
        return None

    # -- codes --------------------------------------------------------------------------------------------------------

    async def issue(self, person_id: int, family: str, actor: Actor) -> None:
        """A new code for one person; what was handed out before is void."""

        def write(tx: Tx) -> None:
            person = directory.person(tx, person_id)
            if person is None or not person.active:
                raise EnrolmentRefused("person_left")
            enrolment.issue(tx, person_id, family, actor.name, self._now(), valid=self._valid, anew=True)
            audit.record(tx, self._now(), actor.name, "enrolment_code", person=person_id, channel=family)

        await self._refusing(write)

    async def issue_all(self, people: list[int], family: str, actor: Actor) -> int:
        def write(tx: Tx) -> int:
            made = enrolment.issue_all(tx, people, family, actor.name, self._now(), valid=self._valid)
            audit.record(tx, self._now(), actor.name, "enrolment_codes", count=made, channel=family)
            return made

        return await self._ledger.write(write)

    async def withdraw(self, person_id: int, family: str, actor: Actor) -> None:
        def write(tx: Tx) -> None:
            rows.end_codes(tx, person_id, family, self._now())
            audit.record(tx, self._now(), actor.name, "enrolment_code_ended", person=person_id, channel=family)

        await self._ledger.write(write)

    async def send_code(self, person_id: int, family: str, actor: Actor) -> None:
        """The code to the person's registered telephone. Raises `Refusal`: person_left, no_telephone."""

        def write(tx: Tx) -> tuple[CodeRow, str, str]:
            person = directory.person(tx, person_id)
            if person is None or not person.active:
                raise EnrolmentRefused("person_left")
            phone = next((one for one in directory.addresses_of(tx, person_id) if one.channel == SMS_FAMILY), None)
            if phone is None:
                raise EnrolmentRefused("no_telephone")
            row = enrolment.issue(tx, person_id, family, actor.name, self._now(), valid=self._valid)
            return row, enrolment.text_of(tx, row), phone.value

        row, code, phone = await self._refusing(write)
        await self._desk.send_single(SMS_FAMILY, phone, self._sms(family, code, row.expires_at), actor)

        def sent(tx: Tx) -> None:
            rows.mark_sent(tx, row.id, self._now())
            audit.record(tx, self._now(), actor.name, "enrolment_code_sent", person=person_id, channel=family)

        await self._ledger.write(sent)

    def _sms(self, family: str, code: str, expires_at: float) -> str:
        invitation = self.invitation(family, code)
        link = invitation.link if invitation else ""
        until = f"{datetime.fromtimestamp(expires_at, OFFICE_ZONE):%d/%m}"
        params = {"channel": family.capitalize(), "code": enrolment_codes.shown(code), "until": until}
        if link and is_safe(link):
            return self._wording.say("enrol_sms", "sms", link=link, **params)
        return self._wording.say("enrol_sms_plain", "sms", **params)

    # -- decisions ----------------------------------------------------------------------------------------------------

    async def confirm(self, request_id: int, actor: Actor) -> Request:
        """Raises `Refusal`: enrolment_unknown, enrolment_decided, person_left."""

        def write(tx: Tx) -> tuple[Request, str, str]:
            request = enrolment.accept(tx, request_id, actor.name, self._now())
            person = directory.person(tx, request.person_id)
            audit.record(
                tx, self._now(), actor.name, "enrolment_confirmed", request=request_id, person=request.person_id,
                channel=request.channel,
            )  # fmt: skip
            return request, person.name if person else "", person.unit_code if person else ""

        request, name, code = await self._refusing(write)
        unit = self._units.by_code(code)
        await self._tell(request, "enrol_accepted", actor, name=name, unit=unit.name if unit else name)
        return request

    async def refuse(self, request_id: int, reason: str, actor: Actor) -> Request:
        """Raises `Refusal` as `confirm`."""

        def write(tx: Tx) -> Request:
            request = enrolment.refuse(tx, request_id, actor.name, reason, self._now())
            audit.record(
                tx, self._now(), actor.name, "enrolment_refused", request=request_id, person=request.person_id,
                reason=reason,
            )  # fmt: skip
            return request

        request = await self._refusing(write)
        await self._tell(request, "enrol_refused", actor)
        return request

    async def _tell(self, request: Request, key: str, actor: Actor, **params: str) -> None:
        """In the chat that the code came from, unless others read there. The decision stands either way."""
        self._bus.publish("enrolment", {"type": "decided", "id": request.id})
        if request.chat != request.value:
            return
        try:
            await self._desk.send_single(request.route, request.chat, self._wording.say(key, "chat", **params), actor)
        except (Refusal, LedgerError) as failed:
            log.warning("enrolment_not_told", request=request.id, error=type(failed).__name__)

    # -- groups -------------------------------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Ask how new accounts call themselves, and read the lists of the groups again when they are old. Safe to miss
        and to repeat."""
        await self._learn_names()
        if self._now() - self._listed_at >= LISTS_SECONDS:
            await self.read_groups()

    async def _learn_names(self) -> None:
        """An officer confirms a name, not a number: asked once for each account whose message carried none."""
        waiting = [one for one in await self._ledger.read(rows.pending) if not one.account_name]
        for request in [one for one in waiting if one.id not in self._asked][:NAMES_AT_ONCE]:
            self._asked.add(request.id)
            route = self._routes.by_name(request.route)
            if route is None or not isinstance(route.channel, KnowsNames):
                continue
            name, number = await route.channel.name_of(request.value), request.id
            if name:
                await self._ledger.write(partial(rows.name_account, request_id=number, name=name))

    async def read_groups(self) -> None:
        """Who is in each group whose provider tells; a list that breaks off changes nothing."""
        self._listed_at = self._now()
        for route in self._routes.all:
            if not route.post_to or not isinstance(route.channel, ListsMembers):
                continue
            members = await route.channel.members()
            if members is None:
                log.warning("group_not_listed", channel=route.name)
                continue
            await self._keep(route, members)

    async def _keep(self, route: Route, members: Sequence[tuple[str, str]]) -> None:
        listed, at = list(members), self._now()
        space, chat = self._routes.space_of(route), route.post_to
        await self._ledger.write(lambda tx: group_members.replace_list(tx, space, chat, listed, at))
        log.info("group_listed", channel=route.name, members=len(listed))

    async def _refusing(self, write: Callable[[Tx], _T]) -> _T:
        try:
            return await self._ledger.write(write)
        except EnrolmentRefused as refused:
            kind = RefusalKind.NOT_FOUND if refused.key == "enrolment_unknown" else RefusalKind.WRONG_STATE
            raise Refusal(kind, refused.key) from refused
