"""Soạn tin: a template's blanks or free text, an audience, and what would leave, shown while it is typed."""

from __future__ import annotations

import secrets
from typing import Any, Final

import orjson
from aiohttp import web

from broadcasts.archive import SIZE_LIMIT
from broadcasts.model import Actor, BroadcastState, Draft, Mode, Refusal, Role, Urgency
from broadcasts.shown import BroadcastView, Preview
from broadcasts.templates import OFFICE_BLANKS, SENDER, SYSTEM_BLANKS, Template, fill
from store import access, attachments, broadcasts, directory, number_lists
from store.unsent_forms import UnsentForm
from text.report import count_report
from web.api.idempotency import one_at_a_time
from web.console import forms, unsent
from web.console.differing import blanks_before, differing, replaced_by
from web.console.forms import ComposeForm
from web.console.page import page, render, see_other
from web.console.step_fields import CONDITIONS, ROLES, rows_shown
from web.context import actor_of, ref_of, services_of, session_of
from web.problems import Trouble
from web.roles import at_least
from web.services import Services

OFFICER: Final = at_least(Role.OFFICER)
SAME_WITHIN_SECONDS: Final = 3600.0
"""How far back the duplicate guard looks: the watch before may have just sent the same."""
LOOKED_THROUGH: Final = 30
"""Newest broadcasts that the duplicate guard compares with."""
GAP: Final = "…"
TOKEN_FIELD: Final = "once"
EDITABLE: Final = (BroadcastState.DRAFT, BroadcastState.RETURNED)


@page("GET", "/broadcasts/new", OFFICER)
async def new(request: web.Request) -> web.StreamResponse:
    """Without `template`: the ten templates to choose from. `template=` empty: free text."""
    services = services_of(request)
    if "template" not in request.query:
        kept = await unsent.kept_here(request, unsent.NEW)
        if kept is not None and request.query.get("continue") == "1":
            form, _ = unsent.form_kept(kept)
            return await _form_page(request, form, action="/broadcasts/new", resumed=True)
        return await render(request, "choose.html", templates=services.templates.all, sample=sample, kept=kept)
    name = request.query["template"]
    template = services.templates.find(name) if name else None
    if name and template is None:
        raise Trouble(404, "not_found")
    session = session_of(request)
    mode = session.mode if session else Mode.ACTUAL.value
    form = forms.blank_form(template, mode, services.channels.families)
    return await _form_page(request, form, action="/broadcasts/new")


@page("POST", "/broadcasts/new", OFFICER)
async def create(request: web.Request) -> web.StreamResponse:
    """Keep the draft and go on to the check. Neither a double click nor the back button makes a second one."""
    posted = await request.post()
    form = forms.read(posted)
    services, actor = services_of(request), actor_of(request)
    if await _problems(services, form):
        return await _form_page(request, form, action="/broadcasts/new", status=422)
    token = unsent.token_key(str(posted.get(TOKEN_FIELD, "")) or secrets.token_urlsafe())
    async with one_at_a_time(request, actor.name, token):
        code = await _unsent_twin(services, actor, form.draft()) or await _keep(services, actor, token, form.draft())
    await unsent.forget(request, unsent.NEW)
    return see_other(f"/broadcasts/{code}" if code else "/broadcasts")


async def _keep(services: Services, actor: Actor, token: str, draft: Draft) -> str:
    """Store a draft once for a form's token; its code, "" where a crash cut an earlier request off."""
    ledger, now = services.ledger, services.now()
    known = await ledger.write(lambda tx: access.reserve_answer(tx, actor.name, token, "form", now))
    if known is not None:
        return known.body.decode()
    try:
        view = await services.desk.draft(draft, actor)
    except Exception:
        await ledger.write(lambda tx: access.forget_answer(tx, actor.name, token))
        raise
    await ledger.write(lambda tx: access.remember_answer(tx, actor.name, token, 201, view.code.encode()))
    return view.code


async def _unsent_twin(services: Services, actor: Actor, draft: Draft) -> str | None:
    """The code of a draft of the same person that is word for word this one and went nowhere yet."""
    for view in await services.desk.list(BroadcastState.DRAFT, LOOKED_THROUGH):
        if view.created_by == actor.name and await _kept_draft(services, view) == draft:
            return view.code
    return None


@page("GET", "/broadcasts/{ref}/edit", OFFICER)
async def edit_form(request: web.Request) -> web.StreamResponse:
    services = services_of(request)
    view = await services.desk.view(ref_of(request))
    if view.state not in EDITABLE:
        return see_other(f"/broadcasts/{view.code}")
    kept = await unsent.kept_here(request, view.code)
    if kept is not None and request.query.get("continue") == "1":
        form, version = unsent.form_kept(kept)
        return await _edit_page(request, view, form, version=version, resumed=True)
    form = forms.form_of(await _kept_draft(services, view), services.templates)
    return await _edit_page(request, view, form, kept=kept)


async def _edit_page(
    request: web.Request, view: BroadcastView, form: ComposeForm, *, status: int = 200, version: str = "",
    **more: Any,
) -> web.StreamResponse:  # fmt: skip
    version = version or str(view.version)
    return await _form_page(
        request, form, action=f"/broadcasts/{view.code}/edit", view=view, mode=view.mode, status=status,
        version=version, **more,
    )  # fmt: skip


@page("POST", "/broadcasts/{ref}/edit", OFFICER)
async def edit(request: web.Request) -> web.StreamResponse:
    """Keep another version. Of two people at one draft the second is told of the first, and keeps what they typed:
    saving once more puts theirs in place, knowingly."""
    ref, posted = ref_of(request), await request.post()
    form, version = forms.read(posted), str(posted.get(unsent.VERSION, ""))
    if version and (not version.isdecimal() or len(version) > forms.LONGEST_NUMBER):
        raise Trouble(422, "form_broken")
    services = services_of(request)
    if await _problems(services, form):
        return await _edit_page(request, await services.desk.view(ref), form, status=422, version=version)
    try:
        view = await services.desk.edit(ref, form.draft(), actor_of(request), int(version) if version else None)
    except Refusal as refused:
        if refused.key != "edited_meanwhile":
            raise
        return await _edit_page(request, await services.desk.view(ref), form, status=409, refused=refused)
    await unsent.forget(request, view.code)
    return see_other(f"/broadcasts/{view.code}")


@page("POST", "/broadcasts/preview", OFFICER)
async def preview(request: web.Request) -> web.StreamResponse:
    """The right-hand side of the form: every channel's text, the counts, the gaps, what stands in the way."""
    form = forms.read(await request.post())
    return await render(request, "parts/preview.html", **await _previewed(services_of(request), form))


async def _kept_draft(services: Services, view: BroadcastView) -> Draft:
    """What the officer filled in, as it was kept."""
    row = await services.ledger.read(lambda tx: broadcasts.by_no(tx, view.id))
    if row is None:
        raise Trouble(404, "not_found")
    return Draft.model_validate(orjson.loads(row.content)["draft"])


def sample(template: Template) -> str:
    """What a template says, with its examples in its blanks."""
    examples = {name: blank.example for name, blank in template.blanks.items()}
    automatic = dict.fromkeys(SYSTEM_BLANKS | OFFICE_BLANKS, GAP)
    return fill(template.sms.removeprefix(f"{{{SENDER}}}: "), automatic | examples)


async def _problems(services: Services, form: ComposeForm) -> bool:
    return any(not one.draft_ok for one in (await services.desk.preview(form.draft())).problems)


async def _form_page(
    request: web.Request, form: ComposeForm, *, action: str, status: int = 200, view: BroadcastView | None = None,
    mode: str | None = None, version: str = "", kept: UnsentForm | None = None, resumed: bool = False,
    refused: Refusal | None = None,
) -> web.StreamResponse:  # fmt: skip
    services = services_of(request)
    template = services.templates.find(form.template) if form.template else None
    previewed = await _previewed(services, form, quiet=status == 200 and view is None)
    replaced = await replaced_by(services, form.supersedes)
    return await render(
        request,
        "compose.html",
        status=status,
        mode=mode or form.mode,
        template=template,
        action=action,
        view=view,
        token=secrets.token_urlsafe(),
        place=view.code if view else unsent.NEW,
        version=version,
        kept=kept,
        resumed=resumed,
        refused=refused,
        districts=services.units.old_districts,
        units_total=len(services.units),
        groups=await services.ledger.read(directory.groups),
        lists=await services.ledger.read(number_lists.all_current),
        families=services.channels.families,
        urgencies=list(Urgency),
        kinds=forms.KINDS,
        hours=forms.VALID_HOURS,
        input_of=input_of,
        before=blanks_before(replaced, form.template, form.blanks),
        was=dict(replaced.blanks) if replaced and replaced.template == form.template else {},
        files=await services.ledger.read(lambda tx: attachments.by_ids(tx, form.attachments)),
        attach_most=SIZE_LIMIT,
        step_rows=rows_shown(form.steps if form.own_steps else (), previewed["shown"].escalation),
        step_roles=ROLES,
        step_conditions=CONDITIONS,
        **previewed,
    )


def input_of(template: Template, name: str) -> str:
    """Which keyboard a phone should show for a blank."""
    numeric = ("number", "level", "alarm")
    kind = template.blanks[name].type.value
    return "tel" if kind == "phone" else "decimal" if kind in numeric else "text"


async def _previewed(services: Services, form: ComposeForm, *, quiet: bool = False) -> dict[str, Any]:
    """`quiet`: nothing was typed yet, so that nothing is said to be missing."""
    draft = form.draft()
    old = await replaced_by(services, form.supersedes)
    shown: Preview = await services.desk.preview(draft)
    if template := services.templates.find(draft.template or ""):
        shown.texts = (await services.desk.preview(_with_gaps_shown(draft, template))).texts
    return {
        "shown": shown,
        "problems": [] if quiet else shown.problems,
        "quiet": quiet,
        "twins": await _twins(services, draft, shown),
        "report_of": count_report,
        "form": form,
        "differs": differing(old, shown.texts) if old else {},
    }


def _with_gaps_shown(draft: Draft, template: Template) -> Draft:
    """The draft with a mark in each blank that is still empty, so that the preview reads as a sentence."""
    empty = {name: GAP for name, blank in template.blanks.items() if not blank.derived_from}
    typed = {name: value for name, value in draft.blanks.items() if value.strip()}
    return draft.model_copy(update={"blanks": empty | typed})


async def _twins(services: Services, draft: Draft, shown: Preview) -> list[BroadcastView]:
    """Broadcasts of the last hour that say the same: rarely meant twice."""
    oldest = services.now() - SAME_WITHIN_SECONDS
    dead = (BroadcastState.CANCELLED, BroadcastState.REJECTED, BroadcastState.EXPIRED)
    return [
        view
        for view in await services.desk.list(None, LOOKED_THROUGH)
        if view.created_at.timestamp() > oldest
        and view.state not in dead
        and view.code != draft.supersedes
        and view.mode == draft.mode
        and _says_the_same(view, draft, shown)
    ]


def _says_the_same(view: BroadcastView, draft: Draft, shown: Preview) -> bool:
    if draft.template:
        filled = {name: value for name, value in draft.blanks.items() if value.strip()}
        return bool(filled) and view.template == draft.template and view.blanks == filled
    return bool(draft.text) and view.template is None and view.texts.get("chat") == shown.texts.get("chat")


ROUTES: Final = (new, create, preview, edit_form, edit)
