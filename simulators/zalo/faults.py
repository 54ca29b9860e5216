"""What can go wrong with the simulated Zalo, and how its events behave."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.zalo import limits

OUTAGES = ("", "502", "504", "503", "401", "refuse", "hang", "empty", "html")
PREFIXES = ("mac=", "", "sha256=")


@dataclass(frozen=True, slots=True)
class Faults:
    """Knobs named `…_next` and `…_commit` count down, on calls that send a message.

    `…_after_commit`: the message is in the chat, and the answer never comes, or says nothing.
    """

    outage: str = ""
    """Of the OA and ZNS calls: a status with an HTML page, `refuse` cuts, `hang` never answers, `empty` and `html` are
    a 200 without JSON."""
    slow_seconds: float = 0.0
    """Before each answer of the OA, ZNS and bot calls."""
    drop_after_commit: int = 0
    hang_after_commit: int = 0
    empty_after_commit: int = 0
    html_after_commit: int = 0
    fail_next: int = 0
    fail_code: int = 200
    """Without Zalo's minus."""
    fail_says: str = "simulated"
    fail_after: int = 0
    """So many sends pass before `fail_next` begins."""
    rate_per_minute: int = limits.OA_PER_MINUTE
    government: bool = False
    """v3.0 `message/cs` answers -235 and v2.0 serves; otherwise v2.0 answers -240."""
    upload_fail_next: int = 0
    upload_fail_code: int = 211
    """Without Zalo's minus; 211: the month's 5,000 uploads are used up."""
    upload_seconds: float = 0.0
    """Before each answer to an upload."""
    uploads_lost: bool = False
    """Sends with a file answer -100, as when its copy has expired; fresh uploads are lost, too."""
    no_package: bool = False
    """Group calls answer -224."""
    echo: bool = True
    """`oa_send_*` events after each message."""
    received: bool = True
    received_seconds: float = 0.0
    seen: bool = True
    seen_seconds: float = 0.3
    events_before_reply: bool = False
    """The echo and `user_received_message` are answered by the receiver before the send call returns."""
    token_seconds: float = limits.ACCESS_SECONDS
    oauth_outage: str = ""
    oauth_drop_after_rotate: int = 0
    """The new pair is valid, and the connection is cut before anybody hears of it."""
    oauth_fail_next: int = 0
    oauth_fail_code: int = 14002
    webhook_duplicate: bool = False
    webhook_reorder: bool = False
    """Each event waits for the next one and follows it."""
    webhook_wrong_key: bool = False
    webhook_prefix: str = "mac="
    webhook_identity: str = "app_id"
    webhook_key: str = "oa_secret_key"
    webhook_hash_filter: bool = False
    """Only texts that begin with # are forwarded."""
    webhook_retry_5xx: bool = True
    """Zalo documents repeats for connections that fail; whether for a 5xx too is not known."""
    webhook_time_scale: float = 1.0
    """Of the pauses between repeats: 0.001 turns 30 s into 30 ms."""
    bot_outage: str = ""
    bot_monthly_limit: int = limits.BOT_MONTHLY
    bot_retry_after: int = 0
    """Seconds in the `Retry-After` of a 429; 0 leaves the header out."""
    bot_ok_false_200: bool = False
    """Refusals come with HTTP 200."""
    bot_fail_next: int = 0
    bot_fail_code: int = 400
    bot_fail_html: bool = False
    """Those refusals are a gateway's page without the envelope."""
    bot_drop_after_commit: int = 0
    bot_hang_after_commit: int = 0
    bot_bare_updates: bool = False
    """Webhook bodies without the `{ok, result}` wrapper."""
    bot_photo_url: bool = False
    bot_conflict_status: int = 409
    """Of `getUpdates` while a webhook is set."""
    bot_https_only: bool = True
    """`setWebhook` refuses other addresses; loopback needs it off."""
    zns_delivered: bool = True
    zns_seconds: float = 0.0
    zns_night: bool = False
    """The templates may not be sent from 22:00 to 06:00."""
    zns_night_ok: list[str] = field(default_factory=list)
    """Templates that may all the same."""
    zns_daily_quota: int = 500

    def __post_init__(self) -> None:
        for name in ("outage", "oauth_outage", "bot_outage"):
            if getattr(self, name) not in OUTAGES:
                raise ValueError(f"{name} must be one of {', '.join(repr(kind) for kind in OUTAGES)}")
        if self.webhook_prefix not in PREFIXES:
            raise ValueError(f"webhook_prefix must be one of {', '.join(repr(kind) for kind in PREFIXES)}")
        if self.webhook_identity not in ("app_id", "oa_id"):
            raise ValueError("webhook_identity must be app_id or oa_id")
        if self.webhook_key not in ("oa_secret_key", "app_secret"):
            raise ValueError("webhook_key must be oa_secret_key or app_secret")
