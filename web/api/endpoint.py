"""One decorator turns a typed function into a route with its rule, its checks and its place in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from broadcasts.model import Actor
from web.api.rate import spend
from web.context import ACTOR, SAY, ref_of, services_of
from web.locale import Catalogue
from web.problems import Trouble, invalid
from web.roles import Route, Rule
from web.services import Services

BASE: Final = "/api/v1"
JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
BODY_LIMIT: Final = 1 << 20
"""Bytes of a JSON body; lists of numbers go as a stream to `POST /lists`."""


class Nothing(BaseModel):
    """No body, or no query parameters."""

    model_config = ConfigDict(extra="forbid")


_NOTHING: Final[Any] = Nothing

B = TypeVar("B", bound=BaseModel)
Q = TypeVar("Q", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Call(Generic[B, Q]):
    """A checked request."""

    request: web.Request
    actor: Actor | None
    """None only where the rule is open to anyone."""
    body: B
    query: Q
    services: Services
    say: Catalogue

    @property
    def who(self) -> Actor:
        assert self.actor is not None
        return self.actor

    @property
    def ref(self) -> str:
        return ref_of(self.request)

    def path(self, name: str) -> str:
        return self.request.match_info[name]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with a status or headers other than the usual."""

    value: Any
    status: int
    headers: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """What the OpenAPI document says of one route."""

    name: str
    summary: str
    body: type[BaseModel]
    body_media: str
    query: type[BaseModel]
    answer: Any
    answer_media: str
    status: int
    problems: tuple[int, ...]
    idempotent: bool


def endpoint(
    method: str,
    path: str,
    *,
    rule: Rule,
    summary: str,
    answer: Any,
    body: type[B] = _NOTHING,
    query: type[Q] = _NOTHING,
    status: int = 200,
    problems: tuple[int, ...] = (),
    body_media: str = JSON,
    answer_media: str = JSON,
    idempotent: bool = False,
) -> Callable[[Callable[[Call[B, Q]], Awaitable[Any]]], Route]:
    """The function gives back what is shown as JSON, an `Answer`, or a response of its own (streams).

    `answer` is its type; `problems` are the statuses beyond 401, 403 and 422 that it may end with.
    """

    def declare(function: Callable[[Call[B, Q]], Awaitable[Any]]) -> Route:
        async def handler(request: web.Request) -> web.StreamResponse:
            actor = request.get(ACTOR)
            if actor is not None:
                spend(request, actor.name)
            call = Call(
                request=request,
                actor=actor,
                body=await _body(request, body) if body_media == JSON else cast(B, Nothing()),
                query=_query(request, query),
                services=services_of(request),
                say=request[SAY],
            )
            return _response(await function(call), status)

        operation = Operation(
            function.__name__, summary, body, body_media, query, answer, answer_media, status, problems, idempotent
        )
        return Route(method, BASE + path, handler, rule, "api", operation)

    return declare


def as_json(value: Any) -> bytes:
    return orjson.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(type(value).__name__)


def _response(value: Any, status: int) -> web.StreamResponse:
    if isinstance(value, web.StreamResponse):
        return value
    answer = value if isinstance(value, Answer) else Answer(value, status)
    return web.Response(
        body=as_json(answer.value), status=answer.status, content_type=JSON, headers=answer.headers or {}
    )


async def _body(request: web.Request, model: type[B]) -> B:
    """The body as its model, whatever the caller calls it. Raises `Trouble` 413 or 422 with one clear sentence."""
    if model is Nothing:
        raw = await request.read()
        return _checked(model, _parsed(raw) if raw.strip() else {})
    if (request.content_length or 0) > BODY_LIMIT:
        raise Trouble(413, "too_large")
    return _checked(model, _parsed(await request.read()))


def _parsed(raw: bytes) -> Any:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as wrong:
        raise Trouble(422, "malformed_json", {"line": str(wrong.lineno), "column": str(wrong.colno)}) from wrong
    if not isinstance(value, dict):
        raise Trouble(422, "not_an_object")
    return value


def _checked(model: type[B], value: Any) -> B:
    try:
        return model.model_validate(value)
    except ValidationError as wrong:
        raise invalid(wrong) from wrong


def _query(request: web.Request, model: type[Q]) -> Q:
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as wrong:
        raise invalid(wrong) from wrong
