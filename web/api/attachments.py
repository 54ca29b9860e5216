"""Files for broadcasts: uploaded first, then named in a draft."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aiohttp import web
from typing_extensions import TypedDict

from broadcasts.model import Role
from store import attachments
from store.attachments import AttachmentRow
from text.dates import local
from web.api.endpoint import Answer, Call, Nothing, endpoint
from web.problems import Trouble
from web.roles import at_least
from web.services import Services
from web.uploads import give, take

FORM: Final = "multipart/form-data"
ANY_FILE: Final = "application/octet-stream"
LONGEST_NUMBER: Final = 18


class AttachmentAnswer(TypedDict):
    id: int
    """Name it in the `attachments` of a draft."""
    name: str
    media: str
    size: int
    """Bytes."""
    sha256: str
    created_by: str
    created_at: datetime


@endpoint(
    "POST", "/attachments", rule=at_least(Role.OFFICER), body_media=FORM, answer=AttachmentAnswer, status=201,
    summary="Upload a PDF, JPEG or PNG, the part `file` of a form, as a stream", problems=(413,),
)  # fmt: skip
async def upload_attachment(call: Call[Nothing, Nothing]) -> Answer:
    row = await take(call.request, call.services.archive, call.who)
    return Answer(shown(row), 201)


@endpoint("GET", "/attachments/{id}", rule=at_least(Role.VIEWER), summary="The bytes of an uploaded file", answer=bytes,
          answer_media=ANY_FILE, problems=(404,))  # fmt: skip
async def get_attachment(call: Call[Nothing, Nothing]) -> web.StreamResponse:
    row = await found(call.services, call.path("id"))
    return give(row, call.services.archive.path(row.sha256), keep_seconds=0)


async def found(services: Services, given: str) -> AttachmentRow:
    """An upload by its number. Raises `Trouble` 404."""
    if not given.isascii() or not given.isdecimal() or len(given) > LONGEST_NUMBER:
        raise Trouble(404, "file_gone")
    rows = await services.ledger.read(lambda tx: attachments.by_ids(tx, [int(given)]))
    if not rows:
        raise Trouble(404, "file_gone")
    return rows[0]


def shown(row: AttachmentRow) -> AttachmentAnswer:
    return {
        "id": row.id,
        "name": row.name,
        "media": row.media,
        "size": row.size,
        "sha256": row.sha256,
        "created_by": row.created_by,
        "created_at": local(row.created_at),
    }


ROUTES: Final = (upload_attachment, get_attachment)
