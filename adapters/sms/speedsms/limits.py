"""Limits and pauses of a SpeedSMS account. Each with its unit and source."""

from __future__ import annotations

from typing import Final

BASE_URL: Final = "https://api.speedsms.vn/index.php"
REQUESTS: Final = 60
WINDOW_SECONDS: Final = 60.0
"""60 requests in any 60 seconds (speedsms.vn/sms-api)."""
RESERVED: Final = 10
"""Of these, requests that only rescue answers and urgent directives may use (our own rule)."""
NUMBERS: Final = 100
"""Numbers in one request (SpeedSMS client libraries)."""
CONCURRENCY: Final = 4
THROTTLED_SECONDS: Final = 60.0
"""Pause after a 429 without X-Rate-Limit-Reset: the whole window."""
RESET_MOST_SECONDS: Final = 3_600.0
"""Longest pause that we take from that header; past it the header is nonsense."""
STOP_SECONDS: Final = 5.0
"""Longest wait for answers in flight when the channel stops."""
RETRY_SECONDS: Final = 30.0
"""Pause after the provider's own error 500 ("try again")."""

STATUS_FIRST_SECONDS: Final = 300.0
"""When the reports of a request that did not all come are asked for."""
PROBE_SECONDS: Final = 60.0
"""How old the balance on the duty board may be: each look at it is one of the 60 requests."""
STATUS_LONGEST_SECONDS: Final = 6 * 3600.0
STATUS_KEPT_SECONDS: Final = 3 * 86_400.0
WAITING_MOST: Final = 20_000
"""Requests with open reports; the oldest give way."""
REPORTS_MOST: Final = 1_000
"""Reports of one callback body that we read."""

SAME_MESSAGE_SECONDS: Final = 60.0
"""A person's message with the same number and text so soon after the first is the same one: SpeedSMS gives no id."""
