"""What the office changes over what is shipped: tried first, used at once, kept over a restart, taken back."""

import pytest

from broadcasts.office_texts import OfficeTexts
from store import audit, directory, office_texts, schedules
from tests.web_stand import Stand


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def post(stand, browser, path, status, who="lanhdao", **form):
    form["csrf"] = await stand.csrf(who)
    answer = await browser.post(path, data=form, allow_redirects=False)
    assert answer.status == status, await answer.text()
    return await answer.text()


def fields(body, **changed):
    form = {name: body[name] for name in ("subject", "chat", "sms", "sms_leader")}
    for place, (name, blank) in enumerate(body["blanks"].items()):
        form |= {f"blank{place}.{key}": str(blank[key]) for key in ("label", "example", "type", "max_length")}
        form[f"blank{place}.name"] = name
        if blank["required"]:
            form[f"blank{place}.required"] = "1"
    return {**form, **changed}


async def test_a_template_is_changed_used_restarted_and_taken_back(stand):
    browser = await stand.browser("lanhdao")
    path, kinds = "/settings/template/bao", stand.services.texts.kinds
    original = kinds["template"].original("bao")
    before = stand.templates.find("bao").chat
    changed = fields(original, chat=original["chat"] + "\nGọi 112 khi cần.")
    await post(stand, browser, path, 303, **changed, version="0")
    assert stand.templates.find("bao").chat.endswith("Gọi 112 khi cần.")
    stale = await post(stand, browser, path, 409, **changed, version="0")
    assert "lanhdao vừa sửa mục này" in stale
    stand.templates.use(stand._texts().kinds["template"]._shipped)
    again = OfficeTexts(stand.room.ledger, stand.room.bus, kinds.values(), stand.clock)
    await again.refresh()
    assert stand.templates.find("bao").chat.endswith("Gọi 112 khi cần.")
    await post(stand, browser, path, 303, original="1", version="1")
    assert stand.templates.find("bao").chat == before
    lines = await stand.room.ledger.read(audit.lines)
    assert [one.action for one in lines[:2]] == ["restore_text", "change_text"]
    assert len(await stand.room.ledger.read(lambda tx: office_texts.history(tx, "template", "bao"))) == 2


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("sms", "Nước lên {khong_co}", "khong_co"),
        ("sms", "Nước lên [[ gấp", "[["),
        ("sms", "Nước lên {gio", "{"),
        ("sms", "Chạy ngay. " * 80, "SMS"),
        ("chat", "", "Chưa có lời"),
    ],
)
async def test_a_template_that_could_not_be_sent_is_refused(stand, field, text, says):
    browser = await stand.browser("lanhdao")
    original = stand.services.texts.kinds["template"].original("bao")
    page = await post(stand, browser, "/settings/template/bao", 422, **fields(original, **{field: text}), version="0")
    assert says in page
    assert await stand.services.texts.changed() == {}
    shown = await post(stand, browser, "/settings/template/bao/preview", 200, **fields(original, **{field: text}))
    assert says in shown


def words(body, **changed):
    return {key: "\n".join(phrases) for key, phrases in body.items()} | changed


async def test_phrases_are_added_and_conflicts_refused(stand):
    browser, path = await stand.browser("lanhdao"), "/settings/keyword/SOTAN"
    body = stand.services.texts.kinds["keyword"].original("SOTAN")
    more = words(body, phrases="\n".join([*body["phrases"], "chạy lụt đi mô"]))
    await post(stand, browser, path, 303, **more, version="0")
    assert "chạy lụt đi mô" in stand.learned["SOTAN"]["phrases"]
    taken = words(body, phrases="\n".join([*body["phrases"], "cứu với"]))
    assert "CUUHO" in await post(stand, browser, path, 422, **taken, version="1")
    await post(stand, browser, path, 422, **words(body, phrases="x"), version="1")


async def test_cries_for_help_are_never_taken_away(stand):
    browser = await stand.browser("lanhdao")
    body = stand.services.texts.kinds["keyword"].original("CUUHO")
    page = await post(stand, browser, "/settings/keyword/CUUHO", 422, **words(body, cries=""), version="0")
    assert "cứu với" in page


async def test_a_chain_is_changed_and_a_senseless_one_refused(stand):
    browser, path = await stand.browser("lanhdao"), "/settings/escalation/hoa-toc"
    good = {"step0.after": "0", "step0.channels": "zalo", "step1.after": "3", "step1.channels": "sms"}
    await post(stand, browser, path, 303, **good, version="0")
    assert [step.after for step in stand.chains["hoa-toc"]] == [0, 180]
    await post(stand, browser, path, 422, **{"step0.after": "x", "step0.channels": "zalo"}, version="1")
    await post(stand, browser, path, 422, version="1")
    await post(stand, browser, path, 303, original="1", version="1")
    assert set(stand.chains) == {"default"}


async def test_carriers_are_changed_and_odd_ones_refused(stand):
    browser, path = await stand.browser("lanhdao"), "/settings/carriers/all"
    row = {"carrier0.name": "Nhà mạng D", "carrier0.email": "truc@mang-d.example.vn"}
    await post(stand, browser, path, 303, **row, version="0")
    assert [one.name for one in stand.orders.settings.carriers] == ["Nhà mạng D"]
    await post(stand, browser, path, 422, **row | {"carrier0.email": "x@y, z@w"}, version="1")
    await post(stand, browser, path, 422, **{"carrier0.name": "Nhà mạng E"}, version="1")
    await post(stand, browser, path, 422, **row, version="abc")
    assert (await browser.get("/settings")).status == 200


async def test_who_may_not_change_is_refused(stand):
    assert (await (await stand.browser()).get("/settings")).status == 403


async def test_a_group_is_made_renamed_and_not_taken_from_a_schedule(stand):
    browser = await stand.browser("lanhdao")
    await post(stand, browser, "/unit-groups/new", 303, title="Hạ du Cửa Đạt", unit="14812")
    await post(stand, browser, "/unit-groups/new", 422, title="Hạ du Cửa Đạt", unit="14812")
    await post(stand, browser, "/unit-groups/new", 422, title="Rỗng")
    name = "ha-du-cua-dat"
    page = await (await browser.get(f"/unit-groups/{name}")).text()
    mark = page.split('name="mark" value="')[1].split('"')[0]
    await post(stand, browser, f"/unit-groups/{name}", 303, title="Hạ du hồ", unit="16012", mark=mark)
    assert "lanhdao vừa đổi nhóm" in await post(
        stand, browser, f"/unit-groups/{name}", 409, title="Khác", unit="14812", mark=mark
    )
    assert await stand.room.ledger.read(lambda tx: directory.group_members(tx, name)) == {"16012"}
    page = await (await browser.get(f"/unit-groups/{name}")).text()
    mark = page.split('name="mark" value="')[1].split('"')[0]
    code = await stand.desk.draft(draft_to(f"group:{name}"), actor())
    used = await post(stand, browser, f"/unit-groups/{name}", 409, title="Hạ du hồ", drop="1", mark=mark)
    assert code.code in used
    await stand.desk.cancel(code.code, "Soạn nhầm nhóm", actor())
    await post(stand, browser, f"/unit-groups/{name}", 303, title="Hạ du hồ", drop="1", mark=mark)
    assert await stand.room.ledger.read(lambda tx: directory.group_members(tx, name)) is None
    assert await stand.room.ledger.read(schedules.listed) == []


def draft_to(audience):
    from broadcasts.model import Draft
    from tests.web_stand import TEXT

    return Draft(**{**TEXT, "audience": audience})


def actor():
    from broadcasts.model import Actor, Role

    return Actor("canbo", Role.OFFICER)


async def test_an_answer_is_worded_anew_and_measured_with_the_longest_name(stand):
    browser = await stand.browser("lanhdao")
    path, said = "/settings/answer/SOTAN", "Điểm sơ tán {place}: hỏi trưởng thôn. Nguy hiểm thì đi ngay, gọi 112."
    page = await (await browser.get(path)).text()
    assert "{place}" in page
    assert "SOTAN: điểm sơ tán" in await (await browser.get("/settings")).text()
    await post(stand, browser, path, 303, chat=said, sms=said, version="0")
    assert stand.answered["SOTAN"]["chat"] == said
    assert "lanhdao vừa sửa mục này" in await post(stand, browser, path, 409, chat=said, sms=said, version="0")
    shown = await post(stand, browser, f"{path}/preview", 200, chat=said, sms=said)
    assert "Diem so tan" in shown
    await post(stand, browser, "/settings/carriers/all/preview", 404)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("SOTAN", "", "Chưa có lời."),
        ("SOTAN", "Đi tới {noi_nao}", "noi_nao"),
        ("SOTAN", "Đi tới [[{place}", "không có cặp"),
        ("SOTAN", "Di toi {place} " + "ngay " * 30, "quá một tin"),
        ("rescue", "Giữ máy, lên chỗ cao.", "phải có số 112"),
    ],
)
async def test_an_answer_that_could_not_be_given_is_refused(stand, name, text, says):
    browser = await stand.browser("lanhdao")
    page = await post(stand, browser, f"/settings/answer/{name}", 422, chat=text or "x", sms=text, version="0")
    assert says in page
    assert stand.answered == {}
