"""The flood limits that the Bots FAQ names, as a server would count them."""

from __future__ import annotations

import math
from collections import defaultdict, deque

CHAT = (1, 1.0)
GROUP = (20, 60.0)
ALL = (30, 1.0)
"""Messages in so many seconds (Telegram Bots FAQ, "My bot is hitting limits")."""
SLACK = 0.8
"""Of those seconds are counted: requests do not arrive as evenly as they leave, and Telegram allows short bursts."""


class FloodLimits:
    def __init__(self) -> None:
        self._seen: dict[str, deque[float]] = defaultdict(deque)

    def refuse(self, chat: int, now: float) -> int:
        """0: let it pass, and count it. Else the `retry_after` of the 429, in whole seconds."""
        limits = {"all": ALL, f"chat {chat}": CHAT}
        if chat < 0:
            limits[f"group {chat}"] = GROUP
        for key, (limit, full) in limits.items():
            seconds = full * SLACK
            seen = self._seen[key]
            while seen and seen[0] <= now - seconds:
                seen.popleft()
            if len(seen) >= limit:
                return math.ceil(seen[0] + seconds - now) or 1
        for key in limits:
            self._seen[key].append(now)
        return 0
