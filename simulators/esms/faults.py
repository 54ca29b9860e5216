"""What can go wrong with the simulated eSMS, and how its callbacks behave."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators import outages

SIGNS = ("base64", "hex", "wrong", "none")


@dataclass(frozen=True, slots=True)
class Faults:
    """Knobs named `…_next` and `…_after_accept` count down, on calls that send a message."""

    outage: str = ""
    slow_seconds: float = 0.0
    """Before each answer."""
    code: str = ""
    """Answer a send with this code instead of looking at it."""
    code_next: int = 0
    """… so many times; 0: for ever."""
    code_numbers: dict[str, str] = field(default_factory=dict)
    """Code by number (84…)."""
    status_5xx_next: int = 0
    """A send is answered with HTTP 500 and is not taken."""
    drop_after_accept: int = 0
    """The message is taken, and the connection is cut before the answer."""
    hang_after_accept: int = 0
    garbage_after_accept: int = 0
    malformed_next: int = 0
    """`{"error": "Invalid request"}`."""
    smsid_with_124: bool = False
    tps: float = 0.0
    """Code 160 above so many sends a second; 0: no limit."""
    balance: float = 10_000_000.0
    """VND; below the price of a message: code 103."""
    check_templates: bool = False
    """Code 146 for texts that begin like no registered template."""
    callbacks: bool = True
    callback_seconds: float = 0.0
    callback_first: bool = False
    """The callback is answered before the send is."""
    callback_pending: bool = False
    """One with SendStatus 7 comes before the end."""
    callback_twice: bool = False
    callback_reorder: bool = False
    """Each callback waits for the next one and follows it."""
    callback_lies: bool = False
    """It says delivered where GetSendStatus says failed."""
    report_seconds: float = 0.0
    """Until GetSendStatus knows the end; 7 before that."""
    status_seconds: float = 0.0
    """Until GetSendStatus knows the message at all; 105 before that."""
    mixed: bool = False
    """The counters say that one part came and one did not."""
    refused_later: bool = False
    """SendStatus 4 in the end."""
    fail_ratio: float = 0.0
    """Share of messages that do not reach their phone, spread evenly."""
    off_numbers: list[str] = field(default_factory=list)
    ported: dict[str, str] = field(default_factory=dict)
    """telcoid by number, for people who took their number to another network."""
    mo_sign: str = "base64"
    mo_twice: bool = False
    mo_tries: int = 5
    """eSMS documents no repeats for people's messages; a gateway that gives up at once is 1."""

    def __post_init__(self) -> None:
        outages.check(self.outage)
        if self.mo_sign not in SIGNS:
            raise ValueError(f"mo_sign must be one of {', '.join(SIGNS)}")
        if self.fail_ratio > 1:
            raise ValueError("fail_ratio is a share, 0 to 1")
