"""What the SMPP tests stand on: quick timers, an account at the simulated carrier, a peer scripted octet by octet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from adapters.contract import Envelope
from adapters.sms.settings import SmppAccount, SmppTimers
from adapters.sms.smpp.channel import SmppChannel
from adapters.sms.smpp.frames import Frame, FrameReader
from adapters.sms.smpp.pdu import RESPONSE, Command, encode
from simulators import smsc
from tests.contract.recording import MemoryState, RecordingSink
from tests.contract.runner import Rig

PHONE = "84900001234"
OTHER = "84900005678"
QUICK = SmppTimers(
    connect=2, bind=0.5, enquire_link=0.2, enquire_link_answer=0.2, response=0.5, partial_pdu=0.3, unbind=0.5, drain=1,
    backoff_min=0.05, backoff_max=0.2, stable=60, already_bound=0.4, bind_grace=0.3, mo_parts=0.6,
)  # fmt: skip
PATIENT = QUICK.model_copy(update={"response": 30.0, "enquire_link": 30.0})
LONG = "PCTT Thanh Hoa: " + "nuoc song Ma len nhanh, dan vung trung di doi ngay. " * 6
"""Three parts of 153."""
BINDS = (Command.BIND_TRANSCEIVER, Command.BIND_TRANSMITTER, Command.BIND_RECEIVER)


def one(text: str = "canh bao", to: str = PHONE, n: int = 1, **more: Any) -> Envelope:
    return Envelope(n, to, text, **more)


def some(count: int, text: str = "canh bao") -> tuple[Envelope, ...]:
    return tuple(one(f"{text} {n}", n=n) for n in range(1, count + 1))


def account(port: int, **more: Any) -> SmppAccount:
    fields: dict[str, Any] = {
        "name": "viettel", "host": "127.0.0.1", "port": port, "system_id": smsc.SYSTEM_ID, "password": smsc.PASSWORD,
        "sender": "PCTT", "window": 50, "timers": QUICK,
    }  # fmt: skip
    return SmppAccount(**(fields | more))


class Stand:
    """Opens channels at one carrier (or scripted peer) and closes them at the end."""

    def __init__(self, sim: Any) -> None:
        self.sim = sim
        self._opened: list[SmppChannel] = []

    async def open(self, state: MemoryState | None = None, sink: RecordingSink | None = None, **more: Any) -> Rig:
        state, sink = state or MemoryState(), sink or RecordingSink()
        channel = SmppChannel(account(self.sim.port, **more), state)
        self._opened.append(channel)
        await channel.start(sink)
        return Rig(channel, self.sim, sink, more={"state": state})

    async def kill(self, rig: Rig) -> None:
        """As `kill -9` would: tasks and sockets end, nothing is said or stored."""
        channel = rig.channel
        assert isinstance(channel, SmppChannel)
        self._opened.remove(channel)
        tasks = [*channel._tasks, *(channel._inbox._tasks if channel._inbox else [])]
        for task in tasks:
            task.cancel()
        for bind in channel._binds:
            if bind.link is not None and bind.link._transport is not None:
                bind.link._transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        await asyncio.gather(*(channel.stop() for channel in self._opened))


Script = Callable[["RawSmsc", Frame, asyncio.StreamWriter], Awaitable[bool]]
"""Answers one PDU; False: let the peer answer as usual."""


class RawSmsc:
    """A peer that binds anybody and then does what the script says. `heard` holds every PDU it got."""

    def __init__(self, script: Script | None = None) -> None:
        self.heard: list[Frame] = []
        self.connections = 0
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []
        self._script = script
        self._server: asyncio.Server | None = None
        self._ids = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        for writer in self.writers:
            writer.close()
        if self._server is not None:
            self._server.close()

    def commands(self) -> list[int]:
        return [command for command, *_ in self.heard]

    def say(self, command: int, sequence: int, body: bytes = b"", status: int = 0) -> None:
        """To the newest connection."""
        self.writers[-1].write(encode(command, sequence, body, status))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        frames = FrameReader()
        while data := await reader.read(65_536):
            for frame in frames.feed(data):
                self.heard.append(frame)
                if self._script is None or not await self._script(self, frame, writer):
                    self._usual(frame, writer)
        writer.close()

    def _usual(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        command, _, sequence, _ = frame
        if command in BINDS:
            writer.write(encode(command | RESPONSE, sequence, b"RAW\0"))
        elif command == Command.SUBMIT_SM:
            self._ids += 1
            writer.write(encode(Command.SUBMIT_SM_RESP, sequence, b"%d\0" % self._ids))
        elif command in (Command.ENQUIRE_LINK, Command.UNBIND):
            writer.write(encode(command | RESPONSE, sequence))
            if command == Command.UNBIND:
                writer.close()
