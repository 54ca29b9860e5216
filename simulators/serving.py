"""One aiohttp application on a loopback port, as every simulator needs it."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

SHUTDOWN_SECONDS = 0.2
"""Open event streams and long polls get this long when the simulator closes; they never end by themselves."""


@dataclass(slots=True)
class Served:
    url: str
    port: int
    runner: web.AppRunner

    async def close(self) -> None:
        await self.runner.cleanup()


async def serve(app: web.Application, host: str = "127.0.0.1", port: int = 0) -> Served:
    """Listen; port 0 takes any free one. Raises OSError when the port is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    bound = runner.addresses[0][1]
    return Served(f"http://{host}:{bound}", bound, runner)
