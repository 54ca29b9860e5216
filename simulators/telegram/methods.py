"""The methods of the Bot API that a gateway uses, on the simulated world."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import orjson

from simulators.stage import Stage
from simulators.telegram.faults import Faults
from simulators.telegram.limits import FloodLimits
from simulators.telegram.markup import Refused, buttons, plain_text
from simulators.telegram.updates import Updates
from simulators.telegram.world import Group, Json, Person, World

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
PHOTO_BYTES = 10 * 1024 * 1024
DOCUMENT_BYTES = 50 * 1024 * 1024
"""Characters and bytes (Bot API, "Sending files")."""
MAX_POLL_SECONDS = 50

Params = dict[str, str]


class ApiError(Exception):
    """An answer with `ok: false`."""

    def __init__(self, status: int, says: str, **parameters: int) -> None:
        super().__init__(says)
        self.status = status
        self.says = says
        self.parameters = parameters


class BotApi:
    """`answered` keeps the ids given to answerCallbackQuery, oldest first."""

    def __init__(self, world: World, updates: Updates, stage: Stage) -> None:
        self.world = world
        self.updates = updates
        self.stage = stage
        self.faults = Faults()
        self.open_callbacks: set[str] = set()
        self.fresh_files: set[str] = set()
        """Ids of files that came with the request that is being answered."""
        self.answered: list[str] = []
        self._flood = FloodLimits()
        self._shown: dict[tuple[int, int], int] = {}
        methods: tuple[Callable[[Params], Awaitable[Any]], ...] = (
            self.get_me, self.get_updates, self.set_webhook, self.delete_webhook, self.get_webhook_info,
            self.send_message, self.send_document, self.send_photo, self.edit_message_text,
            self.edit_message_reply_markup, self.answer_callback_query, self.pin_chat_message,
            self.unpin_chat_message, self.get_chat,
        )  # fmt: skip
        self.methods = {method.__name__.replace("_", ""): method for method in methods}

    def remember(self, callbacks: Iterable[str]) -> None:
        """Buttons that were pressed in an earlier life, and the lines of our messages that the stage knows from it."""
        self.open_callbacks.update(callbacks)
        for line in self.stage.lines:
            if line.sender == "loa":
                chat, _, number = line.provider_id.partition(":")
                self._shown[int(chat), int(number)] = line.n

    async def get_me(self, _: Params) -> Json:
        return self.world.bot

    async def get_updates(self, params: Params) -> list[Json]:
        if self.updates.hook.url:
            raise ApiError(409, "Conflict: can't use getUpdates method while webhook is active; "
                                "use deleteWebhook to delete the webhook first")  # fmt: skip
        wait = min(float(params.get("timeout", 0)), MAX_POLL_SECONDS)
        limit = max(1, min(int(params.get("limit", 100)), 100))
        found = await self.updates.poll(int(params.get("offset", 0)), limit, wait)
        if found is None:
            raise ApiError(409, "Conflict: terminated by other getUpdates request; "
                                "make sure that only one bot instance is running")  # fmt: skip
        return found

    async def set_webhook(self, params: Params) -> bool:
        await self.updates.set_hook(params.get("url", ""), params.get("secret_token", ""))
        return True

    async def delete_webhook(self, params: Params) -> bool:
        await self.updates.set_hook("", "")
        if params.get("drop_pending_updates") == "true":
            self.updates.waiting.clear()
        return True

    async def get_webhook_info(self, _: Params) -> Json:
        hook = self.updates.hook
        info: Json = {
            "url": hook.url, "has_custom_certificate": False, "pending_update_count": len(self.updates.waiting),
        }  # fmt: skip
        if hook.last_error:
            info |= {"last_error_date": hook.last_error_at, "last_error_message": hook.last_error}
        return info

    async def get_chat(self, params: Params) -> Json:
        return self._chat(params).chat()

    async def send_message(self, params: Params) -> Json:
        chat = self._open_chat(params)
        text = params.get("text", "")
        entities = orjson.loads(params.get("entities") or "[]")
        if self.faults.reject_formatting and (entities or params.get("parse_mode")):
            raise Refused("Bad Request: can't parse entities: Can't find end of the entity starting at byte offset 0")
        shown = plain_text(text, params.get("parse_mode", ""), entities)
        if not shown.strip():
            raise ApiError(400, "Bad Request: message text is empty")
        if len(shown) > TEXT_LIMIT:
            raise ApiError(400, "Bad Request: message is too long")
        return self._show(chat, shown, params, text=shown, entities=entities)

    async def send_document(self, params: Params) -> Json:
        return self._show_file(params, "document")

    async def send_photo(self, params: Params) -> Json:
        return self._show_file(params, "photo")

    async def edit_message_text(self, params: Params) -> Json:
        message, number = self._own_message(params)
        text = plain_text(params.get("text", ""), params.get("parse_mode", ""), [])
        keys = buttons(params.get("reply_markup", ""))
        line = self.stage.find(number)
        if text == message.get("text") and line is not None and keys == line.buttons:
            raise ApiError(400, "Bad Request: message is not modified")
        message |= {"text": text, "edit_date": int(time.time())}
        if line is not None:
            line.text, line.buttons = text, keys
            self.stage.revise(line)
        return message

    async def edit_message_reply_markup(self, params: Params) -> Json:
        message, number = self._own_message(params)
        line = self.stage.find(number)
        if line is not None:
            line.buttons = buttons(params.get("reply_markup", ""))
            self.stage.revise(line)
        return message

    async def answer_callback_query(self, params: Params) -> bool:
        id = params.get("callback_query_id", "")
        if id not in self.open_callbacks:
            raise ApiError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.open_callbacks.discard(id)
        self.answered.append(id)
        return True

    async def pin_chat_message(self, params: Params) -> bool:
        message, _ = self._own_message(params)
        self.world.pinned[message["chat"]["id"]] = message["message_id"]
        return True

    async def unpin_chat_message(self, params: Params) -> bool:
        self.world.pinned.pop(self._chat(params).id, None)
        return True

    def _chat(self, params: Params) -> Person | Group:
        asked = params.get("chat_id", "")
        if not asked:
            raise ApiError(400, "Bad Request: chat_id is empty")
        try:
            chat = self.world.chat(int(asked))
        except ValueError:
            chat = None
        if chat is None:
            raise ApiError(400, "Bad Request: chat not found")
        return chat

    def _may_write(self, group: Group) -> None:
        if group.migrated_to is not None:
            says = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, says, migrate_to_chat_id=group.migrated_to)
        if not group.bot_is_in:
            raise ApiError(403, "Forbidden: bot was kicked from the group chat")

    def delete(self, chat: int, message: int) -> None:
        """An administrator of the group takes a message of the bot away."""
        del self._shown[chat, message]

    def _open_chat(self, params: Params) -> Person | Group:
        """A chat that the bot may write into now. Counts the message against the flood limits."""
        chat = self._chat(params)
        if isinstance(chat, Group):
            self._may_write(chat)
        elif str(chat.id) in self.faults.deactivated:
            raise ApiError(403, "Forbidden: user is deactivated")
        elif str(chat.id) in self.faults.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        elif not chat.started:
            raise ApiError(403, "Forbidden: bot can't initiate conversation with a user")
        if self.faults.enforce_limits and (wait := self._flood.refuse(chat.id, time.monotonic())):
            raise ApiError(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        return chat

    def _show(
        self,
        chat: Person | Group,
        shown: str,
        params: Params,
        files: list[dict[str, str]] | None = None,
        **content: Any,
    ) -> Json:
        keys = buttons(params.get("reply_markup", ""))
        if params.get("message_thread_id"):
            content["message_thread_id"] = int(params["message_thread_id"])
        if params.get("reply_markup"):
            content["reply_markup"] = orjson.loads(params["reply_markup"])
        message = self.world.write(chat, self.world.bot, **content)
        line = self.stage.show(
            str(chat.id), "loa", shown, group=isinstance(chat, Group), buttons=keys,
            provider_id=f"{chat.id}:{message['message_id']}", files=files or [],
        )  # fmt: skip
        self._shown[chat.id, message["message_id"]] = line.n
        self.stage.counters["messages"] += 1
        return message

    def _show_file(self, params: Params, kind: str) -> Json:
        chat = self._open_chat(params)
        file_id, caption = params.get(kind, ""), params.get("caption", "")
        stored = self.stage.files.get(file_id)
        if len(caption) > CAPTION_LIMIT:
            raise ApiError(400, "Bad Request: message caption is too long")
        if stored is None or (self.faults.forget_files and file_id not in self.fresh_files):
            raise ApiError(400, "Bad Request: wrong file identifier/HTTP URL specified")
        self.fresh_files.discard(file_id)
        if kind == "photo" and (self.faults.reject_photos or len(stored.content) > PHOTO_BYTES):
            raise ApiError(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        if len(stored.content) > DOCUMENT_BYTES:
            raise ApiError(413, "Request Entity Too Large")
        facts: Json = {"file_id": file_id, "file_unique_id": file_id[:16], "file_size": len(stored.content)}
        content: Json = {"photo": [facts | {"width": 800, "height": 600}]}
        if kind == "document":
            content = {"document": facts | {"file_name": stored.name, "mime_type": stored.media}}
        return self._show(chat, caption, params, [stored.shown(file_id)], caption=caption, **content)

    def _own_message(self, params: Params) -> tuple[Json, int]:
        """The bot's message that is named, and its line on the stage."""
        chat = self._chat(params)
        if isinstance(chat, Group):
            self._may_write(chat)
        key = (chat.id, int(params.get("message_id") or 0))
        if key not in self._shown:
            raise ApiError(400, "Bad Request: message to edit not found")
        return self.world.messages[key], self._shown[key]
