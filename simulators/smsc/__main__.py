"""`python -m simulators.smsc`: the carrier as a process. One JSON line when it listens; ends at SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from typing import Any

from simulators.smsc.server import PASSWORD, SHORT_CODE, SYSTEM_ID, start


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulators.smsc", description="An SMPP 3.4 carrier on loopback.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="SMPP port, 0: any free one")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--system-id", default=SYSTEM_ID)
    parser.add_argument("--password", default=PASSWORD)
    parser.add_argument("--short-code", default=SHORT_CODE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default="{}", help="knobs as one JSON object")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when the parent process ends")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    faults: dict[str, Any] = json.loads(arguments.faults)
    sim = await start(
        host=arguments.host, port=arguments.port, control_port=arguments.control_port,
        systems={arguments.system_id: arguments.password}, short_code=arguments.short_code, seed=arguments.seed,
        faults=faults,
    )  # fmt: skip
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if arguments.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _watch_stdin, over)
    ready = {"ready": True, "smsc": f"{sim.host}:{sim.port}", "control": sim.url, "port": sim.port}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await over.wait()
    await sim.close()


def _watch_stdin(over: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        over.set()


def main() -> int:
    try:
        asyncio.run(_run(_arguments()))
    except (ValueError, OSError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
