"""What the simulated SpeedSMS keeps: transactions, balance, the rate of the last minute, phones."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from simulators.speedsms.faults import Faults
from simulators.stage import Stage
from text.numbers import msisdn
from text.segments import measure

NUMBERS_MOST = 100
TEXT_MOST = 612
"""Characters; longer texts are refused with 113."""
PRICE_VND = 250.0
RATE_SECONDS = 60.0
FIRST_TRANSACTION = 123_456
SMS_TYPES = range(2, 9)


@dataclass(slots=True)
class Transaction:
    number: int
    text: str
    statuses: dict[str, int] = field(default_factory=dict)
    """0 delivered, otherwise what the report says, by number."""


@dataclass(slots=True)
class Taken:
    transaction: Transaction
    invalid: list[str]
    price: float


class Refused(Exception):
    def __init__(self, code: str, says: str, invalid: Sequence[str] = ()) -> None:
        super().__init__(says)
        self.code = code
        self.says = says
        self.invalid = list(invalid)


class Book:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.faults = Faults()
        self.transactions: dict[int, Transaction] = {}
        self.spent = 0.0
        self._calls: deque[float] = deque()
        self._failed_share = 0.0

    def wait(self) -> int:
        """Seconds until the rate allows this call; 0: it is counted, and may pass."""
        now = time.monotonic()
        while self._calls and self._calls[0] <= now - RATE_SECONDS:
            self._calls.popleft()
        if len(self._calls) < self.faults.rate:
            self._calls.append(now)
            return 0
        first = self._calls[0] if self._calls else now
        return max(1, int(first + RATE_SECONDS - now + 0.999))

    def balance(self) -> float:
        return self.faults.balance - self.spent

    def take(self, body: dict[str, Any]) -> Taken:
        """Look at a send as SpeedSMS does. Raises `Refused`."""
        faults = self.faults
        if faults.code:
            raise Refused(faults.code, "simulated")
        listed, text = body.get("to"), body.get("content")
        if not isinstance(listed, list) or not listed or not isinstance(text, str) or not text:
            raise Refused("101", "Invalid or missing parameters")
        if len(listed) > NUMBERS_MOST or body.get("sms_type") not in SMS_TYPES:
            raise Refused("101", "Invalid or missing parameters")
        if len(text) > TEXT_MOST:
            raise Refused("113", "Sms content too long")
        known = {str(msisdn(str(each)) or each) for each in listed}
        invalid = sorted(n for n in known if msisdn(n) is None or n in faults.invalid_numbers)
        shown = [f"0{n[2:]}" if faults.invalid_local else n for n in invalid]
        good = [number for number in known if number not in invalid]
        if invalid and (faults.refuse_whole or not good):
            raise Refused("105", "Phone number invalid", () if faults.refuse_silently else shown)
        price = PRICE_VND * measure(text).segments * len(good)
        if price > self.balance():
            raise Refused("300", "Your account balance not enough to send sms")
        return Taken(self._keep(good, text), shown, price)

    def _keep(self, numbers: Sequence[str], text: str) -> Transaction:
        made = Transaction(FIRST_TRANSACTION + len(self.transactions), text)
        self.transactions[made.number] = made
        self.spent += PRICE_VND * measure(text).segments * len(numbers)
        self.stage.counters["taken"] += len(numbers)
        for number in numbers:
            self._failed_share += self.faults.fail_ratio
            unlucky = self._failed_share >= 1
            self._failed_share -= unlucky
            reached = number not in self.faults.off_numbers and not unlucky
            made.statuses[number] = 0 if reached else self.faults.failed_status
            if reached:
                self.stage.show(number, "loa", text, provider_id=f"{made.number}/{number}")
        return made
