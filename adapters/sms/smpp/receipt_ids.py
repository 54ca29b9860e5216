"""Which submitted id a receipt's id may mean.

The same message may be "0000A1B2" in submit_sm_resp and "a1b2" or "41394" in its receipt. The ledger knows the ids
exactly as submit_sm_resp wrote them, so a receipt's id is turned into the forms in which it may stand there: exact →
other case → other zeros → hex read as decimal → decimal read as hex. A carrier keeps one habit: it is set in the
configuration, or learned from receipts that follow their submit_sm_resp closely, and then only that form is tried, as
an id in the wrong base may be another message's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

Rule = Literal["auto", "same", "resp_hex", "resp_dec"]
"""`resp_hex`: submit_sm_resp hexadecimal, receipt decimal; `resp_dec`: the other way round."""

RECENT: Final = 4_096
"""Ids remembered while the rule is being learned."""
VOTES: Final = 32
"""Receipts that must agree before a rule is held to be the carrier's."""
AGREEMENT: Final = 0.95
"""Their share of all votes: a stray collision of ids does not keep the question open for ever."""
MAX_DIGITS: Final = 64
"""SMPP 3.4 5.2.23; longer ids are never numbers, and converting them would be quadratic work."""


class ReceiptIds:
    """Forms of one account's ids. `learned` is the rule in force, "auto" while it is open."""

    def __init__(self, rule: Rule = "auto") -> None:
        self.learned: Rule = rule
        self._recent: dict[str, None] = {}
        self._votes: Counter[Rule] = Counter()
        self._lengths: set[int] = set()
        self._padded: set[int] = set()
        self._cases: set[bool] = set()
        self.changed = False
        """True when `dump` would write something new."""

    def submitted(self, message_id: str) -> None:
        """Called for every id of a submit_sm_resp, in order."""
        if len(message_id) not in self._lengths or (not self._cases and not message_id.isdigit()):
            self._see_shape(message_id)
        if self.learned == "auto":
            self._recent[message_id] = None
            if len(self._recent) > RECENT:
                del self._recent[next(iter(self._recent))]

    def keys(self, receipt_id: str) -> tuple[str, ...]:
        """Candidate ids, likeliest first, none twice."""
        rule = self.learned
        if rule == "auto":
            rule = self._vote(receipt_id)
        if rule == "same" and receipt_id.isdigit() and receipt_id[0] != "0" and len(receipt_id) in self._lengths:
            return (receipt_id,)
        return tuple(dict.fromkeys(self._forms(receipt_id, rule)))

    def dump(self) -> bytes:
        """The shape of the ids (padding, case): what must outlive a restart."""
        self.changed = False
        shape = {"lengths": sorted(self._lengths), "padded": sorted(self._padded), "upper": sorted(self._cases)}
        return json.dumps(shape).encode()

    def load(self, dumped: bytes) -> None:
        shape = json.loads(dumped)
        self._lengths, self._padded = set(shape["lengths"]), set(shape["padded"])
        self._cases = set(shape["upper"])

    def _see_shape(self, message_id: str) -> None:
        self._lengths.add(len(message_id))
        if message_id.startswith("0"):
            self._padded.add(len(message_id))
        if message_id.upper() != message_id.lower():
            self._cases.add(message_id == message_id.upper())
        self.changed = True

    def _vote(self, receipt_id: str) -> Rule:
        """Which rule explains this receipt by an id that we were just given; "auto" when none or several do."""
        if receipt_id in self._recent:
            fits: list[Rule] = ["same"]
        else:
            rules: tuple[Rule, ...] = ("same", "resp_hex", "resp_dec")
            fits = [rule for rule in rules if any(form in self._recent for form in self._forms(receipt_id, rule))]
        if len(fits) != 1:
            return "auto"
        self._votes[fits[0]] += 1
        if self._votes[fits[0]] >= max(VOTES, AGREEMENT * self._votes.total()):
            self.learned = fits[0]
            self._recent.clear()
        return fits[0]

    def _forms(self, receipt_id: str, rule: Rule) -> Iterator[str]:
        as_decimal = _number(receipt_id, 10) if rule in ("resp_hex", "auto") else None
        as_hex = _number(receipt_id, 16) if rule in ("resp_dec", "auto") else None
        if rule in ("same", "auto") or (as_decimal is None and as_hex is None):
            yield receipt_id
            yield from self._spellings(receipt_id)
        if as_hex is not None:
            yield from self._spellings(str(as_hex))
        if as_decimal is not None:
            yield from self._spellings(f"{as_decimal:x}")

    def _spellings(self, message_id: str) -> Iterator[str]:
        """The id in the cases and with the zeros that this carrier's ids have had."""
        bare = message_id.lstrip("0") or "0"
        lower, upper = bare.lower(), bare.upper()
        cases = [lower] if lower == upper or self._cases == {False} else [upper, lower]
        if self._cases == {True}:
            cases = [upper]
        for spelling in cases:
            yield from (spelling.zfill(width) for width in sorted(self._padded) if width > len(spelling))
            yield spelling


def _number(text: str, base: int) -> int | None:
    digits = "0123456789abcdef"[:base]
    return int(text, base) if text and len(text) <= MAX_DIGITS and not text.lower().strip(digits) else None
