"""Everything that can go wrong with a request, in one shape: a status, a key with a sentence, and the fields at fault.

The API shows it as `application/problem+json` (RFC 9457), the console as a page; both in the caller's language.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import web
from pydantic import ValidationError

from broadcasts.model import Problem, Refusal, RefusalKind
from web.locale import Catalogue

PROBLEM_JSON: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:loa:problem:"
"""Problem types are names, not addresses: there may be no way out to the Internet from the office."""

STATUS_OF: Final[dict[RefusalKind, int]] = {
    RefusalKind.INVALID: 422,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.WRONG_STATE: 409,
    RefusalKind.STALE: 409,
    RefusalKind.FORBIDDEN: 403,
}


@dataclass(slots=True)
class Trouble(Exception):
    """A request that cannot be answered as asked. `key` names the sentence `<room>.<key>`; `errors` the fields."""

    status: int
    key: str
    params: dict[str, Any] = field(default_factory=dict)
    errors: Sequence[Problem] = ()
    retry_after: float | None = None
    """Seconds, for 429 and 503."""
    room: str = "error"
    allow: str = ""
    """For 405: the methods that would do."""

    def __post_init__(self) -> None:
        Exception.__init__(self, self.key)

    def headers(self) -> dict[str, str]:
        headers = {} if self.retry_after is None else {"Retry-After": str(max(1, math.ceil(self.retry_after)))}
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="loa"'
        if self.allow:
            headers["Allow"] = self.allow
        return headers

    def detail(self, say: Catalogue) -> str:
        return say.say(f"{self.room}.{self.key}", **self.params)

    def fields(self, say: Catalogue) -> list[dict[str, str]]:
        """`[{"field", "says"}…]`."""
        return [{"field": one.field, "says": say.say(f"problem.{one.key}", **one.params)} for one in self.errors]


def refused(refusal: Refusal) -> Trouble:
    """What the desk refused, as a trouble of the request."""
    status = STATUS_OF[refusal.kind]
    return Trouble(status, refusal.key, dict(refusal.params), refusal.problems, room="refusal")


def problem_response(trouble: Trouble, say: Catalogue) -> web.Response:
    body = {
        "type": f"{TYPE_PREFIX}{trouble.key}",
        "title": say.say(f"status.{trouble.status}"),
        "status": trouble.status,
        "detail": trouble.detail(say),
        "errors": trouble.fields(say),
    }
    return web.Response(
        body=orjson.dumps(body), status=trouble.status, content_type=PROBLEM_JSON, headers=trouble.headers()
    )


_PYDANTIC: Final[dict[str, str]] = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "string_type": "not_text",
    "string_unicode": "not_text",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "string_pattern_mismatch": "wrong_form",
    "int_type": "not_whole_number",
    "int_parsing": "not_whole_number",
    "int_from_float": "not_whole_number",
    "int_parsing_size": "number_too_large",
    "float_type": "not_number",
    "float_parsing": "not_number",
    "finite_number": "not_number",
    "bool_type": "not_yes_or_no",
    "bool_parsing": "not_yes_or_no",
    "list_type": "not_list",
    "dict_type": "not_object",
    "model_type": "not_object",
    "model_attributes_type": "not_object",
    "literal_error": "not_one_of",
    "enum": "not_one_of",
    "greater_than": "too_small",
    "greater_than_equal": "too_small",
    "less_than": "too_large",
    "less_than_equal": "too_large",
}
"""pydantic's error types (docs.pydantic.dev, "Validation Errors") → our keys under `problem.`."""


def invalid(wrong: ValidationError) -> Trouble:
    """A body or a query that is not of its model."""
    return Trouble(422, "invalid_input", errors=[_problem(dict(error)) for error in wrong.errors(include_url=False)])


def _problem(error: dict[str, Any]) -> Problem:
    key = _PYDANTIC.get(str(error["type"]), "invalid_value")
    context = error.get("ctx") or {}
    bound = next(
        (context[name] for name in ("ge", "gt", "le", "lt", "min_length", "max_length") if name in context), ""
    )
    params = {"expected": str(context.get("expected", "")), "bound": bound}
    return Problem(field=".".join(str(part) for part in error["loc"]), key=key, params=params)
