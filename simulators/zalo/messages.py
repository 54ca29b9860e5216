"""Sending by the Official Account: checks, the chat, the phone, and the events that follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from simulators.journal import Journal
from simulators.stage import Stage
from simulators.zalo import limits
from simulators.zalo.answers import Refused
from simulators.zalo.events import Events
from simulators.zalo.faults import Faults
from simulators.zalo.oauth import App
from simulators.zalo.webhook import WebhookSender
from simulators.zalo.world import FROM_OA, Group, Json, Message, User, World

LOA = "loa"


class Messages:
    def __init__(
        self,
        app: App,
        world: World,
        stage: Stage,
        webhook: WebhookSender,
        faults: Callable[[], Faults],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        journal: Journal | None = None,
    ) -> None:
        self._journal = journal or Journal()
        self.events = Events(app)
        self._app = app
        self._world = world
        self._stage = stage
        self._webhook = webhook
        self._faults = faults
        self._spawn = spawn

    async def cs(self, body: Json) -> Json:
        if self._faults().government:
            raise Refused(-235, "API not support this type of OA")
        return await self._to_user(body) | {"quota": {"quota_type": "reply", "remain": "7", "total": "8"}}

    async def v2(self, body: Json) -> Json:
        if not self._faults().government:
            raise Refused(-240, "API is shutdown")
        return await self._to_user(body)

    async def group(self, body: Json) -> Json:
        found = self.owned(str(_object(body, "recipient").get("group_id", "")))
        if found.status != "enabled":
            raise Refused(-237, "Group is disabled")
        text, _, kind, url = self._content(_object(body, "message"))
        message = self._world.write(found.group_id, FROM_OA, kind, text, self._app.oa_id, found.group_id, url)
        self._stage.counters["group_messages"] += 1
        self._stage.show(
            found.group_id, LOA, text, group=True, provider_id=message.message_id, files=self._files(message)
        )
        await self._announce(message, found.group_id, None)
        return {"message_id": message.message_id, "group_id": found.group_id}

    def owned(self, group_id: str) -> Group:
        """A group that the OA may use. Raises -224, -403."""
        if self._faults().no_package:
            raise Refused(-224, "OA must upgrade package")
        found = self._world.groups.get(group_id)
        if found is None or not found.owned:
            raise Refused(-403, "OA is not in group")
        return found

    def remember(self) -> None:
        """What was sent to a person in an earlier life, and shown on no phone yet, arrives now; and what a phone showed
        is told again: Zalo does not know whether it had told it."""
        shown = {line.provider_id for line in self._stage.lines}
        for one in self._journal.read():
            if one["what"] == "taken":
                user, message = self._world.users[one["user_id"]], Message(**one["message"])
                if message.message_id not in shown:
                    self._bring(message, user, one["buttons"])
                elif user.on_mobile and self._faults().received:
                    self._webhook.send(self.events.received(message.message_id, user.user_id, self._world.stamp()))

    def wake(self, user: User) -> None:
        """The phone is on again: what waited arrives."""
        waiting, user.waiting = user.waiting, []
        for arrive in waiting:
            arrive()

    async def _to_user(self, body: Json) -> Json:
        user = self._world.users.get(str(_object(body, "recipient").get("user_id", "")))
        if user is None:
            raise Refused(-201, "user_id is invalid")
        text, buttons, kind, url = self._content(_object(body, "message"))
        if user.last_interaction is None:
            raise Refused(-232, "User has not interacted with OA")
        if self._world.now() - user.last_interaction > limits.WINDOW_SECONDS:
            raise Refused(-230, "User has not interacted with the OA in the past 7 days")
        message = self._world.write(user.user_id, FROM_OA, kind, text, self._app.oa_id, user.user_id, url)
        self._stage.counters["user_messages"] += 1
        self._journal.write("taken", user_id=user.user_id, message=message, buttons=buttons)
        await self._announce(message, user.user_id, user, buttons)
        return {"message_id": message.message_id, "user_id": user.user_id}

    def _content(self, message: Json) -> tuple[str, list[Json], str, str]:
        """Text, buttons for the phone, kind, address of a picture. Raises -201, -210."""
        text = str(message.get("text") or "")
        payload = _object(_object(message, "attachment"), "payload")
        if len(text) > limits.TEXT_LIMIT:
            raise Refused(-210, "text is over limit")
        if not text and not payload:
            raise Refused(-201, "text is invalid")
        buttons = payload.get("buttons") or []
        if len(buttons) > limits.BUTTONS:
            raise Refused(-210, "buttons is over limit")
        for button in buttons:
            if not 0 < len(str(button.get("title", ""))) <= limits.BUTTON_TITLE:
                raise Refused(-201, "title is invalid")
            if len(str(button.get("payload", ""))) > limits.BUTTON_PAYLOAD:
                raise Refused(-210, "payload is over limit")
        shown = [{"label": str(b["title"]), "payload": str(b.get("payload", ""))} for b in buttons]
        return text, shown, *self._attachment(message, payload)

    def _attachment(self, message: Json, payload: Json) -> tuple[str, str]:
        if payload.get("template_type") == "media":
            element = (payload.get("elements") or [{}])[0]
            self._fresh(str(element.get("attachment_id") or ""))
            return str(element.get("media_type", "image")), str(element.get("url") or element.get("attachment_id", ""))
        if _object(message, "attachment").get("type") == "file":
            self._fresh(str(payload.get("token") or "missing"))
            return "file", str(payload.get("token"))
        return "text", ""

    def _files(self, message: Message) -> list[dict[str, str]]:
        """What the phone can open."""
        stored = self._stage.files.get(message.url)
        return [stored.shown(message.url)] if stored else []

    def _fresh(self, upload: str) -> None:
        at = self._world.uploads.get(upload)
        if upload and (self._faults().uploads_lost or at is None or self._world.now() - at > limits.UPLOAD_SECONDS):
            raise Refused(-100, "attachment_id is expired")

    async def _announce(self, message: Message, to: str, user: User | None, buttons: list[Json] | None = None) -> None:
        """The phone shows it, and the events go out; before the answer when the knob says so."""
        faults = self._faults()
        under_way = []
        if faults.echo:
            under_way.append(self._webhook.send(self.events.echo(message, to, group=user is None)))
        if user is not None:
            if faults.events_before_reply and not user.off:
                await self._arrive(message, user, buttons or [])
            else:
                self._bring(message, user, buttons or [])
        if faults.events_before_reply:
            await asyncio.gather(*[task for task in under_way if task is not None])

    def _bring(self, message: Message, user: User, buttons: list[Json]) -> None:
        """To the phone, once it is on."""
        if user.off:
            user.waiting.append(lambda: self._spawn(self._arrive(message, user, buttons)))
        else:
            self._spawn(self._arrive(message, user, buttons))

    async def _arrive(self, message: Message, user: User, buttons: list[Json]) -> None:
        faults = self._faults()
        if faults.received_seconds:
            await asyncio.sleep(faults.received_seconds)
        self._stage.show(
            user.user_id, LOA, message.text, provider_id=message.message_id, buttons=buttons, files=self._files(message)
        )
        if not user.on_mobile:
            return
        if faults.received:
            told = self._webhook.send(self.events.received(message.message_id, user.user_id, self._world.stamp()))
            if told is not None and faults.events_before_reply:
                await told
        if faults.seen:
            self._spawn(self._see(message, user, faults.seen_seconds))

    async def _see(self, message: Message, user: User, after: float) -> None:
        await asyncio.sleep(after)
        if not user.off:
            self._webhook.send(self.events.seen(message.message_id, user.user_id, self._world.stamp()))


def _object(body: Json, key: str) -> Json:
    value = body.get(key)
    return value if isinstance(value, dict) else {}
