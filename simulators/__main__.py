"""`python -m simulators`: all simulators in one process.

One JSON line on stdout when everything listens: `ready`, `zalo`, `telegram`, `smsc` ("host:port"), `smsc_control`,
`esms` and `speedsms` (roots: the `base_url` of an account adds the provider's folder, `/MainService.svc/json` or
`/index.php`), `mail` ("host:port", SMTP), `mail_page`, `phones`. Logs go to stderr.

Ends at SIGTERM or SIGINT, or with `--until-stdin-closes` when the
parent process is gone. Exit 1, with one line on stderr, when a port is taken or the list of people cannot be read.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import orjson
import structlog

from directory import units
from simulators.people import PEOPLE_FILE, read_people
from simulators.town import Plan, Ports, found


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulators", description="Zalo, Telegram, an SMS carrier and their people.")
    parser.add_argument("--people", type=Path, help="CSV of the leaders; the sample if not given")
    parser.add_argument("--seed", type=int, default=1, help="the same seed: the same people do the same")
    parser.add_argument("--speed", type=_speed, default=1.0, help="divides every wait of the people")
    parser.add_argument("--no-people-reply", action="store_true", help="nobody answers by himself")
    parser.add_argument("--host", default="127.0.0.1")
    for name in ("zalo", "telegram", "smsc", "smsc-control", "phones", "mail", "esms", "speedsms"):
        parser.add_argument(f"--{name}-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--journals", type=Path, help="a folder; who is started anew with it knows what was")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when the parent process ends")
    return parser.parse_args(given)


def _speed(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def _plan(arguments: argparse.Namespace) -> Plan:
    """Raises ValueError and OSError for a list of people that cannot be read."""
    file = arguments.people or (PEOPLE_FILE if PEOPLE_FILE.exists() else None)
    return Plan(
        people=read_people(file) if file else (),
        seed=arguments.seed,
        speed=arguments.speed,
        replies=not arguments.no_people_reply,
        host=arguments.host,
        ports=Ports(
            zalo=arguments.zalo_port,
            telegram=arguments.telegram_port,
            smsc=arguments.smsc_port,
            smsc_control=arguments.smsc_control_port,
            phones=arguments.phones_port,
            mail=arguments.mail_port,
            esms=arguments.esms_port,
            speedsms=arguments.speedsms_port,
        ),
        journals=arguments.journals,
        units={unit.code: unit.name for unit in units.load().all},
    )


async def _run(plan: Plan, until_stdin_closes: bool) -> None:
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    town = await found(plan)
    try:
        sys.stdout.write(orjson.dumps(town.ready()).decode() + "\n")
        sys.stdout.flush()
        if until_stdin_closes:
            threading.Thread(target=_watch_stdin, args=(loop, over), daemon=True, name="stdin").start()
        await over.wait()
    finally:
        await town.close()


def _watch_stdin(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    """In a thread: a file or /dev/null as stdin cannot be waited for by the event loop."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    if not loop.is_closed():
        loop.call_soon_threadsafe(over.set)


def main(given: list[str] | None = None) -> int:
    arguments = _arguments(given)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        asyncio.run(_run(_plan(arguments), arguments.until_stdin_closes))
    except (ValueError, OSError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
