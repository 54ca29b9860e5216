"""A simulated Zalo with the channels of one office on it, its webhooks mounted as the web room mounts them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from adapters.contract import Channel, Hook, HookRequest
from adapters.zalo.account import ZaloOa
from adapters.zalo.bot.channel import BotChannel
from adapters.zalo.oa_group.channel import OaGroupChannel
from adapters.zalo.oa_user.channel import OaUserChannel
from adapters.zalo.settings import ZaloSettings
from adapters.zalo.zns.channel import ZnsChannel
from simulators.serving import serve
from simulators.zalo import APP, BOT_GROUP_ID, BOT_NAME, GROUP_ID, ZaloSim, start
from tests.contract.recording import MemoryState, RecordingSink
from tests.contract.runner import Rig

LEADER = "8000000000000000001"
DEPUTY = "8000000000000000002"
PC_USER = "8000000000000000003"
SILENT = "8000000000000000004"
LEADER_PHONE = "84900000001"
QUICK = {"webhook_time_scale": 0.002, "bot_https_only": False, "seen_seconds": 0.0}
"""Faults of every test: Zalo's repeats 500 times as fast, and no waiting for eyes."""


EVENING = 1_790_000_000.0
"""21:13:20 in Hà Nội, in September 2026. Epoch seconds."""
MORNING = EVENING - 11 * 3600


class Clock:
    """A clock that the test moves, from that evening on."""

    def __init__(self) -> None:
        self.now = EVENING

    def __call__(self) -> float:
        return self.now


HOOK_TRIES = 5
_BEGAN = time.time()


def by_day() -> float:
    """A clock that goes as the real one does, but began in the morning: some codes are others at night."""
    return MORNING + time.time() - _BEGAN


def zalo_settings(sim: ZaloSim, **sections: Mapping[str, Any]) -> ZaloSettings:
    """Every section named is enabled. `oa` may change the account."""
    account = {
        "base_url": sim.url,
        "oauth_url": sim.url,
        "app_id": APP.app_id,
        "app_secret": APP.app_secret,
        "oa_id": APP.oa_id,
        "oa_secret_key": APP.oa_secret_key,
        "refresh_token": APP.refresh_token,
        "answer_seconds": 1.0,
        **sections.get("oa", {}),
    }
    fixed: dict[str, dict[str, Any]] = {
        "oa_group": {"group_id": GROUP_ID},
        "oa_user": {},
        "zns": {"zns_url": sim.url, "template_id": "500001"},
        "bot": {
            "base_url": sim.url,
            "token": sim.bot_token,
            "display_name": BOT_NAME,
            "group_id": BOT_GROUP_ID,
            "answer_seconds": 1.0,
            "poll_seconds": 1,
        },
    }
    chosen = {name: {"enabled": True, **fixed[name], **more} for name, more in sections.items() if name != "oa"}
    return ZaloSettings.model_validate({"oa": account, **chosen})


@asynccontextmanager
async def simulator(now: Callable[[], float] = time.time) -> AsyncIterator[ZaloSim]:
    sim = await start(now=now)
    sim.add_user(LEADER, "Chủ tịch xã A", phone=LEADER_PHONE)
    sim.add_user(DEPUTY, "Phó chủ tịch xã A")
    sim.add_user(PC_USER, "Văn phòng xã B", on_mobile=False)
    sim.add_user(SILENT, "Chủ tịch xã C", last_interaction=now() - 8 * 86_400)
    sim.world.groups[GROUP_ID].members += [LEADER, DEPUTY]
    sim.world.groups[BOT_GROUP_ID].members += [LEADER, DEPUTY]
    sim.bot.private.add(LEADER)
    sim.set_faults(QUICK)
    try:
        yield sim
    finally:
        await sim.close()


@asynccontextmanager
async def hooked(channels: Sequence[Channel]) -> AsyncIterator[str]:
    """The hooks of the channels under one address, to which `/<hook>` is to be added."""
    hooks: dict[str, Hook] = {name: hook for channel in channels for name, hook in channel.hooks.items()}

    async def receive(request: web.Request) -> web.Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        hook = hooks[request.match_info["name"]]
        asked = HookRequest(request.method, request.path, request.query, headers, await request.read(), "127.0.0.1")
        reply = await hook(asked)
        return web.Response(status=reply.status, body=reply.body)

    app = web.Application()
    app.router.add_route("*", "/hooks/{name}", receive)
    served = await serve(app)
    try:
        yield f"{served.url}/hooks"
    finally:
        await served.close()


async def save_hook(sim: ZaloSim, url: str) -> None:
    """As a developer does in Zalo's console: once more where nothing answered in time (2 s)."""
    for _ in range(HOOK_TRIES):
        if await sim.webhook.register(url):
            return
    raise AssertionError(f"nothing answered at {url}")


@dataclass(slots=True)
class Stand:
    sim: ZaloSim
    channels: dict[str, Channel]
    oa: ZaloOa
    sink: RecordingSink = field(default_factory=RecordingSink)
    state: MemoryState = field(default_factory=MemoryState)
    url: str = ""
    """Root of the hooks."""

    def rig(self, name: str, sim: Any = None) -> Rig:
        return Rig(self.channels[name], sim or self.sim, self.sink, more={"stand": self})


def build(settings: ZaloSettings, state: MemoryState, now: Callable[[], float]) -> tuple[ZaloOa, list[Channel]]:
    oa = ZaloOa(settings.account(), state, now)
    channels: list[Channel] = []
    if settings.oa_user.enabled:
        channels.append(OaUserChannel(settings.oa_user, oa))
    if settings.oa_group.enabled:
        channels.append(OaGroupChannel(settings.oa_group, oa))
    if settings.zns.enabled:
        channels.append(ZnsChannel(settings.zns, oa))
    if settings.bot.enabled:
        bot = BotChannel(settings.bot, state, now)
        channels += [bot, bot.people]
    return oa, channels


@asynccontextmanager
async def stand(
    now: Callable[[], float] = by_day,
    sim: ZaloSim | None = None,
    state: MemoryState | None = None,
    **sections: Mapping[str, Any],
) -> AsyncIterator[Stand]:
    """The channels of `sections`, started. With `sim`, on a simulator that outlives them."""
    if sim is None:
        async with simulator(now) as own, stand(now, own, state, **sections) as made:
            yield made
        return
    state = state or MemoryState()
    oa, channels = build(zalo_settings(sim, **sections), state, now)
    made = Stand(sim, {channel.name: channel for channel in channels}, oa, state=state)
    async with hooked(channels) as url:
        made.url = url
        if "zalo.oa" in {name for channel in channels for name in channel.hooks}:
            for channel in channels:
                await channel.start(made.sink)
            await save_hook(sim, f"{url}/zalo.oa")
        else:
            for channel in channels:
                await channel.start(made.sink)
        try:
            yield made
        finally:
            for channel in channels:
                await channel.stop()
