"""A circuit breaker: an account through which nothing passes is left alone for a while, then tried with one message.

closed → (refusals that concern every message) → open → (pause) → half open: one message → closed, or open again
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from adapters.contract import RejectClass, Rejected

OPEN_AFTER: Final = 3
"""Refusals of class CONFIG or QUOTA in a row: a single one may yet be about that message."""
LINK_SECONDS: Final = 2.0
"""First pause after "no link"; twice as long each time, up to `LINK_MOST_SECONDS`."""
LINK_MOST_SECONDS: Final = 60.0
MEND_SECONDS: Final = 60.0
"""Pause after CONFIG or QUOTA: somebody has to mend or pay first."""
SILENT_AFTER: Final = 10
"""Messages in a row without an answer: more of them would only be more in doubt."""
TRIAL_SECONDS: Final = 90.0
"""A trial that has no outcome by then (longer than any answer may take) gives way to another."""


class Breaker:
    """`clock` is monotonic, in seconds. `refusal`: why it is open."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.refusal: Rejected | None = None
        self._clock = clock
        self._in_a_row = 0
        self._unanswered = 0
        self._until = 0.0
        self._pause = LINK_SECONDS
        self._trial_at = float("-inf")

    @property
    def is_closed(self) -> bool:
        return self.refusal is None

    @property
    def is_link(self) -> bool:
        """Open because of the way there, not because of the account."""
        return self.refusal is not None and self.refusal.cls is RejectClass.RETRY_LATER

    def may_try(self) -> bool:
        """Open long enough, and nothing is on trial: the next message may find out."""
        now = self._clock()
        return self.refusal is not None and now >= self._until and now - self._trial_at >= TRIAL_SECONDS

    def trial(self) -> None:
        """One message goes out to find out."""
        self._trial_at = self._clock()

    def remembered(self) -> Rejected:
        """What a message would hear now, without asking again. Only while it is open."""
        assert self.refusal is not None
        after = max(1.0, self._until - self._clock()) if self.refusal.cls is RejectClass.RETRY_LATER else None
        return replace(self.refusal, after=after)

    def passed(self) -> bool:
        """A message passed (or was refused for its own sake). True if this closed it."""
        was_open = self.refusal is not None
        self.refusal, self._in_a_row, self._unanswered, self._pause = None, 0, 0, LINK_SECONDS
        self._trial_at = float("-inf")
        return was_open

    def failed(self, refusal: Rejected) -> bool:
        """A refusal that concerns every message. True if this opened it."""
        link = refusal.cls is RejectClass.RETRY_LATER
        self._in_a_row += 1
        if self.refusal is None and not link and self._in_a_row < OPEN_AFTER:
            return False
        now = self._clock()
        opens = self.refusal is None
        if not opens and now < self._until:
            return False  # a late answer to what left before it opened
        pause = self._pause if link else MEND_SECONDS
        if link:
            self._pause = min(self._pause * 2, LINK_MOST_SECONDS)
        self.refusal, self._until, self._trial_at = refusal, now + pause, float("-inf")
        return opens

    def silent(self) -> bool:
        """A message without an answer. True if this opened it."""
        self._unanswered += 1
        if self.refusal is None and self._unanswered < SILENT_AFTER:
            return False
        return self.failed(Rejected("link_down", RejectClass.RETRY_LATER, "no_answer"))

    def unclear(self) -> None:
        """What was on trial heard something that says neither: another one in a while."""
        if self.refusal is not None:
            self._until, self._trial_at = self._clock() + self._pause, float("-inf")
