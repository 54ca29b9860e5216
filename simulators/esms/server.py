"""The simulated eSMS.vn on one port, and the people who write to its short code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from simulators.esms.book import Book
from simulators.esms.callbacks import Callbacks
from simulators.esms.calls import Calls
from simulators.knobs import turned
from simulators.serving import Served, serve
from simulators.stage import Shown, Stage, routes

FOLDER = "/MainService.svc/json"
API_KEY = "LOA-SIMULATOR-API-KEY"
SECRET_KEY = "LOA-SIMULATOR-SECRET-KEY"
BRANDNAME = "PCTT THOA"
"""Invented."""


class EsmsSim:
    """`start()` makes one. It is the `Provider` of its stage; `book` shows what it took."""

    def __init__(self, brandnames: Iterable[str], seed: int) -> None:
        self.stage = Stage()
        self.book = Book(self.stage, set(brandnames), seed)
        self.callbacks = Callbacks(self.book)
        self._calls = Calls(self.book, self.callbacks, (API_KEY, SECRET_KEY), self._turn)
        self._served: Served | None = None

    @property
    def url(self) -> str:
        return self._served.url if self._served else ""

    @property
    def base_url(self) -> str:
        """What an account's `base_url` is to be."""
        return f"{self.url}{FOLDER}"

    @property
    def port(self) -> int:
        return self._served.port if self._served else 0

    async def listen(self, host: str, port: int) -> None:
        app = web.Application()
        app.add_routes([*routes(self.stage, self), *self._calls.routes(FOLDER)])
        app.add_routes([web.post("/_sim/mo_url", self._set_mo_url), web.post("/_sim/clock", self._forward)])
        self._served = await serve(app, host, port)

    async def close(self) -> None:
        await self.callbacks.calling.close()
        if self._served is not None:
            await self._served.close()

    async def person_says(self, sender: str, chat: str | None, text: str) -> None:
        """To the short code, whatever `chat` names. Raises LookupError while nobody is registered for it."""
        if not self.callbacks.mo_url:
            raise LookupError("nobody takes messages to this short code")
        self.stage.show(sender, sender, text)
        await self.callbacks.message(sender, text)

    async def person_presses(self, sender: str, message: Shown, payload: str) -> None:
        raise LookupError("an SMS has no button")

    def faults(self) -> dict[str, Any]:
        return asdict(self.book.faults)

    def set_faults(self, knobs: Mapping[str, Any]) -> None:
        self.book.faults = turned(self.book.faults, dict(knobs))

    def _turn(self, knob: str, resets: str = "") -> bool:
        """Count a knob down. At 0 it is over, and so is the knob that it limits."""
        left = getattr(self.book.faults, knob)
        if not left:
            return False
        self.set_faults({knob: left - 1} | ({resets: ""} if resets and left == 1 else {}))
        return True

    async def _set_mo_url(self, request: web.Request) -> web.Response:
        """`{"url"}`: where people's messages go from now on."""
        self.callbacks.mo_url = str((await request.json())["url"])
        return web.json_response({"ok": True})

    async def _forward(self, request: web.Request) -> web.Response:
        """`{"forward": seconds}`: it is later than it was."""
        self.book.forward(float((await request.json())["forward"]))
        return web.json_response({"now": self.book.now()})


async def start(
    *, host: str = "127.0.0.1", port: int = 0, brandnames: Iterable[str] = (BRANDNAME,), seed: int = 1
) -> EsmsSim:
    """A running eSMS; give an account `sim.base_url`, `API_KEY` and `SECRET_KEY`. Raises OSError for a taken port."""
    sim = EsmsSim(brandnames, seed)
    await sim.listen(host, port)
    return sim
