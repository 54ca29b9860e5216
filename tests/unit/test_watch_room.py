"""The watch as it stands in the service: its page, its API, what people are told, and a monthly test by schedule."""

from dataclasses import replace

import pytest

from adapters.contract import ReceiptState
from broadcasts.model import Actor, Role
from broadcasts.schedules.kinds import Occurrence
from broadcasts.watch.alarming import News
from broadcasts.watch.findings import Finding
from loa.settings import Settings, load_settings
from loa.settings_error import SettingsError
from loa.watch import ProvenChannels, Watch
from store.schedules import ScheduleRow
from store.watch import FindingRow
from tests.web_stand import CHAIRMEN, Stand
from web.app import make_app

WATCH = {
    "test_to": {"sms": "84900000099"},
    "alarm_to": [
        {"channel": "zalo", "to": "z-truc"},
        {"channel": "khong-co", "to": "x"},
        {"channel": "sms", "to": "84900000098"},
    ],
    "heartbeat_url": "",
}


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    settings = Settings(store={"url": f"sqlite:///{tmp_path / 'loa.db'}"}, watch=WATCH)
    room = stand.room
    stand.watch = Watch(
        settings, room.ledger, room.bus, stand.desk, room.clockwork, room.routes, stand.units, stand.clock
    )
    channels = ProvenChannels(stand.channels, room.ledger, stand.watch.links)
    stand.services = replace(stand.services, watch=stand.watch, channels=channels)
    await stand.open()
    yield stand
    await stand.close()


async def page(stand, name="canbo"):
    answer = await (await stand.browser(name)).get("/watch")
    assert answer.status == 200
    return await answer.text()


async def test_the_page_says_what_is_wrong_what_to_do_and_what_was_proved(stand):
    shown = await page(stand)
    assert "Chưa có địa chỉ để thử bằng tin thật: zalo.user" in shown
    assert "Chưa khai báo nơi để bản sao lưu" in shown
    assert 'action="/watch/links/sms.one"' in shown
    assert 'action="/watch/links/zalo.user"' not in shown
    assert 'action="/watch/paths"' not in shown, "an officer may not write to 166 leaders alone"
    assert 'action="/watch/paths"' in await page(stand, "lanhdao")
    assert 'action="/watch/links/sms.one"' not in await page(stand, "khach")


async def test_a_button_sends_a_real_message_and_the_light_knows_of_it(stand):
    officer = await stand.browser()
    form = {"csrf": await stand.csrf("canbo")}
    answer = await officer.post("/watch/links/sms.one", data=form, allow_redirects=False)
    assert answer.status == 303
    await stand.room.until(lambda: stand.sms.left)
    assert stand.sms.left[0].to == "84900000099"
    assert stand.sms.left[0].text.startswith("Loa thu kenh sms.one luc")
    await stand.room.recorder.receipts([stand.sms.receipt(stand.sms.left[0], ReceiptState.DELIVERED)])
    health = dict(await stand.services.channels.health())
    assert health["sms.one"].proven_at is not None
    assert health["zalo.user"].proven_at is None
    assert "Tốt" in await page(stand)
    refused = await officer.post("/watch/links/zalo.user", data=form)
    assert refused.status == 422
    assert (await officer.post("/watch/links/khong.co", data=form)).status == 404


async def test_programs_and_doctor_read_the_same(stand):
    found = (await (await stand.client(Role.VIEWER).get("/api/v1/watch")).json())["items"]
    assert {"link_unset", "backup_unset"} <= {one["kind"] for one in found}
    assert all(
        one["says"] and one["mend"] and one["weight"] == "note" for one in found if one["kind"] == "backup_unset"
    )


async def test_a_look_rings_and_tells_every_address_that_works(stand):
    news = News(
        begun=[Finding("disk_low", "disk", {"free": 1, "wanted": 1024})],
        ended=[FindingRow("backup_old", "backup", {"since": 1.79e9, "hours": 36}, 0, 0, 1.0, 2.0)],
    )
    made = await stand.room.ledger.write(lambda tx: stand.watch._tell(tx, news, stand.clock()))
    await stand.room.clockwork.announce(made)
    await stand.room.until(lambda: stand.zalo.left and stand.sms.left)
    told = stand.zalo.left[0]
    assert told.to == "z-truc"
    assert "Ổ đĩa chỉ còn 1 MB" in told.text
    assert "Đã hết: Bản sao lưu mới nhất" in told.text
    assert stand.sms.left[0].to == "84900000098"


async def test_a_storm_of_findings_is_one_message(stand):
    news = News(begun=[Finding("idle", f"x{n}", {"code": f"TB{n}", "channel": "sms", "count": n}) for n in range(40)])
    text = stand.watch.told(news)
    assert len(text.splitlines()) == 8
    assert "34" in text


async def test_looking_twice_keeps_one_finding_of_each_kind(stand):
    for _ in range(3):
        await stand.watch.tick()
    view = await stand.watch.view()
    assert len({one.key for one, _ in view.findings}) == len(view.findings)
    assert all(row is not None for _, row in view.findings)


async def test_a_schedule_tests_every_path_once_an_occurrence(stand):
    schedule = ScheduleRow(**{
        name: {"id": 7, "approved_by": "lanhdao"}.get(name, "") for name in ScheduleRow.__dataclass_fields__
    })  # fmt: skip
    what = Occurrence(schedule, 100.0, stand.clock())
    first, again = [await stand.watch.path_test_due(what) for _ in range(2)]
    assert first == again
    assert first["units"] == CHAIRMEN
    view = await stand.desk.view(first["code"])
    assert (view.mode, view.created_by) == ("test", "lanhdao")
    by_hand = await stand.watch.test_paths(Actor("lanhdao", Role.APPROVER))
    assert by_hand.code != first["code"]
    assert first["code"] not in await page(stand)
    assert by_hand.code in await page(stand)


@pytest.mark.parametrize(
    "wrong",
    [
        {"heartbeat_url": "ftp://x"}, {"alarm_to": [{"channel": "sms"}]}, {"link_test_every": "bay"}, {"la": 1},
        {"test_to": {"sms": 5}},
    ],
)  # fmt: skip
def test_wrong_settings_stop_the_start(wrong):
    with pytest.raises(SettingsError):
        load_settings(None, {"watch": wrong})


def test_the_app_is_made_without_a_watch_too(stand):
    assert make_app(replace(stand.services, watch=None)) is not None
