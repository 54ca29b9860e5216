"""Numbers of the Telegram Bot API, each with its unit and source. Rates are defaults; `settings.py` may change them."""

BASE_URL = "https://api.telegram.org"
"""Bot API, "Making requests". Another Bot API server takes its place through `base_url`."""

TEXT_LIMIT = 4096
"""Characters of a message after entities parsing (Bot API, sendMessage `text`); here in UTF-16 units, the stricter."""
BUTTON_BYTES = 64
"""Bytes of `callback_data` (Bot API, InlineKeyboardButton: 1-64 bytes)."""

DOCUMENT_BYTES = 50 * 1024 * 1024
PHOTO_BYTES = 10 * 1024 * 1024
"""Largest uploads (Bot API, "Sending files"); a larger picture goes as a document."""
UPLOAD_SECONDS = 120.0
"""From the first byte of an upload to the answer. Our choice: 20 MB at 1.4 Mbit/s."""

PER_CHAT_PER_SECOND = 1
"""Messages a second into one chat (Bots FAQ, "My bot is hitting limits": avoid more than one a second in a chat)."""
PER_GROUP_PER_MINUTE = 20
"""Messages a minute into one group (Bots FAQ, as above)."""
PER_SECOND = 30
"""Messages a second over all chats (Bots FAQ, as above)."""

EDIT_SECONDS = 6.0
"""Between two edits of a message that is kept up to date: half of a group's 20 a minute stay for messages. Our own."""

WEBHOOK_SECRET_PATTERN = r"^[A-Za-z0-9_-]{1,256}$"
"""Bot API, setWebhook `secret_token`."""
WEBHOOK_CONNECTIONS = 40
"""Simultaneous webhook calls that we let Telegram make (Bot API, setWebhook `max_connections`, its default)."""

POLL_SECONDS = 25
"""Seconds that one getUpdates waits at the server; below the 30 s after which many mobile proxies cut a silent line."""
POLL_BATCH = 100
"""Updates in one answer (Bot API, getUpdates `limit`, its largest value)."""
OFFSET_DAYS = 6
"""Days that a stored offset is trusted: after a week of silence ids restart anywhere (Bot API, Update `update_id`)."""

CONNECT_SECONDS = 5.0
"""To open a connection. Nothing has left before it is open, so a failure here is safe to repeat."""
ANSWER_SECONDS = 15.0
"""From the request's last byte to the answer's; after that the outcome is unknown. Our choice."""
KEEPALIVE_SECONDS = 30.0
"""Idle connections are dropped after this, before the provider's usual 75 s does it under a request of ours."""
CONNECTIONS = 50
"""Requests in flight at once: 30 a second at the slowest usual answer of 1.5 s. Our choice."""

WINDOW = 100
"""Envelopes kept by the channel for one caller: three seconds of work at 30 a second. Our choice."""
HOLD_SECONDS = 15.0
"""Longest wait for a free slot inside the channel; beyond it the envelope goes back with `retry_later`. Our choice."""
STOP_SECONDS = 5.0
"""Wait for answers in flight when stopping. Our choice."""

WATCH_SECONDS = 60.0
"""Between two looks at what Telegram says of our webhook. Our choice."""
CHECK_SECONDS = 5.0
"""For the getMe that finds out whether the service is there after an unanswered request. Our choice."""
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Between two tries to reach the service; the last one repeats. Our choice."""
