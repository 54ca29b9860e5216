"""A cry for help: 112 at once to whoever writes, and an alarm that rings until a person takes it. Never limited."""

from __future__ import annotations

from typing import Any, Final

from lanes.port import Bus
from store import alarms
from store.engine import Ledger
from store.inbox import Waiting

RESCUE: Final = "rescue"
"""The kind of the alarm; its subject is the inbox id."""
QUOTED: Final = 600
"""Characters of the text that the alarm shows; the inbox keeps all of it."""


async def ring(
    ledger: Ledger, bus: Bus, message: Waiting, contact_name: str, units: tuple[str, ...], now: float
) -> int | None:
    """Open the alarm of this message, once. `units` are the codes that it may be about, best first.
    Its id, None where it was opened before."""
    detail: dict[str, Any] = {
        "inbox_id": message.id,
        "channel": message.channel,
        "sender": message.sender,
        "name": contact_name or message.sender_name,
        "text": message.text[:QUOTED],
        "units": list(units),
        "said_at": message.at,
    }
    alarm_id = await ledger.write(lambda tx: alarms.raise_once(tx, RESCUE, str(message.id), detail, now))
    if alarm_id is not None:
        bus.publish("alarms", {"type": "raised", "id": alarm_id, "kind": RESCUE, "inbox_id": message.id})
    return alarm_id
