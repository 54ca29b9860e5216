"""What the ledger holds at fire time is measured again: what anybody changed after the approval does not leave."""

from datetime import datetime
from pathlib import Path

import pytest

from store import alarms
from tests.unit.test_desk import APPROVER, OFFICER, Office, draft
from text.dates import OFFICE_ZONE

LATER_SECONDS = 3_600
TAMPERED = {
    "text": "UPDATE broadcast SET content = replace(content, 'Kiểm tra', 'Sơ tán ngay') WHERE no = ?",
    "text by SMS": "UPDATE broadcast SET content = replace(content, 'Kiem tra', 'So tan ngay') WHERE no = ?",
    "text and a stored hash": "UPDATE broadcast SET content = replace(content, 'tra', 'soat'), content_hash = 'x'"
    " WHERE no = ?",
    "mode": "UPDATE broadcast SET mode = 'exercise' WHERE no = ?",
    "urgency": "UPDATE broadcast SET urgency = 'thuong' WHERE no = ?",
    "validity": "UPDATE broadcast SET valid_until = valid_until + 1 WHERE no = ?",
    "steps": "UPDATE broadcast SET plan = replace(plan, '300', '30') WHERE no = ?",
    "an address": "UPDATE audience_member SET value = '84900009999' WHERE broadcast_no = ? AND place = 0",
    "one person less": "DELETE FROM audience_member WHERE broadcast_no = ? AND place = 3",
    "a number of the list": "UPDATE number_list_entry SET msisdn = 84900009998 WHERE msisdn = 84900000101 AND ? > 0",
    "the list itself": "DELETE FROM audience_list WHERE broadcast_no = ?",
}


async def approved(office: Office, folder: Path) -> tuple[str, int]:
    """To every unit and to a list of numbers, due in an hour; code and number."""
    await office.open()
    await office.numbers("dan", [84900000101, 84900000102], folder)
    due = datetime.fromtimestamp(office.clock() + LATER_SECONDS, OFFICE_ZONE).isoformat()
    made = await office.desk.draft(draft(audience="all-units+list:dan", fire_at=due), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    view = await office.desk.approve(made.code, asked.content_hash, APPROVER)
    assert view.state == "scheduled"
    return made.code, view.id


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_was_changed_after_its_approval_does_not_leave_and_rings(tmp_path: Path, what: str) -> None:
    office = Office(tmp_path)
    code, no = await approved(office, tmp_path)
    changed = await office.room.ledger.write(lambda tx: tx.execute(TAMPERED[what], (no,)).rowcount)
    assert changed, "the test changed nothing"
    office.clock.at += LATER_SECONDS + 1
    for _ in range(3):
        await office.room.clockwork.tick_broadcasts()
        await office.room.clockwork.tick_lanes()
    view = await office.desk.view(code)
    assert (view.state, view.reason, view.counts) == ("cancelled", "content_changed", {})
    assert not office.zalo.left
    assert not office.sms.left
    rung = await office.room.ledger.read(alarms.ringing)
    assert [(one.kind, one.subject) for one in rung] == [("content_changed", code)]
    await office.room.stop()


async def test_what_nobody_changed_leaves(tmp_path: Path) -> None:
    office = Office(tmp_path)
    await approved(office, tmp_path)
    office.clock.at += LATER_SECONDS + 1
    await office.room.clockwork.tick_broadcasts()
    await office.room.until(lambda: len(office.zalo.left) == 9 and len(office.sms.left) >= 2)
    assert not await office.room.ledger.read(alarms.ringing)
    await office.room.stop()
