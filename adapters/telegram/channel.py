"""Telegram as two channels on one bot: `telegram` to single people, `telegram.group` into groups."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from adapters.contract import (
    EVERY_PART,
    DurableState,
    Envelope,
    Evidence,
    Health,
    Hook,
    Now,
    Outcome,
    Part,
    Report,
    Sink,
    Traits,
)
from adapters.joining import Invitation
from adapters.telegram import limits
from adapters.telegram.media import MEDIA
from adapters.telegram.session import TelegramSession
from adapters.telegram.settings import TelegramSettings

DIRECT = "telegram"
GROUP = "telegram.group"
DEEP_LINK = "https://t.me/{username}?start={code}"
"""Opens the bot with a button that sends "/start <code>" (core.telegram.org/bots/features#deep-linking)."""

_TRAITS = Traits(
    receipts=frozenset({Evidence.ACCEPTED}),  # the Bot API tells a bot neither delivered nor read
    buttons=True,
    text_limit=limits.TEXT_LIMIT,
    window=limits.WINDOW,
    media=MEDIA,
)


class _Side:
    """What both channels do alike; `Channel` of the contract."""

    def __init__(self, session: TelegramSession, name: str, traits: Traits) -> None:
        self.name = name
        self.traits = traits
        self.hooks: Mapping[str, Hook] = {}
        self._session = session

    async def start(self, sink: Sink) -> None:
        await self._session.start(self.name, sink)

    async def stop(self) -> None:
        await self._session.stop(self.name)

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        await self._session.send(self.name, batch, report)

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        """The Bot API has no way to ask."""
        return None

    async def probe(self) -> Health:
        return self._session.health(self.name)


class TelegramChannel(_Side):
    """`to` is a person's chat id. `group` is the other channel of the same bot; start and stop them independently."""

    def __init__(
        self, settings: TelegramSettings, state: DurableState, now: Now = time.time, parts: Part = EVERY_PART
    ) -> None:
        session = TelegramSession(settings, state, now, direct=DIRECT, group=GROUP, listen=Part.LISTEN in parts)
        super().__init__(session, DIRECT, _TRAITS)
        if settings.mode == "webhook":
            self.hooks = {DIRECT: session.webhook}
        self.group = TelegramGroupChannel(session)

    def invitation(self, code: str) -> Invitation | None:
        """None until the bot has told us its name."""
        username = self._session.username
        return Invitation(DEEP_LINK.format(username=username, code=code), carries_code=True) if username else None


class TelegramGroupChannel(_Side):
    """`to` is a group's chat id, with `:<topic>` for one topic; "" means the duty group of the settings."""

    def __init__(self, session: TelegramSession) -> None:
        super().__init__(session, GROUP, replace(_TRAITS, group=True))
        self._duty_group = session.settings.group_chat_id

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        addressed = [each if each.to else replace(each, to=self._duty_group) for each in batch]
        await super().send(addressed, report)

    async def keep_posted(self, key: str, to: str, text: str, *, last: bool = False) -> bool:
        """One pinned message that is edited (`adapters.abilities.Posting`)."""
        return await self._session.keep_posted(self.name, key, to or self._duty_group, text, last=last)
