"""The monthly test of each unit's path: one message in test mode to all leaders, marked as such, and who answered."""

from __future__ import annotations

from typing import Final

from broadcasts.desk import Desk
from broadcasts.model import Actor, Draft, Mode, Role, Urgency
from broadcasts.prepared import PATH_TEST
from broadcasts.shown import BroadcastView
from store import broadcasts
from store.engine import Tx
from text.dates import moment

VALID_SECONDS: Final = 12 * 3600.0
"""A test that comes at night is of no use to anybody."""


async def run_path_test(desk: Desk, families: list[str], key: str, by: str) -> BroadcastView:
    """Send the prepared test to every unit's leader; safe to repeat: what was made for `key` (an occurrence of a
    schedule) is not made again. Answers and receipts prove each address (`store.paths`), step by step like any
    broadcast, and the roll-call of the test says who is silent."""
    known = await desk.noted("path_test", key)
    if known is not None:
        return known

    def draft(tx: Tx) -> Draft:
        return Draft(
            template=PATH_TEST,
            blanks={"gio_cu": moment(desk.now())},
            audience="all-units",
            channels=families,
            urgency=Urgency.THUONG.value,
            mode=Mode.TEST.value,
            valid_for_seconds=VALID_SECONDS,
        )

    def beside(tx: Tx, no: int) -> None:
        broadcasts.note(tx, no, desk.now(), by, "path_test", {"key": key})

    return await desk.send_prepared(draft, Actor(by, Role.OFFICER), PATH_TEST, beside)
