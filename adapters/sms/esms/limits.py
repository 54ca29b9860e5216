"""Limits and pauses of an eSMS account. Each with its unit and source."""

from __future__ import annotations

from typing import Final

BASE_URL: Final = "https://rest.esms.vn/MainService.svc/json"
REQUEST_ID_CHARACTERS: Final = 50
"""eSMS docs, "Tin nhắn SMS OTP/CSKH"."""
BRANDNAME_CHARACTERS: Final = 11
"""3GPP TS 23.040 9.1.2.5: an alphanumeric sender holds 11 characters."""
REPEAT_SECONDS: Final = (1.0, 3.0, 9.0)
"""Pauses before a request without an answer is made again. Safe: eSMS blocks a RequestId that it already has."""
STOP_SECONDS: Final = 5.0
"""Longest wait for answers in flight when the channel stops."""

STATUS_FIRST_SECONDS: Final = 60.0
"""When a message is first asked about; sooner eSMS answers 105 (eSMS docs, "Bảng mã lỗi")."""
CALLBACK_RETRY_SECONDS: Final = 2.0
"""Pause before a called message is asked about again, doubling; the first time is at once."""
STATUS_LONGEST_SECONDS: Final = 6 * 3600.0
STATUS_KEPT_SECONDS: Final = 3 * 86_400.0
"""eSMS answers for 7 days; the office needs no receipt later than this."""
CALLS_LOOK_SECONDS: Final = 5.0
"""How often callbacks are looked for that another process of ours took."""
STATUS_AT_ONCE: Final = 4
"""Status requests without an answer at one time."""
UNKNOWN_CALLBACK_TRIES: Final = 5
"""A callback whose message eSMS itself does not know after so many questions is dropped."""
WAITING_MOST: Final = 100_000
"""Messages remembered for a status question; the oldest give way."""

LOOK_UP_SECONDS: Final = 120.0
"""A message missing from the account's history is only called lost so long after it left (our own rule)."""
LOOK_UP_AROUND_SECONDS: Final = 120.0
"""eSMS's clock against ours when the history around a send is read."""
PAGE_SIZE: Final = 500
"""Messages a page of GetSmsSentData_V2, at most (eSMS docs)."""
PAGES: Final = 10
"""Pages read when one message is looked up; a minute of a bulk send fills a few."""
