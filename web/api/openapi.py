"""The OpenAPI 3.1 document of the API, made from what the routes declare (spec.openapis.org/oas/v3.1.0)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode
from typing_extensions import TypedDict

from web.api.endpoint import JSON, Call, Nothing, Operation, as_json, endpoint
from web.api.idempotency import HEADER
from web.problems import PROBLEM_JSON
from web.roles import Route, public

VERSION: Final = "1"
REF: Final = "#/components/schemas/{model}"
ALWAYS: Final = (401, 403, 422, 429, 500, 503)
"""Problems that any route with a rule may end with."""
OPEN_ALWAYS: Final = (422, 500, 503)
_PLACE: Final = re.compile(r"\{(\w+)\}")


class Document:
    """Made when somebody asks for it, and then kept: it takes half a second, and few ask."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)

    @cached_property
    def body(self) -> bytes:
        return document(self._routes)


DOCUMENT: Final = web.AppKey("openapi", Document)


class FieldProblem(TypedDict):
    field: str
    says: str


class ProblemDocument(TypedDict):
    """RFC 9457, with the fields at fault."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem]


@endpoint("GET", "/openapi.json", rule=public("it describes the API and holds no data"), summary="This document",
          answer=dict[str, Any])  # fmt: skip
async def openapi(call: Call[Nothing, Nothing]) -> web.Response:
    kept = call.request.app[DOCUMENT]
    return web.Response(body=await asyncio.to_thread(lambda: kept.body), content_type=JSON)


def document(routes: Iterable[Route]) -> bytes:
    """The whole document, as JSON."""
    routes = list(routes)
    operations = [route.operation for route in routes if isinstance(route.operation, Operation)]
    wanted: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        ("problem", "serialization", TypeAdapter(ProblemDocument))
    ]
    for operation in operations:
        wanted.append((f"{operation.name} body", "validation", TypeAdapter(operation.body)))
        wanted.append((f"{operation.name} answer", "serialization", TypeAdapter(operation.answer)))
    schemas, definitions = TypeAdapter.json_schemas(wanted, ref_template=REF)
    by_name = {key[0]: schema for key, schema in schemas.items()}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_name)
    return as_json(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Loa",
                "version": VERSION,
                "description": "Alerts and directives to communes on Zalo, Telegram and SMS, with a live roll-call.",
            },
            "servers": [{"url": "/"}],
            "paths": paths,
            "components": {
                "schemas": definitions.get("$defs", {}),
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: Operation = route.operation
    role = route.rule.role
    problems = sorted({*(ALWAYS if role else OPEN_ALWAYS), *operation.problems, *_body_problems(operation)})
    shown: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Needs role {role.value} or above." if role else "Open to anyone.",
        "security": [{"key": []}] if role else [],
        "parameters": [*_path_parameters(route.path), *_query_parameters(operation.query)],
        "responses": {
            str(operation.status): {
                "description": "Done",
                "content": {operation.answer_media: {"schema": schemas[f"{operation.name} answer"]}},
            },
            **{
                str(status): {"description": "Problem", "content": {PROBLEM_JSON: {"schema": schemas["problem"]}}}
                for status in problems
            },
        },
    }
    if operation.name == "ready":
        shown["responses"]["503"]["content"] = shown["responses"]["200"]["content"]
    if operation.idempotent:
        shown["parameters"].append(
            {
                "name": HEADER,
                "in": "header",
                "required": False,
                "description": "The same key and body get the same answer and are done once.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    if operation.body_media != JSON:
        shown["requestBody"] = {"required": True, "content": {operation.body_media: {"schema": {}}}}
    elif operation.body is not Nothing:
        schema = schemas[f"{operation.name} body"]
        shown["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return shown


def _body_problems(operation: Operation) -> tuple[int, ...]:
    return (413,) if operation.body is not Nothing else ()


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PLACE.findall(path)
    ]


def _query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=REF)
    definitions = schema.get("$defs", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            "schema": _inline(one, definitions),
        }
        for name, one in schema.get("properties", {}).items()
    ]


def _inline(schema: Any, definitions: dict[str, Any]) -> Any:
    """Replace references to a query's own enumerations: parameters have no definitions of their own."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return definitions[str(schema["$ref"]).rpartition("/")[2]]
        return {key: _inline(value, definitions) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_inline(one, definitions) for one in schema]
    return schema
