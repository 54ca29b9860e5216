"""The mailbox: what came by SMTP, as a page and as JSON.

- `GET /` lists the mails, newest first; `GET /mails/<n>` one with its text; `GET /mails/<n>/<k>` its k-th attachment
- `GET /_sim/mails` → `{"mails": [{"n", "at", "from", "to", "subject", "text", "files": [names]}]}`
- `GET|POST /_sim/faults` → `{"refuse": {address: "550 no"}, "data": "", "cut_after_data": false, "busy": false}`
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import jinja2
from aiohttp import web

from simulators.mailbox.smtp import Conversation, Mail, SmtpFaults
from simulators.serving import Served, serve

HERE: Final = Path(__file__).resolve().parent
KEPT: Final = 500
"""Mails; the oldest go."""
CSP: Final = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail that came, read."""

    n: int
    at: float
    mail: Mail
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def when(self) -> str:
        return f"{datetime.fromtimestamp(self.at, UTC).astimezone():%H:%M:%S %d/%m}"

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body is not None else ""

    @property
    def files(self) -> list[tuple[str, str, bytes]]:
        """(name, type, content) of each attachment."""
        return [
            (part.get_filename() or "?", part.get_content_type(), part.get_content())
            for part in self.message.iter_attachments()
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "n": self.n, "at": self.at, "from": self.mail.sender, "to": list(self.mail.recipients),
            "subject": self.subject, "text": self.text, "files": [name for name, _, _ in self.files],
            "message_id": str(self.message["Message-ID"] or ""),
        }  # fmt: skip


@dataclass(slots=True)
class MailboxSim:
    """`start()` makes one. `host` and `port` speak SMTP, `url` is the page."""

    host: str
    port: int = 0
    mails: deque[Kept] = field(default_factory=lambda: deque(maxlen=KEPT))
    faults: SmtpFaults = field(default_factory=lambda: SmtpFaults({}))
    connections: int = 0
    _server: asyncio.Server | None = None
    _served: Served | None = None
    _count: int = 0

    @property
    def url(self) -> str:
        return self._served.url if self._served else ""

    async def listen(self, port: int, page_port: int) -> None:
        self._server = await asyncio.start_server(self._connected, self.host, port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._served = await serve(self._app(), self.host, page_port)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._served is not None:
            await self._served.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await Conversation(reader, writer, self.faults, self._take).run()

    def _take(self, mail: Mail) -> None:
        self._count += 1
        message = message_from_bytes(mail.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(Kept(self._count, time.time(), mail, message))

    # -- the page -------------------------------------------------------------------------------------------------

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get(r"/mails/{n:\d{1,9}}", self._one),
                web.get(r"/mails/{n:\d{1,9}}/{k:\d{1,3}}", self._file),
                web.get("/_sim/mails", self._json),
                web.get("/_sim/faults", self._faults),
                web.post("/_sim/faults", self._set_faults),
                web.static("/static", HERE / "static"),
            ]
        )
        return app

    async def _page(self, request: web.Request) -> web.Response:
        return _html(mails=list(reversed(self.mails)), one=None)

    async def _one(self, request: web.Request) -> web.Response:
        return _html(mails=list(reversed(self.mails)), one=self._found(request))

    async def _file(self, request: web.Request) -> web.Response:
        files, k = self._found(request).files, int(request.match_info["k"])
        if k >= len(files):
            raise web.HTTPNotFound
        name, kind, content = files[k]
        shown = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}"}
        return web.Response(body=content, content_type=kind, headers=shown)

    def _found(self, request: web.Request) -> Kept:
        for kept in self.mails:
            if kept.n == int(request.match_info["n"]):
                return kept
        raise web.HTTPNotFound

    async def _json(self, request: web.Request) -> web.Response:
        return web.json_response({"mails": [kept.as_json() for kept in self.mails]})

    async def _faults(self, request: web.Request) -> web.Response:
        return web.json_response(asdict(self.faults))

    async def _set_faults(self, request: web.Request) -> web.Response:
        given = await request.json()
        known = {one.name for one in fields(SmtpFaults)}
        if not isinstance(given, dict) or not set(given) <= known:
            raise web.HTTPUnprocessableEntity(text=f"known: {', '.join(sorted(known))}")
        for name, value in given.items():
            if type(value) is not type(getattr(self.faults, name)):
                raise web.HTTPUnprocessableEntity(text=name)
            setattr(self.faults, name, value)
        return web.json_response(asdict(self.faults))


_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


def _html(**context: Any) -> web.Response:
    text = _TEMPLATES.get_template("mailbox.html").render(**context)
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": CSP})


async def start(host: str = "127.0.0.1", port: int = 0, page_port: int = 0) -> MailboxSim:
    """Raises OSError when a port is taken."""
    box = MailboxSim(host)
    try:
        await box.listen(port, page_port)
    except OSError:
        await box.close()
        raise
    return box
