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


class Side(asyncio.Protocol):
    """One end of a connection: what it hears goes to `peer`, as long as bytes pass and the peer takes them."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.peer: Side | None = None
        self.full = False
        """Its transport has enough for now."""
        self.said_all = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.relay.sides.add(self)
        asyncio.get_running_loop().call_soon(self.listen)  # once the loop reads it, which it does after this call

    def listen(self) -> None:
        """Read on, or not, as it should be now."""
        if self.relay.flowing and self.peer is not None and not self.peer.full:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        assert self.peer is not None
        self.peer.transport.write(data)

    def pause_writing(self) -> None:
        self.full = True
        if self.peer is not None:
            self.peer.listen()

    def resume_writing(self) -> None:
        self.full = False
        if self.peer is not None:
            self.peer.listen()

    def eof_received(self) -> bool:
        """The other way stays open until it has said all, too."""
        assert self.peer is not None
        self.said_all = True
        if self.peer.said_all:
            self.peer.transport.close()
            return False
        with suppress(OSError, RuntimeError):
            self.peer.transport.write_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self.relay.sides.discard(self)
        if self.peer is not None and not (self.said_all and self.peer.said_all):
            self.peer.transport.abort()


class Near(Side):
    """The end of whoever connected to us."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.relay.refusing:
            self.transport.abort()
        else:
            self.reaching = asyncio.create_task(self._reach())

    async def _reach(self) -> None:
        far = await self.relay.reach()
        if far is None or self.transport.is_closing():
            for side in (self, far):
                if side is not None:
                    side.transport.abort()
            return
        self.peer, far.peer = far, self
        self.listen()
        far.listen()


class Relay:
    def __init__(self, targets: str) -> None:
        self.sides: set[Side] = set()
        self.flowing = True
        self.refusing = False
        self.aim(targets)

    def aim(self, targets: str) -> None:
        self.targets = [(host, int(port)) for host, _, port in (one.rpartition(":") for one in targets.split(","))]
        self.turns: cycle[tuple[str, int]] = itertools.cycle(self.targets)

    def obey(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        if word == "cut":
            self.cut()
        elif word in ("stall", "go"):
            self.flowing = word == "go"
            for side in self.sides:
                side.listen()
        elif word in ("refuse", "accept"):
            self.refusing = word == "refuse"
            if self.refusing:
                self.cut()
        elif word == "to":
            self.aim(rest)

    def cut(self) -> None:
        for side in tuple(self.sides):
            side.transport.abort()

    async def reach(self) -> Side | None:
        """The next target that answers."""
        loop = asyncio.get_running_loop()
        for host, port in itertools.islice(self.turns, len(self.targets)):
            with suppress(OSError):
                return (await loop.create_connection(lambda: Side(self), host, port))[1]
        return None


async def main(targets: str, port: int) -> None:
    relay = Relay(targets)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Near(relay), "127.0.0.1", port)
    print(json.dumps({"ready": True, "port": server.sockets[0].getsockname()[1]}), flush=True)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        relay.obey(line.decode())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
