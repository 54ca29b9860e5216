"""What can go wrong with, or differ at, the simulated carrier: one flat set of knobs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

ID_STYLES: Final = ("dec", "hex", "hex_upper", "dec_padded", "hex_padded", "hex_upper_padded")
RECEIPT_STYLES: Final = ("text", "tlv", "both", "data_sm")
RECEIPT_PARTS: Final = ("all", "first", "last", "none")
MO_SPLITS: Final = ("udh8", "udh16", "sar", "payload")
MO_ORDERS: Final = ("forward", "reverse", "shuffle")
_STAT: Final = re.compile(r"[A-Z]{0,9}")
_ERR: Final = re.compile(r"[0-9A-Za-z]{0,3}")


@dataclass(frozen=True, slots=True)
class Faults:
    """Seconds, counts and command_status numbers. "next" knobs count down by themselves."""

    # Answers to submit_sm
    status: int = 0
    """Refuse with this command_status (vendor ones included)."""
    status_every: int = 0
    """… only every n-th submit_sm; 0: all of them."""
    status_next: int = 0
    """… only so many; 0: without end."""
    status_numbers: dict[str, int] = field(default_factory=dict)
    """command_status by destination."""
    throttle_tps: float = 0.0
    """ESME_RTHROTTLED above so many accepted in any second; 0: no limit."""
    congestion: int = 0
    """congestion_state in every answer; 0: none."""
    response_delay: float = 0.0
    reorder: bool = False
    """The answers of one read go back in reverse order."""
    silent_every: int = 0
    """Every n-th submit_sm is taken and never answered."""
    answer_twice: bool = False
    answer_unknown: bool = False
    """With each answer comes one for a request that nobody made."""
    empty_errors: bool = True
    """Error responses have no body (both ways are common)."""

    # Binds
    bind_status: int = 0
    bind_status_next: int = 0
    """Refuse only so many binds; 0: all while `bind_status` is set."""
    bind_silent: bool = False
    bind_delay: float = 0.0
    single_session: bool = False
    """ESME_RALYBND while an earlier session of the same kind lives."""
    coalesce_bind: bool = False
    """Stored deliveries follow in the same write as the bind response."""

    # The link
    outage: bool = False
    """Connections are cut at once, living ones too."""
    half_open: bool = False
    """The peer is read and never answered."""
    abort_after: int = 0
    """Cut the link after so many submit_sm, once."""
    cut_every: float = 0.0
    """Cut every session when it is this old."""
    unbind_after: int = 0
    """Send unbind after so many submit_sm, once."""
    bad_length: bool = False
    """The next answer has an impossible command_length."""
    nonsense: bool = False
    """After the bind response comes something that is no SMPP."""
    split_bytes: bool = False
    """Every octet is written alone."""
    enquire_seconds: float = 30.0

    # Receipts
    id_style: str = "dec"
    receipt_id_style: str = "same"
    """"same" or a style of ids."""
    receipt_style: str = "text"
    receipt_stat: str = ""
    """Every receipt says this, whatever became of the message: any word a carrier may use."""
    receipt_err: str = "000"
    """… with this error number."""
    receipt_unmarked: bool = False
    """Receipts come with esm_class 0, known only by their text."""
    receipt_delay: float = 0.0
    receipt_jitter: float = 0.0
    """Up to so much later, at random from the seed."""
    receipt_first: bool = False
    """The receipt overtakes the submit_sm_resp."""
    receipt_parts: str = "all"
    receipt_twice: bool = False
    intermediate: bool = False
    """An ENROUTE notice comes before the end."""
    fail_ratio: float = 0.0
    """Share of numbers that no message reaches, from the seed."""
    off_numbers: list[str] = field(default_factory=list)
    unknown_numbers: list[str] = field(default_factory=list)
    deliver_window: int = 500
    """deliver_sm without an answer per session."""
    deliver_timeout: float = 30.0
    redeliver_delay: float = 1.0
    """Wait after ESME_RX_T_APPN."""
    lose_answers_next: int = 0
    """So many deliver_sm_resp never reach the carrier: the link breaks instead, and the message comes again."""

    # People's messages
    mo_split: str = "udh8"
    mo_order: str = "forward"
    show_rate: int = 2_000
    """Lines a second on the stage; above it only watched phones are shown and the others counted."""

    def __post_init__(self) -> None:
        for name, allowed in (
            ("id_style", ID_STYLES),
            ("receipt_id_style", ("same", *ID_STYLES)),
            ("receipt_style", RECEIPT_STYLES),
            ("receipt_parts", RECEIPT_PARTS),
            ("mo_split", MO_SPLITS),
            ("mo_order", MO_ORDERS),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}")
        if not _STAT.fullmatch(self.receipt_stat) or not _ERR.fullmatch(self.receipt_err):
            raise ValueError("receipt_stat is up to nine capitals, receipt_err up to three letters or digits")
        if self.fail_ratio > 1:
            raise ValueError("fail_ratio is a share, 0 to 1")

    @property
    def answers_plainly(self) -> bool:
        """No knob of this set touches the answers to submit_sm: the fast way."""
        return not (
            self.status or self.status_numbers or self.throttle_tps or self.congestion or self.response_delay
            or self.reorder or self.silent_every or self.answer_twice or self.answer_unknown or self.abort_after
            or self.unbind_after or self.bad_length
        )  # fmt: skip
