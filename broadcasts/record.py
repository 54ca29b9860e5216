"""One flush: what was learned from providers becomes ledger rows, in one transaction.

Outcomes of our sends first, then receipts, so that a receipt which came a moment after its send finds it. What goes
the ordinary way is changed many at a time (`broadcasts.ordinary`). The rest is folded in memory and written once per
delivery, if the delivery is still what it was when it was read: where several processes write, another flush may have
been faster, and then this one is made again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from adapters.contract import ELSEWHERE, Receipt, ReceiptState, Rejected
from broadcasts import ordinary
from broadcasts.charging import Tally
from broadcasts.model import DeliveryState
from broadcasts.outcomes import ATTEMPTS_MAX, NO_PENALTY, REPEATED, event_of, is_held, parts_of
from broadcasts.recorded import Came, Change, Recorded, Sent, Together
from broadcasts.states import REACHED, WHOLE, fold, fold_part
from store import chunks, deliveries, paths, receipts, rollcalls, singles
from store.chunks import ORDINAL_BITS
from store.engine import Tx
from store.receipts import Matched

D = DeliveryState
STATES = len(D)
PROOF = {D.DELIVERED: paths.DELIVERED, D.SEEN: paths.SEEN}
"""States that prove the address itself."""
BLOCKED = "blocked"
"""The reason of a refusal that lasts until the person lets us in again."""

RECEIPT_EVENT: dict[ReceiptState, DeliveryState | None] = {
    ReceiptState.PENDING: None,
    ReceiptState.ACCEPTED: D.ACCEPTED,
    ReceiptState.DELIVERED: D.DELIVERED,
    ReceiptState.SEEN: D.SEEN,
    ReceiptState.FAILED: D.FAILED,
    ReceiptState.EXPIRED: D.EXPIRED,
    ReceiptState.UNKNOWN: D.UNKNOWN,
}


class ChunkRanges:
    """Finds the chunk of a delivery id; remembers the ranges, which never change once made."""

    def __init__(self) -> None:
        self._ranges: dict[int, tuple[list[int], list[int]]] = {}

    def chunk_of(self, tx: Tx, delivery_id: int) -> int:
        return self._range_of(tx, delivery_id)[0]

    def shares(self, tx: Tx, ids: Sequence[int]) -> Iterator[tuple[int, int]]:
        """(chunk, how many of these are in it)"""
        ids, at = sorted(ids), 0
        while at < len(ids):
            chunk, last = self._range_of(tx, ids[at])
            behind = bisect_right(ids, last, at)
            yield chunk, behind - at
            at = behind

    def _range_of(self, tx: Tx, delivery_id: int) -> tuple[int, int]:
        """(first id, last id)"""
        no = delivery_id >> ORDINAL_BITS
        for fresh in (False, True):
            if fresh or no not in self._ranges:
                found = chunks.ranges(tx, no)
                self._ranges[no] = ([first for first, _ in found], [last for _, last in found])
            starts, lasts = self._ranges[no]
            place = bisect_right(starts, delivery_id) - 1
            if place >= 0 and delivery_id <= lasts[place]:
                return starts[place], lasts[place]
        raise LookupError(delivery_id)

    def forget(self) -> None:
        """After a transaction was undone, ranges that it made may not exist."""
        self._ranges.clear()


class Flush:
    """The work of one transaction; made new for each try, so that a failed one leaves nothing behind."""

    def __init__(self, tx: Tx, ranges: ChunkRanges, causes: dict[tuple[str, str], int], now: float) -> None:
        self.tx = tx
        self.ranges = ranges
        self.causes = causes
        self.now = now
        self.done = Recorded()
        self._rows: dict[int, deliveries.Row] = {}
        self._status: dict[int, int] = {}
        self._parts: dict[int, tuple[int, int]] = {}
        self._deltas: dict[int, list[int]] = {}
        self._receipt_updates: dict[int, tuple[int | None, ...]] = {}
        self._tally = Tally()

    def outcomes(self, sent: Sequence[Sent], orphans_wait: bool) -> None:
        """Write what providers answered to our sends; then match receipts that had come too early."""
        if not sent:
            return
        self.done.settled = [one.delivery_id for one in sent]
        together, taken, others = ordinary.accept(self.tx, sent, self._cause, self.now)
        self._together(together)
        for one in taken:
            self._tally.sent(one.delivery_id >> ORDINAL_BITS, one.account, one.outcome)
        mapped = [*map(ordinary.mapped, taken), *self._one_by_one(others)]
        if others:
            order = {one.delivery_id: n for n, one in enumerate(sent)}
            mapped.sort(key=lambda one: order[one[2]])  # of two sends with one id the newer owns it
        receipts.map_receipts(self.tx, mapped, self.now)
        if orphans_wait and mapped:
            self._match_orphans(mapped)

    def _one_by_one(self, sent: Sequence[Sent]) -> list[ordinary.Mapped]:
        """The provider ids that came with these."""
        self._rows = deliveries.rows_of(self.tx, [one.delivery_id for one in sent])
        updates: dict[int, tuple[int, ...]] = {}
        mapped: list[ordinary.Mapped] = []
        for one in sent:
            row = self._rows.get(one.delivery_id)
            if row is None:
                continue
            outcome, old = one.outcome, self._status.get(one.delivery_id, row[2])
            event, reason = event_of(outcome, row[3], to_list=row[1] > 0)
            if event == D.UNKNOWN and row[1] == 0 and self._rather_twice(one.delivery_id, row[3]):
                event, reason = D.RETRYING, REPEATED
            parts = max(row[4], parts_of(outcome))
            self._tally.sent(one.delivery_id >> ORDINAL_BITS, one.account, outcome)
            attempts = row[3] + (reason not in NO_PENALTY and not is_held(outcome, to_list=row[1] > 0))
            new = fold(old, event)
            cause = self._cause(reason, outcome.code) if reason or outcome.code else 0
            done_at = int(self.now) if new in (D.FAILED, D.EXPIRED) else 0
            updates[one.delivery_id] = (
                new, one.account, attempts, cause, parts, row[5], int(self.now), done_at, one.delivery_id,
                row[2], row[3], row[5],
            )  # fmt: skip
            self._parts[one.delivery_id] = (parts, row[5])
            if not isinstance(outcome, Rejected):
                first = WHOLE if parts > 1 and len(outcome.provider_ids) == 1 else 0
                mapped += [
                    (pmid, one.known_as or one.account, one.delivery_id, part)
                    for part, pmid in enumerate(outcome.provider_ids, first)
                    if pmid
                ]
            self._change(one.delivery_id, row[1], old, new, reason, outcome.code)
        deliveries.update(self.tx, updates.values())
        return mapped

    def _rather_twice(self, delivery_id: int, attempts: int) -> bool:
        """The answer to a cry for help is rather given twice than never, as after a crash (`broadcasts.doubt`)."""
        return attempts + 1 < ATTEMPTS_MAX and singles.answers_a_cry(self.tx, delivery_id)

    def receipts(self, came: Sequence[Came]) -> None:
        """Fold receipts in the order in which they came; what matches nothing waits as an orphan."""
        if not came:
            return
        by_account: dict[int, list[Came]] = {}
        for one in came:
            by_account.setdefault(one.account, []).append(one)
        for account, whole in by_account.items():
            together, others = ordinary.deliver(self.tx, whole, self._cause, self._status, self.now)
            self._together(together)
            if others:
                self._fold_all(account, others)

    def _fold_all(self, account: int, some: Sequence[Came]) -> None:
        matched = self._matched(account, [one.receipt for one in some if one.may_wait], any_day=False)
        matched |= self._matched(account, [one.receipt for one in some if not one.may_wait], any_day=True)
        orphans = []
        for one in some:
            receipt = one.receipt
            key = next((key for key in receipt.keys if key in matched), None)
            if key is None and one.may_wait:
                self.done.early.append(one)
            elif key is None:
                at = receipt.at.timestamp()
                orphans.append(receipts.Orphan(account, receipt.keys, receipt.state.value, receipt.code, at))
            else:
                hit = matched[key]
                if self._fold(hit, RECEIPT_EVENT[receipt.state], receipt.code, key):
                    self._tally.told(hit[0] >> ORDINAL_BITS, account, receipt)
        if orphans:
            receipts.insert_orphans(self.tx, orphans, self.now)
            self.done.orphans += len(orphans)

    def _matched(self, account: int, some: Sequence[Receipt], *, any_day: bool) -> dict[str, Matched]:
        """What the ids of these mean; other forms of an id are looked for where its first means nothing."""
        first = [receipt.keys[0] for receipt in some]
        matched = receipts.match_receipts(self.tx, account, first, self.now, any_day=any_day)
        others = [key for receipt in some if receipt.keys[0] not in matched for key in receipt.keys[1:]]
        if others:
            matched = {**receipts.match_receipts(self.tx, account, others, self.now, any_day=any_day), **matched}
        return matched

    def waited(self, waiting: Sequence[tuple[str, int]]) -> None:
        """Receipts, (provider id, account), whose send another process has recorded since they came."""
        self._match_orphans([(pmid, account, 0, 0) for pmid, account in waiting])

    def _match_orphans(self, mapped: Sequence[tuple[str, int, int, int]]) -> None:
        by_account: dict[int, list[str]] = {}
        for pmid, account, _, _ in mapped:
            by_account.setdefault(account, []).append(pmid)
        for account, pmids in by_account.items():
            taken = receipts.take_orphans(self.tx, account, pmids)
            hits = receipts.match_receipts(self.tx, account, [pmid for pmid, _, _, _ in taken], self.now)
            for pmid, state, code, _ in taken:
                self._fold(hits[pmid], RECEIPT_EVENT[ReceiptState(state)], code, pmid)

    def _fold(self, hit: Matched, event: DeliveryState | None, code: str, pmid: str) -> bool:
        """Whether the receipt said anything new."""
        delivery_id, part, status, parts, parts_done, recipient, attempts = hit
        if event is None:
            return False
        seen = status, attempts, parts_done
        status = self._status.get(delivery_id, status)
        parts, parts_done = self._parts.get(delivery_id, (parts, parts_done))
        done, message_event = fold_part(parts, parts_done, part, event)
        new = status if message_event is None else fold(status, message_event)
        if new == status and done == parts_done:
            return False
        reason = "carrier_failed" if new == D.FAILED else "carrier_expired" if new == D.EXPIRED else ""
        cause = self._cause(reason, code) if new != status else None
        self._parts[delivery_id] = (parts, done)
        self._receipt_updates[delivery_id] = (new, cause, done, int(self.now), delivery_id, *seen)
        self._change(delivery_id, recipient, status, new, reason, code, pmid)
        return True

    def _change(
        self, delivery_id: int, recipient: int, old: int, new: int, reason: str, code: str, pmid: str = ""
    ) -> None:
        self._status[delivery_id] = new
        if new == old and new != D.RETRYING:
            return
        if new != old:
            self._count(self.ranges.chunk_of(self.tx, delivery_id), old, new, 1)
        self.done.changes.append(Change(delivery_id, recipient, old, new, reason, code, pmid))

    def _together(self, steps: Sequence[Together]) -> None:
        for step in steps:
            for chunk, count in self.ranges.shares(self.tx, step.ids):
                self._count(chunk, step.old, step.new, count)
        self.done.together += steps

    def _count(self, chunk: int, old: int, new: int, count: int) -> None:
        delta = self._deltas.setdefault(chunk, [0] * STATES)
        delta[old] -= count
        delta[new] += count

    def _cause(self, reason: str, code: str) -> int:
        pair = (reason, code)
        known = self.causes.get(pair) or self.done.causes.get(pair)
        if known is None:
            known = deliveries.cause_id(self.tx, reason, code)
            self.done.causes[pair] = known
        return known

    def close(self) -> Recorded:
        """Counters, events, and what a failed way means for its unit."""
        deliveries.update_receipt(self.tx, self._receipt_updates.values())
        chunks.add_counts(self.tx, self._deltas)
        self._tally.close(self.tx)
        self.done.broadcasts = {chunk >> ORDINAL_BITS for chunk in self._deltas}
        self.done.broadcasts |= {change.delivery_id >> ORDINAL_BITS for change in self.done.changes}
        unhappy = (D.FAILED, D.EXPIRED, D.UNKNOWN, D.RETRYING)
        events = [c for c in self.done.changes if (c.recipient <= 0 or c.new in unhappy) and c.reason != ELSEWHERE]
        deliveries.add_events(self.tx, [(c.delivery_id, self.now, D(c.new).word, c.reason, c.code) for c in events])
        for change in events:
            if change.recipient <= 0 and change.new not in (D.RETRYING, D.ACCEPTED):
                self._tell_rollcall(change)
            if change.recipient < 0:
                self._tell_path(change)
        return self.done

    def _tell_path(self, change: Change) -> None:
        """A person's address is proved by what reached it, and shut where its owner blocks us (hundreds a broadcast;
        lists of numbers are no people)."""
        if change.new in PROOF:
            paths.proved_by_id(self.tx, -change.recipient, self.now, PROOF[D(change.new)])
        elif change.new == D.FAILED and change.reason == BLOCKED:
            paths.blocked_by_id(self.tx, -change.recipient, self.now)

    def _tell_rollcall(self, change: Change) -> None:
        """A failed or doubtful way hastens its unit's next step; a late arrival takes "unreachable" back."""
        direct = deliveries.direct_one(self.tx, change.delivery_id)
        if direct is None or not direct.unit_code:
            return
        if change.new in REACHED:
            rollcalls.reached_after_all(self.tx, direct.broadcast_no, direct.unit_code)
        else:
            rollcalls.hasten(self.tx, direct.broadcast_no, direct.unit_code, self.now)
