"""`loa run` and `loa demo`: the service in the foreground until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from loa.cli.out import Failed, blanks_of, line
from loa.logs import configure_logging
from loa.settings import SettingsError, load_settings
from loa.tracing import tracing
from store.engine import LedgerError

Config = Annotated[Path | None, typer.Option(help="Settings file; else LOA_CONFIG, else config.toml.")]
Ready = Callable[[dict[str, Any]], None]


class ServiceRole(StrEnum):
    WEB = "web"
    WORKER = "worker"
    LISTENER = "listener"
    SCHEDULER = "scheduler"
    ALL = "all"


def run(
    config: Config = None,
    role: Annotated[
        ServiceRole, typer.Option(help="What this process does; SQLite serves `all` only.")
    ] = ServiceRole.ALL,
) -> None:
    """Run the service."""
    if role is not ServiceRole.ALL:
        raise Failed("cli.role_needs_postgresql", role=role.value)
    from loa.service import Service

    async def serve(stopped: asyncio.Event) -> None:
        service = Service(load_settings(config))
        await service.start()
        ready = {"ready": True, "console": service.url, "api": f"{service.url}/api/v1", "role": role.value}
        line(ready | ({"set_up": service.set_up_url} if service.set_up_url else {}))
        try:
            await stopped.wait()
        finally:
            await service.stop()

    _until_stopped(serve, config)


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
    """Run to the first signal; what is wrong comes out as one sentence."""

    async def main() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, stopped.set)
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
