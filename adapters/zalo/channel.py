"""The Zalo channels that the settings switch on, with one Official Account behind those that share it."""

from __future__ import annotations

import time

from adapters.contract import Channel, DurableState, Now
from adapters.zalo.account import ZaloOa
from adapters.zalo.bot.channel import BotChannel
from adapters.zalo.oa_group.channel import OaGroupChannel
from adapters.zalo.oa_user.channel import OaUserChannel
from adapters.zalo.settings import ZaloSettings
from adapters.zalo.zns.channel import ZnsChannel


def open_channels(
    settings: ZaloSettings, state: DurableState, now: Now = time.time, listen: bool = True
) -> list[Channel]:
    """Built, not started. `listen=False` for a process that only sends. Raises ValueError when two sections name
    different Official Accounts."""
    channels: list[Channel] = []
    if settings.bot.enabled:
        channels.append(BotChannel(settings.bot, state, now, listen))
    if settings.oa_group.enabled or settings.oa_user.enabled or settings.zns.enabled:
        oa = ZaloOa(settings.account(), state, now, listen)
        if settings.oa_group.enabled:
            channels.append(OaGroupChannel(settings.oa_group, oa))
        if settings.oa_user.enabled:
            channels.append(OaUserChannel(settings.oa_user, oa))
        if settings.zns.enabled:
            channels.append(ZnsChannel(settings.zns, oa))
    return channels
