"""What can go wrong with the simulated SpeedSMS, and how its webhooks behave."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators import outages


@dataclass(frozen=True, slots=True)
class Faults:
    """Knobs named `…_next` and `…_after_accept` count down, on calls that send a message."""

    outage: str = ""
    slow_seconds: float = 0.0
    """Before each answer."""
    code: str = ""
    """Refuse a send with this code."""
    code_next: int = 0
    """… so many times; 0: for ever."""
    throttle_next: int = 0
    """429 with X-Rate-Limit-Reset."""
    reset_seconds: int = 2
    """Seconds in those, and the window of the real limit."""
    reset_header: bool = True
    rate: int = 60
    """Requests of any kind in any 60 seconds; above it 429."""
    drop_after_accept: int = 0
    """The messages are taken, and the connection is cut before the answer."""
    hang_after_accept: int = 0
    garbage_after_accept: int = 0
    no_tran_id: bool = False
    """Success without a tranId."""
    invalid_numbers: list[str] = field(default_factory=list)
    """Named in invalidPhone, the others are taken."""
    refuse_whole: bool = False
    """One such number and the whole request is refused with 105."""
    refuse_silently: bool = False
    """… without saying which."""
    invalid_local: bool = False
    """invalidPhone writes numbers as 09…"""
    balance: float = 10_000_000.0
    """VND; below the price of a request: code 300."""
    reports: bool = True
    report_seconds: float = 0.0
    report_first: bool = False
    """Reports are answered before the send is."""
    report_twice: bool = False
    report_reorder: bool = False
    """Each report waits for the next one and follows it."""
    report_passing: int = 0
    """A report with this status (1 to 63: a passing failure) comes before the last one."""
    failed_status: int = 64
    """Status of messages that do not reach their phone."""
    fail_ratio: float = 0.0
    off_numbers: list[str] = field(default_factory=list)
    mo_twice: bool = False
    tries: int = 5
    """How often a webhook is called until it answers 2xx."""

    def __post_init__(self) -> None:
        outages.check(self.outage)
        if self.fail_ratio > 1:
            raise ValueError("fail_ratio is a share, 0 to 1")
        if self.report_passing > 63:
            raise ValueError("report_passing is 1 to 63")
