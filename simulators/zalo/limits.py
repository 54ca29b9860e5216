"""What the simulated Zalo enforces. Sources as in Zalo's OA, ZNS and Bot docs; guesses are marked."""

from __future__ import annotations

TEXT_LIMIT = 2000
"""Characters."""
BUTTONS = 5
BUTTON_TITLE = 100
BUTTON_PAYLOAD = 1000
CODE_SECONDS = 600.0
"""Life of an authorization code."""
ACCESS_SECONDS = 90_000.0
REFRESH_SECONDS = 90 * 86_400.0
WINDOW_SECONDS = 7 * 86_400.0
"""Since the last interaction; then -230."""
OA_PER_MINUTE = 4000
GROUP_CREATE_MEMBERS = 99
UPLOAD_BYTES = {"image": 1 << 20, "gif": 5 << 20, "file": 5 << 20}
UPLOAD_TYPES = {
    "image": frozenset({"image/jpeg", "image/png"}),
    "gif": frozenset({"image/gif"}),
    "file": frozenset(
        {
            "application/pdf",
            "application/msword",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        }
    ),
}
UPLOAD_SECONDS = 7 * 86_400.0
WEBHOOK_SECONDS = 2.0
"""Deadline for an answer to an event."""
WEBHOOK_RETRIES = (30.0, 300.0, 900.0, 1800.0, 3600.0)
"""Seconds before each repeat; then the webhook is switched off."""
WEBHOOK_AT_ONCE = 32
"""Events under way together (a guess)."""
BOT_MONTHLY = 3000
BOT_POLL_MOST_SECONDS = 60.0
SECRET_LENGTHS = range(8, 257)
HISTORY_KEPT = 500
"""Messages kept of each chat."""
HANG_SECONDS = 3600.0
NIGHT_HOURS = (22, 6)
UTC_OFFSET_HOURS = 7
