"""Channels that nothing passes through now, since when, and how it was before."""

from __future__ import annotations

from dataclasses import dataclass

from store.engine import Tx


@dataclass(frozen=True, slots=True)
class Outage:
    """Times are epoch seconds; `reason` is the key of what the channel's probe said."""

    channel: str
    since: float
    reason: str
    ended_at: float | None


_OUTAGE = "channel, since, reason, ended_at"


def open_now(tx: Tx) -> dict[str, Outage]:
    """Channel → its outage, for those that are down."""
    rows = tx.execute(f"SELECT {_OUTAGE} FROM channel_outage WHERE ended_at IS NULL")  # noqa: S608
    return {row[0]: Outage(*row) for row in rows}


def begin(tx: Tx, channel: str, since: float, reason: str) -> bool:
    """False: it was known to be down."""
    known = tx.execute("SELECT 1 FROM channel_outage WHERE channel = ? AND ended_at IS NULL", (channel,)).fetchone()
    if known is not None:
        return False
    tx.execute(
        "INSERT INTO channel_outage (channel, since, reason) VALUES (?, ?, ?)"
        " ON CONFLICT (channel, since) DO UPDATE SET ended_at = NULL, reason = excluded.reason",
        (channel, since, reason),
    )
    return True


def restate(tx: Tx, channel: str, reason: str) -> bool:
    """It is still down, for another reason than was thought. False: for this one, or it is not down."""
    return (
        tx.execute(
            "UPDATE channel_outage SET reason = ? WHERE channel = ? AND ended_at IS NULL AND reason <> ?",
            (reason, channel, reason),
        ).rowcount
        == 1
    )


def end(tx: Tx, channel: str, at: float) -> Outage | None:
    """It works again; the outage that is over, None where there was none."""
    row = tx.execute(
        f"UPDATE channel_outage SET ended_at = ? WHERE channel = ? AND ended_at IS NULL RETURNING {_OUTAGE}",  # noqa: S608
        (at, channel),
    ).fetchone()
    return None if row is None else Outage(*row)


def recent(tx: Tx, since: float) -> list[Outage]:
    """Those that are open or ended after that moment, newest first."""
    rows = tx.execute(
        f"SELECT {_OUTAGE} FROM channel_outage WHERE ended_at IS NULL OR ended_at >= ? ORDER BY since DESC",  # noqa: S608
        (since,),
    )
    return [Outage(*row) for row in rows]


def waiting_on(tx: Tx, channel: str) -> list[tuple[int, str]]:
    """(broadcast, unit) that await, with a message in person that this channel has not passed on."""
    rows = tx.execute(
        "SELECT DISTINCT r.broadcast_no, r.unit_code FROM rollcall r"
        " JOIN direct m ON m.broadcast_no = r.broadcast_no AND m.unit_code = r.unit_code"
        " JOIN delivery d ON d.id = m.delivery_id"
        " WHERE r.next_at IS NOT NULL AND r.state = 'awaiting' AND m.channel = ? AND d.status IN (0, 1, 2)",
        (channel,),
    )
    return [(row[0], row[1]) for row in rows]
