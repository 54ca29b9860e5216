"""The pages without a browser: signing in, forms, each step of a broadcast, the live stream, and attacks refused."""

import asyncio
import re
from html.parser import HTMLParser

import orjson
import pytest

from broadcasts.model import Actor, Draft, Role
from store import access, alarms, audit, inbox
from tests.web_stand import CHAIRMEN, PASSWORD, TEXT, Stand
from web.console.forms import ComposeForm, form_of
from web.sessions import SESSION_COOKIE

XSS = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"


class Ids(HTMLParser):
    """Collects ids, forms' actions, scripts and inline handlers of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.actions, self.loose = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "form":
            self.actions.append(found.get("action"))
        if (tag == "script" and "src" not in found) or tag == "style":
            self.loose.append(tag)
        self.loose += [name for name in found if name.startswith("on") or name == "style"]


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def page(client, path, status=200):
    answer = await client.get(path)
    text = await answer.text()
    assert answer.status == status, text[:2_000]
    return text


async def post(stand, client, name, path, status=303, **form):
    form = {"csrf": await stand.csrf(name), **form}
    answer = await client.post(path, data=form, allow_redirects=False)
    assert answer.status == status, (await answer.text())[:3_000]
    return answer


# -- signing in --------------------------------------------------------------------------------------------------------


async def test_signing_in_and_out(stand):
    nobody = stand.client(None)
    answer = await nobody.get("/inbox?state=human", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=%2Finbox%3Fstate%3Dhuman")
    browser = await stand.browser()
    assert "canbo" in await page(browser, "/")
    await post(stand, browser, "canbo", "/sign-out")
    assert (await browser.get("/", allow_redirects=False)).status == 303


async def test_the_cookie_is_out_of_reach_of_scripts(stand):
    answer = await stand.client(None).post(
        "/sign-in", data={"name": "canbo", "password": PASSWORD}, allow_redirects=False
    )
    cookie = answer.cookies[SESSION_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["secure"]
    rows = await stand.room.ledger.read(lambda tx: tx.execute("SELECT token_hash FROM web_session").fetchall())
    assert cookie.value not in str(rows)


async def test_the_cookie_is_secure_behind_https(tmp_path):
    stand = Stand(tmp_path, public_url="https://loa.example.vn")
    await stand.open()
    answer = await stand.client(None).post(
        "/sign-in", data={"name": "canbo", "password": PASSWORD}, allow_redirects=False
    )
    assert answer.cookies[SESSION_COOKIE]["secure"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    await stand.close()


async def test_a_session_that_somebody_planted_is_not_used(stand):
    planted = stand.client(None, Cookie=f"{SESSION_COOKIE}=planted")
    answer = await planted.post("/sign-in", data={"name": "canbo", "password": PASSWORD}, allow_redirects=False)
    assert answer.cookies[SESSION_COOKIE].value != "planted"
    still = stand.client(None, Cookie=f"{SESSION_COOKIE}=planted")
    assert (await still.get("/", allow_redirects=False)).status == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [("canbo", "sai"), ("khong-co", PASSWORD), ("", ""), ("canbo", "x" * 10_000), ("' OR 1=1 --", "' OR 1=1 --")],
)
async def test_a_wrong_name_or_password_says_the_same(stand, name, password):
    answer = await stand.client(None).post("/sign-in", data={"name": name, "password": password})
    text = await answer.text()
    assert answer.status == 422
    assert "Tên hoặc mật khẩu không đúng." in text
    assert 'type="password" value' not in text


async def test_guessing_is_slowed_and_the_owner_is_not_locked_out(stand):
    client = stand.client(None)
    for _ in range(5):
        await client.post("/sign-in", data={"name": "canbo", "password": "sai"})
    answer = await client.post("/sign-in", data={"name": "canbo", "password": PASSWORD}, allow_redirects=False)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) == 300
    await stand.browser("lanhdao")
    stand.clock.at += 301
    await stand.browser("canbo")


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nX: 1", "evil"]
)
async def test_signing_in_leads_nowhere_else(stand, target):
    answer = await stand.client(None).post(
        "/sign-in", data={"name": "canbo", "password": PASSWORD, "next": target}, allow_redirects=False
    )
    assert answer.headers["Location"] == "/"


async def test_a_session_ends(stand):
    browser = await stand.browser()
    stand.clock.at += 15 * 3600
    answer = await browser.post("/broadcasts/new", data={"csrf": await stand.csrf("canbo")}, allow_redirects=False)
    assert answer.status == 401
    assert "Việc vừa bấm chưa được thực hiện." in await answer.text()
    assert (await browser.get("/", allow_redirects=False)).status == 303


async def test_a_new_password_ends_the_old_sessions(stand):
    browser = await stand.browser()
    staff = await stand.room.ledger.read(lambda tx: access.password_of(tx, "canbo"))
    await stand.room.ledger.write(lambda tx: access.set_password(tx, staff[0], "khac"))
    assert (await browser.get("/", allow_redirects=False)).status == 303


# -- attacks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", "sai", "khoá"])
async def test_a_form_without_its_token_does_nothing(stand, token):
    browser = await stand.browser()
    data = {} if token is None else {"csrf": token}
    answer = await browser.post("/preferences/mode", data={**data, "mode": "exercise"}, allow_redirects=False)
    assert answer.status == 403
    assert "chưa có gì được gửi" in await answer.text()


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
async def test_a_form_of_another_site_does_nothing(stand, headers):
    browser = await stand.browser()
    data = {"csrf": await stand.csrf("canbo"), "mode": "exercise"}
    answer = await browser.post("/preferences/mode", data=data, headers=headers, allow_redirects=False)
    assert answer.status == 403
    stranger = await stand.client(None).post(
        "/sign-in", data={"name": "canbo", "password": PASSWORD}, headers=headers, allow_redirects=False
    )
    assert (stranger.status, stranger.cookies.get(SESSION_COOKIE)) == (403, None)


async def test_every_answer_carries_the_headers(stand):
    browser = await stand.browser()
    for path in ("/", "/sign-in", "/khong-co", "/api/v1/units", "/hooks/khong-co", "/broadcasts/new"):
        answer = await browser.get(path, allow_redirects=False)
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_what_people_write_is_shown_and_never_run(stand):
    officer = Actor("canbo", Role.OFFICER)
    made = await stand.desk.draft(Draft(**{**TEXT, "text": XSS, "title": XSS}), officer)

    def put(tx):
        ids = inbox.keep(
            tx,
            [inbox.NewMessage("sms.one", "e", "text", XSS, XSS, XSS, "", XSS, False, "", stand.clock(), b"", 0)],
            stand.clock(),
        )
        inbox.finish(tx, ids[0], inbox.Handled("human", "", XSS), stand.clock())
        alarms.raise_once(tx, "rescue", str(ids[0]), {}, stand.clock())

    await stand.room.ledger.write(put)
    code = await stand.sent(text=XSS)
    await stand.desk.mark(code, "16012", "needs_help", XSS, officer)
    browser = await stand.browser()
    for path in (
        "/", "/inbox", "/broadcasts", f"/broadcasts/{made.code}", f"/broadcasts/{made.code}/edit",
        f"/broadcasts/{code}/rollcall", f"/broadcasts/{code}/rollcall?show=calls", f"/broadcasts/{code}/rollcall/16012",
        f"/broadcasts/{code}?all",
    ):  # fmt: skip
        text = await page(browser, path)
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert Ids(text).loose == [], path


@pytest.mark.parametrize(
    "name", ["../console/page.py", "..%2f..%2fconfig.toml", "/etc/passwd", "README.md", "", "loa.js.map"]
)
async def test_only_the_files_of_the_folder_are_served(stand, name):
    assert (await stand.client(None).get(f"/static/{name}")).status == 404


async def test_files_are_kept_by_their_content(stand):
    text = await page(stand.client(None), "/sign-in")
    for url in re.findall(r"/static/[\w./]+\?v=[0-9a-f]{16}", text):
        answer = await stand.client(None).get(url)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert (await stand.client(None).get("/static/loa.css?v=cu")).headers["Cache-Control"] == "no-cache"


# -- the way of a broadcast --------------------------------------------------------------------------------------------

FREE = {
    "template": "", "text": "Kiểm tra liên lạc", "reach": "all", "channel": "zalo", "urgency": "khan", "kind": "notice",
    "mode": "actual", "valid_hours": "6",
}  # fmt: skip


async def test_compose_check_approve_and_call_the_roll(stand):
    officer, approver = await stand.browser("canbo"), await stand.browser("lanhdao")
    choices = await page(officer, "/broadcasts/new")
    assert choices.count('class="choice"') == 10
    form = await page(officer, "/broadcasts/new?template=bao")
    assert 'name="blank.so_bao"' in form
    answer = await post(stand, officer, "canbo", "/broadcasts/new", **FREE)
    check = answer.headers["Location"]
    text = await page(officer, check)
    assert "Trình duyệt: 166 xã, phường" in text
    await post(stand, officer, "canbo", f"{check}/submit")
    assert "/approve" not in await page(officer, check)
    view = await stand.desk.view(check.rpartition("/")[2])
    form = await page(approver, check)
    assert f'name="content_hash" value="{view.content_hash}"' in form
    await post(stand, approver, "lanhdao", f"{check}/approve", content_hash=view.content_hash, number="166")
    await stand.room.until(lambda: len(stand.zalo.left) == CHAIRMEN)
    answer = await officer.get(check, allow_redirects=False)
    assert answer.headers["Location"] == f"{check}/rollcall"
    rollcall = Ids(await page(officer, f"{check}/rollcall"))
    assert len([one for one in rollcall.ids if one.startswith("u-")]) == CHAIRMEN


async def test_problems_come_back_beside_their_fields(stand):
    officer = await stand.browser()
    answer = await post(stand, officer, "canbo", "/broadcasts/new", status=422, **{**FREE, "text": "  "})
    text = await answer.text()
    assert "Chưa có nội dung tin." in text
    assert 'aria-invalid="true"' in text
    answer = await post(
        stand, officer, "canbo", "/broadcasts/new", status=422,
        **{**FREE, "template": "bao", "blank.so_bao": "năm", "blank.giat": "16"},
    )  # fmt: skip
    text = await answer.text()
    assert 'value="năm"' in text, "what was typed must not be lost"
    assert "“Bão số” chưa đúng dạng" in text
    assert (await stand.desk.list()) == []


async def test_the_preview_shows_texts_counts_and_twins(stand):
    officer = await stand.browser()
    form = {"csrf": await stand.csrf("canbo"), **FREE, "text": "Đê vỡ – sơ tán ngay"}
    answer = await officer.post("/broadcasts/preview", data=[*form.items(), ("channel", "sms")])
    text = await answer.text()
    assert "<html" not in text
    assert "De vo - so tan ngay" in text
    assert "<del>–</del>→<ins>-</ins>" in text
    assert "166" in text
    await post(stand, officer, "canbo", "/broadcasts/new", **FREE)
    twin = await (await officer.post("/broadcasts/preview", data={"csrf": await stand.csrf("canbo"), **FREE})).text()
    assert "vừa có tin giống hệt" in twin


async def test_a_double_click_is_one_draft(stand):
    officer = await stand.browser()
    answers = await asyncio.gather(
        *(post(stand, officer, "canbo", "/broadcasts/new", once="mot-lan", **FREE) for _ in range(4))
    )
    assert len(await stand.desk.list()) == 1
    code = (await stand.desk.list())[0].code
    assert {answer.headers["Location"] for answer in answers} == {f"/broadcasts/{code}"}
    again = await post(stand, officer, "canbo", "/broadcasts/new", once="mot-lan", **FREE)
    assert again.headers["Location"] == f"/broadcasts/{code}"


@pytest.mark.parametrize("number", ["", "165", "1660", "một trăm", "166 "])
async def test_approving_needs_the_number(stand, number):
    officer, approver = Actor("canbo", Role.OFFICER), await stand.browser("lanhdao")
    made = await stand.desk.draft(Draft(**TEXT), officer)
    asked = await stand.desk.submit(made.code, officer)
    right = number.strip() == "166"
    answer = await post(
        stand, approver, "lanhdao", f"/broadcasts/{made.code}/approve", status=303 if right else 422,
        content_hash=asked.content_hash, number=number,
    )  # fmt: skip
    if not right:
        assert "Chưa có gì được gửi." in await answer.text()
        assert stand.zalo.left == []


async def test_a_version_that_was_changed_meanwhile_is_not_approved(stand):
    officer, approver = Actor("canbo", Role.OFFICER), await stand.browser("lanhdao")
    made = await stand.desk.draft(Draft(**TEXT), officer)
    first = await stand.desk.submit(made.code, officer)
    lead = Actor("lanhdao2", Role.APPROVER)
    await stand.desk.give_back(made.code, "sửa", lead)
    await stand.desk.edit(made.code, Draft(**{**TEXT, "text": "Bản hai"}), officer)
    await stand.desk.submit(made.code, officer)
    answer = await post(
        stand, approver, "lanhdao", f"/broadcasts/{made.code}/approve", status=409,
        content_hash=first.content_hash, number="166",
    )  # fmt: skip
    assert "vui lòng xem lại bản 2" in await answer.text()
    assert stand.zalo.left == []


async def test_the_author_sees_that_another_person_must_approve(stand):
    made = await stand.desk.draft(Draft(**TEXT), Actor("lanhdao", Role.APPROVER))
    asked = await stand.desk.submit(made.code, Actor("lanhdao", Role.APPROVER))
    approver = await stand.browser("lanhdao")
    assert "không tự duyệt được" in await page(approver, f"/broadcasts/{made.code}")
    await post(
        stand, approver, "lanhdao", f"/broadcasts/{made.code}/approve", status=403,
        content_hash=asked.content_hash, number="166",
    )  # fmt: skip
    assert stand.zalo.left == []


async def test_return_correct_and_cancel(stand):
    officer, approver = await stand.browser("canbo"), await stand.browser("lanhdao")
    made = await stand.desk.draft(Draft(**TEXT), Actor("canbo", Role.OFFICER))
    path = f"/broadcasts/{made.code}"
    await stand.desk.submit(made.code, Actor("canbo", Role.OFFICER))
    await post(stand, approver, "lanhdao", f"{path}/return", status=422)
    await post(stand, approver, "lanhdao", f"{path}/return", quick="Số liệu chưa đúng")
    assert "Số liệu chưa đúng" in await page(officer, "/broadcasts/" + made.code)
    assert "Cần sửa" in await page(officer, "/")
    form = await page(officer, f"{path}/edit")
    assert "Kiểm tra liên lạc" in form
    await post(stand, officer, "canbo", f"{path}/edit", **{**FREE, "text": "Bản hai"})
    assert (await stand.desk.view(made.code)).version == 2
    await post(stand, officer, "canbo", f"{path}/cancel", reason="Nhầm")
    assert (await stand.desk.view(made.code)).state == "cancelled"
    assert "Đã huỷ" in await page(officer, path)


async def test_an_update_starts_from_the_old_text(stand):
    code = await stand.sent()
    officer = await stand.browser()
    answer = await post(stand, officer, "canbo", f"/broadcasts/{code}/supersede")
    form = await page(officer, answer.headers["Location"])
    assert f"Bản này thay cho {code}" in form
    assert "Kiểm tra liên lạc" in form


async def test_a_draft_without_validity_is_refused(stand):
    officer = await stand.browser()
    for hours in ("", "0", "-1", "7", "9" * 30, "²"):
        answer = await post(stand, officer, "canbo", "/broadcasts/new", status=422, **{**FREE, "valid_hours": hours})
        assert "Hãy chọn thời hạn hiệu lực của tin." in await answer.text()


FORMS = [
    ComposeForm(text="x", channels=("zalo",)),
    ComposeForm(template="bao", blanks={"so_bao": "5"}, channels=("zalo", "sms"), urgency="hoa-toc", valid_hours=3),
    ComposeForm(
        text="x", reach="some", units=frozenset({"16012", "16021"}), groups=frozenset({"ven-bien"}),
        lists=frozenset({"dan"}), channels=("sms",), accented=True, duplicate_ok=True,
    ),
    ComposeForm(text="x", reach="other", audience="all-units-unit:16012", channels=("zalo",)),
    ComposeForm(text="x", reach="other", audience="role:duty", channels=("zalo",), fire_at="2026-11-25T02:00"),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_a_draft_comes_back_into_the_form_it_came_from(form):
    from broadcasts.templates import load_templates

    assert form_of(form.draft(), load_templates()) == form


# -- roll-call and live ------------------------------------------------------------------------------------------------


async def test_a_unit_is_recorded_by_hand(stand):
    code = await stand.sent()
    officer = await stand.browser()
    path = f"/broadcasts/{code}/rollcall/16012"
    panel = await page(officer, path)
    assert 'href="tel:+849' in panel
    await post(stand, officer, "canbo", path, state="acknowledged", note="đã gọi, đã báo miệng")
    text = await page(officer, path)
    assert "đã gọi, đã báo miệng" in text
    assert "canbo ghi" in text
    await post(stand, officer, "canbo", path, status=422, state="vui", note="")
    await page(officer, f"/broadcasts/{code}/rollcall/99999", 404)
    fragment = await officer.post(
        path, data={"csrf": await stand.csrf("canbo"), "state": "exempt"}, headers={"HX-Request": "true"}
    )
    assert "<html" not in await fragment.text()


async def test_a_viewer_sees_no_telephone_number(stand):
    code = await stand.sent()
    viewer = await stand.browser("khach")
    for path in (
        f"/broadcasts/{code}/rollcall",
        f"/broadcasts/{code}/rollcall?show=calls",
        f"/broadcasts/{code}/rollcall/16012",
    ):
        text = await page(viewer, path)
        assert "tel:" not in text
        assert not re.search(r"\b(0|\+?84)9\d{8}\b", text)
    rows = await (await stand.client(Role.VIEWER).get(f"/api/v1/broadcasts/{code}/rollcall")).json()
    assert not any(row["phones"] for row in rows["items"])


async def test_the_call_list_has_the_worst_first(stand):
    code = await stand.sent()
    await stand.desk.mark(code, "16012", "needs_help", "", Actor("canbo", Role.OFFICER))
    await stand.desk.mark(code, "16021", "unreachable", "", Actor("canbo", Role.OFFICER))
    await stand.desk.mark(code, "16033", "acknowledged", "", Actor("canbo", Role.OFFICER))
    text = await page(await stand.browser(), f"/broadcasts/{code}/rollcall?show=calls")
    assert text.index("Xã Hậu Lộc") < text.index("Xã Triệu Lộc")
    assert "Xã Đông Thành" not in text


async def parts(answer):
    """The next event of a live stream."""
    name = ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line[7:]
        if line.startswith("data: ") and name == "parts":
            return orjson.loads(line[6:])
    raise AssertionError("the stream ended")


async def test_a_tile_turns_while_the_page_is_open(stand):
    code = await stand.sent()
    await stand.quiet(code)
    officer = await stand.browser()
    async with asyncio.timeout(30), officer.get(f"/live?broadcast={code}") as answer:
        first = await parts(answer)
        assert {"status", "counters", "strip"} <= set(first)
        assert sum(name.startswith("u-") for name in first) == CHAIRMEN
        await stand.desk.mark(code, "16012", "acknowledged", "", Actor("canbo", Role.OFFICER))
        changed = await parts(answer)
        while "u-16012" not in changed:
            changed = await parts(answer)
        assert "s-acknowledged" in changed["u-16012"]
        assert "u-16021" not in changed, "only what changed is sent"


async def test_the_page_can_ask_instead_of_listening(stand):
    code = await stand.sent()
    await stand.quiet(code)
    officer = await stand.browser()
    now = await (await officer.get(f"/live/now?broadcast={code}")).json()
    again = await officer.get(f"/live/now?broadcast={code}&seen={now['seen']}")
    assert again.status == 204
    await stand.desk.mark(code, "16012", "acknowledged", "", Actor("canbo", Role.OFFICER))
    stand.clock.at += 1

    async def turned():
        answer = await officer.get(f"/live/now?broadcast={code}&seen={now['seen']}")
        return answer.status == 200 and "s-acknowledged" in (await answer.json())["parts"]["u-16012"]

    await stand.room.until(turned)
    assert (await officer.get("/live/now?broadcast=²")).status == 404
    assert (await stand.client(None).get("/live/now", headers={"HX-Request": "true"})).status == 401


async def test_an_alarm_rings_until_one_person_takes_it(stand):
    def put(tx):
        ids = inbox.keep(
            tx,
            [
                inbox.NewMessage(
                    "sms.one",
                    "e",
                    "text",
                    "84900099001",
                    "84900099001",
                    "cuu voi",
                    "",
                    "",
                    False,
                    "",
                    stand.clock(),
                    b"",
                    0,
                )
            ],
            stand.clock(),
        )
        inbox.finish(tx, ids[0], inbox.Handled("human", "CUUHO", "rescue"), stand.clock())
        return ids[0], alarms.raise_once(tx, "rescue", str(ids[0]), {}, stand.clock())

    message, alarm = await stand.room.ledger.write(put)
    officer, other, viewer = await stand.browser("canbo"), await stand.browser("lanhdao"), await stand.browser("khach")
    board = await page(officer, "/")
    assert "data-ring" in board
    assert "tel:+84900099001" in board
    seen = await page(viewer, "/")
    assert "84900099001" not in seen
    taken = await post(stand, officer, "canbo", f"/alarms/{alarm}/take")
    assert taken.headers["Location"] == f"/inbox#m{message}"
    late = await post(stand, other, "lanhdao", f"/alarms/{alarm}/take", status=409)
    assert "canbo đã nhận xử lý việc này trước." in await late.text()
    assert "data-ring" not in await page(other, "/")
    await post(stand, officer, "canbo", "/alarms/999/take", status=404)
    await post(stand, officer, "canbo", f"/inbox/{message}/close")
    await post(stand, officer, "canbo", f"/inbox/{message}/close", status=409)
    lines = await stand.room.ledger.read(audit.lines)
    assert [line.action for line in lines][:2] == ["close_message", "take_alarm"]


async def test_one_person_waits_for_what_is_theirs(stand):
    made = await stand.desk.draft(Draft(**TEXT), Actor("canbo", Role.OFFICER))
    assert "Bản nháp" in await page(await stand.browser("canbo"), "/")
    await stand.desk.submit(made.code, Actor("canbo", Role.OFFICER))
    assert "Cần duyệt" in await page(await stand.browser("lanhdao"), "/")
    assert "Cần duyệt" not in await page(await stand.browser("canbo"), "/")


# -- language and mode -------------------------------------------------------------------------------------------------


async def test_a_stream_ends_quietly_with_its_reader_and_with_the_ledger(stand, caplog):
    from store.engine import LedgerError

    code = await stand.sent()
    officer = await stand.browser()
    answer = await officer.get(f"/live?broadcast={code}")
    await answer.content.readline()
    answer.close()

    async def closed(*_):
        raise LedgerError("ledger_closed")

    async with asyncio.timeout(30), officer.get(f"/live?broadcast={code}") as answer:
        await parts(answer)
        stand.services.desk.view = closed
        stand.room.bus.publish(f"broadcast:{1}", {"type": "state"})
        rest = await answer.content.read()
    assert b"HTTP/1.1" not in rest, "no second answer inside the first"
    assert "Error handling request" not in caplog.text


async def test_every_page_in_both_languages(stand):
    code = await stand.sent()
    browser = await stand.browser()
    paths = [
        "/", "/broadcasts", "/broadcasts/new", "/broadcasts/new?template=bao", "/broadcasts/new?template=", "/inbox",
        f"/broadcasts/{code}?all", f"/broadcasts/{code}/rollcall", f"/broadcasts/{code}/rollcall?show=calls",
        f"/broadcasts/{code}/rollcall?show=deliveries", f"/broadcasts/{code}/rollcall/16012",
    ]  # fmt: skip
    for path in paths:
        answer = await browser.get(path, headers={"Accept-Language": "en-US"})
        assert '<html lang="vi"' in await answer.text(), "Vietnamese until somebody asks for another"
    await post(stand, browser, "canbo", "/preferences/language", lang="en", next="/inbox")
    for path in paths:
        text = await page(browser, path)
        assert '<html lang="en"' in text
        assert "REAL" in text
        assert len(text) < 100_000, path
        assert Ids(text).loose == [], path
    answer = await post(stand, browser, "canbo", "/preferences/language", lang="xx")
    assert "Set-Cookie" not in answer.headers


async def test_the_exercise_shows_on_every_page_and_in_what_is_written(stand):
    browser = await stand.browser()
    assert "CHẾ ĐỘ THẬT" in await page(browser, "/")
    await post(stand, browser, "canbo", "/preferences/mode", mode="exercise", next="/")
    for path in ("/", "/inbox", "/broadcasts"):
        assert 'data-mode="exercise"' in await page(browser, path)
    form = await page(browser, "/broadcasts/new?template=")
    assert re.search(r'value="exercise" checked', form)
    await post(stand, browser, "canbo", "/preferences/mode", status=422, mode="vui")
    code = await stand.sent()
    assert 'data-mode="actual"' in await page(browser, f"/broadcasts/{code}/rollcall"), "the message's own mode"


async def test_an_unexpected_error_is_a_page_with_a_number(stand):
    async def crash(*_):
        raise RuntimeError("mật khẩu là 1234")

    browser = await stand.browser()
    stand.services.desk.list = crash
    text = await page(browser, "/broadcasts", 500)
    assert "1234" not in text
    assert "lỗi ngoài dự kiến" in text
