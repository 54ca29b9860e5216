"""Thiết lập: the texts and tables that the office changes over what is shipped, tried before they hold."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from broadcasts.blanks import BlankType
from broadcasts.chain_texts import steps_of
from broadcasts.model import Problem, Refusal, RefusalKind, Role
from broadcasts.office_texts import Body, TextView, Worded
from broadcasts.own_steps import read_steps, shown
from broadcasts.steps import Plan, chosen_steps
from broadcasts.template_texts import TEXTS, TemplateTexts
from broadcasts.templates import OFFICE_BLANKS, SYSTEM_BLANKS
from text.segments import measure
from web.console import text_forms
from web.console.page import page, render, see_other
from web.console.step_fields import CONDITIONS, EMPTY_ROWS, ROLES, StepFields, rows_of
from web.context import actor_of, services_of
from web.problems import Trouble
from web.roles import at_least
from web.services import Services

APPROVER: Final = at_least(Role.APPROVER)
AT: Final = "/settings/{kind}/{name}"
SAMPLED: Final = ("template", "answer")
"""Kinds whose texts are shown filled in while they are typed."""
PHRASES_SHOWN: Final = 4
KINDS: Final = ("template", "keyword", "answer", "escalation", "carriers")


@page("GET", "/settings", APPROVER)
async def settings_page(request: web.Request) -> web.StreamResponse:
    """Everything that can be changed, and who changed what."""
    services = services_of(request)
    titles = {one.key: one.title for one in services.templates.all}
    kinds = {kind: services.texts.kinds[kind].names() for kind in KINDS}
    hints = {
        (kind, name): _hint(services.texts.kinds[kind].original(name) or {})
        for kind in ("keyword", "answer")
        for name in kinds[kind]
    }
    return await render(
        request, "settings.html", kinds=kinds, titles=titles, hints=hints, changed=await services.texts.changed()
    )


def _hint(body: Body) -> str:
    """What a keyword or an answer is about, for who does not know its code."""
    phrases = [*body.get("phrases", ()), *body.get("words", ())][:PHRASES_SHOWN]
    return ", ".join(phrases) or str(body.get("chat", ""))


@page("GET", AT, APPROVER)
async def text_page(request: web.Request) -> web.StreamResponse:
    view = await _view(request)
    return await _shown(request, view, view.body)


@page("POST", AT, APPROVER)
async def change(request: web.Request) -> web.StreamResponse:
    """Keep what was typed, or go back to what is shipped (`original`). Refused, it stays in the form."""
    view, form, services = await _view(request), await request.post(), services_of(request)
    version = str(form.get("version", ""))
    if not version.isdecimal() or len(version) > 9:
        raise Trouble(422, "form_broken")
    kind = request.match_info["kind"]
    body = None if form.get("original") == "1" else text_forms.read_body(kind, form, view.body)
    try:
        problems = await services.texts.save(kind, view.name, body, int(version), actor_of(request))
    except Refusal as refused:
        if refused.kind is not RefusalKind.STALE:
            raise
        newest = await _view(request)
        return await _shown(request, newest, newest.body if body is None else body, refused=refused, status=409)
    if problems and body is not None:
        return await _shown(request, view, body, problems=problems, status=422, version=int(version))
    return see_other(f"/settings/{kind}/{view.name}?saved=1")


@page("POST", f"{AT}/preview", APPROVER)
async def preview(request: web.Request) -> web.StreamResponse:
    """How the typed texts would read with the blanks' examples, measured, and what is wrong with them."""
    services, kind, name = services_of(request), request.match_info["kind"], request.match_info["name"]
    if kind not in SAMPLED:
        raise Trouble(404, "not_found")
    view = await services.texts.view(kind, name)
    body = text_forms.read_body(kind, await request.post(), view.body)
    problems = services.texts.kinds[kind].check(name, body, {})
    sampled = _sampled(services, kind, name, body)
    return await render(request, "parts/text_preview.html", problems=problems, sampled=sampled)


def _sampled(services: Services, kind: str, name: str, body: Body) -> dict[str, Any]:
    """Form → the text as it would read, and its measure."""
    texts = services.texts.kinds[kind]
    if isinstance(texts, TemplateTexts):
        return texts.sampled(name, body)
    if isinstance(texts, Worded):
        return {form: (text, measure(text)) for form, text in texts.worded(name, body).items()}
    return {}


async def _view(request: web.Request) -> TextView:
    return await services_of(request).texts.view(request.match_info["kind"], request.match_info["name"])


async def _shown(
    request: web.Request, view: TextView, body: Body, *, problems: list[Problem] | None = None,
    refused: Refusal | None = None, status: int = 200, version: int | None = None,
) -> web.StreamResponse:  # fmt: skip
    services, kind = services_of(request), request.match_info["kind"]
    more: dict[str, Any] = {}
    if kind == "template":
        rows = [{"name": name, **row} for name, row in body["blanks"].items()]
        more = {
            "rows": rows + [{}] * text_forms.EMPTY_BLANKS, "texts": TEXTS, "types": [one.value for one in BlankType],
            "automatic": sorted(SYSTEM_BLANKS | OFFICE_BLANKS), "sampled": _sampled(services, kind, view.name, body),
        }  # fmt: skip
    elif kind == "answer":
        texts = services.texts.kinds[kind]
        known = texts.blanks(view.name) if isinstance(texts, Worded) else []
        more = {"known": known, "sampled": _sampled(services, kind, view.name, body)}
    elif kind == "keyword":
        more = {"lists": [key for key in text_forms.LISTS if key in view.original]}
    elif kind == "escalation":
        steps = steps_of(body)
        plan, families = read_steps(steps, services.channels.families)[0], services.channels.families
        more = {
            "step_rows": [*rows_of(steps), *[StepFields()] * EMPTY_ROWS], "step_conditions": CONDITIONS,
            "step_roles": ROLES, "families": list(dict.fromkeys([*families, *(c for s in plan for c in s.channels)])),
            "chain": shown(Plan(families=tuple(families), steps=chosen_steps(plan, families))),
        }  # fmt: skip
    else:
        more = {"rows": [*body["carriers"], *[{}] * text_forms.EMPTY_CARRIERS], "fields": text_forms.CARRIER_FIELDS}
    found = next((one for one in services.templates.all if one.key == view.name), None)
    return await render(
        request, "settings_text.html", status=status, kind=kind, view=view, body=body, problems=problems or [],
        refused=refused, title=found.title if kind == "template" and found else "",
        version=view.version if version is None else version, saved=request.query.get("saved") == "1", **more,
    )  # fmt: skip


ROUTES: Final = (settings_page, text_page, change, preview)
