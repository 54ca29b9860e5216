"""A bot of the Zalo Bot Platform as two channels: `zalo.bot` into groups, the one official way into an ordinary group,
and `zalo.bot_user` to single people who wrote to the bot.

It proves acceptance only, hears in a group only what mentions it or answers it, and cannot be asked about a send that
got no answer: such a send stays unknown. Source: Zalo Bot docs.
"""

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
from adapters.zalo import limits
from adapters.zalo.bot.session import BotSession
from adapters.zalo.bot.updates import DIRECT, GROUP
from adapters.zalo.media import BOT_MEDIA
from adapters.zalo.sending import Sending
from adapters.zalo.settings import BotSettings

_TRAITS = Traits(
    receipts=frozenset({Evidence.ACCEPTED}),
    text_limit=limits.WHOLE_LIMIT,
    window=limits.BOT_WINDOW,
    media=BOT_MEDIA,
    id_space=GROUP,  # a person has another id with the bot than with the Official Account
)


class _Side:
    """What both channels do alike; `Channel` of the contract."""

    def __init__(self, session: BotSession, name: str, traits: Traits) -> None:
        self.name = name
        self.traits = traits
        self.hooks: Mapping[str, Hook] = {}
        self._session = session
        self._sending = Sending(name, session.state, session.send_part, session.now, session.send_file)

    async def start(self, sink: Sink) -> None:
        await self._session.start(sink)
        await self._sending.start()

    async def stop(self) -> None:
        await self._sending.stop()
        await self._session.stop()

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        await self._sending.send(batch, report)

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        """The platform keeps no history that a bot may read."""
        return None

    async def probe(self) -> Health:
        return await self._session.probe()


class BotChannel(_Side):
    """Into groups. `people` is the other channel of the same bot; start and stop them independently."""

    def __init__(
        self, settings: BotSettings, state: DurableState, now: Now = time.time, parts: Part = EVERY_PART
    ) -> None:
        session = BotSession(settings, state, now, Part.LISTEN in parts)
        super().__init__(session, GROUP, replace(_TRAITS, group=True))
        self.hooks = session.hooks
        self.people = BotUserChannel(session)

    async def send(self, batch: Sequence[Envelope], report: Report) -> None:
        """`to` is a chat id: `zgr-…` for a group; "" means the configured group."""
        group = self._session.settings.group_id
        await super().send([each if each.to else replace(each, to=group) for each in batch], report)


class BotUserChannel(_Side):
    """To single people; `to` is a person's id with this bot, known once they wrote to it."""

    def __init__(self, session: BotSession) -> None:
        super().__init__(session, DIRECT, _TRAITS)
