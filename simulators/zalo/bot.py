"""The simulated Zalo Bot Platform: one bot, polled or called back, heard in groups only when mentioned."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson

from simulators.stage import Shown, Stage
from simulators.zalo import limits
from simulators.zalo.faults import Faults
from simulators.zalo.world import Group, Json, World, new_id

GROUP_PREFIX = "zgr-"


class BotRefused(Exception):
    def __init__(self, code: int, says: str) -> None:
        super().__init__(says)
        self.code = code
        self.says = says


class Bot:
    """`methods`: name → handler of one request's parameters."""

    def __init__(self, name: str, world: World, stage: Stage, faults: Callable[[], Faults]) -> None:
        self.name = name
        self.sent_this_month = 0
        self.webhook_url = ""
        self.webhook_secret = ""
        self.webhook_at = 0
        self.private: set[str] = set()
        """People who wrote to the bot itself."""
        self._world = world
        self._stage = stage
        self._faults = faults
        self._queue: deque[Json] = deque()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.methods: dict[str, Callable[[Json], Awaitable[Any]]] = {
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._webhook_info,
            "sendMessage": self._send_message,
            "sendPhoto": self._send_photo,
            "sendSticker": self._send_sticker,
            "sendVoice": self._send_voice,
            "sendChatAction": self._send_action,
        }

    def heard(self, sender: str, chat: Group | None, text: str, reply: Shown | None = None, photo: str = "") -> bool:
        """A person writes. False: the platform does not pass it on (no mention, no reply, in a group)."""
        answers_bot = reply is not None and reply.sender == "loa"
        if chat is not None and f"@{self.name}" not in text and not answers_bot:
            return False
        if chat is None:
            self.private.add(sender)
        user = self._world.users.get(sender)
        place = {"id": chat.group_id, "chat_type": "GROUP"} if chat else {"id": sender, "chat_type": "PRIVATE"}
        message: Json = {
            "from": {"id": sender, "display_name": user.name if user else sender, "is_bot": False},
            "chat": place,
            "message_id": new_id(),
            "date": self._world.stamp(),
        }
        if photo:
            message |= {"photo_url" if self._faults().bot_photo_url else "photo": photo, "caption": text}
        else:
            message["text"] = text
        if reply is not None:
            message["reply_to_message"] = {"message_id": reply.provider_id}
        name = f"message.{'image' if photo else 'text'}.received"
        self._offer({"event_name": name, "message": message})
        return True

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _offer(self, update: Json) -> None:
        if self.webhook_url:
            task = asyncio.create_task(self._push(update))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._queue.append(update)
            self._news.set()

    async def _push(self, update: Json) -> None:
        """Repeats are undocumented for bots; these follow the OA's schedule."""
        faults = self._faults()
        body = orjson.dumps(update if faults.bot_bare_updates else {"ok": True, "result": update})
        headers = {"X-Bot-Api-Secret-Token": self.webhook_secret, "Content-Type": "application/json"}
        for pause in (0.0, *limits.WEBHOOK_RETRIES):
            await asyncio.sleep(pause * faults.webhook_time_scale)
            if self._session is None:
                self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=limits.WEBHOOK_SECONDS))
            try:
                async with self._session.post(self.webhook_url, data=body, headers=headers) as answer:
                    if answer.status < 500:
                        if faults.webhook_duplicate:
                            await self._session.post(self.webhook_url, data=body, headers=headers)
                        return
            except (aiohttp.ClientError, OSError, TimeoutError):
                continue

    async def _get_me(self, _: Json) -> Json:
        account = f"bot.{self.name.removeprefix('Bot ').replace(' ', '')}"
        return {"id": "bot-0001", "account_name": account, "account_type": "BASIC", "can_join_groups": True}

    async def _get_updates(self, params: Json) -> Json:
        if self.webhook_url:
            raise BotRefused(self._faults().bot_conflict_status, "Webhook is set")
        seconds = min(float(params.get("timeout") or 0), limits.BOT_POLL_MOST_SECONDS)
        if not self._queue:
            self._news.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                raise BotRefused(408, "Request timeout") from None
        return self._queue.popleft()

    async def _set_webhook(self, params: Json) -> Json:
        url, secret = str(params.get("url") or ""), str(params.get("secret_token") or "")
        if not secret:
            raise BotRefused(400, "The secret_token must not be empty")
        if len(secret) not in limits.SECRET_LENGTHS:
            raise BotRefused(400, "The secret_token must have 8 to 256 characters")
        if not url.startswith("https://") and (self._faults().bot_https_only or not url.startswith("http://")):
            raise BotRefused(400, "The url must be https")
        self.webhook_url, self.webhook_secret, self.webhook_at = url, secret, self._world.stamp()
        while self._queue:
            self._offer(self._queue.popleft())
        return {"url": url, "updated_at": self.webhook_at}

    async def _delete_webhook(self, _: Json) -> Json:
        self.webhook_url = ""
        return {"url": "", "updated_at": self._world.stamp()}

    async def _webhook_info(self, _: Json) -> Json:
        if not self.webhook_url:
            raise BotRefused(404, "Not Found")
        return {"url": self.webhook_url, "updated_at": self.webhook_at}

    async def _send_message(self, params: Json) -> Json:
        text = str(params.get("text") or "")
        if not 1 <= len(text) <= limits.TEXT_LIMIT:
            raise BotRefused(400, "text must have 1 to 2000 characters")
        return self._post(params, text)

    async def _send_photo(self, params: Json) -> Json:
        photo, caption = str(params.get("photo") or ""), str(params.get("caption") or "")
        if not photo.startswith(("http://", "https://")) or len(caption) > limits.TEXT_LIMIT:
            raise BotRefused(400, "photo must be a URL")
        name = caption or photo.rpartition("/")[2]
        return self._post(params, caption, [{"name": name, "media": "image/*", "url": photo}])

    async def _send_sticker(self, params: Json) -> Json:
        return self._post(params, f"[{params.get('sticker') or 'sticker'}]")

    async def _send_voice(self, params: Json) -> Json:
        if str(params.get("chat_id") or "").startswith(GROUP_PREFIX):
            return {"message_id": new_id(), "date": self._world.stamp()}  # says ok and does not arrive, as seen
        return self._post(params, str(params.get("voice_url") or ""))

    async def _send_action(self, _: Json) -> None:
        return None

    def _post(self, params: Json, text: str, files: list[dict[str, str]] | None = None) -> Json:
        chat = str(params.get("chat_id") or "")
        group = self._world.groups.get(chat)
        if not (group.bot_is_in if group is not None else chat in self.private):
            raise BotRefused(404, "Not Found")
        if self.sent_this_month >= self._faults().bot_monthly_limit:
            raise BotRefused(429, "Quota exceeded")
        self.sent_this_month += 1
        message_id = new_id()
        self._stage.counters["bot_messages"] += 1
        self._stage.show(chat, "loa", text, group=group is not None, provider_id=message_id, files=files or [])
        return {"message_id": message_id, "date": self._world.stamp()}
