"""Ports for servers that take a number and keep it for their lives, restarts included."""

from __future__ import annotations

import random
import socket
from contextlib import closing
from typing import Final

BELOW_EPHEMERAL: Final = range(20_000, 32_000)
"""Nothing gets one of these by chance: Linux gives clients and `port 0` those from 32768 on (ip(7))."""


def free_port() -> int:
    """Nobody has it now, and only another caller that draws the same number could take it."""
    for port in random.SystemRandom().sample(BELOW_EPHEMERAL, 100):
        with closing(socket.socket()) as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port")
