"""Deliveries: the hot row, the named deliveries to people, and what happened to each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from store.engine import Tx

Row = tuple[int, int, int, int, int, int, int]
"""(id, recipient, status, attempts, parts, parts_done, sent_at)"""


def insert_numbers(tx: Tx, first_id: int, recipients: Sequence[int]) -> None:
    """Queued deliveries with consecutive ids."""
    tx.insert_many("delivery", ("id", "recipient"), list(enumerate(recipients, first_id)))


def to_send(tx: Tx, first_id: int, last_id: int, hwm: int) -> list[tuple[int, int, int]]:
    """(id, recipient, attempts) of what a claimer may send: queued at or above the mark, and what is to be retried."""
    rows = tx.execute(
        "SELECT id, recipient, attempts FROM delivery"
        " WHERE id BETWEEN ? AND ? AND ((status = 0 AND id >= ?) OR status = 2) ORDER BY id",
        (first_id, last_id, hwm),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def in_doubt(tx: Tx, first_id: int, last_id: int, hwm: int) -> list[int]:
    """Ids that may have left when their worker died: below the mark and still queued, or in flight."""
    rows = tx.execute(
        "SELECT id FROM delivery WHERE id BETWEEN ? AND ? AND ((status = 0 AND id < ?) OR status = 1)",
        (first_id, last_id, hwm),
    )
    return [row[0] for row in rows]


def working(tx: Tx, first_id: int, last_id: int) -> list[int]:
    """Ids with nothing final yet on our side: queued, in flight or to be tried again."""
    rows = tx.execute("SELECT id FROM delivery WHERE id BETWEEN ? AND ? AND status IN (0, 1, 2)", (first_id, last_id))
    return [row[0] for row in rows]


def rows_of(tx: Tx, ids: Sequence[int]) -> dict[int, Row]:
    if not ids:
        return {}
    rows = tx.among(
        "SELECT id, recipient, status, attempts, parts, parts_done, sent_at FROM delivery"
        " WHERE id IN (?*) AND id BETWEEN ? AND ?",
        ids,
        (min(ids), max(ids)),
    )
    return {row[0]: row for row in rows}


SEEN = ("status", "attempts", "parts_done")
"""What every change of a delivery by a provider's word changes one of."""


def update(tx: Tx, rows: Iterable[Sequence[int]]) -> None:
    """(status, account, attempts, cause, parts, parts_done, sent_at, done_at, id) of each changed row, and what it was
    when it was read (`SEEN`)."""
    columns = ("status", "account", "attempts", "cause", "parts", "parts_done", "sent_at", "done_at")
    tx.update_many("delivery", [f"{column} = ?" for column in columns], rows, SEEN)


def update_receipt(tx: Tx, rows: Iterable[Sequence[int | None]]) -> None:
    """(status, cause or None to keep it, parts_done, done_at, id) of each row that a receipt changed, and what it was
    when it was read (`SEEN`)."""
    changes = ("status = ?", "cause = coalesce(?, cause)", "parts_done = ?", "done_at = ?")
    tx.update_many("delivery", changes, rows, SEEN)


def accept_queued(tx: Tx, ids: Sequence[int], account: int, cause: int, now: int) -> list[int]:
    """Those of `ids` that were queued for a number are accepted in one part, and are given back."""
    accepted = (
        "UPDATE delivery SET status = 4, account = ?, attempts = attempts + 1, cause = ?, parts = 1, sent_at = ?,"
        " done_at = 0 WHERE id IN (?*) AND id BETWEEN ? AND ? AND status = 0 AND parts <= 1 AND recipient > 0"
        " RETURNING id"
    )
    return [row[0] for row in tx.among(accepted, ids, (account, cause, now, min(ids), max(ids)))]


def deliver_accepted(tx: Tx, ids: Sequence[int], cause: int, now: int) -> list[int]:
    """Those of `ids` that were accepted for a number in one part are delivered, and are given back."""
    delivered = (
        "UPDATE delivery SET status = 5, cause = ?, parts_done = 1, done_at = ?"
        " WHERE id IN (?*) AND id BETWEEN ? AND ? AND status = 4 AND parts = 1 AND recipient > 0 RETURNING id"
    )
    return [row[0] for row in tx.among(delivered, ids, (cause, now, min(ids), max(ids)))]


def settle(tx: Tx, status: int, cause: int, rows: Iterable[Row]) -> None:
    """The new state of rows as they were read."""
    changed = [(status, cause, row[0], row[2], row[3], row[5]) for row in rows]
    tx.update_many("delivery", ("status = ?", "cause = ?"), changed, SEEN)


def move(tx: Tx, ids: Sequence[int], old: int, new: int) -> set[int]:
    """Those of `ids` that were `old` are `new` now, and are given back."""
    moved = "UPDATE delivery SET status = ?, cause = 0 WHERE id IN (?*) AND status = ? RETURNING id"
    return {row[0] for row in tx.among(moved, ids, (new, old))}


def left_between(tx: Tx, ids: Iterable[int], earliest: int, latest: int) -> None:
    """What left without our noting when: from `earliest` on (an earlier try's time stays), in doubt since `latest`."""
    tx.among(
        "UPDATE delivery SET sent_at = CASE WHEN sent_at = 0 THEN ? ELSE sent_at END, done_at = ? WHERE id IN (?*)",
        list(ids),
        (earliest, latest),
    )


def cause_id(tx: Tx, reason: str, code: str) -> int:
    """The number of (our reason, the provider's code); new pairs are added."""
    known = "SELECT id FROM cause WHERE reason = ? AND code = ?"
    row = tx.execute(known, (reason, code)).fetchone()
    if row is None:
        add = "INSERT INTO cause (reason, code) VALUES (?, ?) ON CONFLICT (reason, code) DO NOTHING"
        tx.execute(add, (reason, code))
        row = tx.execute(known, (reason, code)).fetchone()
    return int(row[0])


def causes(tx: Tx) -> dict[int, tuple[str, str]]:
    return {row[0]: (row[1], row[2]) for row in tx.execute("SELECT id, reason, code FROM cause")}


def account_id(tx: Tx, name: str) -> int:
    known = "SELECT id FROM channel_account WHERE name = ?"
    row = tx.execute(known, (name,)).fetchone()
    if row is None:
        tx.execute("INSERT INTO channel_account (name) VALUES (?) ON CONFLICT (name) DO NOTHING", (name,))
        row = tx.execute(known, (name,)).fetchone()
    return int(row[0])


@dataclass(frozen=True, slots=True)
class Direct:
    """A delivery to a person, or one post to a group (`person_id` 0)."""

    delivery_id: int
    broadcast_no: int
    unit_code: str
    person_id: int
    person_name: str
    channel: str
    value: str
    step: int


def insert_direct(tx: Tx, rows: Sequence[Direct]) -> None:
    """Each must be new: (broadcast, channel, value, step) is unique, so that planning twice makes nothing twice."""
    tx.executemany(
        "INSERT INTO direct (delivery_id, broadcast_no, unit_code, person_id, person_name, channel, value, step)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (r.delivery_id, r.broadcast_no, r.unit_code, r.person_id, r.person_name, r.channel, r.value, r.step)
            for r in rows
        ],
    )


def direct_in(tx: Tx, first_id: int, last_id: int) -> dict[int, Direct]:
    rows = tx.execute(
        "SELECT delivery_id, broadcast_no, unit_code, person_id, person_name, channel, value, step"
        " FROM direct WHERE delivery_id BETWEEN ? AND ?",
        (first_id, last_id),
    )
    return {row[0]: Direct(*row) for row in rows}


def direct_one(tx: Tx, delivery_id: int) -> Direct | None:
    return direct_in(tx, delivery_id, delivery_id).get(delivery_id)


def ways_tried(tx: Tx, broadcast_no: int, unit_code: str) -> list[tuple[str, str, int]]:
    """(channel, address, status) of everything that went to one unit in person."""
    rows = tx.execute(
        "SELECT r.channel, r.value, d.status FROM direct r JOIN delivery d ON d.id = r.delivery_id"
        " WHERE r.broadcast_no = ? AND r.unit_code = ?",
        (broadcast_no, unit_code),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def unknown_direct(
    tx: Tx, channels: Sequence[str], since: int, doubted_before: int, limit: int
) -> list[tuple[Direct, int]]:
    """(delivery, sent_at) of what left in person on these channels without an answer, in broadcasts that still run.

    `since`: it left, or we began to doubt, no earlier; `doubted_before`: a crash left it in doubt no later.
    """
    marks = ", ".join("?" * len(channels))
    rows = tx.execute(
        "SELECT r.delivery_id, r.broadcast_no, r.unit_code, r.person_id, r.person_name, r.channel, r.value, r.step,"  # noqa: S608
        " d.sent_at FROM broadcast b JOIN direct r ON r.broadcast_no = b.no JOIN delivery d ON d.id = r.delivery_id"
        " WHERE b.state IN ('sending', 'sent') AND d.status = 3 AND (d.sent_at >= ? OR d.done_at >= ?)"
        f" AND d.done_at <= ? AND r.channel IN ({marks}) ORDER BY r.delivery_id LIMIT ?",
        (since, since, doubted_before, *channels, limit),
    )
    return [(Direct(*row[:8]), row[8]) for row in rows]


def direct_states(tx: Tx, broadcast_no: int, unit_code: str) -> list[tuple[int, int]]:
    """(delivery id, status) of everything that goes to one unit in person."""
    rows = tx.execute(
        "SELECT d.id, d.status FROM direct r JOIN delivery d ON d.id = r.delivery_id"
        " WHERE r.broadcast_no = ? AND r.unit_code = ?",
        (broadcast_no, unit_code),
    )
    return [(row[0], row[1]) for row in rows]


def withdrawn(tx: Tx, ids: Sequence[int]) -> set[int]:
    """Which of these are no longer to be sent since they were read: skipped or cancelled, or an earlier holder of the
    chunk had its answer after all."""
    rows = tx.execute("SELECT id FROM delivery WHERE id BETWEEN ? AND ? AND status NOT IN (0, 2)", (ids[0], ids[-1]))
    return {row[0] for row in rows}.intersection(ids)


def no_longer_asked(tx: Tx, first_id: int, last_id: int, hwm: int) -> list[int]:
    """What a claimer may send to units that have answered since it was planned."""
    rows = tx.execute(
        "SELECT d.id FROM direct r JOIN delivery d ON d.id = r.delivery_id"
        " JOIN rollcall a ON a.broadcast_no = r.broadcast_no AND a.unit_code = r.unit_code"
        " WHERE r.delivery_id BETWEEN ? AND ? AND a.state NOT IN ('awaiting', 'unreachable')"
        " AND (d.status = 2 OR (d.status = 0 AND d.id >= ?)) ORDER BY d.id",
        (first_id, last_id, hwm),
    )
    return [row[0] for row in rows]


def unit_states(tx: Tx, broadcast_no: int) -> list[tuple[str, str, int]]:
    """(unit, channel, status) of every delivery in person of a broadcast."""
    rows = tx.execute(
        "SELECT r.unit_code, r.channel, d.status FROM direct r JOIN delivery d ON d.id = r.delivery_id"
        " WHERE r.broadcast_no = ? AND r.unit_code <> ''",
        (broadcast_no,),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def add_events(tx: Tx, rows: Iterable[tuple[int, float, str, str, str]]) -> None:
    """(delivery id, at, state, reason, provider's code)"""
    tx.insert_many("delivery_event", ("delivery_id", "at", "state", "reason", "code"), rows)


def events_of(tx: Tx, delivery_id: int) -> list[tuple[float, str, str, str]]:
    rows = tx.execute(
        "SELECT at, state, reason, code FROM delivery_event WHERE delivery_id = ? ORDER BY id", (delivery_id,)
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]
