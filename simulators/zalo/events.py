"""The OA events that the simulated Zalo sends, in the shapes of its webhook pages."""

from __future__ import annotations

from simulators.zalo.oauth import App
from simulators.zalo.world import Json, Message


class Events:
    """Builds the bodies. `stamp` gives each one a millisecond of its own."""

    def __init__(self, app: App) -> None:
        self._app = app

    def user_says(self, message: Message, quote: str = "") -> Json:
        event = self._message(f"user_send_{message.kind}", message, message.from_id, self._app.oa_id)
        return self._quoting(event, quote)

    def group_says(self, message: Message, group_id: str, quote: str = "") -> Json:
        event = self._message(f"user_send_group_{message.kind}", message, message.from_id, group_id)
        return self._quoting(event | {"oa_id": self._app.oa_id}, quote)

    def echo(self, message: Message, to: str, group: bool) -> Json:
        name = f"oa_send_{'group_' if group else ''}{message.kind}"
        event = self._message(name, message, self._app.oa_id, to)
        return event | ({"oa_id": self._app.oa_id} if group else {})

    def received(self, message_id: str, user_id: str, at_ms: int) -> Json:
        return self._receipt("user_received_message", {"msg_id": message_id}, user_id, at_ms)

    def seen(self, message_id: str, user_id: str, at_ms: int) -> Json:
        return self._receipt("user_seen_message", {"msg_ids": [message_id]}, user_id, at_ms)

    def zns_received(self, message_id: str, tracking_id: str, phone: str, at_ms: int) -> Json:
        message = {"delivery_time": str(at_ms), "msg_id": message_id, "tracking_id": tracking_id}
        return self._receipt("user_received_message", message, phone, at_ms)

    def follow(self, user_id: str, follows: bool, at_ms: int) -> Json:
        event = self._bare("follow" if follows else "unfollow", at_ms)
        return event | {"follower": {"id": user_id}, "user_id_by_app": user_id, "source": "oa_profile"}

    def withdraw(self, user_id: str, at_ms: int) -> Json:
        return self._bare("user_withdraw", at_ms) | {"user_id": user_id, "user_id_by_app": ""}

    def reaction(self, user_id: str, message_id: str, icon: str, at_ms: int) -> Json:
        event = self._bare("user_reacted_message", at_ms)
        message = {"msg_id": message_id, "react_icon": icon}
        return event | {"sender": {"id": user_id}, "recipient": {"id": self._app.oa_id}, "message": message}

    def group_life(self, name: str, group_id: str, user_ids: list[str], at_ms: int) -> Json:
        event = self._bare(name, at_ms) | {"group_id": group_id}
        return event | ({"users": [{"id": user_id} for user_id in user_ids]} if user_ids else {})

    def _bare(self, name: str, at_ms: int) -> Json:
        return {"event_name": name, "oa_id": self._app.oa_id, "app_id": self._app.app_id, "timestamp": str(at_ms)}

    def _message(self, name: str, message: Message, sender: str, recipient: str) -> Json:
        content: Json = {"text": message.text} if message.text else {}
        content["msg_id"] = message.message_id
        if message.url:
            payload = {"thumbnail": message.url, "url": message.url}
            content["attachments"] = [{"type": message.kind, "payload": payload}]
        return {
            "event_name": name,
            "app_id": self._app.app_id,
            "sender": {"id": sender},
            "recipient": {"id": recipient},
            "message": content,
            "timestamp": str(message.at_ms),
            "user_id_by_app": sender,
        }

    def _receipt(self, name: str, message: Json, user_id: str, at_ms: int) -> Json:
        return {
            "event_name": name,
            "app_id": self._app.app_id,
            "sender": {"id": self._app.oa_id},
            "recipient": {"id": user_id},
            "message": message,
            "timestamp": str(at_ms),
        }

    @staticmethod
    def _quoting(event: Json, quote: str) -> Json:
        if quote:
            event["message"]["quote_msg_id"] = quote
        return event
