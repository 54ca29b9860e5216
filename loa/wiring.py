"""The one place that knows every channel by its name: from settings to routes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.abilities import Granting
from adapters.contract import EVERY_PART, Channel, DurableState, Health, Hook, Incoming, Now, Part, Receipt
from adapters.manual.channel import ManualChannel
from adapters.rates import UNSHARED, Rates, Share
from adapters.sms.esms.channel import EsmsChannel
from adapters.sms.esms.settings import EsmsAccount
from adapters.sms.routing import LearnedCarriers, SmsRouter
from adapters.sms.settings import SmppAccount, SmsAccount
from adapters.sms.smpp.channel import SmppChannel
from adapters.sms.speedsms.channel import SpeedSmsChannel
from adapters.sms.speedsms.settings import SpeedSmsAccount
from adapters.zalo.account import ZaloOa
from adapters.zalo.bot.channel import BotChannel
from adapters.zalo.oa_group.channel import OaGroupChannel
from adapters.zalo.oa_user.channel import OaUserChannel
from adapters.zalo.zns.channel import ZnsChannel
from bot.intake import Check, Intake, unchecked
from broadcasts.recorder import Recorder
from broadcasts.routes import Route, Routes
from lanes.memory import Forgetful
from lanes.memory_rates import MemoryRates
from lanes.port import Remembered
from loa.probing import Probes
from loa.settings_error import SettingsError
from loa.settings_sections import Adapters

ZALO, TELEGRAM, SMS = "zalo", "telegram", "sms"
"""Families: what people choose when they compose."""
OA, BOT, MANUAL = ("zalo.oa",), ("zalo.bot",), ("manual",)
"""Sessions that several routes share (`Route.homes`); an SMS account is one of its own."""


def build_routes(
    adapters: Adapters,
    state: DurableState,
    now: Now = time.time,
    parts: Part = EVERY_PART,
    rates: Rates | None = None,
) -> Routes:
    """Every enabled channel, in order of preference inside its family. Raises `SettingsError`."""
    return Routes(
        [
            *_zalo(adapters, state, now, parts),
            *_telegram(adapters, state, now, parts),
            *_sms(adapters, state, now, parts, rates or MemoryRates()),
        ]
    )


def _zalo(adapters: Adapters, state: DurableState, now: Now, parts: Part) -> list[Route]:
    zalo = adapters.zalo
    routes: list[Route] = []
    if zalo.oa_user.enabled or zalo.oa_group.enabled or zalo.zns.enabled:
        try:
            oa = ZaloOa(zalo.account(), state, now, parts)
        except ValueError as disagree:
            raise SettingsError("value_wrong", path="config.toml", where="adapters.zalo", says=str(disagree)) from None
        if zalo.oa_user.enabled:
            routes.append(Route(OaUserChannel(zalo.oa_user, oa), ZALO, homes=OA, listens=True))
        if zalo.oa_group.enabled:
            group = OaGroupChannel(zalo.oa_group, oa)
            routes.append(Route(group, ZALO, zalo.oa_group.group_id, homes=OA, listens=True))
        if zalo.zns.enabled:
            routes.append(Route(ZnsChannel(zalo.zns, oa), ZALO, homes=OA, listens=True))
    if zalo.bot.enabled:
        bot = BotChannel(zalo.bot, state, now, parts)
        routes.append(Route(bot, ZALO, zalo.bot.group_id, homes=BOT, listens=True))
        routes.append(Route(bot.people, ZALO, light=False, homes=BOT, listens=True))
    if adapters.manual.enabled:
        by_hand = ManualChannel(adapters.manual, state, now)
        routes.append(Route(by_hand, ZALO, adapters.manual.place, homes=MANUAL))
    return routes


def _telegram(adapters: Adapters, state: DurableState, now: Now, parts: Part) -> list[Route]:
    if not adapters.telegram.enabled:
        return []
    from adapters.telegram.channel import TelegramChannel  # its library is heavy, and off by default

    direct, homes = TelegramChannel(adapters.telegram, state, now, parts), (TELEGRAM,)
    routes = [Route(direct, TELEGRAM, homes=homes, listens=True)]
    if adapters.telegram.group_chat_id:
        routes.append(Route(direct.group, TELEGRAM, adapters.telegram.group_chat_id, homes=homes, listens=True))
    return routes


def _sms(adapters: Adapters, state: DurableState, now: Now, parts: Part, rates: Rates) -> list[Route]:
    """All accounts behind one router, and each beside it, so that an answer leaves by the number that was written to.
    Where there is one, its light stands for both."""
    accounts = [account for account in adapters.sms.accounts if account.enabled]
    if not accounts:
        return []
    learned = LearnedCarriers(state)
    channels = [(one, _sms_account(one, state, now, learned, parts, _share(one, rates))) for one in accounts]
    router = SmsRouter(channels, learned, state, now, parts=parts)
    homes = tuple(view.name for view in router.views)
    systems = _systems([(one, view.name) for one, view in zip(accounts, router.views, strict=True)])
    views = (Route(view, SMS, homes=(view.name,), system=systems.get(view.name, "")) for view in router.views)
    return [Route(router, SMS, light=len(accounts) > 1, homes=homes), *views]


def _systems(accounts: Sequence[tuple[SmsAccount, str]]) -> dict[str, str]:
    """Account → the first by name of those that are binds of the same system (SMPP 3.4 4.1: `system_id`)."""
    binds: dict[tuple[str, int, str], list[str]] = {}
    for account, name in accounts:
        if isinstance(account, SmppAccount):
            binds.setdefault((account.host, account.port, account.system_id), []).append(name)
    return {name: min(names) for names in binds.values() if len(names) > 1 for name in names}


def _share(account: SmsAccount, rates: Rates) -> Share:
    """Of a contract's rate, or of the account's own where another process may hold it for a moment beside us."""
    if isinstance(account, SpeedSmsAccount) or not account.tps or (rates.alone and not account.contract):
        return UNSHARED
    key = f"contract.{account.contract}" if account.contract else f"sms.{account.name}"
    return rates.share(key, account.tps)


def _sms_account(
    account: SmsAccount, state: DurableState, now: Now, learned: LearnedCarriers, parts: Part, share: Share
) -> Channel:
    if isinstance(account, EsmsAccount):
        return EsmsChannel(account, state, now, learned.learn, parts, share)
    if isinstance(account, SpeedSmsAccount):
        return SpeedSmsChannel(account, state, now, parts)
    return SmppChannel(account, state, now, parts, share)


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
    remembered: Remembered = field(default_factory=Forgetful)
    """Events that some process has committed a moment ago: a provider that repeats them is not written again."""

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        await self.recorder.receipts(batch)

    async def incoming(self, batch: Sequence[Incoming], check: Check = unchecked) -> None:
        keys: dict[str, Incoming] = {}
        for one in batch:
            keys.setdefault(f"{one.channel}/{one.event_id}", one)
        known = await self.remembered.known(list(keys))
        new = [key for key in keys if key not in known]
        if new:
            await self.intake.store([keys[key] for key in new], check)
            await self.remembered.note(new)


def hooks_of(routes: Routes) -> dict[str, Hook]:
    """Name in `/hooks/<name>` → what takes the provider's call."""
    return {name: hook for route in routes.all for name, hook in route.channel.hooks.items()}


class SwitchedOn:
    """The enabled channels as pages and health checks see them."""

    def __init__(self, routes: Routes) -> None:
        self._families = routes.families()
        self._hooks = hooks_of(routes)
        self._probes = Probes([route.channel for route in routes.all if route.light])

    @property
    def families(self) -> Sequence[str]:
        return self._families

    @property
    def hooks(self) -> Mapping[str, Hook]:
        return self._hooks

    async def health(self) -> Sequence[tuple[str, Health]]:
        return await self._probes.round()
