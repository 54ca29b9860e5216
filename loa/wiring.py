"""The one place that knows every channel by its name: from settings to routes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.abilities import Granting
from adapters.contract import Channel, DurableState, Health, Hook, Incoming, Now, Receipt
from adapters.manual.channel import ManualChannel
from adapters.sms.esms.channel import EsmsChannel
from adapters.sms.esms.settings import EsmsAccount
from adapters.sms.routing import LearnedCarriers, SmsRouter
from adapters.sms.settings import SmsAccount
from adapters.sms.smpp.channel import SmppChannel
from adapters.sms.speedsms.channel import SpeedSmsChannel
from adapters.sms.speedsms.settings import SpeedSmsAccount
from adapters.telegram.channel import TelegramChannel
from adapters.zalo.account import ZaloOa
from adapters.zalo.bot.channel import BotChannel
from adapters.zalo.oa_group.channel import OaGroupChannel
from adapters.zalo.oa_user.channel import OaUserChannel
from adapters.zalo.zns.channel import ZnsChannel
from bot.intake import Intake
from broadcasts.recorder import Recorder
from broadcasts.routes import Route, Routes
from loa.probing import Probes
from loa.settings import Adapters, SettingsError

ZALO, TELEGRAM, SMS = "zalo", "telegram", "sms"
"""Families: what people choose when they compose."""


def build_routes(adapters: Adapters, state: DurableState, now: Now = time.time) -> Routes:
    """Every enabled channel, in order of preference inside its family. Raises `SettingsError`."""
    return Routes([*_zalo(adapters, state, now), *_telegram(adapters, state, now), *_sms(adapters, state, now)])


def _zalo(adapters: Adapters, state: DurableState, now: Now) -> list[Route]:
    zalo = adapters.zalo
    routes: list[Route] = []
    if zalo.oa_user.enabled or zalo.oa_group.enabled or zalo.zns.enabled:
        try:
            oa = ZaloOa(zalo.account(), state, now)
        except ValueError as disagree:
            raise SettingsError("value_wrong", path="config.toml", where="adapters.zalo", says=str(disagree)) from None
        if zalo.oa_user.enabled:
            routes.append(Route(OaUserChannel(zalo.oa_user, oa), ZALO))
        if zalo.oa_group.enabled:
            routes.append(Route(OaGroupChannel(zalo.oa_group, oa), ZALO, zalo.oa_group.group_id))
        if zalo.zns.enabled:
            routes.append(Route(ZnsChannel(zalo.zns, oa), ZALO))
    if zalo.bot.enabled:
        bot = BotChannel(zalo.bot, state, now)
        routes += [Route(bot, ZALO, zalo.bot.group_id), Route(bot.people, ZALO, light=False)]
    if adapters.manual.enabled:
        routes.append(Route(ManualChannel(adapters.manual, state, now), ZALO, adapters.manual.place))
    return routes


def _telegram(adapters: Adapters, state: DurableState, now: Now) -> list[Route]:
    if not adapters.telegram.enabled:
        return []
    direct = TelegramChannel(adapters.telegram, state, now)
    routes = [Route(direct, TELEGRAM)]
    if adapters.telegram.group_chat_id:
        routes.append(Route(direct.group, TELEGRAM, adapters.telegram.group_chat_id))
    return routes


def _sms(adapters: Adapters, state: DurableState, now: Now) -> list[Route]:
    """All accounts behind one router, and each beside it, so that an answer leaves by the number that was written to.
    Where there is one, its light stands for both."""
    accounts = [account for account in adapters.sms.accounts if account.enabled]
    if not accounts:
        return []
    learned = LearnedCarriers(state)
    router = SmsRouter([(one, _sms_account(one, state, now, learned)) for one in accounts], learned, state, now)
    return [Route(router, SMS, light=len(accounts) > 1), *(Route(view, SMS) for view in router.views)]


def _sms_account(account: SmsAccount, state: DurableState, now: Now, learned: LearnedCarriers) -> Channel:
    if isinstance(account, EsmsAccount):
        return EsmsChannel(account, state, now, learned.learn)
    if isinstance(account, SpeedSmsAccount):
        return SpeedSmsChannel(account, state, now)
    return SmppChannel(account, state, now)


def by_hand(routes: Routes) -> ManualChannel | None:
    """The channel whose texts people post themselves, where it is on."""
    return next((route.channel for route in routes.all if isinstance(route.channel, ManualChannel)), None)


def own_addresses(adapters: Adapters) -> set[str]:
    """Senders that are ourselves: never answered."""
    return {account.sender for account in adapters.sms.accounts if account.sender}


def granting(routes: Routes) -> dict[str, Granting]:
    """Channels that a person lets in at their provider."""
    return {route.name: route.channel for route in routes.all if isinstance(route.channel, Granting)}


@dataclass(slots=True)
class LedgerSink:
    """What channels learned goes here; both return after the commit (`adapters.contract.Sink`)."""

    recorder: Recorder
    intake: Intake

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        await self.recorder.receipts(batch)

    async def incoming(self, batch: Sequence[Incoming]) -> None:
        await self.intake.store(batch)


class SwitchedOn:
    """The enabled channels as pages and health checks see them."""

    def __init__(self, routes: Routes) -> None:
        self._families = routes.families()
        channels: tuple[Channel, ...] = tuple(route.channel for route in routes.all)
        self._hooks = {name: hook for channel in channels for name, hook in channel.hooks.items()}
        self._probes = Probes([route.channel for route in routes.all if route.light])

    @property
    def families(self) -> Sequence[str]:
        return self._families

    @property
    def hooks(self) -> Mapping[str, Hook]:
        return self._hooks

    async def health(self) -> Sequence[tuple[str, Health]]:
        return await self._probes.round()
