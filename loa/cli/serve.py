"""`loa run` and `loa demo`: the service in the foreground until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import structlog
import typer

from loa.cli.out import Failed, blanks_of, line
from loa.logs import configure_logging
from loa.roles.role import Role
from loa.settings import load_settings
from loa.settings_error import SettingsError
from loa.tracing import tracing
from store.engine import LedgerError

if TYPE_CHECKING:
    from loa.service import Service

log = structlog.get_logger(__name__)
FAILED: Final = 1
Config = Annotated[Path | None, typer.Option(help="Settings file; else LOA_CONFIG, else config.toml.")]
Ready = Callable[[dict[str, Any]], None]


def run(
    config: Config = None,
    role: Annotated[
        Role, typer.Option(help="What this process does; anything but `all` needs PostgreSQL and Redis.")
    ] = Role.ALL,
) -> None:
    """Run the service."""
    from loa.service import Service

    async def serve(stopped: asyncio.Event) -> None:
        settings = load_settings(config)
        service = Service(settings, role)
        await service.start()
        line(service.ready_line())
        try:
            await either(stopped, service.ended)
        finally:
            await _end(service, settings.roles.drain)
        if service.why is not None:
            raise service.why

    _until_stopped(serve, config)


async def either(one: asyncio.Event, other: asyncio.Event) -> None:
    """Until one of them is set."""
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _end(service: Service, seconds: float) -> None:
    """What is not drained by then ends as a kill would end it, and is found and listed by the others."""
    try:
        async with asyncio.timeout(seconds):
            await service.stop()
    except TimeoutError:
        log.error("not_drained_in_time", seconds=seconds)
        os._exit(FAILED)


def demo(
    port: Annotated[int, typer.Option(help="Port of the console; 0 takes any free one.")] = 8080,
    data: Annotated[Path | None, typer.Option(help="Data folder.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people.")] = 1,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000.0, help="People and escalation run so many times faster.")
    ] = 1.0,
    no_people_reply: Annotated[
        bool, typer.Option("--no-people-reply", help="Simulated people read and stay silent.")
    ] = False,
    config: Config = None,
) -> None:
    """Everything on this machine: Loa, the providers' simulators and 166 communes full of invented people."""
    from loa.demo import DemoOptions, run_demo

    options = DemoOptions(port=port, data=data, seed=seed, speed=speed, people_reply=not no_people_reply, config=config)
    _until_stopped(lambda stopped: run_demo(options, stopped, line), config)


def _until_stopped(serve: Callable[[asyncio.Event], Awaitable[None]], config: Path | None) -> None:
    """Run to the first signal, which drains; a second one ends at once. What is wrong comes out as one sentence."""

    async def main() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()

        def asked() -> None:
            if stopped.is_set():
                log.warning("stopped_at_once")
                os._exit(FAILED)
            stopped.set()

        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, asked)
        await serve(stopped)

    try:
        telemetry = load_settings(config).telemetry
        configure_logging(telemetry.log, telemetry.log_level)
        with tracing(telemetry):
            asyncio.run(main())
    except SettingsError as wrong:
        raise Failed(f"settings.{wrong.key}", **blanks_of(wrong)) from None
    except LedgerError as wrong:
        raise Failed(f"error.{wrong.key}", **wrong.params) from None
