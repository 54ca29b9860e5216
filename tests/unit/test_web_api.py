"""The API over a real ledger and a real desk: the way of a broadcast, who may do what, and each bad input in one
clear sentence."""

import asyncio
import uuid

import orjson
import pytest

from broadcasts.model import Role
from store.engine import LedgerError, LedgerWriteError
from tests.web_stand import CHAIRMEN, TEXT, Stand

PROBLEM = "application/problem+json"


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def problem(answer, status):
    body = await answer.json(content_type=PROBLEM)
    assert answer.status == status, body
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status
    assert body["title"]
    assert body["detail"].endswith((".", "?"))
    return body


async def drafted(client, **values):
    answer = await client.post("/api/v1/broadcasts", json={**TEXT, **values})
    assert answer.status == 201, await answer.text()
    return await answer.json()


async def test_a_broadcast_from_draft_to_rollcall(stand):
    officer, approver = stand.client(), stand.client(Role.APPROVER)
    made = await drafted(officer)
    assert {"code", "id", "state", "counts", "rollcall", "content_hash"} <= set(made)
    assert made["state"] == "draft"
    asked = await (await officer.post(f"/api/v1/broadcasts/{made['id']}/submit")).json()
    assert asked["state"] == "pending_approval"
    sent = await approver.post(
        f"/api/v1/broadcasts/{made['code']}/approve", json={"content_hash": asked["content_hash"]}
    )
    assert sent.status == 200
    await stand.room.until(lambda: len(stand.zalo.left) == CHAIRMEN)
    await stand.arrive(100)
    view = await (await officer.get(f"/api/v1/broadcasts/{made['code']}")).json()
    assert view["counts"]["delivered"] == 100
    rows = await (await officer.get(f"/api/v1/broadcasts/{made['code']}/rollcall")).json()
    assert rows["counts"] == {"awaiting": CHAIRMEN}
    assert len(rows["items"]) == CHAIRMEN
    unit = rows["items"][0]["unit"]
    marked = await officer.post(
        f"/api/v1/broadcasts/{made['code']}/rollcall/{unit}", json={"state": "acknowledged", "note": "đã gọi điện"}
    )
    assert (await marked.json())["by_staff"] == "khoa-canbo"
    page = await (await officer.get(f"/api/v1/broadcasts/{made['code']}/rollcall?state=acknowledged")).json()
    assert [row["unit"] for row in page["items"]] == [unit]
    listed = await (await officer.get("/api/v1/broadcasts?state=sent")).json()
    assert made["code"] in [one["code"] for one in listed["items"]]


async def test_deliveries_come_in_pages(stand):
    code = await stand.sent()
    client = stand.client(Role.VIEWER)
    seen, after = [], 0
    while after is not None:
        answer = await client.get(f"/api/v1/broadcasts/{code}/deliveries?after={after}&limit=50")
        page = await answer.json()
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == CHAIRMEN
    assert seen == sorted(seen)


async def test_the_preview_says_what_stands_in_the_way(stand):
    answer = await stand.client().post(
        "/api/v1/broadcasts/preview", json={"template": "T1", "audience": "unit:16012", "channels": ["zalo"]}
    )
    body = await answer.json()
    assert body["units"] == 1
    assert {"blanks.so_bao", "blanks.han"} <= {one["field"] for one in body["problems"]}
    assert all(one["says"] and not one["says"].startswith("problem.") for one in body["problems"])


# -- idempotency -------------------------------------------------------------------------------------------------------


async def test_one_key_makes_one_broadcast(stand):
    client, key = stand.client(), str(uuid.uuid4())
    answers = await asyncio.gather(
        *(client.post("/api/v1/broadcasts", json=TEXT, headers={"Idempotency-Key": key}) for _ in range(5))
    )
    bodies = [await answer.read() for answer in answers]
    assert {answer.status for answer in answers} == {201}
    assert len(set(bodies)) == 1
    assert sum(answer.headers.get("Idempotent-Replayed") == "true" for answer in answers) == 4
    listed = await (await client.get("/api/v1/broadcasts")).json()
    assert len(listed["items"]) == 1


async def test_the_answer_to_a_key_is_remembered_by_the_ledger(stand):
    client, headers = stand.client(), {"Idempotency-Key": "mot"}
    first = await (await client.post("/api/v1/broadcasts", json=TEXT, headers=headers)).json()
    again = stand.client()
    reordered = dict(reversed(list(TEXT.items())))
    second = await (await again.post("/api/v1/broadcasts", json=reordered, headers=headers)).json()
    assert first == second


async def test_the_same_key_with_another_body_is_refused(stand):
    client, headers = stand.client(), {"Idempotency-Key": "mot"}
    await client.post("/api/v1/broadcasts", json=TEXT, headers=headers)
    other = await client.post("/api/v1/broadcasts", json={**TEXT, "text": "Khác"}, headers=headers)
    body = await problem(other, 422)
    assert body["type"].endswith("idempotency_key_reused")


async def test_another_callers_key_is_another_key(stand):
    headers = {"Idempotency-Key": "mot"}
    one = await (await stand.client().post("/api/v1/broadcasts", json=TEXT, headers=headers)).json()
    two = await (await stand.client(Role.ADMIN).post("/api/v1/broadcasts", json=TEXT, headers=headers)).json()
    assert one["code"] != two["code"]


async def test_a_refused_request_frees_its_key(stand):
    client, headers = stand.client(), {"Idempotency-Key": "mot"}
    await problem(await client.post("/api/v1/broadcasts", json={**TEXT, "text": " "}, headers=headers), 422)
    assert (await client.post("/api/v1/broadcasts", json=TEXT, headers=headers)).status == 201


async def test_a_request_cut_off_by_a_crash_is_not_done_twice(stand):
    from store import access

    client, headers = stand.client(), {"Idempotency-Key": "mot"}
    stand.services.desk.draft, kept = crash, stand.services.desk.draft
    assert (await client.post("/api/v1/broadcasts", json=TEXT, headers=headers)).status == 500
    stand.services.desk.draft = kept
    body = await problem(await client.post("/api/v1/broadcasts", json=TEXT, headers=headers), 409)
    assert body["type"].endswith("idempotency_unfinished")
    rows = await stand.room.ledger.read(lambda tx: tx.execute("SELECT owner, status FROM idempotency").fetchall())
    assert rows == [("khoa-canbo", 0)]
    assert access.ANSWERS_KEPT_SECONDS > 3600


async def crash(*_):
    raise RuntimeError("secret internals")


@pytest.mark.parametrize("key", [" ", "a" * 256, "khoá"])
async def test_a_malformed_key_is_refused(stand, key):
    raw = key.encode("utf-8").decode("latin-1") if key == "khoá" else key
    answer = await stand.client().post("/api/v1/broadcasts", json=TEXT, headers={"Idempotency-Key": raw})
    assert answer.status == (201 if key == " " and "Idempotency-Key" not in answer.request_info.headers else 422)


# -- who may do what ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer ", "Bearer sai", "bearer loa_khong-co"])
async def test_without_a_right_key_nothing_is_told(stand, header):
    client = stand.client(None)
    headers = {"Authorization": header} if header is not None else {}
    answer = await client.get("/api/v1/broadcasts", headers=headers)
    await problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_the_author_may_not_approve(stand):
    admin = stand.client(Role.ADMIN)
    made = await drafted(admin)
    asked = await (await admin.post(f"/api/v1/broadcasts/{made['code']}/submit")).json()
    answer = await admin.post(
        f"/api/v1/broadcasts/{made['code']}/approve", json={"content_hash": asked["content_hash"]}
    )
    await problem(answer, 403)
    assert stand.zalo.left == []


async def test_a_stale_hash_and_a_wrong_state_conflict(stand):
    officer, approver = stand.client(), stand.client(Role.APPROVER)
    made = await drafted(officer)
    path = f"/api/v1/broadcasts/{made['code']}"
    await problem(await approver.post(f"{path}/approve", json={"content_hash": "x"}), 409)
    await officer.post(f"{path}/submit")
    body = await problem(await approver.post(f"{path}/approve", json={"content_hash": "x"}), 409)
    assert body["type"].endswith("stale_hash")
    assert stand.zalo.left == []
    await problem(await approver.post(f"{path}/return", json={"reason": "  "}), 422)
    returned = await (await approver.post(f"{path}/return", json={"reason": "Sửa giờ"})).json()
    assert (returned["state"], returned["reason"]) == ("returned", "Sửa giờ")
    edited = await officer.put(path, json={**TEXT, "text": "Bản hai"})
    assert (await edited.json())["version"] == 2


async def test_a_correction_replaces(stand):
    code = await stand.sent()
    answer = await stand.client().post(f"/api/v1/broadcasts/{code}/supersede", json={})
    body = await answer.json()
    assert (answer.status, body["supersedes"], body["state"]) == (201, code, "draft")


async def test_cancelling_needs_a_reason_and_stops(stand):
    client = stand.client()
    made = await drafted(client)
    path = f"/api/v1/broadcasts/{made['code']}/cancel"
    await problem(await client.post(path, json={}), 422)
    assert (await (await client.post(path, json={"reason": "Nhầm"})).json())["state"] == "cancelled"
    await problem(await client.post(path, json={"reason": "Nhầm"}), 409)


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"audience": "all-units", "tuoi": 3}, "tuoi"),
        ({"text": "x"}, "audience"),
        ({"text": 5, "audience": "all-units"}, "text"),
        ({"text": "x", "audience": "all-units", "accented": "yes"}, "accented"),
        ({"text": "x", "audience": "all-units", "accented": 1}, "accented"),
        ({"text": "x", "audience": "all-units", "channels": "zalo"}, "channels"),
        ({"text": "x", "audience": "all-units", "channels": [True]}, "channels.0"),
        ({"text": "x", "audience": "all-units", "valid_for_seconds": "6h"}, "valid_for_seconds"),
        ({"text": "x", "audience": "all-units", "valid_for_seconds": False}, "valid_for_seconds"),
        ({"text": "x", "audience": "all-units", "blanks": ["a"]}, "blanks"),
        ({"text": "x", "audience": "khong-co"}, "audience"),
        ({"text": "x", "audience": "all-units", "channels": ["buu-dien"]}, "channels"),
        ({"text": "x", "audience": "all-units", "valid_for_seconds": -1}, "valid_for_seconds"),
        ({"text": "x", "audience": "all-units", "urgency": "vội"}, "urgency"),
        ({"template": "khong-co", "audience": "all-units"}, "template"),
        ({"text": "x", "audience": "all-units", "fire_at": "mai"}, "fire_at"),
    ],
)
async def test_each_wrong_field_gets_one_sentence(stand, body, field):
    found = await problem(await stand.client().post("/api/v1/broadcasts", json=body), 422)
    says = {one["field"]: one["says"] for one in found["errors"]}
    assert field in says
    assert says[field].endswith(".")


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'"x"', b"{\xff}", b'{"a": NaN}', b"{}{}", b'{"text": "' + b"\xed\xa0\x80" + b'"}'],
)
async def test_malformed_json_is_refused(stand, raw):
    answer = await stand.client().post("/api/v1/broadcasts", data=raw, headers={"Content-Type": "application/json"})
    await problem(answer, 422)


async def test_what_is_json_is_taken_whatever_it_is_called(stand):
    client, raw = stand.client(), orjson.dumps(TEXT)
    for media in ("application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8"):
        answer = await client.post("/api/v1/broadcasts", data=raw, headers={"Content-Type": media})
        assert answer.status == 201
    await problem(await client.post("/api/v1/broadcasts", data={"text": "x"}), 422)


async def test_a_body_that_is_too_large_is_refused(stand):
    raw = orjson.dumps({**TEXT, "text": "x" * (2 << 20)})
    answer = await stand.client().post("/api/v1/broadcasts", data=raw, headers={"Content-Type": "application/json"})
    await problem(answer, 413)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/broadcasts/TB9999-99", 404),
        ("GET", "/broadcasts/0", 404),
        ("GET", "/broadcasts/99999999999999999999", 404),
        ("GET", "/broadcasts/%00", 404),
        ("GET", "/broadcasts/²", 404),
        ("GET", "/broadcasts?state=khong-co", 422),
        ("GET", "/broadcasts?limit=0", 422),
        ("GET", "/broadcasts?la=1", 422),
        ("GET", "/messages/khong-co", 404),
        ("GET", "/messages/99999999999999999999", 404),
        ("GET", "/messages/²", 404),
        ("GET", "/inbox?before=x", 422),
        ("GET", "/khong-co", 404),
        ("DELETE", "/broadcasts", 405),
        ("PATCH", "/units", 405),
    ],
)
async def test_wrong_paths_and_queries(stand, method, path, status):
    answer = await stand.client().request(method, "/api/v1" + path)
    await problem(answer, status)
    if status == 405:
        assert answer.headers["Allow"]


async def test_the_sentence_is_in_the_callers_language(stand):
    says = {}
    for lang in ("", "vi", "en-GB,en;q=0.8", "fr"):
        client = stand.client(**({"Accept-Language": lang} if lang else {}))
        says[lang] = (await problem(await client.get("/api/v1/broadcasts/TB9999-99"), 404))["detail"]
    assert says[""] == says["vi"] == says["fr"] == "Không có tin nào mang mã “TB9999-99”."
    assert says["en-GB,en;q=0.8"] == "There is no message with the code “TB9999-99”."


async def test_an_unexpected_error_tells_nothing_of_the_inside(stand):
    stand.services.desk.list = crash
    body = await problem(await stand.client().get("/api/v1/broadcasts"), 500)
    assert "secret" not in orjson.dumps(body).decode()
    assert body["type"].endswith("unexpected")


@pytest.mark.parametrize("failed", [LedgerWriteError("disk_full"), LedgerError("ledger_closed")])
async def test_a_ledger_that_cannot_write_is_503_and_nothing_is_kept(stand, failed):
    async def refuse(*_):
        raise failed

    client, headers = stand.client(), {"Idempotency-Key": "mot"}
    kept, stand.services.desk.draft = stand.services.desk.draft, refuse
    answer = await client.post("/api/v1/broadcasts", json=TEXT)
    await problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    await problem(await client.post("/api/v1/broadcasts", json=TEXT, headers=headers), 503)
    stand.services.desk.draft = kept
    retried = await client.post("/api/v1/broadcasts", json=TEXT, headers=headers)
    assert retried.status == (201 if isinstance(failed, LedgerWriteError) else 409)


async def test_a_key_that_asks_without_end_is_slowed(stand, monkeypatch):
    monkeypatch.setattr("web.api.rate.BURST", 3.0)
    client = stand.client()
    statuses = [(await client.get("/api/v1/units?q=hau")).status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    answer = await client.get("/api/v1/units")
    await problem(answer, 429)
    assert answer.headers["Retry-After"] == "1"
    assert (await stand.client(Role.VIEWER).get("/api/v1/units")).status == 200
    stand.clock.at += 1
    assert (await client.get("/api/v1/units")).status == 200


# -- the rest of the contract ------------------------------------------------------------------------------------------


async def test_one_message_to_one_recipient(stand):
    client = stand.client()
    body = {"channel": "sms", "to": "84900000001", "text": "Chào"}
    first = await client.post("/api/v1/messages", json=body, headers={"Idempotency-Key": "m"})
    again = await client.post("/api/v1/messages", json=body, headers={"Idempotency-Key": "m"})
    assert first.status == again.status == 202
    made = await first.json()
    assert made == await again.json()
    await stand.room.until(lambda: len(stand.sms.left) == 1)
    assert made["to"] == "8490***001"
    await stand.room.until(lambda: state_is(client, made["id"], "accepted"))
    assert len(stand.sms.left) == 1
    await problem(await client.post("/api/v1/messages", json={**body, "channel": "buu-dien"}), 422)


async def state_is(client, delivery, state):
    return (await (await client.get(f"/api/v1/messages/{delivery}")).json())["state"] == state


async def test_units_are_found_without_accents(stand):
    client = stand.client(Role.VIEWER)
    assert len((await (await client.get("/api/v1/units")).json())["items"]) == 166
    found = (await (await client.get("/api/v1/units?q=hau loc")).json())["items"]
    assert [unit["code"] for unit in found] == ["16012"]


async def test_an_uploaded_list_is_streamed_and_addressed(stand):
    lines = ["so", *(f"09000{n:05d}" for n in range(500)), "khong phai so", "0900000001"]

    async def chunks():
        for line in lines:
            yield (line + "\n").encode()

    client = stand.client()
    headers = {"Content-Type": "application/octet-stream"}
    answer = await client.post("/api/v1/lists", data=chunks(), headers=headers)
    report = await answer.json()
    assert (report["added"], report["rejections"]) == (500, 2) or report["added"] == 500
    assert report["rejected"]
    assert all(one["line"] and one["reason"].endswith(".") for one in report["rejected"])
    named = await client.post("/api/v1/lists?name=dan-ven-de", data=b"0900000001\n0900000002\n", headers=headers)
    assert (await named.json())["added"] == 2
    shown = await client.post(
        "/api/v1/broadcasts/preview", json={"text": "Tin", "audience": "list:dan-ven-de", "channels": ["sms"]}
    )
    body = await shown.json()
    assert (body["numbers"], body["problems"]) == (2, [])


async def test_an_upload_that_is_too_large_is_cut_off(stand, monkeypatch):
    monkeypatch.setattr("web.api.office.LIST_LIMIT", 10_000)

    async def chunks():
        for _ in range(1_000):
            yield b"0900000001\n" * 10

    answer = await stand.client().post(
        "/api/v1/lists", data=chunks(), headers={"Content-Type": "application/octet-stream"}
    )
    await problem(answer, 413)


async def test_people_come_in_by_file(stand):
    table = "unit_code,role,name,phone\n16012,deputy,Người Mẫu Mới,0900009999\n99999,deputy,Sai,0900009998\n"
    admin, headers = stand.client(Role.ADMIN), {"Content-Type": "application/octet-stream"}
    path = "/api/v1/import/people?filename=them.csv"
    dry = await (await admin.post(path + "&dry_run=true", data=table.encode(), headers=headers)).json()
    done = await (await admin.post(path, data=table.encode(), headers=headers)).json()
    assert (dry["added"], dry["dry_run"]) == (done["added"], True)
    assert [one["line"] for one in done["rejected"]] == [3]
    assert "99999" in done["rejected"][0]["reason"]
    await problem(await admin.post("/api/v1/import/people?filename=a.csv", data=b"", headers=headers), 422)


async def test_staff_and_keys_are_made_by_an_admin(stand):
    admin = stand.client(Role.ADMIN)
    made = await (await admin.post("/api/v1/staff", json={"name": "truc.moi", "role": "officer"})).json()
    assert len(made["password"]) >= 12
    await problem(await admin.post("/api/v1/staff", json={"name": "truc.moi", "role": "officer"}), 409)
    await problem(await admin.post("/api/v1/keys", json={"name": "truc.moi", "role": "viewer"}), 409)
    await problem(await admin.post("/api/v1/keys", json={"name": "x", "role": "vua"}), 422)
    key = await (await admin.post("/api/v1/keys", json={"name": "may-doc", "role": "viewer"})).json()
    stand.keys[Role.VIEWER] = key["api_key"]
    assert (await stand.client(Role.VIEWER).get("/api/v1/broadcasts")).status == 200
    stored = await stand.room.ledger.read(lambda tx: tx.execute("SELECT key_hash FROM api_key").fetchall())
    assert key["api_key"] not in str(stored)


async def test_health_and_figures(stand):
    nobody = stand.client(None)
    assert (await nobody.get("/api/v1/health/live")).status == 200
    assert (await (await nobody.get("/api/v1/health/ready")).json())["checks"] == {"ledger": "ok"}
    await problem(await nobody.get("/api/v1/metrics"), 401)
    figures = await stand.client(Role.VIEWER).get("/api/v1/metrics")
    assert figures.headers["Content-Type"].startswith("text/plain")
    assert "loa_http_requests_total" in await figures.text()
    channels = (await (await stand.client(Role.VIEWER).get("/api/v1/channels")).json())["items"]
    assert [(one["name"], one["state"]) for one in channels] == [("zalo.user", "ok"), ("sms.one", "ok")]


async def test_not_ready_when_the_ledger_is_closed(stand):
    await stand.room.stop()
    answer = await stand.client(None).get("/api/v1/health/ready")
    assert (answer.status, (await answer.json())["checks"]) == (503, {"ledger": "ledger_closed"})


# -- the live timeline -------------------------------------------------------------------------------------------------


async def events(answer, enough):
    """Server-sent events until `enough` of them came."""
    found, event = [], {}
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif "data" in event:
            found.append(event)
            event = {}
            if enough(found):
                return found
        else:
            event = {}
    return found


async def test_the_timeline_follows_and_goes_on_after_the_last_event_seen(stand):
    code = await stand.sent()
    client = stand.client(Role.VIEWER)
    async with asyncio.timeout(30), client.get(f"/api/v1/broadcasts/{code}/events") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Accel-Buffering"] == "no"
        first = await events(answer, lambda found: any(one.get("event") == "planned" for one in found))
        ids = [int(one["id"]) for one in first if "id" in one]
        assert ids == sorted(ids)
        unit = stand.units.all[0].code
        await stand.client().post(f"/api/v1/broadcasts/{code}/rollcall/{unit}", json={"state": "acknowledged"})
        more = await events(answer, lambda found: any(one.get("event") == "marked" for one in found))
        assert orjson.loads(more[-1]["data"])["detail"]["unit"] == unit
    headers = {"Last-Event-ID": str(ids[1])}
    async with asyncio.timeout(30), client.get(f"/api/v1/broadcasts/{code}/events", headers=headers) as answer:
        again = await events(answer, lambda found: any(one.get("event") == "counts" for one in found))
    before = {*ids, *(int(one["id"]) for one in more if "id" in one)}
    got = [int(one["id"]) for one in again if "id" in one]
    assert got == sorted(got)
    assert {i for i in before if i > ids[1]} <= set(got)
    assert min(got) > ids[1]


async def test_a_stream_of_nothing_is_404(stand):
    await problem(await stand.client().get("/api/v1/broadcasts/TB9999-99/events"), 404)


async def test_an_open_stream_does_not_hold_the_service_back(stand):
    code = await stand.sent()
    answer = await stand.client().get(f"/api/v1/broadcasts/{code}/events")
    await answer.content.readline()
    loop = asyncio.get_running_loop()
    before = loop.time()
    await stand.server.close()
    assert loop.time() - before < 5
    answer.close()


# -- the document ------------------------------------------------------------------------------------------------------


async def test_the_openapi_document_names_every_route(stand):
    from web.api import ROUTES

    document = await (await stand.client(None).get("/api/v1/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    named = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert named == {(route.method, route.path) for route in ROUTES}
    text = orjson.dumps(document).decode()
    used = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used <= set(document["components"]["schemas"])
