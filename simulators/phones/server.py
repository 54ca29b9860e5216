"""The phone wall: a page with three phones, one event stream a tab, and the knobs of the simulators.

Everything goes through the simulators' stages; the wall knows no provider's protocol. All answers to a browser are
HTML fragments made here, so that the page's script only puts them in place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import jinja2
import orjson
from aiohttp import web

from simulators.phones import view
from simulators.phones.feed import Feed
from simulators.phones.wording import Wording, presets, wording
from simulators.serving import Served, serve
from simulators.stage import Acts, press_button

HERE: Final = Path(__file__).resolve().parent
TEXT_LIMIT: Final = 2000
"""Characters that a visitor may type."""
CSP: Final = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

ACTS: Final = ("follow", "unfollow", "join", "leave")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PhoneWall:
    """`start()` makes one. `world` may grow while it runs (more simulators, more people)."""

    def __init__(self, world: view.World) -> None:
        self.world = world
        self._normal = {app.name: app.provider.faults() for app in world.apps}
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        self._templates.globals["describe"] = view.describe
        self._served: Served | None = None

    @property
    def url(self) -> str:
        return self._served.url if self._served else ""

    @property
    def port(self) -> int:
        return self._served.port if self._served else 0

    async def listen(self, host: str, port: int) -> None:
        app = web.Application(middlewares=[_safe_headers], client_max_size=64 * 1024)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/feed", self._feed),
                web.get("/file/{app}/{id}", self._file),
                web.post("/say", self._say),
                web.post("/press", self._press),
                web.post("/act", self._act),
                web.get("/faults", self._faults),
                web.post("/faults/{name}", self._set_faults),
                web.static("/static", HERE / "static"),
            ]
        )
        self._served = await serve(app, host, port)

    async def close(self) -> None:
        if self._served is not None:
            await self._served.close()

    async def _page(self, request: web.Request) -> web.Response:
        say, chosen = self._asked(request)
        shown = self._phones(say, chosen)
        lines = {thread.id: view.history(self.world, thread, say) for phone in shown for thread in phone.threads}
        query = {key: request.query[key] for key in ("leader", "member", "resident") if key in request.query}
        return self._html(
            "wall.html", say, phones=shown, lines=lines, chosen=chosen, world=self.world, cards=self._cards(say),
            since=Feed.position(self.world.apps), query=urlencode({**query, "lang": say.language}),
            switched=urlencode({**query, "lang": say.other}), language=say.language,
        )  # fmt: skip

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        say, chosen = self._asked(request)
        template = self._templates.get_template("line.html")

        def render(thread: view.Thread, line: view.Line) -> str:
            return template.render(t=say, thread=thread, line=line)

        feed = Feed(self.world, view.routes(self._phones(say, chosen)), say, render)
        return await feed.serve(request, request.headers.get("Last-Event-ID") or request.query.get("since", ""))

    async def _file(self, request: web.Request) -> web.Response:
        """A file of a message, as the phone would open it."""
        app = self.world.app(request.match_info["app"])
        stored = app.stage.files.get(request.match_info["id"]) if app else None
        if stored is None:
            raise web.HTTPNotFound(text="no such file")
        return web.Response(body=stored.content, content_type=stored.media)

    async def _say(self, request: web.Request) -> web.Response:
        """`{"kind", "sender", "chat"?, "text"}`: a visitor types."""
        body = await _body(request, "kind", "sender", "text")
        text = body["text"].strip()
        if not text or len(text) > TEXT_LIMIT:
            raise web.HTTPUnprocessableEntity(text=f"text must have 1 to {TEXT_LIMIT} characters")
        app = view.sms_app(self.world.of_kind(body["kind"]), body["sender"])
        if app is None:
            raise web.HTTPNotFound(text=f"no simulator for {body['kind']}")
        return await _done(app.provider.person_says(body["sender"], body.get("chat") or None, text))

    async def _press(self, request: web.Request) -> web.Response:
        """`{"line": "<simulator>-<n>", "sender", "button": index}`: a visitor presses a button."""
        body = await _body(request, "line", "sender", "button")
        name, _, number = body["line"].rpartition("-")
        app = self.world.app(name)
        shown = app.stage.find(int(number)) if app and number.isascii() and number.isdecimal() else None
        at = int(body["button"]) if body["button"].isascii() and body["button"].isdecimal() else -1
        if app is None or shown is None or not 0 <= at < len(shown.buttons):
            raise web.HTTPNotFound(text="no such button")
        payload = shown.buttons[at]["payload"]
        return await _done(press_button(app.stage, app.provider, body["sender"], shown, payload))

    async def _act(self, request: web.Request) -> web.Response:
        """`{"kind", "sender", "does", "chat"?}`: a visitor follows the service, or joins a group."""
        body = await _body(request, "kind", "sender", "does")
        if body["does"] not in ACTS:
            raise web.HTTPUnprocessableEntity(text=f"does must be one of {', '.join(ACTS)}")
        for app in self.world.of_kind(body["kind"]):
            if isinstance(app.provider, Acts):
                return await _done(app.provider.person_does(body["sender"], body["does"], body.get("chat") or None))
        raise web.HTTPNotFound(text="nobody can do this here")

    async def _faults(self, request: web.Request) -> web.Response:
        say = wording(request.query.get("lang", ""))
        return self._html("faults.html", say, cards=self._cards(say))

    async def _set_faults(self, request: web.Request) -> web.Response:
        """`{"preset": name}`, `{"reset": true}` or `{"knobs": {…}}` → the card of the simulator, as it is now."""
        say = wording(request.query.get("lang", ""))
        app = self.world.app(request.match_info["name"])
        if app is None:
            raise web.HTTPNotFound(text="no such simulator")
        body = await _body(request)
        wanted = self._knobs(app.name, body)
        try:
            app.provider.set_faults(wanted)
        except ValueError as wrong:
            return self._html("card.html", say, 422, card=self._card(app.name, say, str(wrong)))
        return self._html("card.html", say, card=self._card(app.name, say))

    def _knobs(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """A preset starts from normal, so that two presses never add up to a fault that nobody named."""
        normal = self._normal[name]
        if body.get("reset"):
            return normal
        if "preset" in body:
            preset = presets().get(name, {}).get(body["preset"])
            if preset is None:
                raise web.HTTPNotFound(text="no such preset")
            return {**normal, **preset}
        return body.get("knobs") or {}

    def _cards(self, say: Wording) -> list[Card]:
        return [self._card(app.name, say) for app in self.world.apps]

    def _card(self, name: str, say: Wording, wrong: str = "") -> Card:
        app = self.world.app(name)
        assert app is not None
        now, normal = app.provider.faults(), self._normal.setdefault(name, app.provider.faults())
        changed = {knob: value for knob, value in now.items() if value != normal.get(knob)}
        own = presets().get(name, {})
        pressed = next((key for key, knobs in own.items() if dict(knobs) == changed), "")
        last = app.stage.lines[-1].n if app.stage.lines else 0
        return Card(name, say(f"simulators.{name}"), now, changed, tuple(own), pressed, last, wrong)

    def _phones(self, say: Wording, chosen: view.Chosen) -> tuple[view.Phone, ...]:
        shown = view.phones(self.world, chosen, say)
        for kind, address in view.routes(shown):
            for app in self.world.of_kind(kind):
                if app.watch is not None:
                    app.watch(address)
        return shown

    def _asked(self, request: web.Request) -> tuple[Wording, view.Chosen]:
        say = wording(request.query.get("lang", ""))
        return say, view.choose(self.world, request.query, say("phones.resident_example"))

    def _html(self, template: str, say: Wording, status: int = 200, **values: Any) -> web.Response:
        text = self._templates.get_template(template).render(t=say, **values)
        return web.Response(text=text, status=status, content_type="text/html")


@dataclass(frozen=True, slots=True)
class Card:
    """One simulator's faults: all knobs, those that are not normal, and the preset that is in force."""

    name: str
    title: str
    knobs: dict[str, Any]
    changed: dict[str, Any]
    presets: tuple[str, ...]
    pressed: str
    lines: int
    wrong: str = ""


async def start(world: view.World, host: str = "127.0.0.1", port: int = 0) -> PhoneWall:
    wall = PhoneWall(world)
    await wall.listen(host, port)
    return wall


@web.middleware
async def _safe_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:
        response.headers.update({"Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff"})
    return response


async def _body(request: web.Request, *strings: str) -> dict[str, Any]:
    """A JSON object with these keys as text. JSON only: another site's form cannot send it unasked."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise web.HTTPBadRequest(text="not JSON") from None
    if not isinstance(body, dict) or any(not isinstance(body.get(key), str) for key in strings):
        raise web.HTTPUnprocessableEntity(text=f"needs {', '.join(strings)} as text")
    return body


async def _done(act: Awaitable[None]) -> web.Response:
    try:
        await act
    except LookupError as wrong:
        raise web.HTTPNotFound(text=str(wrong)) from None
    return web.Response(body=orjson.dumps({"ok": True}), content_type="application/json")
