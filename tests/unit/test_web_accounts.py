"""One's own account: password, second factor, sessions; users and their roles; the first account; the log's page."""

import re

import pyotp
import pytest

from broadcasts.model import Role
from store import access, audit, privileges, second_factors, web_sessions
from tests.web_stand import PASSWORD, Stand
from web import second_factor
from web.attempts import FAILURES_PER_NAME

FRESH = "mot-mat-khau-khac-dai"


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def post(stand, browser, path, **data):
    page = await (await browser.get("/account")).text()
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
    return await browser.post(path, data={"csrf": csrf, **data}, allow_redirects=False)


async def with_factor(stand, name="canbo"):
    """(browser, secret, recovery codes) of somebody who has set up a second factor."""
    browser = await stand.browser(name)
    page = await (await browser.get("/account/second-factor")).text()
    assert "<svg" in page
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    answer = await post(stand, browser, "/account/second-factor", code=pyotp.TOTP(secret).at(stand.clock()))
    assert answer.status == 200
    codes = re.findall(r"<li><code>([A-Z0-9-]+)</code>", await answer.text())
    return browser, secret, codes


async def sign_in(stand, name="canbo", password=PASSWORD):
    browser = stand._client()
    answer = await browser.post("/sign-in", data={"name": name, "password": password}, allow_redirects=False)
    return browser, answer


async def actions(stand):
    return [one.action for one in await stand.room.ledger.read(audit.lines)]


async def test_with_a_second_factor_the_password_alone_opens_nothing(stand):
    _, secret, codes = await with_factor(stand)
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    browser, answer = await sign_in(stand)
    assert answer.headers["Location"] == "/sign-in/code?next=%2F"
    for path in ("/", "/account", "/broadcasts/new"):
        half = await browser.get(path, allow_redirects=False)
        assert half.status in (303, 401), path
        assert half.headers.get("Location", "/sign-in").startswith("/sign-in")
    wrong = await browser.post("/sign-in/code", data={"code": "000000"}, allow_redirects=False)
    assert wrong.status == 422
    stand.clock.at += 60
    right = await browser.post(
        "/sign-in/code", data={"code": pyotp.TOTP(secret).at(stand.clock())}, allow_redirects=False
    )
    assert (right.status, right.headers["Location"]) == (303, "/")
    assert (await browser.get("/account")).status == 200


async def test_a_code_opens_once_and_an_old_one_never(stand):
    _, secret, _ = await with_factor(stand)
    totp = pyotp.TOTP(secret)
    browser, _ = await sign_in(stand)
    used = await browser.post("/sign-in/code", data={"code": totp.at(stand.clock())}, allow_redirects=False)
    assert used.status == 422  # it confirmed the set-up
    stand.clock.at += 300
    browser, _ = await sign_in(stand)
    old = await browser.post("/sign-in/code", data={"code": totp.at(stand.clock() - 90)}, allow_redirects=False)
    assert old.status == 422
    late = await browser.post("/sign-in/code", data={"code": totp.at(stand.clock() - 30)}, allow_redirects=False)
    assert late.status == 303  # a telephone's clock may be a step off


async def test_recovery_codes_open_once_each_however_they_are_typed(stand):
    _, _, codes = await with_factor(stand)
    for typed, status in ((codes[0].lower().replace("-", " "), 303), (codes[0], 422), (codes[1], 303)):
        browser, _ = await sign_in(stand)
        answer = await browser.post("/sign-in/code", data={"code": typed}, allow_redirects=False)
        assert answer.status == status, typed
    assert "recovery_code_used" in await actions(stand)


async def test_guessing_codes_is_stopped_whoever_guesses(stand):
    await with_factor(stand)
    browser, _ = await sign_in(stand)
    for _ in range(FAILURES_PER_NAME):
        assert (await browser.post("/sign-in/code", data={"code": "123456"})).status == 422
    again, _ = await sign_in(stand)  # another browser does not begin anew
    assert (await again.post("/sign-in/code", data={"code": "123456"})).status == 429


async def test_half_a_sign_in_runs_out(stand):
    await with_factor(stand)
    browser, _ = await sign_in(stand)
    stand.clock.at += 301
    assert (await browser.get("/sign-in/code", allow_redirects=False)).headers["Location"] == "/sign-in"


async def test_a_role_that_must_have_one_reaches_nothing_before(tmp_path):
    stand = Stand(tmp_path, second_factor_for=frozenset({"approver"}))
    await stand.open()
    try:
        chief = await stand.browser("lanhdao")
        for path in ("/", "/broadcasts", "/audit"):
            assert (await chief.get(path, allow_redirects=False)).headers["Location"] == "/account/second-factor"
        assert (await chief.get("/account/second-factor")).status == 200
        assert (await (await stand.browser("canbo")).get("/", allow_redirects=False)).status == 200
        await with_factor(stand, "lanhdao")
        assert (await chief.get("/", allow_redirects=False)).status == 200
    finally:
        await stand.close()


async def test_weakening_a_sign_in_asks_for_the_password(stand):
    browser, _, _ = await with_factor(stand)
    assert (await post(stand, browser, "/account/second-factor/remove", password="sai")).status == 422
    fresh = await post(stand, browser, "/account/second-factor/recovery", password=PASSWORD)
    assert len(re.findall(r"<li><code>", await fresh.text())) == second_factor.RECOVERY_CODES
    assert (await post(stand, browser, "/account/second-factor/remove", password=PASSWORD)).status == 303
    _, answer = await sign_in(stand)
    assert answer.headers["Location"] == "/"


async def test_a_new_password_ends_the_other_browsers_and_not_this_one(stand):
    here, there = await stand.browser(), await stand.browser()
    for data, field in (
        ({"before": "sai", "fresh": FRESH, "again": FRESH}, "before"),
        ({"before": PASSWORD, "fresh": "ngan", "again": "ngan"}, "fresh"),
        ({"before": PASSWORD, "fresh": FRESH, "again": FRESH + "x"}, "again"),
    ):
        refused = await post(stand, there, "/account/password", **data)
        assert refused.status == 422, field
    data = {"before": PASSWORD, "fresh": FRESH, "again": FRESH}
    assert (await post(stand, there, "/account/password", **data)).status == 303
    assert (await there.get("/account", allow_redirects=False)).status == 200
    assert (await here.get("/account", allow_redirects=False)).status != 200
    assert (await sign_in(stand))[1].status == 422
    assert (await sign_in(stand, password=FRESH))[1].status == 303


async def test_somebody_ends_their_own_sessions_and_nobody_elses(stand):
    mine, other = await stand.browser("canbo"), await stand.browser("khach")
    staff = await stand.room.ledger.read(lambda tx: access.staff_named(tx, "khach"))
    theirs = (await stand.room.ledger.read(lambda tx: web_sessions.open_sessions(tx, staff.id, stand.clock())))[0]
    assert (await post(stand, mine, f"/account/sessions/{theirs.handle}/end")).status == 404
    assert (await other.get("/account")).status == 200
    second = await stand.browser("canbo")
    page = await (await second.get("/account")).text()
    handle = re.search(r"/account/sessions/([0-9a-f]+)/end", page)[1]
    assert (await post(stand, second, f"/account/sessions/{handle}/end")).status == 303
    assert (await mine.get("/account", allow_redirects=False)).status != 200
    third = await stand.browser("canbo")
    assert (await post(stand, third, "/account/sessions/end")).status == 303
    assert (await second.get("/account", allow_redirects=False)).status != 200
    assert (await third.get("/account")).status == 200


def token_of(browser):
    return browser.session.cookie_jar.filter_cookies(browser.make_url("/"))["loa_session"].value


async def test_signing_in_takes_no_token_that_somebody_else_planted(stand):
    _, secret, _ = await with_factor(stand)
    browser = stand._client()
    browser.session.cookie_jar.update_cookies({"loa_session": "da-cai-san"}, browser.make_url("/"))
    await browser.post("/sign-in", data={"name": "canbo", "password": PASSWORD})
    half = token_of(browser)
    assert half != "da-cai-san"
    stand.clock.at += 60
    await browser.post("/sign-in/code", data={"code": pyotp.TOTP(secret).at(stand.clock())})
    assert token_of(browser) != half
    for stage in ("password", "full"):
        found = lambda tx, stage=stage: web_sessions.session(tx, half, stand.clock(), stage)  # noqa: E731
        assert await stand.room.ledger.read(found) is None


async def test_a_higher_role_takes_two_administrators(stand):
    await stand.room.ledger.write(
        lambda tx: tx.execute("UPDATE staff SET role = 'admin' WHERE name = 'khach'")
    )  # a second administrator
    admin, second = await stand.browser("quantri"), await stand.browser("khach")
    answer = await post(stand, admin, "/staff", name="moi.den", role="approver", title="Phó phòng")
    assert answer.status == 200
    password = re.search(r'class="secret">([^<]+)<', await answer.text())[1]
    find = lambda: stand.room.ledger.read(lambda tx: access.staff_named(tx, "moi.den"))  # noqa: E731
    assert (await find()).role == "officer"
    assert (await sign_in(stand, "moi.den", password))[1].status == 303
    asked = (await stand.room.ledger.read(privileges.waiting))[0]
    path = f"/staff/requests/{asked.id}"
    assert (await post(stand, admin, path, verdict="grant")).status == 403
    assert (await find()).role == "officer"
    assert (await post(stand, second, path, verdict="grant")).status == 303
    assert (await find()).role == "approver"
    assert (await post(stand, second, path, verdict="grant")).status == 409
    assert (await post(stand, admin, "/staff/moi.den/role", role="viewer")).status == 303
    assert (await find()).role == "viewer"  # less is given at once
    assert {"privilege_asked", "privilege_granted", "role_changed"} <= set(await actions(stand))


async def test_an_administrator_cannot_lock_themselves_out(stand):
    admin = await stand.browser("quantri")
    for path, data in (
        ("/staff/quantri/active", {"active": "0"}),
        ("/staff/quantri/password", {}),
        ("/staff/quantri/second-factor/remove", {}),
    ):
        assert (await post(stand, admin, path, **data)).status == 409, path
    assert (await post(stand, admin, "/staff/khong-co/active", active="0")).status == 404
    assert (await post(stand, admin, "/staff/canbo/role", role="vua")).status == 422
    assert (await post(stand, admin, "/staff", name="canbo", role="viewer")).status == 422


async def test_who_left_is_out_and_may_come_back(stand):
    admin, officer = await stand.browser("quantri"), await stand.browser("canbo")
    await post(stand, admin, "/staff/canbo/active", active="0")
    assert (await officer.get("/", allow_redirects=False)).status != 200
    assert (await sign_in(stand))[1].status == 422
    await post(stand, admin, "/staff/canbo/active", active="1")
    assert (await sign_in(stand))[1].status == 303


async def test_an_administrators_key_alone_makes_no_approver_and_no_powerful_key(stand):
    api = stand.client(Role.ADMIN)
    made = await (await api.post("/api/v1/staff", json={"name": "moi.den", "role": "admin"})).json()
    assert (made["role"], made["waiting"]) == ("officer", "admin")
    assert (await api.post("/api/v1/keys", json={"name": "may.chu", "role": "approver"})).status == 403
    assert (await api.post("/api/v1/keys", json={"name": "may.doc", "role": "viewer"})).status == 201


async def test_the_first_account_is_made_once_and_only_with_the_token(tmp_path):
    stand = Stand(tmp_path, set_up_token="mot-chuoi-ngau-nhien")
    await stand.open()
    try:
        guest = stand._client()
        right, wrong = "/set-up/mot-chuoi-ngau-nhien", "/set-up/sai"
        assert (await guest.get(right)).status == 404  # there are accounts
        await stand.room.ledger.write(lambda tx: [tx.execute(f"DELETE FROM {t}") for t in ("web_session", "staff")])
        assert (await guest.get(wrong)).status == 404
        assert (await guest.post(wrong, data={"name": "an", "password": FRESH, "again": FRESH})).status == 404
        assert (await guest.get(right)).status == 200
        assert (await guest.post(right, data={"name": "an", "password": "ngan", "again": "ngan"})).status == 422
        made = await guest.post(right, data={"name": "an", "password": FRESH, "again": FRESH}, allow_redirects=False)
        assert made.headers["Location"] == "/staff"
        assert (await guest.get("/staff")).status == 200
        assert (await guest.post(right, data={"name": "be", "password": FRESH, "again": FRESH})).status in (403, 404)
    finally:
        await stand.close()


async def test_the_log_is_searched_taken_along_and_checked(stand):
    await stand.room.ledger.write(lambda tx: audit.record(tx, stand.clock(), "=cmd|x", "sign_in", note="<b>đậm</b>"))
    chief = await stand.browser("lanhdao")
    page = await (await chief.get("/audit")).text()
    assert "&lt;b&gt;đậm" in page
    assert "<b>đậm" not in page
    head = (await stand.room.ledger.read(audit.head)).chain
    assert head in page
    table = await (await chief.get("/audit.csv")).text()
    assert ",'=cmd|x," in table
    assert ",=cmd" not in table
    assert "nguyên vẹn" in await (await chief.get(f"/audit/verify?head={head}")).text()
    assert 'class="notice bad"' in await (await chief.get("/audit/verify?head=abc")).text()
    await stand.room.ledger.write(lambda tx: tx.execute("UPDATE audit SET actor = 'ai do' WHERE id = 1"))
    assert 'class="notice bad"' in await (await chief.get("/audit/verify")).text()
    assert (await (await stand.browser("canbo")).get("/audit")).status == 403


@pytest.mark.parametrize(
    ("trusted", "forwarded", "shown"),
    [
        ((), "203.0.113.9", "127.0.0.1"),
        (("127.0.0.1/32",), "203.0.113.9", "203.0.113.9"),
        (("127.0.0.1/32",), "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        (("127.0.0.1/32", "10.0.0.0/8"), "203.0.113.9, 10.1.1.1", "203.0.113.9"),
        (("127.0.0.1/32",), "rac", "rac"),
    ],
)
async def test_the_callers_address_behind_a_proxy(tmp_path, trusted, forwarded, shown):
    stand = Stand(tmp_path, trusted_proxies=trusted)
    await stand.open()
    try:
        guest = stand._client(headers={"X-Forwarded-For": forwarded})
        await guest.post("/sign-in", data={"name": "canbo", "password": PASSWORD})
        line = (await stand.room.ledger.read(audit.lines))[0]
        assert (line.action, line.detail["address"]) == ("sign_in", shown)
    finally:
        await stand.close()


async def test_who_has_no_second_factor_is_known(stand):
    await with_factor(stand, "lanhdao")
    names = await stand.room.ledger.read(lambda tx: second_factors.without(tx, ["approver", "admin"]))
    assert names == ["quantri"]
