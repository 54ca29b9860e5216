"""Two taps from the board: the exact words first, then the button; by the API; and what may not be done twice."""

import asyncio
import re
from datetime import datetime
from xml.etree.ElementTree import fromstring

import pytest

from broadcasts.edxml import status_file
from broadcasts.export import write_export
from broadcasts.model import Actor, Draft, Role
from broadcasts.prepared import After, load_prepared, office_templates, with_prepared
from broadcasts.templates import TemplateError, fill, load_templates
from tests.web_stand import CHAIRMEN, Stand
from text.dates import OFFICE_ZONE
from text.safe import to_safe
from text.segments import measure
from web.locale import catalogue

OFFICER = Actor("canbo", Role.OFFICER)
SAY = catalogue("vi").say


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def text_of(client, path):
    answer = await client.get(path)
    assert answer.status == 200, (path, answer.status)
    return await answer.text()


async def press(stand, browser, path, **form):
    form["csrf"] = await stand.csrf("canbo")
    return await browser.post(path, data=form, allow_redirects=False)


async def test_a_false_alert_is_corrected_in_two_taps(stand):
    officer = await stand.browser()
    code = await stand.sent(kind="alert")
    for page in ("/", f"/broadcasts/{code}/rollcall"):
        assert f"/broadcasts/{code}/after/correct" in await text_of(officer, page)
    shown = await text_of(officer, f"/broadcasts/{code}/after/correct")
    assert f"ĐÍNH CHÍNH tin {code}" in shown
    assert "166" in shown
    assert (await stand.desk.view(code)).superseded_by is None, "looking sends nothing"
    answer = await press(stand, officer, f"/broadcasts/{code}/after/correct")
    assert answer.status == 303
    made = await stand.desk.view(answer.headers["Location"].rsplit("/", 1)[1])
    assert (made.kind, made.supersedes, made.approved_by) == ("cancel", code, "canbo")
    await stand.room.until(lambda: sum(one.delivery_id >> 24 == made.id for one in stand.zalo.left) == CHAIRMEN)
    events = [event.event for event in await stand.desk.events(made.code)]
    assert events[:3] == ["drafted", "prepared_sent", "started"]
    again = await press(stand, officer, f"/broadcasts/{code}/after/correct")
    assert again.status == 409
    assert f"/broadcasts/{code}/after/" not in await text_of(officer, "/")


async def test_two_officers_press_at_once_and_one_correction_goes_out(stand):
    code = await stand.sent(kind="alert")
    client = stand.client()
    answers = await asyncio.gather(*(client.post(f"/api/v1/broadcasts/{code}/correct") for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    views = await stand.desk.list()
    assert sum(view.supersedes == code and view.state in ("sending", "sent", "closed") for view in views) == 1


async def test_a_recall_by_page_and_by_program(stand):
    officer = await stand.browser()
    code = await stand.sent(kind="directive")
    page = await text_of(officer, f"/broadcasts/{code}/after/recall")
    assert all(reason in page for reason in load_prepared().reasons)
    answer = await press(stand, officer, f"/broadcasts/{code}/after/recall", quick="sai phụ lục")
    assert answer.status == 303
    other = await stand.sent(kind="directive", text="Khác")
    refused = await stand.client().post(f"/api/v1/broadcasts/{other}/recall", json={"reason": " "})
    assert refused.status == 422
    waits = await (
        await stand.client().post(f"/api/v1/broadcasts/{other}/recall", json={"reason": "theo ý kiến mới"})
    ).json()
    assert waits["state"] == "pending_approval"
    at_once = await stand.sent(kind="directive", text="Khác nữa")
    chief = stand.client(Role.APPROVER)
    made = await (await chief.post(f"/api/v1/broadcasts/{at_once}/recall", json={"reason": "theo ý kiến mới"})).json()
    assert made["state"] in ("sending", "sent")


async def test_unknown_follow_ups_and_ones_of_drafts_are_refused(stand):
    officer = await stand.browser()
    made = await stand.client().post(
        "/api/v1/broadcasts", json={"text": "x", "audience": "all-units", "channels": ["sms"]}
    )
    draft = (await made.json())["code"]
    assert (await officer.get(f"/broadcasts/{draft}/after/correct")).status == 409
    assert (await officer.get(f"/broadcasts/{draft}/after/nuke")).status == 404
    assert (await officer.get("/broadcasts/TB0000-00/after/correct")).status == 404


async def test_an_update_is_shown_word_by_word_while_it_is_written_and_approved(stand):
    officer, chief = await stand.browser(), await stand.browser("lanhdao")
    old = await stand.sent(text="Bão vào 16-19h ngày 25/8")
    newer = await stand.desk.supersede(old, None, OFFICER)
    edit = await text_of(officer, f"/broadcasts/{newer.code}/edit")
    assert f'value="{old}"' in edit
    draft = Draft(text="Bão vào 13-16h ngày 25/8", audience="all-units", channels=["zalo", "sms"], supersedes=old)
    await stand.desk.edit(newer.code, draft, OFFICER)
    await stand.desk.submit(newer.code, OFFICER)
    page = await text_of(chief, f"/broadcasts/{newer.code}")
    assert "16-19h</del>" in page
    assert "13-16h</ins>" in page


async def test_changed_fields_of_a_template_are_marked_in_the_form(stand):
    officer = await stand.browser()
    nhiet = {"nhiet": "39-40", "tu_ngay": "02/7", "den_ngay": "05/7", "gio_tranh": "10-16h", "cap_do_nn": "1"}
    old = await stand.sent(text=None, template="nangnong", blanks=nhiet)
    newer = await stand.desk.supersede(old, None, OFFICER)
    changed = Draft(
        template="nangnong",
        blanks={**nhiet, "nhiet": "41"},
        audience="all-units",
        channels=["zalo", "sms"],
        supersedes=old,
    )
    await stand.desk.edit(newer.code, changed, OFFICER)
    edit = await text_of(officer, f"/broadcasts/{newer.code}/edit")
    assert SAY("differs.was", was="39-40") in edit
    assert edit.count('class="changed"') == 1


async def test_statuses_by_api_and_as_files(stand, tmp_path):
    code = await stand.sent(kind="directive")
    await stand.room.until(lambda: len(stand.zalo.left) >= CHAIRMEN)
    await stand.arrive(160)
    view = await stand.desk.view(code)
    rows = await stand.desk.rollcall(code)
    for row in rows[:120]:
        await stand.acks.confirm(
            view.id, row.unit, 1, "Chủ tịch <A&B>", "sms.one", datetime.fromtimestamp(stand.clock(), OFFICE_ZONE)
        )
    client = stand.client(Role.VIEWER)
    page = await (await client.get(f"/api/v1/broadcasts/{code}/statuses")).json()
    assert sum(line["code"] == "01" for line in page["items"]) == 160
    assert list(page["standing"].values()).count("03") == 120
    body = await (await client.get(f"/api/v1/broadcasts/{code}")).json()
    tiles = (await (await client.get(f"/api/v1/broadcasts/{code}/rollcall")).json())["items"]
    for name in ("a.xml", "a.codes.csv", "a.xlsx", "a.json"):
        assert write_export(tmp_path / name, body, tiles, [], SAY, page["items"], "000.00.01.H56") > 0
        assert (tmp_path / name).stat().st_size > 500
    root = fromstring((tmp_path / "a.xml").read_bytes())
    taken = [one for one in root.iter("Status") if one.findtext("StatusCode") == "03"]
    assert len(taken) == 120
    assert taken[0].findtext("StaffInfo/Staff") == "Chủ tịch <A&B>"
    assert re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", taken[0].findtext("Timestamp"))
    assert taken[0].findtext("ResponseFor/OrganId") == "000.00.01.H56"
    table = (tmp_path / "a.codes.csv").read_text("utf-8-sig").splitlines()
    assert len(table) == 1 + len(page["items"])


def test_a_status_file_of_nothing_is_still_a_file():
    view = {"code": "TB0825-06", "created_at": datetime(2025, 8, 25, tzinfo=OFFICE_ZONE)}
    assert fromstring(status_file(view, [], str, "")).tag == "StatusList"


def test_every_template_has_its_own_words_or_the_general_ones():
    templates = office_templates()
    assert {after.value for after in After} <= set(templates.prepared)
    for key in ("bao", "lu", "hochua", "satlo", "sotan", "nangnong"):
        for after in (After.CORRECTION, After.ALL_CLEAR):
            assert f"{after.value}.{key}" in templates.prepared
    assert templates.find("T1").key == "bao"
    assert templates.find("correction").key == "correction"


def test_prepared_words_to_residents_are_one_sms():
    values = {
        "don_vi_gui": "PCTT Thanh Hoa",
        "gio_cu": "23:59 ngay 31/12",
        "van_ban_cu": "20631/UBND-NN",
        "ly_do": "sai thoi gian",
    }
    for key, template in office_templates().prepared.items():
        values |= {"ma_tin": "TB1225-123", "ma_tin_cu": "TB1225-122", "dau_so": "8xxx"}
        for form in (template.sms, template.sms_leader):
            assert measure(to_safe(fill(form, values)).text).segments == 1, (key, form)


@pytest.mark.parametrize("broken", ["reasons = []", '[recall]\nsubject = "{la}"'])
def test_a_broken_file_of_prepared_words_stops_the_start(tmp_path, broken):
    path = tmp_path / "prepared.toml"
    path.write_text(broken, "utf-8")
    with pytest.raises(TemplateError):
        with_prepared(load_templates(), load_prepared(path))
