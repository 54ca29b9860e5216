"""The simulated Bot API over HTTP, and the people on the other side of it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from simulators.journal import Journal
from simulators.knobs import turned
from simulators.serving import Served, serve
from simulators.stage import Shown, Stage, StoredFile, routes
from simulators.telegram.markup import Refused
from simulators.telegram.methods import DOCUMENT_BYTES, ApiError, BotApi, Params
from simulators.telegram.updates import Updates
from simulators.telegram.world import Group, Json, World

DEFAULT_TOKEN = "7000000001:loa-simulator-token-0000000000000"
BOT_USERNAME = "loa_simulator_bot"
FORM_SLACK = 1024 * 1024
SENDING = {"sendmessage", "senddocument", "sendphoto"}
EDITING = {"editmessagetext"}


class TelegramSim:
    """`start()` makes one. `calls` counts requests by method; `world` may be filled by tests and by the people."""

    def __init__(self, token: str = DEFAULT_TOKEN, journal: Journal | None = None) -> None:
        """`journal`: what it has is known from the start, but for files, webhooks and flood limits."""
        self.token = token
        self._journal = journal or Journal()
        bot = {"id": int(token.partition(":")[0]), "is_bot": True, "first_name": "Loa", "username": BOT_USERNAME}
        self.world = World(bot, journal=self._journal)
        self.updates = Updates(self._journal)
        self.stage = Stage(self._journal)
        self.api = BotApi(self.world, self.updates, self.stage)
        self.calls = self.stage.counters
        self._served: Served | None = None
        self._remember()

    def _remember(self) -> None:
        kept: dict[str, list[Json]] = {"message": [], "update": [], "done": []}
        for one in self._journal.read():
            kept.setdefault(one["what"], []).append(one)
        for one in kept["message"]:
            self.world.remember(one["message"])
        updates = [one["update"] for one in kept["update"]]
        self.updates.remember(updates, {one["update_id"] for one in kept["done"]})
        self.api.remember(one["callback_query"]["id"] for one in updates if "callback_query" in one)

    @property
    def url(self) -> str:
        return self._served.url if self._served else ""

    @property
    def port(self) -> int:
        return self._served.port if self._served else 0

    @property
    def answered_callbacks(self) -> list[str]:
        return self.api.answered

    async def listen(self, host: str, port: int) -> None:
        app = web.Application(client_max_size=DOCUMENT_BYTES + FORM_SLACK)
        app.add_routes(routes(self.stage, self))
        app.add_routes(
            [
                web.route("*", "/bot{token}/{method}", self._call),
                web.post("/_sim/chats", self._add_chat),
                web.post("/_sim/migrate", self._migrate),
            ]
        )
        self._served = await serve(app, host, port)

    async def close(self) -> None:
        await self.updates.close()
        if self._served is not None:
            await self._served.close()

    def add_person(self, id: int | str, name: str = "", *, started: bool = True) -> None:
        """A person who has (or has not yet) written to the bot."""
        self.world.person(int(id), name, started)

    def add_group(self, id: int | str, title: str, members: set[int] | None = None) -> None:
        self.world.group(int(id), title, members or set())

    async def person_says(self, sender: str, chat: str | None, text: str) -> None:
        """To the bot itself, or into a group. Raises LookupError for a group that is not there."""
        person = self.world.person(int(sender))
        place = person if chat is None else self.world.groups.get(int(chat))
        if place is None:
            raise LookupError(f"no such group: {chat}")
        if isinstance(place, Group):
            place.members.add(person.id)
        else:
            person.started = True
        message = self.world.write(place, person.user(), text=text)
        self.stage.show(str(place.id), sender, text, group=isinstance(place, Group))
        self.updates.add("message", message)

    async def person_presses(self, sender: str, message: Shown, payload: str) -> None:
        """Raises LookupError when the message has no such button."""
        if all(button["payload"] != payload for button in message.buttons):
            raise LookupError("no such button")
        person = self.world.person(int(sender))
        chat, number = (int(part) for part in message.provider_id.split(":"))
        id = uuid4().hex
        self.api.open_callbacks.add(id)
        self.updates.add(
            "callback_query",
            {
                "id": id, "from": person.user(), "message": self.world.messages[chat, number],
                "chat_instance": str(chat), "data": payload,
            },
        )  # fmt: skip

    async def person_does(self, sender: str, what: str, chat: str | None) -> None:
        """Following is starting the bot, unfollowing is blocking it."""
        if what == "follow":
            self.person_returns(sender)
            await self.person_says(sender, None, "/start")
        elif what == "unfollow":
            self.person_leaves(sender)
        else:
            self._moves(sender, int(chat or 0), joins=what == "join")

    def _moves(self, sender: str, chat: int, *, joins: bool) -> None:
        """The group shows who came or went, and the bot hears of it (Bot API, Message `new_chat_members`)."""
        group, person = self.world.groups.get(chat), self.world.person(int(sender))
        if group is None or (person.id in group.members) == joins:
            raise LookupError(f"no group {chat} for {sender} to join or leave")
        if joins:
            group.members.add(person.id)
            said: dict[str, Any] = {"new_chat_members": [person.user()]}
        else:
            group.members.remove(person.id)
            said = {"left_chat_member": person.user()}
        self.updates.add("message", self.world.write(group, person.user(), **said))

    def person_leaves(self, sender: str) -> None:
        """Blocks the bot; it hears of it, and its messages are refused from now on."""
        self._membership(sender, "kicked")
        self.set_faults({"blocked": sorted({*self.api.faults.blocked, sender})})

    def person_returns(self, sender: str) -> None:
        self.set_faults({"blocked": [each for each in self.api.faults.blocked if each != sender]})
        self._membership(sender, "member")

    def migrate(self, group: int | str) -> str:
        """The group becomes a supergroup. The next message into it learns the new id from the refusal; an update
        tells it, too. Returns the new id."""
        old = self.world.groups[int(group)]
        new = self.world.upgrade(old)
        self.updates.add("message", self.world.write(old, self.world.bot, migrate_to_chat_id=new.id))
        return str(new.id)

    def faults(self) -> dict[str, Any]:
        return asdict(self.api.faults)

    def set_faults(self, knobs: dict[str, Any]) -> None:
        self.api.faults = turned(self.api.faults, knobs)
        self.updates.duplicate = self.api.faults.duplicate_updates

    def _membership(self, sender: str, status: str) -> None:
        person = self.world.person(int(sender))
        member = {"user": self.world.bot, "status": status} | ({"until_date": 0} if status == "kicked" else {})
        before = {"user": self.world.bot, "status": "member"}
        self.updates.add(
            "my_chat_member",
            {"chat": person.chat(), "from": person.user(), "date": 0, "old_chat_member": before,
             "new_chat_member": member},
        )  # fmt: skip

    async def _call(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"].lower()
        self.calls[name] += 1
        faults = self.api.faults
        if faults.slow_seconds:
            await asyncio.sleep(faults.slow_seconds)
        if faults.outage == "502":
            page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
            return web.Response(status=502, text=page, content_type="text/html")
        if faults.outage == "hang":
            await asyncio.sleep(3600)
        if faults.outage:
            return _cut(request)
        if request.match_info["token"] != self.token:
            return _refusal(ApiError(401, "Unauthorized"))
        method = self.api.methods.get(name)
        if method is None:
            return _refusal(ApiError(404, "Not Found"))
        try:
            if name in SENDING | EDITING:
                self._planned_refusal()
            result = await method(await self._params(request))
        except ApiError as refused:
            return _refusal(refused)
        except Refused as refused:
            return _refusal(ApiError(400, str(refused)))
        return self._answer(request, name, result)

    def _planned_refusal(self) -> None:
        faults = self.api.faults
        if faults.throttle_next:
            self._count_down("throttle_next")
            wait = faults.retry_after
            raise ApiError(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        if faults.fail_next:
            self._count_down("fail_next")
            raise ApiError(faults.fail_status, faults.fail_says)

    def _answer(self, request: web.Request, name: str, result: Any) -> web.StreamResponse:
        if name in SENDING and self.api.faults.drop_after_accept:
            self._count_down("drop_after_accept")
            return _cut(request)
        if name in SENDING and self.api.faults.garbage_next:
            self._count_down("garbage_next")
            return web.Response(text="<html></html>", content_type="text/html")
        return _json({"ok": True, "result": result})

    def _count_down(self, knob: str) -> None:
        self.set_faults({knob: getattr(self.api.faults, knob) - 1})

    async def _params(self, request: web.Request) -> Params:
        """Query, form, multipart or JSON, as the Bot API takes them; JSON values as the text that a form would hold,
        and a file as the id under which it is kept from now on."""
        found: Params = dict(request.query)
        if request.content_type == "application/json":
            body: Json = await request.json()
            found |= {
                key: value if isinstance(value, str) else orjson.dumps(value).decode() for key, value in body.items()
            }
        elif request.can_read_body:
            for key, value in (await request.post()).items():
                found[key] = self._kept(value) if isinstance(value, web.FileField) else str(value)
        return found

    def _kept(self, file: web.FileField) -> str:
        file_id = uuid4().hex
        self.stage.files[file_id] = StoredFile(file.filename, file.content_type, file.file.read())
        self.api.fresh_files.add(file_id)
        self.stage.counters["uploads"] += 1
        return file_id

    async def _add_chat(self, request: web.Request) -> web.Response:
        """`{"id", "name", "members"?: [ids], "started"?}`: a negative id makes a group."""
        body = await request.json()
        if int(body["id"]) < 0:
            self.add_group(body["id"], body["name"], {int(each) for each in body.get("members", ())})
        else:
            self.add_person(body["id"], body["name"], started=body.get("started", True))
        return _json({"ok": True})

    async def _migrate(self, request: web.Request) -> web.Response:
        """`{"group"}` → `{"migrated_to"}`."""
        body = await request.json()
        return _json({"migrated_to": self.migrate(body["group"])})


async def start(token: str = DEFAULT_TOKEN, host: str = "127.0.0.1", port: int = 0) -> TelegramSim:
    """A running Bot API server; give a bot `sim.url` as base URL and `sim.token`."""
    sim = TelegramSim(token)
    await sim.listen(host, port)
    return sim


def _cut(request: web.Request) -> web.Response:
    """The connection is gone; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _refusal(error: ApiError) -> web.Response:
    body: Json = {"ok": False, "error_code": error.status, "description": error.says}
    if error.parameters:
        body["parameters"] = error.parameters
    return _json(body, error.status)


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
