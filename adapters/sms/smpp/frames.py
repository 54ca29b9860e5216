"""From a TCP stream to PDUs, however the stream was cut or joined."""

from __future__ import annotations

from typing import Final

from adapters.sms.smpp.limits import HEADER_OCTETS, MAX_PDU_OCTETS
from adapters.sms.smpp.pdu import HEADER

Frame = tuple[int, int, int, bytes]
"""command_id, command_status, sequence_number, body."""

_LENGTH_OCTETS: Final = 4


class FrameReader:
    """Feed it what was read; it returns the whole PDUs, in order.

    A command_length outside 16…70,000 cannot be resynchronised: `broken` then holds it, and nothing more is read.
    """

    __slots__ = ("_rest", "_wanted", "broken")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._wanted = _LENGTH_OCTETS
        self.broken: int | None = None

    @property
    def waiting(self) -> bool:
        """True inside a PDU whose end has not come."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        if self.broken is not None:
            return []
        if self._rest:
            self._rest += data
            if len(self._rest) < self._wanted:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        return self._cut(data)

    def _cut(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        add, unpack = frames.append, HEADER.unpack_from
        at, end = 0, len(data)
        while end - at >= HEADER_OCTETS:
            length, command, status, sequence = unpack(data, at)
            if not HEADER_OCTETS <= length <= MAX_PDU_OCTETS:
                self.broken = length
                return frames
            after = at + length
            if after > end:
                self._keep(data, at, length)
                return frames
            add((command, status, sequence, data[at + HEADER_OCTETS : after]))
            at = after
        if at < end:
            self._keep_head(data, at)
        return frames

    def _keep_head(self, data: bytes, at: int) -> None:
        """Less than a header is left; its length, once whole, is judged at once."""
        wanted = _LENGTH_OCTETS
        if len(data) - at >= _LENGTH_OCTETS:
            wanted = int.from_bytes(data[at : at + _LENGTH_OCTETS], "big")
            if not HEADER_OCTETS <= wanted <= MAX_PDU_OCTETS:
                self.broken = wanted
                return
        self._keep(data, at, wanted)

    def _keep(self, data: bytes, at: int, wanted: int) -> None:
        self._rest += data[at:]
        self._wanted = wanted
