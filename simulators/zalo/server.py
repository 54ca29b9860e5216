"""The simulated Zalo on one port: OAuth, OA, ZNS and Bot Platform by their own paths, and the people on them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

from aiohttp import web

from simulators.journal import Journal
from simulators.serving import Served, serve
from simulators.stage import Shown, Stage, routes
from simulators.zalo import answers, limits
from simulators.zalo.bot import GROUP_PREFIX, Bot, BotRefused
from simulators.zalo.control import control_routes, does
from simulators.zalo.faults import Faults
from simulators.zalo.gateway import Gateway, Knobs
from simulators.zalo.groups import Groups
from simulators.zalo.info import Info
from simulators.zalo.messages import Messages
from simulators.zalo.oauth import App, OauthServer
from simulators.zalo.webhook import WebhookSender
from simulators.zalo.world import FROM_USER, Group, User, World
from simulators.zalo.zns import Zns

APP = App(
    app_id="1234567890123456789",
    app_secret="loa-simulator-app-secret",
    oa_id="3000000000000000003",
    oa_secret_key="loa-simulator-oa-secret-key",
    refresh_token="loa-simulator-first-refresh-token",
)
BOT_TOKEN = "7000000002:loa-simulator-bot-token-000000000000"
BOT_NAME = "Bot PCTT"
GROUP_ID = "aa11bb22cc33dd44ee55"
"""The OA's own group, there from the start."""
GROUP_LINK = "https://zalo.me/g/loamophong"
BOT_GROUP_ID = "zgr-0011aabbccddeeff"
"""An ordinary group with the bot in it, there from the start."""
TO_BOT = "bot"
"""As `chat` of `person_says`: to the bot itself; None is to the Official Account."""


class ZaloSim:
    """`start()` makes one. `world` may be filled by tests and by the people; `bot` and `webhook` show what they did."""

    def __init__(
        self, app: App = APP, bot_token: str = BOT_TOKEN, now: Callable[[], float] = time.time,
        journal: Journal | None = None,
    ) -> None:  # fmt: skip
        """`journal`: what it has is known from the start, but for uploads, groups that people made and the bot's
        side; `resume` goes on with it."""
        self.app = app
        self.bot_token = bot_token
        journal = journal or Journal()
        self.stage = Stage(journal)
        self.world = World(now, journal)
        self.knobs = Knobs(Faults(), journal)
        self.oauth = OauthServer(app, now, journal)
        self.webhook = WebhookSender(app, self._faults, journal)
        self.messages = Messages(app, self.world, self.stage, self.webhook, self._faults, self._spawn, journal)
        self.groups = Groups(app, self.world, self.messages, self.webhook)
        self.info = Info(app, self.world, self.stage, self._faults)
        self.zns = Zns(self.world, self.stage, self.webhook, self.messages.events, self._faults, self._spawn)
        self.bot = Bot(BOT_NAME, self.world, self.stage, self._faults)
        self._gateway = Gateway(self.knobs, self.oauth, self.world, self.stage.counters)
        self._tasks: set[asyncio.Task[None]] = set()
        self._served: Served | None = None
        self.add_group(GROUP_ID, "Trực ban PCTT (nhóm OA)", link=GROUP_LINK)
        self.add_group(BOT_GROUP_ID, "Trực ban PCTT toàn tỉnh")

    def resume(self) -> None:
        """Once the people are there: what an earlier life owed them and the OA's webhook is under way again."""
        self.webhook.remember()
        self.messages.remember()

    @property
    def url(self) -> str:
        return self._served.url if self._served else ""

    @property
    def port(self) -> int:
        return self._served.port if self._served else 0

    async def listen(self, host: str, port: int) -> None:
        app = web.Application(client_max_size=limits.UPLOAD_BYTES["file"] * 2)
        app.add_routes([*routes(self.stage, self), *control_routes(self), *self._oa_routes(), *self._upload_routes()])
        app.add_routes(
            [
                web.get("/v4/oa/permission", self._permission),
                web.post("/v4/oa/access_token", self._token),
                web.route("*", "/bot{token}/{method}", self._bot_call),
            ]
        )
        self._served = await serve(app, host, port)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.webhook.close()
        await self.bot.close()
        if self._served is not None:
            await self._served.close()

    def add_user(self, user_id: str, name: str = "", **more: Any) -> User:
        """A person who wrote to the OA just now, unless `last_interaction` (epoch seconds, None: never) says else."""
        user = User(user_id, name or user_id, **{"last_interaction": self.world.now(), **more})
        self.world.users[user_id] = user
        return user

    def add_group(self, group_id: str, name: str, **more: Any) -> Group:
        owned = not group_id.startswith(GROUP_PREFIX)
        group = Group(group_id, name, **{"owned": owned, **more})
        self.world.groups[group_id] = group
        return group

    async def person_says(self, sender: str, chat: str | None, text: str) -> None:
        self.says(sender, chat, text)

    async def person_does(self, sender: str, what: str, chat: str | None) -> None:
        """Follow or unfollow the OA, join or leave a group."""
        does(self, {"user_id": sender, "does": what, "group_id": chat or ""})

    async def person_presses(self, sender: str, message: Shown, payload: str) -> None:
        """An `oa.query.hide` button: an ordinary text to the OA that nobody sees in the chat."""
        if all(button["payload"] != payload for button in message.buttons):
            raise LookupError("no such button")
        self._to_oa(sender, payload, message)

    def says(self, sender: str, chat: str | None, text: str, reply: Shown | None = None, photo: str = "") -> None:
        """`chat`: None the OA, "bot" the bot, else a group. Raises LookupError for strangers and unknown groups."""
        if chat in (None, TO_BOT):
            self.stage.show(sender, sender, text or photo)
            if chat == TO_BOT:
                self.bot.heard(sender, None, text, reply, photo)
            else:
                self._to_oa(sender, text, reply, photo)
            return
        group = self.world.groups.get(str(chat))
        if group is None or sender not in group.members:
            raise LookupError(f"{sender} is in no group {chat}")
        self.stage.show(group.group_id, sender, text or photo, group=True)
        if group.group_id.startswith(GROUP_PREFIX):
            self.bot.heard(sender, group, text, reply, photo)
        elif group.owned:
            kind = "image" if photo else "text"
            message = self.world.write(group.group_id, FROM_USER, kind, text, sender, group.group_id, photo)
            quote = reply.provider_id if reply else ""
            self.webhook.send(self.messages.events.group_says(message, group.group_id, quote))

    def faults(self) -> dict[str, Any]:
        return asdict(self.knobs.now)

    def set_faults(self, knobs: dict[str, Any]) -> None:
        self.knobs.turn(knobs)

    def _faults(self) -> Faults:
        return self.knobs.now

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _to_oa(self, sender: str, text: str, reply: Shown | None, photo: str = "") -> None:
        if sender not in self.world.users:
            self.add_user(sender)
        self.world.interacted(sender)
        kind = "image" if photo else "text"
        message = self.world.write(sender, FROM_USER, kind, text, sender, self.app.oa_id, photo)
        self.webhook.send(self.messages.events.user_says(message, reply.provider_id if reply else ""))

    def _oa_routes(self) -> list[web.RouteDef]:
        post, get = web.post, web.get
        sends = (
            ("/v3.0/oa/message/cs", self.messages.cs),
            ("/v2.0/oa/message", self.messages.v2),
            ("/v3.0/oa/group/message", self.messages.group),
            ("/message/template", self.zns.send),
        )
        calls = (
            (get, "/v2.0/oa/getoa", self.info.oa),
            (get, "/v3.0/oa/user/detail", self.info.user),
            (get, "/v3.0/oa/user/getlist", self.info.users),
            (post, "/v3.0/oa/quota/message", self.info.quota),
            (post, "/v3.0/oa/quota/group", self.groups.quota),
            (get, "/v2.0/oa/conversation", self.groups.user_conversation),
            (post, "/v3.0/oa/group/creategroupwithoa", self.groups.create),
            (get, "/v3.0/oa/group/getgroup", self.groups.get),
            (get, "/v3.0/oa/group/getgroupsofoa", self.groups.of_oa),
            (get, "/v3.0/oa/group/listmember", self.groups.members),
            (get, "/v3.0/oa/group/listpendinginvite", self.groups.pending),
            (post, "/v3.0/oa/group/invite", self.groups.invite),
            (post, "/v3.0/oa/group/acceptpendinginvite", self.groups.accept),
            (post, "/v3.0/oa/group/rejectpendinginvite", self.groups.reject),
            (post, "/v3.0/oa/group/addadmins", self.groups.add_admins),
            (post, "/v3.0/oa/group/removeadmins", self.groups.remove_admins),
            (post, "/v3.0/oa/group/removemembers", self.groups.remove_members),
            (post, "/v3.0/oa/group/updateinfo", self.groups.update),
            (post, "/v3.0/oa/group/updateasset", self.groups.update_asset),
            (post, "/v3.0/oa/group/delete", self.groups.delete),
            (get, "/v3.0/oa/group/conversation", self.groups.conversation),
            (get, "/v3.0/oa/group/listrecentchat", self.groups.recent),
            (get, "/message/status", self.zns.status),
            (get, "/message/quota", self.zns.quota),
        )
        found = [post(path, self._gateway.wrap(handler, sending=True)) for path, handler in sends]
        return found + [verb(path, self._gateway.wrap(handler, sending=False)) for verb, path, handler in calls]

    def _upload_routes(self) -> list[web.RouteDef]:
        async def upload(request: web.Request) -> web.StreamResponse:
            faults = self.knobs.now
            if (trouble := await answers.outage(faults.outage, request)) is not None:
                return trouble
            if faults.upload_seconds:
                await asyncio.sleep(faults.upload_seconds)
            if code := self.oauth.check(request.headers.get("access_token", "")):
                return answers.refused(answers.Refused(code, "Access token is invalid"), {})
            try:
                if self.knobs.count_down("upload_fail_next"):
                    raise answers.Refused(-faults.upload_fail_code, "simulated")
                return answers.done(await self.info.upload(request, request.path.rpartition("/")[2]), {})
            except answers.Refused as wrong:
                return answers.refused(wrong, {})

        return [web.post(f"/v2.0/oa/upload/{kind}", upload) for kind in limits.UPLOAD_BYTES]

    async def _permission(self, request: web.Request) -> web.Response:
        try:
            back = self.oauth.consent(dict(request.query))
        except ValueError as wrong:
            return web.Response(status=400, text=str(wrong))
        return web.Response(status=302, headers={"Location": back})

    async def _token(self, request: web.Request) -> web.StreamResponse:
        faults = self.knobs.now
        if (trouble := await answers.outage(faults.oauth_outage, request)) is not None:
            return trouble
        if self.knobs.count_down("oauth_fail_next"):
            return answers.json({"error": -faults.oauth_fail_code, "error_name": "simulated", "error_reason": ""})
        form = {key: str(value) for key, value in (await request.post()).items()}
        body = self.oauth.token(request.headers.get("secret_key", ""), form, faults.token_seconds)
        if "access_token" in body and self.knobs.count_down("oauth_drop_after_rotate"):
            return answers.cut(request)
        return answers.json(body)

    async def _bot_call(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        self.stage.counters[f"bot/{name}"] += 1
        faults = self.knobs.now
        if (trouble := await answers.outage(faults.bot_outage, request)) is not None:
            return trouble
        if faults.slow_seconds:
            await asyncio.sleep(faults.slow_seconds)
        sending = name.startswith("send")
        try:
            if request.match_info["token"] != self.bot_token:
                raise BotRefused(401, "Unauthorized")
            if name not in self.bot.methods:
                raise BotRefused(404, "Not Found")
            if sending and self.knobs.count_down("bot_fail_next"):
                if faults.bot_fail_html:
                    return answers.page(faults.bot_fail_code)
                raise BotRefused(faults.bot_fail_code, "simulated")
            params = dict(request.query)
            if request.can_read_body:
                params |= await request.json()
            result = await self.bot.methods[name](params)
        except BotRefused as wrong:
            return self._bot_refusal(wrong)
        if sending and self.knobs.count_down("bot_hang_after_commit"):
            await asyncio.sleep(limits.HANG_SECONDS)
        if sending and self.knobs.count_down("bot_drop_after_commit"):
            return answers.cut(request)
        return answers.json({"ok": True} if result is None else {"ok": True, "result": result})

    def _bot_refusal(self, wrong: BotRefused) -> web.Response:
        faults = self.knobs.now
        body = {"ok": False, "description": wrong.says, "error_code": wrong.code}
        wait = str(faults.bot_retry_after) if wrong.code == 429 and faults.bot_retry_after else ""
        status = 200 if faults.bot_ok_false_200 else wrong.code
        return answers.json(body, status, {"Retry-After": wait} if wait else None)


async def start(
    app: App = APP,
    bot_token: str = BOT_TOKEN,
    now: Callable[[], float] = time.time,
    host: str = "127.0.0.1",
    port: int = 0,
) -> ZaloSim:
    """A running Zalo; give the adapters `sim.url` as `base_url`, `oauth_url` and `zns_url`."""
    sim = ZaloSim(app, bot_token, now)
    await sim.listen(host, port)
    return sim
