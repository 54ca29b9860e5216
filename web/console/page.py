"""Pages: how one is declared, and what every template may use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from aiohttp import hdrs, web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from broadcasts.model import Actor, Mode, Role
from directory.roster import OnDuty, on_duty
from store import alarms, broadcasts
from store.engine import Tx
from store.web_sessions import Session
from text.dates import clock, local
from text.folding import fold
from text.numbers import mask, msisdn
from web.console.files import FILES
from web.console.sections import SECTIONS, section_of
from web.context import ACTOR, say_of, services_of, session_of
from web.lights import LIGHTS, Light
from web.locale import Catalogue
from web.roles import Handler, Route, Rule, allows
from web.security import CSRF_FIELD
from web.services import Services

TEMPLATES: Final = Path(__file__).parent.parent / "templates"
ENVIRONMENT: Final = web.AppKey("templates", Environment)
FRAGMENT_HEADER: Final = "HX-Request"
"""Set by htmx: only a part of the page is wanted (htmx.org/reference, request headers)."""
WARD: Final = "Phường"
OPEN_STATES: Final = ("pending_approval", "scheduled", "sending", "sent")
"""States in which a broadcast is a line on the duty board."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What stands on top of every page."""

    mode: str
    now: datetime
    lights: list[Light]
    open_count: int
    alarms: int
    duty: OnDuty | None = None
    """Who is on duty now; None where nobody is signed in."""


@cache
def environment() -> Environment:
    """One for all applications of a process: a template is compiled once."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clock"] = clock
    made.filters["moment"] = lambda at: f"{local(at):%H:%M %d/%m}"
    made.filters["iso"] = lambda at: local(at).isoformat(timespec="seconds")
    return made


def page(method: str, path: str, rule: Rule) -> Callable[[Handler], Route]:
    """Declare a page with its rule."""
    return lambda handler: Route(method, path, handler, rule, "console")


def see_other(where: str) -> web.Response:
    """After a form: the browser gets the next page, and its back button repeats nothing (RFC 9110 15.4.4)."""
    return web.Response(status=303, headers={hdrs.LOCATION: where})


def is_fragment(request: web.Request) -> bool:
    return request.headers.get(FRAGMENT_HEADER) == "true"


def words(say: Catalogue, now: float) -> dict[str, Any]:
    """The sentence functions that templates and live parts use."""
    return {
        "lang": say.lang,
        "t": say.say,
        "first": say.first,
        "has": say.has,
        "num": say.number,
        "age": lambda at: age(say, now, at),
        "span": lambda seconds: span(say, seconds),
        "now": datetime.fromtimestamp(now, UTC),
        "channel": lambda name: channel_name(say, name),
        "mask": mask,
        "fold": fold,
        "short_name": short_name,
        "spoken": spoken,
        "is_phone": is_phone,
    }


def short_name(name: str) -> str:
    """A unit's name where room is scarce: a commune without its type, a ward with it shortened."""
    kind, _, rest = name.partition(" ")
    return f"{kind[0]}. {rest}" if kind == WARD and rest else rest or name


def spoken(msisdn: str) -> str:
    """A Vietnamese number in the groups in which it is read out: 0900 068 760."""
    digits = f"0{msisdn[2:]}" if msisdn.startswith("84") else msisdn
    return f"{digits[:4]} {digits[4:7]} {digits[7:]}".strip()


def is_phone(sender: str) -> bool:
    """Whether somebody can be rung back: an `84…` number, not a provider's user id."""
    return sender.isascii() and sender.isdigit() and msisdn(sender) is not None


def channel_name(say: Catalogue, name: str) -> str:
    """A channel as people call it: by its own word, else its family's word and the rest of its name."""
    family, _, rest = name.partition(".")
    if say.has(f"channel.{name}"):
        return say.say(f"channel.{name}")
    word = say.say(f"channel.{family}") if say.has(f"channel.{family}") else family
    return f"{word} {rest}".strip()


def age(say: Catalogue, now: float, at: datetime | float | None) -> str:
    """ "4 phút": how long ago, or until, in one unit."""
    if at is None:
        return say.say("age.never")
    return span(say, now - (at.timestamp() if isinstance(at, datetime) else at))


def span(say: Catalogue, seconds: float) -> str:
    """A length of time in its largest unit."""
    seconds = abs(seconds)
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= size:
            return say.say(f"age.{unit}", n=int(seconds // size))
    return say.say("age.seconds", n=int(seconds))


def part(app: web.Application, name: str, say: Catalogue, now: float, **context: Any) -> str:
    """One part of a page, for the live stream."""
    return app[ENVIRONMENT].get_template(f"parts/{name}").render(**words(say, now), **context).strip()


async def render(request: web.Request, name: str, *, status: int = 200, **context: Any) -> web.Response:
    """A whole page with the bar on top of it, or a fragment."""
    services, say, session = services_of(request), say_of(request), session_of(request)
    actor = request.get(ACTOR)
    template = request.app[ENVIRONMENT].get_template(name)
    html = template.render(
        **words(say, services.now()),
        request_path=request.path_qs,
        path=request.path,
        sections=SECTIONS,
        here=section_of(request.path),
        actor=actor,
        session=session,
        csrf_field=CSRF_FIELD,
        csrf=session.csrf if session else "",
        csrf_input=lambda: _csrf_input(session),
        unit_name=lambda code: _unit_name(services, code),
        settings=services.settings,
        static=request.app[FILES].url,
        may_act=actor is not None and allows(actor.role, Role.OFFICER),
        may=lambda role: actor is not None and allows(actor.role, Role(role)),
        **({"bar": await bar(request, services, session, actor, context.get("mode"))} | context),
    )
    response = web.Response(text=html, content_type="text/html", status=status)
    response.headers[hdrs.CONTENT_LANGUAGE] = say.lang
    response.enable_compression()
    return response


def _csrf_input(session: Session | None) -> Markup:
    """The hidden field that every form of a signed-in page carries."""
    token = session.csrf if session else ""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token)


def _unit_name(services: Services, code: str) -> str:
    unit = services.units.by_code(code)
    return unit.name if unit else code


async def bar(
    request: web.Request, services: Services, session: Session | None, actor: Actor | None, mode: str | None
) -> Bar:
    """`mode` is the mode of the broadcast that the page is about, where it is about one."""
    now = datetime.fromtimestamp(services.now(), UTC)
    if actor is None or session is None:
        return Bar(mode or Mode.ACTUAL.value, now, [], 0, 0)
    lights = await request.app[LIGHTS].now()
    open_count, ringing, there = await services.ledger.read(lambda tx: _counts(tx, services.now()))
    return Bar(mode or session.mode, now, lights, open_count, ringing, there)


def _counts(tx: Tx, now: float) -> tuple[int, int, OnDuty]:
    """How many broadcasts are open, how many alarms ring, and who is on duty."""
    return len(broadcasts.in_states(tx, OPEN_STATES)), len(alarms.ringing(tx)), on_duty(tx, now)
