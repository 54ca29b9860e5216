"""The simulated Zalo by itself: its wire shapes, its refusals, and the control API that the demo and drills use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, FormData

from simulators.zalo import APP, BOT_GROUP_ID, BOT_TOKEN, GROUP_ID, GROUP_LINK, ZaloSim
from tests.contract.recording import until
from tests.contract.zalo_stand import DEPUTY, LEADER, SILENT, Clock, simulator, stand


class Caller:
    """Calls with a token, as the OA's own program would."""

    def __init__(self, sim: ZaloSim, session: ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.token = sim.oauth._pair(90_000)["access_token"]

    async def get(self, path: str, **params: str) -> Any:
        headers = {"access_token": self.token}
        async with self.session.get(self.sim.url + path, params=params, headers=headers) as answer:
            return await answer.json()

    async def post(self, path: str, body: Any, token: str | None = None) -> Any:
        headers = {"access_token": self.token if token is None else token}
        async with self.session.post(self.sim.url + path, json=body, headers=headers) as answer:
            assert {"X-RateLimit-Limit", "X-RateLimit-Remain"} <= answer.headers.keys() or "_sim" in path
            return await answer.json()

    async def bot(self, method: str, token: str = BOT_TOKEN, **params: Any) -> tuple[int, Any]:
        async with self.session.post(f"{self.sim.url}/bot{token}/{method}", json=params) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with simulator() as sim, ClientSession() as session:
        yield Caller(sim, session)


def text(to: str = LEADER, body: str = "tin", **more: Any) -> dict[str, Any]:
    return {"recipient": {"user_id": to}, "message": {"text": body, **more}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (text(), 0),
        (text(body="x" * 2000), 0),
        (text(body="x" * 2001), -210),
        (text(body=""), -201),
        (text(to="8999"), -201),
        (text(to=SILENT), -230),
        (text(attachment={"payload": {"buttons": [{"title": "a", "payload": "b"}] * 6}}), -210),
        (text(attachment={"payload": {"buttons": [{"title": "", "payload": "b"}]}}), -201),
        (text(attachment={"type": "file", "payload": {"token": "none"}}), -100),
        ([], -201),
    ],
)
async def test_consultation_message(caller: Caller, body: Any, code: int) -> None:
    answer = await caller.post("/v3.0/oa/message/cs", body)
    assert answer["error"] == code
    assert ("data" in answer) == (code == 0)
    if code == 0:
        assert set(answer["data"]) == {"message_id", "user_id", "quota"}
        assert len(answer["data"]["message_id"]) == 20


async def test_tokens(caller: Caller) -> None:
    clock = Clock()
    async with simulator(clock) as sim:
        dated = Caller(sim, caller.session)
        assert (await dated.post("/v3.0/oa/message/cs", text(), token=""))["error"] == -216
        assert (await dated.post("/v3.0/oa/message/cs", text(), token="at.9.9.9"))["error"] == -216
        clock.now += 90_000
        assert (await dated.post("/v3.0/oa/message/cs", text()))["error"] == -220


async def test_the_oa_and_its_people(caller: Caller) -> None:
    info = (await caller.get("/v2.0/oa/getoa"))["data"]
    assert (info["oaid"], info["is_verified"], info["oa_type"]) == (APP.oa_id, True, 2)
    detail = (await caller.get("/v3.0/oa/user/detail", data=f'{{"user_id":"{LEADER}"}}'))["data"]
    assert detail["display_name"] == "Chủ tịch xã A"
    listed = (await caller.get("/v3.0/oa/user/getlist", data='{"offset":0,"count":50}'))["data"]
    assert listed["total"] == len(listed["users"]) == 4
    assert (await caller.get("/v3.0/oa/user/getlist", data='{"count":51}'))["error"] == -210
    quota = (await caller.post("/v3.0/oa/quota/message", {"user_id": LEADER}))["data"]
    assert int(quota["last_interaction"]) > 0
    assert (await caller.post("/v3.0/oa/quota/message", {"product_type": "cs"}))["data"][0]["product_type"] == "cs"


async def test_life_of_a_group(caller: Caller) -> None:
    path = "/v3.0/oa/group"
    made = (
        await caller.post(
            f"{path}/creategroupwithoa", {"group_name": "Cụm 1", "asset_id": "a", "member_user_ids": [LEADER]}
        )
    )["data"]
    group = {"group_id": made["group_id"]}
    assert made["group_link"].startswith("https://zalo.me/g/")
    assert (await caller.post(f"{path}/invite", {**group, "member_user_ids": [DEPUTY]}))["error"] == 0
    members = (await caller.get(f"{path}/listmember", **group, offset="0", count="50"))["data"]["members"]
    assert [row.get("user_id") or row["oa_id"] for row in members] == [APP.oa_id, LEADER, DEPUTY]
    assert (await caller.post(f"{path}/addadmins", {**group, "member_user_ids": [DEPUTY]}))["error"] == 0
    assert (await caller.post(f"{path}/removemembers", {**group, "member_user_ids": [LEADER]}))["error"] == 0
    assert (await caller.post(f"{path}/updateinfo", {**group, "group_name": "Cụm 2"}))["error"] == 0
    found = (await caller.get(f"{path}/getgroup", **group))["data"]
    assert (found["group_info"]["name"], found["group_info"]["total_member"]) == ("Cụm 2", "1")
    owned = (await caller.get(f"{path}/getgroupsofoa", offset="0", count="50"))["data"]
    assert {row["group_link"] for row in owned["groups"]} == {GROUP_LINK, made["group_link"]}
    assert len((await caller.post("/v3.0/oa/quota/group", {"quota_owner": "OA"}))["data"]) == 2
    assert (await caller.post(f"{path}/delete", group))["error"] == 0
    assert (await caller.get(f"{path}/getgroup", **group))["error"] == -403
    too_many = {"group_name": "x", "asset_id": "a", "member_user_ids": [LEADER] * 100}
    assert (await caller.post(f"{path}/creategroupwithoa", too_many))["error"] == -210


async def test_chats_can_be_read_back(caller: Caller) -> None:
    body = {"recipient": {"group_id": GROUP_ID}, "message": {"text": "tin"}}
    sent = (await caller.post("/v3.0/oa/group/message", body))["data"]
    await caller.sim.person_says(LEADER, GROUP_ID, "đã nhận")
    first, second = (await caller.get("/v3.0/oa/group/conversation", group_id=GROUP_ID))["data"]
    assert (first["src"], first["message"], first["from_id"]) == (1, "đã nhận", LEADER)
    assert (second["src"], second["message_id"]) == (0, sent["message_id"])
    assert isinstance(first["time"], int)
    await caller.post("/v3.0/oa/message/cs", text(body="riêng"))
    (one,) = (await caller.get("/v2.0/oa/conversation", data=f'{{"user_id":"{LEADER}","count":10}}'))["data"]
    assert (one["message"], one["to_id"]) == ("riêng", LEADER)
    assert (await caller.get("/v3.0/oa/group/listrecentchat", offset="0", count="5"))["data"][0]["message"] == "đã nhận"


@pytest.mark.parametrize(
    ("kind", "content_type", "size", "code"),
    [
        ("image", "image/png", 1000, 0),
        ("image", "image/png", (1 << 20) + 1, -210),
        ("image", "application/pdf", 1000, -201),
        ("gif", "image/gif", 1000, 0),
        ("file", "application/pdf", 1000, 0),
        ("file", "text/plain", 1000, -201),
    ],
)
async def test_uploads(caller: Caller, kind: str, content_type: str, size: int, code: int) -> None:
    form = FormData()
    form.add_field("file", b"x" * size, filename="a", content_type=content_type)
    headers = {"access_token": caller.token}
    async with caller.session.post(f"{caller.sim.url}/v2.0/oa/upload/{kind}", data=form, headers=headers) as answer:
        body = await answer.json()
    assert body["error"] == code
    if kind == "file" and code == 0:
        attached = text(attachment={"type": "file", "payload": body["data"]})
        assert (await caller.post("/v3.0/oa/message/cs", attached))["error"] == 0


async def test_bot_methods(caller: Caller) -> None:
    assert (await caller.bot("getMe"))[1]["result"]["can_join_groups"] is True
    assert await caller.bot("getUpdates", timeout=0) == (
        408,
        {"ok": False, "description": "Request timeout", "error_code": 408},
    )
    assert (await caller.bot("getWebhookInfo"))[0] == 404
    assert (await caller.bot("getMe", token="1:wrong"))[0] == 401
    assert (await caller.bot("getme"))[0] == 404
    assert (await caller.bot("sendMessage", chat_id=BOT_GROUP_ID, text="x" * 2001))[0] == 400
    assert (await caller.bot("sendMessage", chat_id=DEPUTY, text="x"))[0] == 404  # never wrote to the bot
    assert (await caller.bot("sendPhoto", chat_id=BOT_GROUP_ID, photo="https://anh.example/a.jpg"))[0] == 200
    assert (await caller.bot("sendSticker", chat_id=BOT_GROUP_ID, sticker="s1"))[1]["ok"]
    assert (await caller.bot("sendChatAction", chat_id=BOT_GROUP_ID, action="typing"))[1] == {"ok": True}
    shown = len(caller.sim.stage.lines)
    assert (await caller.bot("sendVoice", chat_id=BOT_GROUP_ID, voice_url="https://a.example/a.aac"))[1]["ok"]
    assert len(caller.sim.stage.lines) == shown  # says ok and does not arrive


@pytest.mark.parametrize(
    ("url", "secret", "status"),
    [
        ("https://loa.example/hooks/zalo.bot", "", 400),
        ("https://loa.example/hooks/zalo.bot", "short", 400),
        ("https://loa.example/hooks/zalo.bot", "long-enough", 200),
        ("http://loa.example/hooks/zalo.bot", "long-enough", 400),
    ],
)
async def test_set_webhook(caller: Caller, url: str, secret: str, status: int) -> None:
    caller.sim.set_faults({"bot_https_only": True})
    assert (await caller.bot("setWebhook", url=url, secret_token=secret))[0] == status
    assert (await caller.bot("getUpdates", timeout=0))[0] == (409 if status == 200 else 408)


async def test_control_api_of_people_and_groups(caller: Caller) -> None:
    people = [{"user_id": "u1", "name": "Xã D", "off": True}, {"user_id": "u2", "last_interaction_days": 8}]
    assert (await caller.post("/_sim/users", people)) == {"ok": True}
    group = [{"group_id": "bb22", "name": "Cụm 3", "members": ["u1", LEADER], "status": "disabled"}]
    assert (await caller.post("/_sim/groups", group)) == {"ok": True}
    assert (await caller.post("/v3.0/oa/message/cs", text("u2")))["error"] == -230
    body = {"recipient": {"group_id": "bb22"}, "message": {"text": "tin"}}
    assert (await caller.post("/v3.0/oa/group/message", body))["error"] == -237
    await caller.post("/v3.0/oa/message/cs", text("u1"))
    found = await caller.get("/_sim/people")
    assert {user["user_id"]: user["waiting"] for user in found["users"]}["u1"] == 1
    await caller.post("/_sim/users", [{"user_id": "u1", "off": False}])
    await until(lambda: [line.address for line in caller.sim.stage.lines] == ["u1"])
    never = [{"user_id": "u2", "last_interaction_days": -1}]
    await caller.post("/_sim/users", never)
    assert (await caller.post("/v3.0/oa/message/cs", text("u2")))["error"] == -232


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/_sim/users", [{"user_id": "u1", "shoe_size": 41}], "shoe_size"),
        ("/_sim/groups", [{"group_id": "g", "colour": "red"}], "colour"),
        ("/_sim/act", {"user_id": LEADER, "does": "fly"}, "fly"),
        ("/_sim/act", {"user_id": LEADER, "does": "join", "group_id": "none"}, "none"),
        ("/_sim/act", {"user_id": LEADER, "does": "react", "message": 99}, "no such message"),
        ("/_sim/reply", {"sender": LEADER, "message": 99, "text": "x"}, "no such message"),
        ("/_sim/say", {"sender": LEADER, "chat": "none", "text": "x"}, "none"),
        ("/_sim/faults", {"outage": "maybe"}, "outage"),
        ("/_sim/faults", {"webhook_prefix": "md5="}, "webhook_prefix"),
    ],
)
async def test_control_api_refuses_what_makes_no_sense(caller: Caller, path: str, body: Any, says: str) -> None:
    assert says in (await caller.post(path, body))["error"]


async def test_replies_and_reactions_name_their_message() -> None:
    async with stand(oa_user={}, oa_group={}) as made, ClientSession() as session:
        caller = Caller(made.sim, session)
        body = {"recipient": {"group_id": GROUP_ID}, "message": {"text": "tin"}}
        sent = (await caller.post("/v3.0/oa/group/message", body))["data"]["message_id"]
        line = made.sim.stage.lines[-1].n
        await caller.post("/_sim/reply", {"sender": LEADER, "message": line, "text": "đã nhận"})
        await caller.post("/_sim/act", {"user_id": LEADER, "does": "react", "message": line})
        await until(lambda: len(made.sink.inbox) == 2)
        assert {(one.text, one.payload, one.reply_to) for one in made.sink.inbox.values()} == {
            ("đã nhận", "", sent),
            ("", "/-strong", sent),
        }


async def test_webhook_address_that_does_not_answer_is_not_taken(caller: Caller) -> None:
    assert await caller.post("/_sim/webhook", {"url": "http://127.0.0.1:9/hooks"}) == {"enabled": False}


async def test_expired_tokens_on_demand(caller: Caller) -> None:
    pair = caller.sim.oauth._pair(90_000)
    assert await caller.post("/_sim/expire_tokens", {}) == {"ok": True}
    assert (await caller.post("/v3.0/oa/message/cs", text(), token=pair["access_token"]))["error"] == -216
