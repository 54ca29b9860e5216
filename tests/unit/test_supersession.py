"""Which broadcast may replace which, and what becomes of the old one."""

from datetime import UTC, datetime

import pytest

from broadcasts.model import Refusal
from tests.unit.test_desk import APPROVER, OFFICER, Office, codes, draft


@pytest.fixture
async def office(tmp_path):
    office = Office(tmp_path)
    await office.open()
    yield office
    await office.room.stop()


async def sent(office, **values):
    made = await office.desk.draft(draft(**{"audience": codes(office), **values}), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    return await office.desk.approve(made.code, asked.content_hash, APPROVER)


def in_seconds(office, seconds):
    return datetime.fromtimestamp(office.clock.at + seconds, UTC).isoformat()


async def problem(office, **values):
    with pytest.raises(Refusal) as refused:
        await office.desk.draft(draft(**{"audience": codes(office), **values}), OFFICER)
    return {one.key: one.params for one in refused.value.problems}


async def test_an_update_goes_to_the_same_people_and_the_old_one_ends(office):
    old = await sent(office, text="Bão vào 16-19h")
    newer = await office.desk.supersede(old.code, None, OFFICER)
    asked = await office.desk.submit(newer.code, OFFICER)
    await office.desk.approve(newer.code, asked.content_hash, APPROVER)
    gone, come = await office.desk.view(old.code), await office.desk.view(newer.code)
    assert (gone.state, gone.superseded_by) == ("closed", newer.code)
    assert (come.supersedes, come.audience, come.units) == (old.code, old.audience, old.units)
    assert all(row.next_at is None for row in await office.desk.rollcall(old.code))


async def test_a_scheduled_time_of_the_old_one_does_not_stand_in_the_way(office):
    fire_at = in_seconds(office, 60)
    made = await office.desk.draft(draft(audience=codes(office), fire_at=fire_at), OFFICER)
    asked = await office.desk.submit(made.code, OFFICER)
    await office.desk.approve(made.code, asked.content_hash, APPROVER)
    office.clock.at += 120
    await office.room.clockwork.tick_broadcasts()
    assert (await office.desk.supersede(made.code, None, OFFICER)).fire_at is None


async def test_what_never_went_out_cannot_be_replaced(office):
    first = await office.desk.draft(draft(audience=codes(office)), OFFICER)
    assert "supersede_not_sent" in await problem(office, supersedes=first.code)
    await office.desk.cancel(first.code, "nhầm", OFFICER)
    assert "supersede_never_sent" in await problem(office, supersedes=first.code)
    stopped = await sent(office)
    await office.desk.cancel(stopped.code, "nhầm", OFFICER)
    assert "supersede_cancelled" in await problem(office, supersedes=stopped.code)


async def test_a_broadcast_is_replaced_once(office):
    old = await sent(office)
    first, second = [await office.desk.supersede(old.code, None, OFFICER) for _ in range(2)]
    asked = [await office.desk.submit(one.code, OFFICER) for one in (first, second)]
    await office.desk.approve(first.code, asked[0].content_hash, APPROVER)
    with pytest.raises(Refusal) as refused:
        await office.desk.approve(second.code, asked[1].content_hash, APPROVER)
    assert (refused.value.key, refused.value.params["by"]) == ("overtaken", first.code)
    assert (await problem(office, supersedes=old.code))["already_superseded"] == {"code": old.code, "by": first.code}


async def test_of_two_approved_updates_only_one_goes_out(office):
    old = await sent(office)
    codes_made = []
    for seconds in (60, 120):
        newer = draft(audience=codes(office), fire_at=in_seconds(office, seconds), supersedes=old.code)
        made = await office.desk.draft(newer, OFFICER)
        asked = await office.desk.submit(made.code, OFFICER)
        await office.desk.approve(made.code, asked.content_hash, APPROVER)
        codes_made.append(made.code)
    office.clock.at += 3600
    await office.room.clockwork.tick_broadcasts()
    views = [await office.desk.view(code) for code in codes_made]
    assert (await office.desk.view(old.code)).superseded_by == codes_made[0]
    assert views[0].state in ("sending", "sent")
    assert (views[1].state, views[1].reason) == ("cancelled", "overtaken")


async def test_a_loop_is_refused(office):
    first = await sent(office)
    second = await office.desk.supersede(first.code, None, OFFICER)
    looped = draft(audience=codes(office), supersedes=second.code)
    with pytest.raises(Refusal) as refused:
        await office.desk.edit(second.code, looped, OFFICER)
    assert [one.key for one in refused.value.problems] == ["supersede_loop"]

    def tie(tx):  # as no way of ours makes it
        tx.execute("UPDATE broadcast SET supersedes = ?, started_at = 1 WHERE no = ?", (second.id, first.id))

    await office.room.ledger.write(tie)
    with pytest.raises(Refusal) as refused:
        await office.desk.edit(second.code, draft(audience=codes(office), supersedes=first.code), OFFICER)
    assert [one.key for one in refused.value.problems] == ["supersede_loop"]


async def test_whoever_has_the_old_words_gets_the_new_ones(office):
    old = await sent(office)
    found = await problem(office, supersedes=old.code, audience=codes(office, 4))
    assert found["supersede_leaves_out"]["count"] == 6
    more = draft(audience=codes(office, 12), supersedes=old.code)
    assert (await office.desk.draft(more, OFFICER)).units == 12
