"""The fields of a text that the office changes, and the body that they stand for, kind by kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from multidict import MultiMapping

from broadcasts.office_texts import Body
from broadcasts.template_texts import TEXTS
from broadcasts.templates import MAX_LENGTH
from web.console.step_fields import read_rows, steps_given

EMPTY_BLANKS: Final = 2
"""Rows for blanks that are new."""
BLANKS_MOST: Final = 40
EMPTY_CARRIERS: Final = 2
CARRIER_FIELDS: Final = ("name", "email", "phone", "note")
ROWS_READ: Final = 60
"""Rows of one form that are looked at."""
ANSWER_FORMS: Final = ("chat", "sms")
LISTS: Final = ("cries", "phrases", "words", "fallback")


def read_body(kind: str, form: MultiMapping[Any], held: Body) -> Body:
    """What a browser sent, in the shape of its kind. `held`: what the page was made from."""
    if kind == "template":
        return _template(form, held)
    if kind == "keyword":
        return {key: _lines(form, key) for key in LISTS if key in held or key in form}
    if kind == "answer":
        return {name: _text(form, name).replace("\r\n", "\n") for name in ANSWER_FORMS}
    if kind == "escalation":
        return {"steps": [step.model_dump(mode="json") for step in steps_given(read_rows(form))]}
    return {"carriers": _carriers(form)}


def _template(form: MultiMapping[Any], held: Body) -> Body:
    texts = {name: _text(form, name).replace("\r\n", "\n") for name in TEXTS}
    return texts | {"blanks": _blanks(form, held.get("blanks", {}))}


def _blanks(form: MultiMapping[Any], held: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place in range(BLANKS_MOST):
        name = _text(form, f"blank{place}.name").strip().lower()
        if not name:
            continue
        limit = _text(form, f"blank{place}.max_length")
        kept = {key: held[name][key] for key in ("derived_from", "derived") if name in held}
        found[name] = kept | {
            "label": _text(form, f"blank{place}.label").strip(),
            "type": _text(form, f"blank{place}.type") or "text",
            "example": _text(form, f"blank{place}.example").strip(),
            "required": bool(form.get(f"blank{place}.required")),
            "max_length": int(limit) if limit.isdecimal() and 0 < len(limit) < 4 else MAX_LENGTH,
        }
    return found


def _lines(form: MultiMapping[Any], name: str) -> list[str]:
    """One phrase a line, each once as it stands."""
    return [" ".join(line.split()) for line in _text(form, name).splitlines() if line.strip()]


def _carriers(form: MultiMapping[Any]) -> list[dict[str, str]]:
    rows = []
    for place in range(ROWS_READ):
        row = {key: " ".join(_text(form, f"carrier{place}.{key}").split()) for key in CARRIER_FIELDS}
        if any(row.values()):
            rows.append(row)
    return rows


def _text(form: MultiMapping[Any], name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
