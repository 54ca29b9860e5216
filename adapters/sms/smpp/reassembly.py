"""Long incoming messages: parts gathered in any order, durable before the SMSC hears "ok", released once.

A group is (source, destination, reference, total, width of the reference). Its parts live in the channel's
`DurableState`, so a restart goes on where it stopped; the event id is a function of what is stored there, so that the
ledger drops what a crash makes us say twice. Parts that come again change nothing; a part with the same number and
another text opens a new generation of the group (references are reused). What is still incomplete after 15 minutes is
released with a gap.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Final

import orjson
import structlog

from adapters.contract import DurableState, Now
from adapters.sms.smpp.incoming import Mo, text_of

log = structlog.get_logger(__name__)

DONE_SECONDS: Final = 3_600.0
"""How long a finished group is remembered, for parts that the SMSC repeats because our answer was lost."""
MAX_GROUPS: Final = 10_000
"""Unfinished groups kept; above it the oldest is released as it is."""
GAP: Final = " … "
"""Stands for parts that never came."""


@dataclass(slots=True, eq=False)
class Group:
    key: str
    generation: int
    source: str
    destination: str
    total: int
    first_at: float
    parts: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    """(octets, data_coding) by part number."""
    writing: set[int] = field(default_factory=set)
    """Parts that are on their way into the state."""
    done_at: float | None = None

    @property
    def complete(self) -> bool:
        return len(self.parts) == self.total

    @property
    def event_id(self) -> str:
        return f"long-{self.key}-{self.generation}-{int(self.first_at * 1000)}-{len(self.parts)}"

    def text(self) -> str:
        """Neighbouring parts are joined as octets first: a character may lie across their border."""
        pieces: list[str] = []
        run, run_coding, previous = b"", -1, 0
        for seq in sorted(self.parts):
            octets, coding = self.parts[seq]
            if seq != previous + 1 or coding != run_coding:
                if run:
                    pieces.append(text_of(run, run_coding))
                if seq != previous + 1:
                    pieces.append(GAP)
                run, run_coding = b"", coding
            run, previous = run + octets, seq
        pieces.append(text_of(run, run_coding))
        return "".join(pieces) + (GAP if previous < self.total else "")

    def raw(self) -> bytes:
        return b"".join(self.parts[seq][0] for seq in sorted(self.parts))


class Reassembly:
    def __init__(self, name: str, state: DurableState, now: Now, ttl: float) -> None:
        """`name` begins the keys in `state`; `ttl` in seconds."""
        self._prefix = f"{name}:mo:"
        self._state = state
        self._now = now
        self._ttl = ttl
        self._groups: dict[str, list[Group]] = {}

    async def load(self) -> None:
        """Read what an earlier process left. Raises whatever the state raises."""
        stored = await self._state.items(self._prefix)
        for key in sorted(stored):
            self._restore(key, stored[key])

    async def add(self, mo: Mo) -> Group:
        """The group of a part, which is durable now. Raises `LedgerUnavailable`; the part is then not taken."""
        assert mo.place is not None
        group, seq = self._group_for(mo), mo.place.seq
        if seq not in group.parts or seq in group.writing:
            stored = {
                "source": mo.source, "destination": mo.destination, "total": mo.place.total, "at": group.first_at,
                "coding": mo.coding, "octets": b64encode(mo.octets).decode(),
            }  # fmt: skip
            group.parts[seq] = (mo.octets, mo.coding)  # its place is taken at once, others arrive while we write
            group.writing.add(seq)
            try:
                await self._state.put(self._part_key(group, seq), orjson.dumps(stored))
            except BaseException:
                group.parts.pop(seq, None)
                raise
            finally:
                group.writing.discard(seq)
        return group

    async def done(self, group: Group) -> None:
        """The group's text is in the ledger. Remembered for a while, then forgotten by `sweep`."""
        group.done_at = self._now()
        await self._state.put(f"{self._prefix}{group.key}:{group.generation}:done", orjson.dumps(group.done_at))

    def due(self) -> list[Group]:
        """Groups to be released now: complete ones that are not done, and incomplete ones past their time."""
        now = self._now()
        waiting = [g for groups in self._groups.values() for g in groups if g.done_at is None and g.parts]
        crowd = sorted(waiting, key=lambda group: group.first_at)[: max(0, len(waiting) - MAX_GROUPS)]
        late = [group for group in waiting if group.complete or group.first_at + self._ttl <= now]
        return late + [group for group in crowd if group not in late]

    async def sweep(self) -> None:
        """Forget groups that were done long enough ago, and those whose first part could not be stored."""
        old = self._now() - DONE_SECONDS
        for key, groups in list(self._groups.items()):
            groups[:] = [group for group in groups if group.parts]
            for group in [g for g in groups if g.done_at is not None and g.done_at <= old]:
                names = [self._part_key(group, seq) for seq in group.parts]
                await self._state.delete(*names, f"{self._prefix}{group.key}:{group.generation}:done")
                groups.remove(group)
            if not groups:
                del self._groups[key]

    def _group_for(self, mo: Mo) -> Group:
        """The newest generation that has this very part or a place for it, else a new one."""
        place = mo.place
        assert place is not None
        seed = f"{mo.source}\0{mo.destination}\0{place.ref}\0{place.total}\0{place.width}"
        key = hashlib.blake2b(seed.encode(), digest_size=12).hexdigest()
        generations = self._groups.setdefault(key, [])
        for group in reversed(generations):
            held = group.parts.get(place.seq)
            if held == (mo.octets, mo.coding) or (held is None and group.done_at is None):
                return group
        number = 1 + max((group.generation for group in generations), default=0)
        generations.append(Group(key, number, mo.source, mo.destination, place.total, self._now()))
        return generations[-1]

    def _part_key(self, group: Group, seq: int) -> str:
        return f"{self._prefix}{group.key}:{group.generation}:{seq}"

    def _restore(self, key: str, value: bytes) -> None:
        """One stored part or done mark; "done" sorts behind the numbers of its group."""
        try:
            group_key, generation, what = key.removeprefix(self._prefix).split(":")
            stored = orjson.loads(value)
            groups = self._groups.setdefault(group_key, [])
            group = next((g for g in groups if g.generation == int(generation)), None)
            if what == "done":
                if group is not None:
                    group.done_at = float(stored)
                return
            if group is None:
                group = Group(
                    group_key, int(generation), stored["source"], stored["destination"], stored["total"], stored["at"]
                )
                groups.append(group)
                groups.sort(key=lambda g: g.generation)
            group.parts[int(what)] = (b64decode(stored["octets"]), stored["coding"])
        except (ValueError, KeyError, TypeError):
            log.exception("smpp_part_unreadable", key=key)
