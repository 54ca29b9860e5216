"""The server's side of SMTP (RFC 5321), as much as a client that hands mail over needs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SIZE_LIMIT: Final = 20 << 20
"""Octets of one mail, as the SIZE extension announces it (RFC 1870)."""
LINE_LIMIT: Final = 4096
"""Octets of a command line; RFC 5321 4.5.3.1.4 asks for 512."""
IDLE_SECONDS: Final = 300.0
"""RFC 5321 4.5.3.2.7."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it came over the wire, dots unstuffed."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


@dataclass(slots=True)
class SmtpFaults:
    """`refuse`: address → "code words" for RCPT. `data`: the answer to the text, "" for none. `cut_after_data`: take
    the text and hang up. `busy`: answer 421 to every connection."""

    refuse: dict[str, str]
    data: str = ""
    cut_after_data: bool = False
    busy: bool = False


class Conversation:
    """One connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        faults: SmtpFaults,
        took: Callable[[Mail], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._faults = faults
        self._took = took
        self._sender: str | None = None
        self._recipients: list[str] = []

    async def run(self) -> None:
        try:
            await self._talk()
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()

    async def _talk(self) -> None:
        if self._faults.busy:
            return await self._say("421 mailbox.example busy, come back later")
        await self._say("220 mailbox.example ESMTP")
        while line := await self._line():
            if len(line) > LINE_LIMIT:
                return await self._say("500 line too long")
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if not await self._obey(verb.upper(), rest):
                return

    async def _obey(self, verb: str, rest: str) -> bool:
        """False ends the conversation."""
        if verb == "QUIT":
            await self._say("221 bye")
            return False
        if verb == "DATA":
            return await self._data()
        if verb == "EHLO":
            await self._say("250-mailbox.example", f"250-SIZE {SIZE_LIMIT}", "250 8BITMIME")
        elif verb == "HELO":
            await self._say("250 mailbox.example")
        elif verb == "MAIL":
            await self._mail(rest)
        elif verb == "RCPT":
            await self._rcpt(rest)
        elif verb == "RSET":
            self._sender, self._recipients = None, []
            await self._say("250 forgotten")
        elif verb == "NOOP":
            await self._say("250 yes")
        else:
            await self._say("502 not known here")
        return True

    async def _mail(self, rest: str) -> None:
        self._sender, self._recipients = _address(rest), []
        await self._say("250 sender ok")

    async def _rcpt(self, rest: str) -> None:
        address = _address(rest)
        if self._sender is None:
            await self._say("503 MAIL first")
        elif refusal := self._faults.refuse.get(address):
            await self._say(refusal)
        elif not address:
            await self._say("501 no address")
        else:
            self._recipients.append(address)
            await self._say("250 recipient ok")

    async def _data(self) -> bool:
        if self._sender is None or not self._recipients:
            await self._say("503 MAIL and RCPT first")
            return True
        await self._say("354 go on, end with a dot")
        raw = await self._text()
        if self._faults.cut_after_data:
            return False
        if self._faults.data:
            await self._say(self._faults.data)
            return True
        self._took(Mail(self._sender, tuple(self._recipients), raw))
        self._sender, self._recipients = None, []
        await self._say("250 taken")
        return True

    async def _line(self) -> bytes:
        """b"" at the end. TimeoutError where nothing comes."""
        async with asyncio.timeout(IDLE_SECONDS):
            return await self._reader.readline()

    async def _text(self) -> bytes:
        """Up to the lonely dot, with doubled dots undone (RFC 5321 4.5.2)."""
        lines: list[bytes] = []
        size = 0
        while (line := await self._line()) != b".\r\n":
            size += len(line)
            if not line or size > SIZE_LIMIT:
                raise ConnectionError("cut off, or too large")
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self._writer.drain()


def _address(rest: str) -> str:
    """The path of "FROM:<a@b> SIZE=…"; "" where there is none."""
    return rest.partition("<")[2].partition(">")[0].strip()
