"""A link between two parties, as a process of its own that may be killed: `python relay.py host:port [listening port]`.

One JSON line on stdout says where it listens. Commands are lines on stdin: `cut` breaks every connection, `stall` lets
no byte pass until `go`, `refuse` closes whatever connects until `accept`, `to host:port[,host:port]` names new targets.
It ends when stdin closes. What was read from one side and not yet written to the other is lost when it dies, as in a
provider's gateway.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from contextlib import suppress
from itertools import cycle

READ_OCTETS = 65_536


class Relay:
    def __init__(self, targets: str) -> None:
        self.writers: set[asyncio.StreamWriter] = set()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.refusing = False
        self.aim(targets)

    def aim(self, targets: str) -> None:
        self.targets = [(host, int(port)) for host, _, port in (one.rpartition(":") for one in targets.split(","))]
        self.turns: cycle[tuple[str, int]] = itertools.cycle(self.targets)

    def obey(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        if word == "cut":
            self.cut()
        elif word == "stall":
            self.flowing.clear()
        elif word == "go":
            self.flowing.set()
        elif word in ("refuse", "accept"):
            self.refusing = word == "refuse"
            if self.refusing:
                self.cut()
        elif word == "to":
            self.aim(rest)

    def cut(self) -> None:
        for writer in tuple(self.writers):
            writer.transport.abort()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        found = await self._reach()
        if found is None:
            writer.transport.abort()
            return
        far_reader, far_writer = found
        self.writers |= {writer, far_writer}
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self.writers -= {writer, far_writer}
            for one in (writer, far_writer):
                one.transport.abort()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The next target that answers."""
        for host, port in itertools.islice(self.turns, len(self.targets)):
            with suppress(OSError):
                return await asyncio.open_connection(host, port)
        return None

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while octets := await reader.read(READ_OCTETS):
                await self.flowing.wait()
                writer.write(octets)
                await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.write_eof()


async def main(targets: str, port: int) -> None:
    relay = Relay(targets)
    server = await asyncio.start_server(relay.connected, "127.0.0.1", port)
    print(json.dumps({"ready": True, "port": server.sockets[0].getsockname()[1]}), flush=True)
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        relay.obey(line.decode())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
