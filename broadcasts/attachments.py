"""Files that a broadcast carries: what a draft may name, which channels send them, and the links for those that cannot.

A channel sends what its traits take; any other file becomes a link to our own page, in the text itself. For SMS the
link stands in the frozen text, so that its parts are counted before anybody approves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from adapters.contract import Attachment, Traits
from broadcasts.archive import blob_path
from broadcasts.content import CHAT, SMS_LEADER, Content, Setting, too_long
from broadcasts.marks import load_marks
from broadcasts.model import Draft, Problem
from broadcasts.routes import Route, Routes
from broadcasts.templates import fill
from directory.audience import Audience
from store import attachments
from store.attachments import AttachmentRow
from store.engine import Tx
from text.safe import to_safe

MOST: Final = 5
"""Files of one broadcast: each is a message of its own in a chat, and a link of its own in an SMS (our choice)."""
PUBLIC_URL_KEY: Final = "web.public_url"
LINK_PATH: Final = "/t/"
LINK_SECONDS: Final = 7 * 86_400.0
"""A public address works so long after its broadcast's validity: as long as Zalo keeps its own copy of a file."""

Entry = Mapping[str, Any]
"""A carried file as it is frozen: `id`, `name`, `media`, `size`, `sha256`, `url`."""


def entries(rows: Sequence[AttachmentRow], base: str) -> list[dict[str, Any]]:
    """What a broadcast's content keeps of its files. `base`: public address of this service, "" for none."""
    return [
        {
            "id": row.id,
            "name": row.name,
            "media": row.media,
            "size": row.size,
            "sha256": row.sha256,
            "url": f"{base.rstrip('/')}{LINK_PATH}{row.short}" if base else "",
        }
        for row in rows
    ]


def carried(found: Sequence[Entry], folder: Path) -> tuple[Attachment, ...]:
    """As channels get them; `folder` is that of `broadcasts.archive`."""
    return tuple(
        Attachment(one["name"], one["media"], one["size"], one["sha256"], blob_path(folder, one["sha256"]),
                   one["url"])
        for one in found
    )  # fmt: skip


def divided(files: Sequence[Attachment], traits: Traits) -> tuple[tuple[Attachment, ...], str]:
    """(files that the channel sends itself, what its text says of the others, "" for nothing). An SMS text holds its
    links already."""
    native = tuple(one for one in files if traits.takes(one))
    if traits.unaccented:
        return native, ""
    return native, "".join(f"\n{_chat_line(one)}" for one in files if one not in native)


def look_up(tx: Tx, draft: Draft, base: str, problems: list[Problem]) -> list[dict[str, Any]]:
    """The files that a draft names. What is wrong with the naming goes to `problems`."""
    rows = attachments.by_ids(tx, draft.attachments)
    if len(draft.attachments) > MOST:
        problems.append(Problem("attachments", "attachments_too_many", {"limit": MOST}))
    for missing in sorted(set(draft.attachments) - {row.id for row in rows}):
        problems.append(Problem("attachments", "attachment_unknown", {"id": missing}))
    return entries(rows, base)


def with_links(content: Content, found: Sequence[Entry], families: Sequence[str], audience: Audience, routes: Routes,
               setting: Setting, problems: list[Problem]) -> Content:  # fmt: skip
    """The content with links where they are needed; what stands in their way goes to `problems`.

    Residents get no links but official ones, so a list of numbers gets no files at all.
    """
    if not found:
        return content
    if audience.number_count.size:
        problems.append(Problem("attachments", "attachments_to_residents"))
    files = carried(found, Path())
    needed = _texts_with_links(files, families, routes) if audience.members else frozenset()
    if needed and not all(one.url for one in files):
        problems.append(Problem("attachments", "attachments_need_address", {"key": PUBLIC_URL_KEY}))
        return content
    forms = dict(content.forms)
    if SMS_LEADER in forms and SMS_LEADER in needed:
        forms[SMS_LEADER] += "".join(_sms_words(one, setting) for one in files)
    lengths = dict(forms)
    if CHAT in lengths and CHAT in needed:
        lengths[CHAT] += max((divided(files, route.traits)[1] for route in _used(families, routes)), key=len)
    kept = [one for one in content.problems if one.key not in ("chat_too_long", "sms_too_long")]
    return replace(content, forms=forms, problems=(*kept, *too_long(lengths, setting, "attachments")))


def _texts_with_links(files: Sequence[Attachment], families: Sequence[str], routes: Routes) -> frozenset[str]:
    """The forms in which some channel of these families writes a link."""
    return frozenset(
        SMS_LEADER if route.traits.unaccented else CHAT
        for route in _used(families, routes)
        if not all(route.traits.takes(one) for one in files)
    )


def _used(families: Sequence[str], routes: Routes) -> list[Route]:
    """Every channel of these families: one may have to take another's place after the approval."""
    return [route for route in routes.all if route.family in families]


def _chat_line(one: Attachment) -> str:
    return fill(load_marks().file_chat, {"ten": one.name, "link": one.url})


def _sms_words(one: Attachment, setting: Setting) -> str:
    words = fill(load_marks().file_sms, {"link": one.url})
    return "\n" + (words if setting.accented else to_safe(words).text)
