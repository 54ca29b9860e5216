"""The simulated carrier as a server: an SMPP port, and the control API on a port of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from simulators.journal import Journal
from simulators.knobs import turned
from simulators.serving import Served, serve
from simulators.smsc.carrier import Carrier
from simulators.smsc.session import Session
from simulators.stage import Shown, Stage, routes

SYSTEM_ID: Final = "loa"
PASSWORD: Final = "loa-pass"
"""Invented; what the demo's settings bind with (SMPP 3.4 allows eight characters, most carriers more)."""
SHORT_CODE: Final = "8099"
"""Invented; where people's messages go unless they name another number."""
LOOK_SECONDS: Final = 0.05


class SmscSim:
    """A running carrier. It is the `Provider` of its stage."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.stage = carrier.stage
        self.host = ""
        self.port = 0
        self.url = ""
        self._server: asyncio.Server | None = None
        self._control: Served | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int, control_port: int, tls: ssl.SSLContext | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Session(self.carrier), host, port, ssl=tls)
        self.host, self.port = host, self._server.sockets[0].getsockname()[1]
        self._control = await serve(_control_app(self), host, control_port)
        self.url = self._control.url
        self._keeper = asyncio.create_task(self._keep(), name="smsc keeper")

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        if self._server is not None:
            self._server.close()
        for session in tuple(self.carrier.sessions):
            session.abort()
        self.carrier.wheel.close()
        if self._control is not None:
            await self._control.close()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.carrier.look_after()

    # Provider

    async def person_says(self, sender: str, chat: str | None, text: str) -> None:
        """`chat`: the number written to, the short code if None."""
        self.stage.show(sender, sender, text)
        self.carrier.says(sender, chat or self.carrier.short_code, text)

    async def person_presses(self, sender: str, message: Shown, payload: str) -> None:
        """An SMS has no buttons: nothing happens."""

    def faults(self) -> dict[str, Any]:
        return asdict(self.carrier.faults)

    def set_faults(self, knobs: dict[str, Any]) -> None:
        self.carrier.set_faults(turned(self.carrier.faults, knobs))

    def watch(self, *numbers: str) -> None:
        """Show these phones at any rate (above `show_rate` others are only counted)."""
        self.carrier.phones.watched.update(numbers)

    def received(self) -> dict[str, int]:
        """Whole messages by number, whether the phone was reached or not."""
        return self.carrier.phones.counts()


def _control_app(sim: SmscSim) -> web.Application:
    async def received(request: web.Request) -> web.Response:
        if request.query.get("format") == "counts":
            return web.json_response(sim.received())
        phones = sim.carrier.phones
        figures = {"messages": phones.messages, "destinations": len(phones.complete)}
        return web.json_response(figures | {"parts": phones.parts, "duplicates": phones.duplicates})

    async def watch(request: web.Request) -> web.Response:
        sim.watch(*(str(number) for number in await request.json()))
        return web.json_response({"ok": True})

    async def sessions(_: web.Request) -> web.Response:
        found = [
            {"system": session.system.name, "submits": session.submits, "receives": session.receives}
            for session in sim.carrier.sessions
            if session.system is not None
        ]
        waiting = sum(len(system.outbox) for system in sim.carrier.systems.values())
        unanswered = sum(len(session.outstanding) for session in sim.carrier.sessions)
        return web.json_response({"sessions": found, "waiting": waiting, "unanswered": unanswered})

    app = web.Application()
    app.add_routes(routes(sim.stage, sim))
    app.add_routes(
        [
            web.get("/_sim/received", received),
            web.post("/_sim/watch", watch),
            web.get("/_sim/sessions", sessions),
        ]
    )
    return app


def made(
    systems: Mapping[str, str] | None = None, short_code: str = SHORT_CODE, seed: int = 1,
    journal: Journal | None = None,
) -> SmscSim:  # fmt: skip
    """A carrier that does not listen yet."""
    return SmscSim(Carrier(Stage(journal), systems or {SYSTEM_ID: PASSWORD}, short_code, seed, journal))


async def start(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    control_port: int = 0,
    systems: Mapping[str, str] | None = None,
    short_code: str = SHORT_CODE,
    seed: int = 1,
    faults: Mapping[str, Any] | None = None,
    journal: Journal | None = None,
    tls: ssl.SSLContext | None = None,
) -> SmscSim:
    """Listen on loopback; port 0 takes any free one. `systems`: password by system_id. Raises OSError when a port is
    taken, ValueError for a knob that is none."""
    sim = made(systems, short_code, seed, journal)
    sim.set_faults(dict(faults or {}))
    await sim.open(host, port, control_port, tls)
    return sim
