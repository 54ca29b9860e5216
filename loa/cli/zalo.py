"""`loa zalo authorise`: an administrator of the Official Account lets Loa in, or lets it in again."""

from __future__ import annotations

import sys
import webbrowser
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import typer

from loa.cli.client import Api, api
from loa.cli.out import Failed, line, note, say

Config = Annotated[Path | None, typer.Option(help="Settings file; else LOA_CONFIG, else config.toml.")]
CHANNEL = "zalo"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Back:
    """What the consent page leads back with."""

    code: str
    state: str = ""


def authorise(
    redirect: Annotated[str, typer.Option(help="The callback address that stands in Zalo's developer console.")] = "",
    listen: Annotated[
        int, typer.Option(help="Take the code on this port of this machine (the callback must lead here).")
    ] = 0,
    code: Annotated[str, typer.Option(help="The code, or the whole address that Zalo led back to.")] = "",
    open_browser: Annotated[bool, typer.Option("--open", help="Open the link in this machine's browser.")] = False,
    config: Config = None,
) -> None:
    """Let Loa in at Zalo: open a link as the account's administrator, bring the code back."""
    service = api(config, admin=True)
    if code:
        _bring(service, read_back(code))
        return
    server = _listener(listen) if listen else None
    try:
        asked = service.post(f"/channels/{CHANNEL}/grant", {"redirect": _redirect(redirect, server)})
        note(say("zalo.authorise.open", link=asked["link"]))
        note(say("zalo.authorise.challenge", challenge=asked["challenge"], redirect=asked["redirect"]))
        if open_browser:
            webbrowser.open(asked["link"])
        back = _heard(server) if server is not None else _typed()
    finally:
        if server is not None:
            server.server_close()
    _bring(service, back)


def read_back(typed: str) -> Back:
    """A code, or the address with `?code=…&state=…` that the browser shows. Raises Failed where there is no code."""
    typed = typed.strip()
    if "code=" not in typed:
        if not typed or any(char.isspace() for char in typed):
            raise Failed("zalo.authorise.no_code")
        return Back(typed)
    query = parse_qs(urlsplit(typed).query or typed.partition("?")[2] or typed)
    if not query.get("code"):
        raise Failed("zalo.authorise.no_code")
    return Back(query["code"][0], query.get("state", [""])[0])


def _redirect(redirect: str, server: HTTPServer | None) -> str:
    if redirect.startswith(("http://", "https://")):
        return redirect
    if server is None or redirect:
        raise Failed("zalo.authorise.redirect_missing")
    return f"http://{LOOPBACK}:{server.server_port}/"


def _bring(service: Api, back: Back) -> None:
    line(service.post(f"/channels/{CHANNEL}/grant/code", {"code": back.code, "state": back.state}))


def _typed() -> Back:
    note(say("zalo.authorise.paste"))
    return read_back(sys.stdin.readline())


def _listener(port: int) -> HTTPServer:
    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "code=" in self.path:
                self.server.came = self.path  # type: ignore[attr-defined]
            body = say("zalo.authorise.taken" if "code=" in self.path else "zalo.authorise.no_code").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """The address holds the code: nothing of it is printed."""

    try:
        server = HTTPServer((LOOPBACK, max(port, 0) if port > 0 else 0), Callback)
    except OSError:
        raise Failed("zalo.authorise.port_taken", port=port) from None
    server.came = ""  # type: ignore[attr-defined]
    return server


def _heard(server: HTTPServer) -> Back:
    note(say("zalo.authorise.waiting"))
    while not server.came:  # type: ignore[attr-defined]
        server.handle_request()
    return read_back(server.came)  # type: ignore[attr-defined]
