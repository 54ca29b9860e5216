"""How fast we may speak: per chat, per group and in all, and not at all while Telegram told us to wait.

Not python-telegram-bot's AIORateLimiter: it sleeps inside the call, which holds a delivery that could be given back,
and in 22.8 any other request that finishes lifts the halt (python-telegram-bot issue 5338).
"""

from __future__ import annotations

from collections import deque

_SECOND = 1.02
"""Stretched by 2 %: what leaves a second apart may arrive a little closer together."""
_MINUTE = 60.0
_SWEEP = 4096
"""Chats remembered before the idle ones are swept out."""


class Window:
    """At most `limit` in any `seconds`; a limit below 1 stretches the time instead."""

    __slots__ = ("_limit", "_seconds", "_taken")

    def __init__(self, limit: float, seconds: float) -> None:
        self._limit = max(1, int(limit))
        self._seconds = seconds * self._limit / limit
        self._taken: deque[float] = deque(maxlen=self._limit)

    def free_at(self, now: float) -> float:
        """When the next one fits; `now` or earlier means at once."""
        return now if len(self._taken) < self._limit else self._taken[0] + self._seconds

    def take(self, now: float) -> None:
        self._taken.append(now)

    def idle(self, now: float) -> bool:
        return not self._taken or self._taken[-1] + self._seconds < now


class Pace:
    """All of one bot's limits. Times are seconds of one monotonic clock, given by the caller."""

    def __init__(self, *, per_chat_per_second: float, per_group_per_minute: float, per_second: float) -> None:
        self._per_chat = per_chat_per_second
        self._per_group = per_group_per_minute
        self._all = Window(per_second, _SECOND)
        self._chats: dict[str, tuple[Window, ...]] = {}
        self._held: dict[str, float] = {}
        self._held_all = 0.0

    def free_at(self, chat: str, now: float) -> float:
        """Earliest time at which a message to `chat` may leave."""
        windows = self._chats.get(chat, ())
        waits = [window.free_at(now) for window in (self._all, *windows)]
        return max(now, self._held_all, self._held.get(chat, 0.0), *waits)

    def take(self, chat: str, now: float) -> None:
        """A message to `chat` leaves now."""
        if chat not in self._chats:
            self._sweep(now)
            self._chats[chat] = self._windows(chat)
        for window in (self._all, *self._chats[chat]):
            window.take(now)

    def hold(self, chat: str, seconds: float, now: float) -> None:
        """Telegram answered 429. It does not say whether the chat or the bot is meant: a group's limit is by far the
        tighter one, so a group waits alone; a person's 429, or a second chat's during a hold, stops everything."""
        another = any(until > now for held, until in self._held.items() if held != chat)
        self._held[chat] = max(self._held.get(chat, 0.0), now + seconds)
        if another or not is_group(chat):
            self._held_all = max(self._held_all, now + seconds)

    def held_for(self, now: float) -> float:
        """Seconds that all sending still rests; 0 when it does not."""
        return max(0.0, self._held_all - now)

    def _windows(self, chat: str) -> tuple[Window, ...]:
        own = Window(self._per_chat, _SECOND)
        return (own, Window(self._per_group, _MINUTE)) if is_group(chat) else (own,)

    def _sweep(self, now: float) -> None:
        if len(self._chats) < _SWEEP:
            return
        self._held = {chat: until for chat, until in self._held.items() if until > now}
        self._chats = {
            chat: windows for chat, windows in self._chats.items() if not all(window.idle(now) for window in windows)
        }


def is_group(chat: str) -> bool:
    """Groups and supergroups have negative ids, channels may be written as @name (Bot API, Chat `id`)."""
    return chat.startswith(("-", "@"))
