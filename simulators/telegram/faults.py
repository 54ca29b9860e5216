"""What can go wrong with the simulated Bot API."""

from __future__ import annotations

from dataclasses import dataclass, field

OUTAGES = ("", "502", "refuse", "hang")


@dataclass(frozen=True, slots=True)
class Faults:
    """Knobs that count down ("next") act on calls that send a message; the others on every call."""

    outage: str = ""
    """`502`: an HTML error page; `refuse`: the connection is cut at once; `hang`: no answer ever."""
    slow_seconds: float = 0.0
    """Wait before each answer."""
    drop_after_accept: int = 0
    """The message is shown on the phone, and the connection is cut before the answer."""
    garbage_next: int = 0
    """The message is shown, and the answer is a 200 with a page in it."""
    throttle_next: int = 0
    """429 with `retry_after`."""
    retry_after: int = 2
    """Seconds in those 429."""
    fail_next: int = 0
    """Answer `fail_status` with `fail_says` as description."""
    fail_status: int = 400
    fail_says: str = "Bad Request: chat not found"
    reject_formatting: bool = False
    """400 for every message with entities or a parse mode."""
    forget_files: bool = False
    """400 for every file_id."""
    reject_photos: bool = False
    """400 for every picture that is not sent as a document."""
    duplicate_updates: bool = False
    """Each update is delivered twice."""
    enforce_limits: bool = False
    """429 for more than 1 message a second into a chat, 20 a minute into a group or 30 a second in all."""
    blocked: list[str] = field(default_factory=list)
    """Ids of people who blocked the bot."""
    deactivated: list[str] = field(default_factory=list)
    """Ids of accounts that were deleted."""

    def __post_init__(self) -> None:
        if self.outage not in OUTAGES:
            raise ValueError(f"outage must be one of {', '.join(repr(kind) for kind in OUTAGES)}")
