"""What the simulated eSMS keeps: messages it took, RequestIds of the day, balance, templates, phones."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass

from simulators.esms.faults import Faults
from simulators.stage import Stage
from text.numbers import carrier_hint, msisdn
from text.segments import measure

REQUEST_ID_SECONDS = 24 * 3600.0
PRICE_VND = 850.0
"""A part of a care message; invented, of the usual size."""
FINISHED, REFUSED, PENDING = 5, 4, 7
TELCOIDS = {
    "Viettel": "1", "MobiFone": "2", "VinaPhone": "3", "Vietnamobile": "4", "Gmobile": "5", "iTel": "6", "Wintel": "7",
}  # fmt: skip


@dataclass(slots=True)
class Message:
    smsid: str
    number: str
    text: str
    request_id: str
    callback_url: str
    at: float
    parts: int
    campaign: str = ""
    reached: bool = True


class Refused(Exception):
    """An answer with a code other than 100. `smsid`: there is one all the same (146)."""

    def __init__(self, code: str, says: str, **more: str) -> None:
        super().__init__(says)
        self.code = code
        self.says = says
        self.more = more


class Book:
    """`forward` moves the clock, for the day that a RequestId blocks."""

    def __init__(self, stage: Stage, brandnames: set[str], seed: int) -> None:
        self.stage = stage
        self.brandnames = brandnames
        self.templates: list[str] = []
        """Beginnings of registered texts."""
        self.faults = Faults()
        self.messages: dict[str, Message] = {}
        self.spent = 0.0
        self._random = random.Random(seed)
        self._requests: dict[str, tuple[float, Message]] = {}
        self._skipped = 0.0
        self._sends: deque[float] = deque()
        self._failed_share = 0.0

    def now(self) -> float:
        return time.time() + self._skipped

    def forward(self, seconds: float) -> None:
        self._skipped += seconds

    def take(self, fields: dict[str, str]) -> Message:
        """Look at a send as eSMS does. Raises `Refused`."""
        known = self._requests.get(fields.get("RequestId", ""))
        if known is not None and self.now() - known[0] < REQUEST_ID_SECONDS:
            smsid = {"SMSID": known[1].smsid} if self.faults.smsid_with_124 else {}
            raise Refused("124", "Request exist 1", SendStatus=str(self.state_of(known[1])[0]), **smsid)
        number = str(msisdn(fields.get("Phone", "")) or "")
        self._check(fields, number)
        text = fields.get("Content", "")
        message = Message(
            smsid=self._smsid(),
            number=number,
            text=text,
            request_id=fields.get("RequestId", ""),
            callback_url=fields.get("CallbackUrl", ""),
            at=self.now(),
            parts=measure(text).segments,
            campaign=fields.get("campaignid", ""),
        )
        if fields.get("Sandbox") == "1":
            self.stage.counters["sandbox"] += 1
            return message
        self.keep(message)
        return message

    def keep(self, message: Message) -> None:
        """Stored, charged, and on its way to the phone."""
        if message.request_id:
            self._requests[message.request_id] = (self.now(), message)
        self.messages[message.smsid] = message
        self.spent += PRICE_VND * message.parts
        self.stage.counters["taken"] += 1
        self._failed_share += self.faults.fail_ratio
        unlucky = self._failed_share >= 1
        self._failed_share -= unlucky
        message.reached = message.number not in self.faults.off_numbers and not unlucky
        if message.reached and not self.faults.refused_later:
            self.stage.show(message.number, "loa", message.text, provider_id=message.smsid)

    def _check(self, fields: dict[str, str], number: str) -> None:
        faults = self.faults
        planned = faults.code_numbers.get(number, "") or faults.code
        if planned:
            raise Refused(planned, "simulated")
        if not number:
            raise Refused("108", "Phone is not valid")
        if faults.tps and not self._within_rate(faults.tps):
            raise Refused("160", "Too many requests")
        if fields.get("SmsType") == "2" and fields.get("Brandname") not in self.brandnames:
            raise Refused("104", "Brand name code is not exist")
        text = fields.get("Content", "")
        if not text.isascii() and fields.get("IsUnicode") != "1":
            raise Refused("146", "Sai template Brandname CSKH", SMSID=self._smsid())
        if faults.check_templates and not any(text.startswith(each) for each in self.templates):
            raise Refused("146", "Sai template Brandname CSKH", SMSID=self._smsid())
        if self.balance() < PRICE_VND * measure(text).segments:
            raise Refused("103", "Balance not enough to send message")

    def _within_rate(self, tps: float) -> bool:
        now = time.monotonic()
        while self._sends and self._sends[0] <= now - 1.0:
            self._sends.popleft()
        if len(self._sends) >= tps:
            return False
        self._sends.append(now)
        return True

    def balance(self) -> float:
        return self.faults.balance - self.spent

    def state_of(self, message: Message) -> tuple[int, int, int]:
        """(SendStatus, SendSuccess, SendFailed)"""
        if self.now() - message.at < self.faults.report_seconds:
            return PENDING, 0, 0
        if self.faults.refused_later:
            return REFUSED, 0, 0
        if self.faults.mixed:
            return FINISHED, 1, 1
        return (FINISHED, message.parts, 0) if message.reached else (FINISHED, 0, message.parts)

    def telcoid(self, message: Message) -> str:
        own = TELCOIDS.get(carrier_hint(message.number), "")
        return self.faults.ported.get(message.number, own)

    def _smsid(self) -> str:
        return f"{self._random.getrandbits(128):032x}{self._random.randrange(1000)}"


def local(number: str) -> str:
    """84901234567 → 0901234567."""
    return "0" + number[2:]
