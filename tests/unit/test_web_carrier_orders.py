"""Carrier orders over HTTP: the API, the pages, and the carrier's page that has no sign-in."""

from __future__ import annotations

import asyncio

import pytest
from multidict import MultiDict

from broadcasts.model import Role
from tests.order_stand import SHORTENED, SOURCE_003, order_draft
from tests.web_stand import Stand
from web import streams

PATH = "/api/v1/carrier-orders"


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


def body(stand, **values):
    return order_draft(stand.clock(), **values).model_dump()


async def post(client, path, json=None, status=200):
    answer = await client.post(path, json=json if json is not None else {})
    assert answer.status == status, await answer.text()
    return await answer.json()


async def approved(stand, **values) -> dict:
    officer, approver = stand.client(), stand.client(Role.APPROVER)
    code = (await post(officer, PATH, body(stand, **values), 201))["code"]
    asked = await post(officer, f"{PATH}/{code}/submit")
    return await post(approver, f"{PATH}/{code}/approve", {"content_hash": asked["content_hash"]})


async def tokens(stand, code) -> list[str]:
    links = await stand.orders.links(code)
    return [link.rpartition("/")[2] for _, link in sorted(links.items())]


async def test_the_whole_way_by_programs(stand):
    view = await approved(stand)
    code, officer = view["code"], stand.client()
    assert (view["state"], view["units"], len(view["areas"])) == ("approved", 160, 2)
    call = {"carrier": 0, "result": "confirmed", "spoke_to": "Trực ca A"}
    view = await post(officer, f"{PATH}/{code}/calls", call, 201)
    assert view["calls"][0]["caller"] == "khoa-canbo"
    view = await post(officer, f"{PATH}/{code}/handed-over", {"carrier": 1})
    assert view["carriers"][1]["handed_by"] == "khoa-canbo"
    listed = await (await officer.get(PATH, params={"state": "sent"})).json()
    assert [(one["code"], one["acknowledged"], one["carriers"]) for one in listed["items"]] == [(code, 1, 2)]
    assert (await post(officer, f"{PATH}/{code}/archive"))["state"] == "archived"
    events = await (await officer.get(f"{PATH}/{code}/events")).json()
    assert [one["event"] for one in events["items"]][-1] == "archived"
    assert events["items"][-1]["detail"] == {"unanswered": ["Nhà mạng B"]}


async def test_the_message_of_2020_is_refused_with_a_sentence(stand):
    answer = await stand.client().post(PATH, json=body(stand, text=SOURCE_003))
    said = await answer.json()
    assert (answer.status, said["errors"][0]["field"]) == (422, "text")
    assert all(number in said["errors"][0]["says"] for number in ("332", "3 tin", "5 tin", "172"))
    shown = await post(stand.client(), f"{PATH}/preview", body(stand, text=SOURCE_003))
    assert (shown["units"], shown["parts"], shown["accented_parts"]) == (332, 3, 5)
    shown = await post(stand.client(), f"{PATH}/preview", body(stand, text=SHORTENED))
    assert (shown["units"], shown["problems"], shown["changes"]) == (160, [], [{"from": "–", "to": "-"}])


async def test_another_person_approves_exactly_what_was_shown(stand):
    officer, approver = stand.client(), stand.client(Role.APPROVER)
    code = (await post(approver, PATH, body(stand), 201))["code"]
    asked = await post(officer, f"{PATH}/{code}/submit")
    answer = await approver.post(f"{PATH}/{code}/approve", json={"content_hash": asked["content_hash"]})
    assert (answer.status, (await answer.json())["type"]) == (403, "urn:loa:problem:own_order")
    admin = stand.client(Role.ADMIN)
    answer = await admin.post(f"{PATH}/{code}/approve", json={"content_hash": "0" * 64})
    assert answer.status == 409
    assert (await officer.post(f"{PATH}/{code}/approve", json={"content_hash": "0"})).status == 403


async def test_one_key_makes_one_order(stand):
    client = stand.client(**{"Idempotency-Key": "bao-so-5"})
    codes = {(await post(client, PATH, body(stand), 201))["code"] for _ in range(3)}
    assert len(codes) == 1


@pytest.mark.parametrize("ref", ["999", "NM9999-99", "x" * 200, "%27%3B--", "1e9"])
async def test_an_order_that_is_not_there(stand, ref):
    answer = await stand.client().get(f"{PATH}/{ref}")
    assert (answer.status, (await answer.json())["type"]) == (404, "urn:loa:problem:no_such_order")


@pytest.mark.parametrize(
    "wrong", [{"text": 7}, {"areas": None}, {"strange": 1}, {"carriers": "alle"}, {"basis": "x" * 501}]
)
async def test_a_body_of_another_shape_is_one_clear_answer(stand, wrong):
    answer = await stand.client().post(PATH, json=body(stand) | wrong)
    assert answer.status == 422
    assert (await answer.json())["errors"]


async def test_the_form_is_a_pdf_and_only_officers_get_the_carriers_address(stand):
    view = await approved(stand)
    path = f"{PATH}/{view['code']}/pdf"
    sizes = {}
    for role in (Role.VIEWER, Role.OFFICER):
        answer = await stand.client(role).get(path, params={"carrier": 1})
        pdf = await answer.read()
        assert (answer.status, answer.content_type, pdf[:5]) == (200, "application/pdf", b"%PDF-")
        assert pdf.rstrip().endswith(b"%%EOF")
        sizes[role] = b"/URI" in pdf
    assert sizes == {Role.VIEWER: False, Role.OFFICER: True}
    assert (await stand.client().get(path, params={"carrier": 7})).status == 404
    printed = f"/carrier-orders/{view['code']}/carriers/0/print"
    assert "/carrier/" in await (await (await stand.browser("canbo")).get(printed)).text()
    assert "/carrier/" not in (await (await (await stand.browser("khach")).get(printed)).text()).replace(
        "/carriers/", ""
    )


async def test_looking_confirms_nothing_pressing_does_once(stand):
    code = (await approved(stand))["code"]
    nobody, token = stand.client(None), (await tokens(stand, code))[0]
    for method in ("GET", "HEAD", "GET"):
        assert (await nobody.request(method, f"/carrier/{token}")).status == 200
    assert (await stand.orders.view(code)).carriers[0].acknowledged_at is None
    for name in ("Trực một", "Trực hai"):
        answer = await nobody.post(f"/carrier/{token}/acknowledge", data={"name": name}, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, f"/carrier/{token}")
    carrier = (await stand.orders.view(code)).carriers[0]
    assert (carrier.acknowledged_by, carrier.acknowledged_via) == ("Trực một", "page")
    assert (await stand.orders.view(code)).carriers[1].acknowledged_at is None


async def test_a_carriers_page_shows_nothing_of_the_house(stand):
    code = (await approved(stand))["code"]
    one, other = await tokens(stand, code)
    answer = await stand.client(None).get(f"/carrier/{one}")
    text = await answer.text()
    assert "Nhà mạng A" in text
    for hidden in ("Nhà mạng B", other, "canbo", "lanhdao", "/inbox", "/broadcasts"):
        assert hidden not in text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("token", ["x", "A" * 32, "A" * 3_000, "..%2F..", "%00", "1"])
@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("POST", "/acknowledge"), ("POST", "/report")])
async def test_a_guessed_token_is_not_found(stand, token, method, end):
    await approved(stand)
    data = {"sent": "1", "delivered": "1", "failed": "0", "finished_at": "2026-09-21T10:00"} if end else None
    answer = await stand.client(None).request(method, f"/carrier/{token}{end}", data=data)
    assert answer.status == 404


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"sent": "1.250.000", "delivered": "1 200 000", "failed": "50,000", "finished_at": "2026-09-21T21:00"}, 303),
        ({"sent": "10", "delivered": "11", "failed": "0", "finished_at": "2026-09-21T21:00"}, 422),
        ({"sent": "-1", "delivered": "0", "failed": "0", "finished_at": "2026-09-21T21:00"}, 422),
        ({"sent": "viele", "delivered": "0", "failed": "0", "finished_at": "2026-09-21T21:00"}, 422),
        ({"sent": "9" * 400, "delivered": "0", "failed": "0", "finished_at": "2026-09-21T21:00"}, 422),
        ({"sent": "1", "delivered": "1", "failed": "0", "finished_at": "gestern"}, 422),
        ({"sent": "1", "delivered": "1", "failed": "0", "finished_at": "2030-01-01T00:00"}, 422),
        ({}, 422),
    ],
)
async def test_counts_as_people_type_them(stand, data, status):
    code = (await approved(stand))["code"]
    token = (await tokens(stand, code))[0]
    answer = await stand.client(None).post(f"/carrier/{token}/report", data=data, allow_redirects=False)
    assert answer.status == status, await answer.text()
    assert (await stand.orders.view(code)).carriers[0].sent == (1_250_000 if status == 303 else None)


async def test_a_cancelled_order_says_so_to_its_carrier(stand):
    code = (await approved(stand))["code"]
    token = (await tokens(stand, code))[0]
    await post(stand.client(), f"{PATH}/{code}/cancel", {"reason": "bão đổi hướng"})
    text = await (await stand.client(None).get(f"/carrier/{token}")).text()
    assert "LỆNH NÀY ĐÃ HUỶ" in text
    assert "bão đổi hướng" in text
    assert "/acknowledge" not in text
    answer = await stand.client(None).post(f"/carrier/{token}/acknowledge", data={})
    assert answer.status == 409


async def test_a_form_from_another_site_does_not_confirm(stand):
    code = (await approved(stand))["code"]
    token = (await tokens(stand, code))[0]
    foreign = stand.client(None, **{"Sec-Fetch-Site": "cross-site"})
    assert (await foreign.post(f"/carrier/{token}/acknowledge", data={})).status == 403


async def test_approving_on_the_page_needs_the_number_of_communes(stand):
    officer = stand.client()
    code = (await post(officer, PATH, body(stand), 201))["code"]
    asked = await post(officer, f"{PATH}/{code}/submit")
    browser = await stand.browser("lanhdao")
    form = {"csrf": await stand.csrf("lanhdao"), "content_hash": asked["content_hash"]}
    path = f"/carrier-orders/{code}/approve"
    assert (await browser.post(path, data=form | {"number": "3"}, allow_redirects=False)).status == 422
    assert (await browser.post(path, data=form | {"number": "2"}, allow_redirects=False)).status == 303
    assert (await stand.orders.view(code)).state == "approved"


async def test_a_form_that_is_wrong_comes_back_as_it_was_typed(stand):
    browser = await stand.browser("canbo")
    data = {
        "csrf": await stand.csrf("canbo"),
        "text": SOURCE_003,
        "areas": "99999",
        "starts_at": "mai",
        "mode": "actual",
    }
    answer = await browser.post("/carrier-orders/new", data=data)
    text = await answer.text()
    assert answer.status == 422
    for kept in ("Covid – 19</textarea>", 'value="99999"', "332/160", "aria-invalid"):
        assert kept in text


def pairs(form):
    return [(name, one) for name, value in form.items() for one in ([value] if isinstance(value, str) else value)]


async def page_post(stand, client, path, **form):
    data = {"csrf": await stand.csrf("canbo")} | form
    return await client.post(path, data=MultiDict(pairs(data)), allow_redirects=False)


async def test_areas_are_chosen_by_clicking(stand):
    officer = await stand.browser("canbo")
    typed = {name: value for name, value in body(stand).items() if isinstance(value, str)}
    typed |= {name: typed[name][:16] for name in ("starts_at", "ends_at")}
    chosen = typed | {"areas": "", "reach": "some", "unit": ["14812", "16012"]}
    kept = await page_post(stand, officer, "/carrier-orders/new", **chosen)
    assert kept.status == 303, await kept.text()
    code = kept.headers["Location"].rpartition("/")[2]
    assert [area for area, _ in (await stand.orders.view(code)).areas] == ["14812", "16012"]
    again = await (await officer.get(f"/carrier-orders/{code}/edit")).text()
    assert 'value="some" checked' in again
    assert again.count('value="16012" checked') >= 1
    whole = await page_post(stand, officer, f"/carrier-orders/{code}/edit", **typed | {"areas": "", "reach": "all"})
    assert whole.status == 303
    assert (await stand.orders.view(code)).all_units
    none = await page_post(
        stand, officer, f"/carrier-orders/{code}/edit", **typed | {"areas": "unit:14812", "reach": "some"}
    )
    assert none.status == 422, "boxes count, not what stands in the hidden field"


async def test_an_orders_page_turns_while_it_is_open(stand):
    code = (await approved(stand))["code"]
    officer = await stand.browser("canbo")
    first = await (await officer.get("/live/now", params={"order": code})).json()
    assert {"order-tags", "carrier-0", "calls-0", "carrier-1", "calls-1"} <= set(first["parts"])
    assert (await officer.get("/live/now", params={"order": code, "seen": first["seen"]})).status == 204
    shown = await (await officer.get(f"/carrier-orders/{code}")).text()
    assert all(f'id="{name}"' in shown for name in ("order-tags", "carrier-0", "calls-1"))
    await post(
        stand.client(),
        f"/api/v1/carrier-orders/{code}/calls",
        {"carrier": 0, "result": "confirmed", "spoke_to": "A"},
        201,
    )
    stand.clock.at += 5
    await asyncio.sleep(streams.HINT_GAP_SECONDS + 0.1)
    then = await (await officer.get("/live/now", params={"order": code, "seen": first["seen"]})).json()
    assert then["parts"]["carrier-0"] != first["parts"]["carrier-0"]
    assert then["parts"]["carrier-1"] == first["parts"]["carrier-1"]
    assert (await officer.get("/live/now", params={"order": "NM0000-99"})).status == 404
