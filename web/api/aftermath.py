"""What follows a broadcast: correction, all-clear, recall; and the codes of a document's course."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from typing_extensions import TypedDict

from broadcasts.aftermath import Aftermath
from broadcasts.document_codes import StatusLine, load_codes, standing
from broadcasts.model import Role
from broadcasts.shown import BroadcastView
from web.api.endpoint import Call, Nothing, endpoint
from web.api.idempotency import once
from web.api.models import Reason
from web.roles import at_least

OFFICER: Final = at_least(Role.OFFICER)


class StatusPage(TypedDict):
    code: str
    standing: dict[str, str]
    items: list[StatusLine]


@endpoint(
    "POST", "/broadcasts/{ref}/correct", rule=OFFICER, summary="Tell everybody that it was a false alert, at once",
    answer=BroadcastView, status=201, problems=(404, 409), idempotent=True,
)  # fmt: skip
async def correct_broadcast(call: Call[Nothing, Nothing]) -> web.Response:
    return await once(call, 201, lambda: Aftermath(call.services.desk).correct(call.ref, call.who))


@endpoint(
    "POST", "/broadcasts/{ref}/all-clear", rule=OFFICER, summary="Tell everybody that the danger is over, at once",
    answer=BroadcastView, status=201, problems=(404, 409), idempotent=True,
)  # fmt: skip
async def all_clear_broadcast(call: Call[Nothing, Nothing]) -> web.Response:
    return await once(call, 201, lambda: Aftermath(call.services.desk).all_clear(call.ref, call.who))


@endpoint(
    "POST", "/broadcasts/{ref}/recall", rule=OFFICER, summary="Stop it and ask it back; a new reason needs approval",
    body=Reason, answer=BroadcastView, status=201, problems=(404, 409), idempotent=True,
)  # fmt: skip
async def recall_broadcast(call: Call[Reason, Nothing]) -> web.Response:
    return await once(call, 201, lambda: Aftermath(call.services.desk).recall(call.ref, call.body.reason, call.who))


@endpoint(
    "GET", "/broadcasts/{ref}/statuses", rule=at_least(Role.VIEWER),
    summary="Document codes 01 to 16 of each unit, with time and person", answer=StatusPage, problems=(404,),
)  # fmt: skip
async def list_statuses(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    lines = await call.services.desk.statuses(call.ref)
    view = await call.services.desk.view(call.ref)
    return {"code": view.code, "standing": standing(lines, load_codes()), "items": lines}


ROUTES: Final = (correct_broadcast, all_clear_broadcast, recall_broadcast, list_statuses)
