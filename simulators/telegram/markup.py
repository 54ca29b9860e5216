"""The checks that the Bot API makes on formatting and buttons before it takes a message."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import orjson

TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "code", "pre",
        "blockquote", "tg-emoji"}  # fmt: skip
"""Bot API, "HTML style"."""
BUTTON_BYTES = 64
MARKDOWN_RESERVED = set("_*[]()~`>#+-=|{}.!")


class Refused(Exception):
    """A 400 with this description."""


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.plain: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise Refused(f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}" at byte offset 0')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Refused("Bad Request: can't parse entities: Unmatched end tag at byte offset 0")

    def handle_data(self, data: str) -> None:
        self.plain.append(data)


def plain_text(text: str, parse_mode: str, entities: list[dict[str, Any]]) -> str:
    """What the reader sees. Raises Refused for bad markup."""
    if parse_mode.lower() == "html":
        parser = _Html()
        parser.feed(text)
        parser.close()
        if parser.open or "<" in text.rpartition(">")[2]:
            raise Refused("Bad Request: can't parse entities: Can't find end tag corresponding to start tag")
        return "".join(parser.plain)
    if parse_mode.lower().startswith("markdown"):
        bare = next((char for char in text if char in MARKDOWN_RESERVED), None)
        if bare is not None:
            raise Refused(f"Bad Request: can't parse entities: Character '{bare}' is reserved and must be escaped")
        return text
    if parse_mode:
        raise Refused("Bad Request: unsupported parse_mode")
    length = len(text.encode("utf-16-le")) // 2
    if any(entity["offset"] < 0 or entity["offset"] + entity["length"] > length for entity in entities):
        raise Refused("Bad Request: ENTITY_BOUNDS_INVALID")
    return text


def buttons(reply_markup: str) -> list[dict[str, str]]:
    """Inline buttons of a `reply_markup`, row by row. Raises Refused as the Bot API does."""
    if not reply_markup:
        return []
    rows = orjson.loads(reply_markup).get("inline_keyboard", [])
    found = [button for row in rows for button in row]
    for button in found:
        if not button.get("text"):
            raise Refused("Bad Request: inline keyboard button text must be non-empty")
        if not 1 <= len(button.get("callback_data", button.get("url", "")).encode()) <= BUTTON_BYTES:
            raise Refused("Bad Request: BUTTON_DATA_INVALID")
    return [{"label": button["text"], "payload": button.get("callback_data", "")} for button in found]
