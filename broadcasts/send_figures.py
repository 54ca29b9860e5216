"""What a channel did since the start of this process: counted where messages pass, read by monitoring.

Plain lists and dicts: a message costs a look-up and a few additions here, not a lock and a dozen buckets.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from adapters.contract import Accepted, Outcome, Rejected

ANSWER_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds: a carrier answers submit_sm in milliseconds, a slow HTTP provider in seconds, and a session
gives up after 60 (`timers.response`)."""
THROTTLED: Final = "throttled"
"""The reason of a refusal that means "too fast"."""


@dataclass(slots=True)
class Answers:
    """What one account of a provider answered."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """("accepted", ""), ("rejected", its class) or ("unknown", "") → how many."""
    throttled: int = 0
    within: list[int] = field(default_factory=lambda: [0] * (len(ANSWER_BUCKETS) + 1))
    """How many by the bucket that their time falls into; the last one is for longer."""
    seconds: float = 0.0
    """Of all together, from the hand-over to the channel on: its own queue and pace are part of it."""

    def add(self, outcome: Outcome, seconds: float) -> None:
        self.outcomes[_kind(outcome)] += 1
        self.within[bisect_left(ANSWER_BUCKETS, seconds)] += 1
        self.seconds += seconds
        if isinstance(outcome, Rejected) and outcome.reason == THROTTLED:
            self.throttled += 1


class SendFigures:
    """Of one channel; a channel that spreads its messages over several accounts is counted by account."""

    def __init__(self, channel: str, window: int) -> None:
        self.channel = channel
        self.window = window
        """Envelopes that the channel keeps in flight at most."""
        self.in_flight = 0
        """Handed over and not answered."""
        self.answers: dict[str, Answers] = {channel: Answers()}

    def handed_over(self, how_many: int) -> None:
        self.in_flight += how_many

    def answered(self, outcome: Outcome, seconds: float) -> None:
        self.in_flight -= 1
        account = outcome.account or self.channel
        answers = self.answers.get(account)
        if answers is None:
            answers = self.answers[account] = Answers()
        answers.add(outcome, seconds)


_ACCEPTED: Final = ("accepted", "")
_UNKNOWN: Final = ("unknown", "")


def _kind(outcome: Outcome) -> tuple[str, str]:
    if isinstance(outcome, Accepted):
        return _ACCEPTED
    return ("rejected", outcome.cls.value) if isinstance(outcome, Rejected) else _UNKNOWN
