"""Zalo's limits, and our own caution where Zalo documents none. Each with its unit and source."""

from __future__ import annotations

OPENAPI_HOST = "https://openapi.zalo.me"
"""Zalo OA OpenAPI."""
BUSINESS_HOST = "https://business.openapi.zalo.me"
"""ZNS (ZBS template messages)."""
OAUTH_HOST = "https://oauth.zaloapp.com"
"""Zalo OAuth v4, "Xác thực và ủy quyền cho ứng dụng"."""
BOT_HOST = "https://bot-api.zaloplatforms.com"
"""Zalo Bot Platform."""

TEXT_LIMIT = 2000
"""Characters of one text, OA and bot. Zalo OA docs, tin-tu-van; Zalo Bot docs, sendMessage (1-2000)."""
PART_LIMIT = 1900
"""Characters of one part when a text must be split: leaves room for the marker and for a different count at Zalo."""
MAX_PARTS = 5
"""Parts of one text; more than this is a document, not a message (our own rule)."""
WHOLE_LIMIT = 4500
"""Characters that always fit into `MAX_PARTS`, wherever the text lets itself be broken."""

BUTTONS = 5
"""Buttons of one OA message. Zalo OA docs, "cấu trúc của tham số buttons"."""
BUTTON_TITLE = 100
"""Characters. Same page."""
BUTTON_PAYLOAD = 1000
"""Characters of an `oa.query` payload. Same page."""

OA_REQUESTS_A_MINUTE = 100
"""Requests a minute until `X-RateLimit-Limit` says more: the smallest figure of the OA packages of 2026."""
BOT_REQUESTS_A_MINUTE = 120
"""Requests a minute; the Bot Platform publishes no figure, so this is our own caution."""
ZNS_REQUESTS_A_MINUTE = OA_REQUESTS_A_MINUTE
RATE_WINDOW_SECONDS = 60.0
"""Zalo's limiter resets each minute. Zalo OA docs, "giới hạn tốc độ API"."""
BULK_SHARE = 0.90
"""Share of a minute's requests open to BULK and NORMAL; the rest waits for URGENT and LIFE."""
URGENT_SHARE = 0.97
"""Share of a minute's requests open to URGENT; the rest is LIFE's own."""
GATE_PATIENCE_SECONDS = 1.0
"""Longest wait for the minute's budget inside a send; beyond it the envelope is handed back as retry_later."""

OA_IN_FLIGHT = 36
"""Requests in flight to the OA API (our own caution; Zalo publishes none)."""
BOT_IN_FLIGHT = 12
RESERVED_IN_FLIGHT = 4
"""Slots in flight that only LIFE may take."""
WINDOW = 32
"""Envelopes in flight of one OA channel, `OA_IN_FLIGHT` without the reserve: the most that a crash leaves unknown."""
BOT_WINDOW = 8

CONNECT_SECONDS = 5.0
"""Nothing was written when this runs out."""
ANSWER_SECONDS = 15.0
"""Zalo answers a send in well under a second; after this the outcome is unknown."""
KEEPALIVE_SECONDS = 15.0
"""Idle connections are closed by us before Zalo's gateway does it under a request (75 s is usual there)."""
STOP_SECONDS = 5.0
"""Longest wait for answers in flight when the channel stops."""

ACCESS_TOKEN_SECONDS = 90_000
"""25 hours. Zalo OAuth v4 `expires_in`."""
REFRESH_AT_SHARE = 0.80
"""Part of the access token's life after which it is renewed ahead of need."""
REFRESH_TOKEN_SECONDS = 90 * 86_400
"""About three months from issue; each one is used once. Zalo OAuth v4."""
GRANT_CODE_SECONDS = 600.0
"""Life of the code that the consent page leads back with. Zalo OAuth v4."""
GRANT_LINK_SECONDS = 3600.0
"""How long a consent link may wait for the administrator (our own rule)."""
REFRESH_CHECK_SECONDS = 300.0
"""How often the age of the pair is looked at."""
REFUSED_REFRESH_PAUSE_SECONDS = 60.0
"""After a refused refresh that an operator must mend: do not ask again sooner."""

INTERACTION_WINDOW_SECONDS = 7 * 86_400
"""A one-to-one text needs an interaction within 7 days. Zalo OA docs, tin-tu-van."""

MET_STORE_SECONDS = 3600.0
"""How far a person's last interaction must have moved to be written to the ledger again (our own rule)."""
MET_LIST_SECONDS = 6 * 3600.0
"""How often the list of people within the window is read (our own rule)."""
MET_LIST_TRUSTED_SECONDS = 86_400.0
"""How long that list is believed."""
MET_RELOAD_SECONDS = 60.0
"""How often a process that only sends reads what the listening one has stored."""
MET_LIST_PAGES = 200
"""Pages of 50: `user/getlist` knows no offset above 9,951. Zalo OA docs, user/getlist."""

HISTORY_PAGE = 10
"""Messages a page of `oa/conversation` and `oa/group/conversation` (`count` <= 10)."""
HISTORY_PAGES = 5
"""Pages read when an unknown send is looked up."""
CATCH_UP_SECONDS = 120.0
"""How often the group's history is compared with what the webhook brought (our own rule)."""
CATCH_UP_OVERLAP_SECONDS = 60.0
"""How far before the last comparison the next one looks: webhooks may be late."""
CATCH_UP_PAGES = 30
"""Pages read at most; what was written before that is lost to us."""
SETTLE_SECONDS = 20.0
"""A send missing from the history is only called lost this long after it left: longer than `ANSWER_SECONDS`."""
CLOCK_SKEW_SECONDS = 2.0
"""Zalo's clock against ours when a history is searched from the start of a send."""

MEMBERS_PAGE = 50
"""`count` of group lists (clients use 50; the default is 5). Zalo OA docs, nhom-chat-gmf."""
GROUP_EXPIRY_WARNING_SECONDS = 45 * 86_400
"""A group dissolves 45 days after its asset was not renewed; warn as long before. Zalo OA docs, nhom-chat-gmf."""

WEBHOOK_REPLAY_SECONDS = 24 * 3600
"""A signed event older than this is a replay: Zalo's own retries end after 1 h 51 min (30 s, 5, 15, 30, 60 min)."""

BOT_POLL_SECONDS = 30
"""Long poll of `getUpdates`. Zalo Bot docs."""
BOT_POLL_SLACK_SECONDS = 15.0
"""How much later than asked an empty poll may come back."""
BOT_MONTHLY_MESSAGES = 3000
"""Outgoing messages a month of the free Basic plan. Zalo Bot plans."""
BOT_DIRECTIVE_RESERVE = 1000
"""Messages of the month kept for urgent directives and rescue answers (our own rule)."""
BACKOFF_FIRST_SECONDS = 1.0
BACKOFF_MOST_SECONDS = 60.0
"""First and longest pause between attempts of a background loop."""

ZNS_ASK_SECONDS = (60.0, 300.0, 1800.0, 7200.0)
"""How long after a message its status is asked for, until it arrived: the last is the `timeout` of a template in
Zalo's sample. Our own rule."""
ZNS_ASK_TICK_SECONDS = 15.0
ZNS_TRACKING_LIMIT = 48
"""Characters of `tracking_id`. Zalo ZNS docs, "gửi tin"."""
NIGHT_STARTS_HOUR = 22
NIGHT_ENDS_HOUR = 6
"""Hours of Asia/Ho_Chi_Minh in which some message types are refused. Zalo ZNS docs, code -133; OA code -234."""
LOCAL_UTC_OFFSET_HOURS = 7
"""Asia/Ho_Chi_Minh, no daylight saving."""

UPLOAD_FILE_BYTES = 5 * 1024 * 1024
UPLOAD_IMAGE_BYTES = 1024 * 1024
"""Largest PDF and picture. Zalo OA docs, "Upload file" (5 MB) and "Upload hình ảnh" (1 MB)."""
UPLOAD_REUSE_SECONDS = 6 * 86_400
"""Zalo keeps an upload at most 7 days and readers lose it then: one that is nearly over is not given to new readers."""
UPLOAD_SECONDS = 60.0
"""Longest wait while 5 MB go over a weak line (our own rule: 0.7 Mbit/s)."""
BOT_PHOTO_BYTES = 5 * 1024 * 1024
"""Largest picture that the Bot Platform fetches; undocumented, what its clients assume."""
