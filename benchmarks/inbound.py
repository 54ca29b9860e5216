"""(d) What people write: messages a second through intake, understanding, ledger and reply queue, on one process.

1,000 different messages of 400 people come in one by one, as carriers deliver them: residents' questions, leaders'
confirmations, cries for help. A message counts as answered when its answer is committed to the lanes. Channels are left
out. Printed: messages a second, CPU microseconds per message, and the time from a message to its stored answer.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from adapters.contract import (
    Button,
    Envelope,
    Evidence,
    Health,
    HealthState,
    Hook,
    Incoming,
    IncomingKind,
    Outcome,
    Priority,
    Report,
    Sink,
    Traits,
)
from bot.answers import Office
from bot.ears import Ears
from bot.ears import load as load_ears
from bot.intake import Intake
from broadcasts.acknowledge import Acknowledgements
from broadcasts.model import Actor
from broadcasts.plan import NewChunk
from broadcasts.routes import Route, Routes
from broadcasts.single import write_single
from directory.units import UnitCatalogue
from directory.units import load as load_units
from lanes.memory import MemoryBus, MemoryLanes
from store import broadcasts, directory, rollcalls
from store.engine import Ledger, Tx
from store.migrate import migrate
from store.opening import ledger_at

MESSAGES = 1_000
PEOPLE = 400
CALLERS = 32
"""Messages that are on their way in at the same time."""
LEADERS = 100
OFFICE = Office(hotline="0237 000 0000", portal="https://pctt.example.vn/", dvc_portal="dichvucong.example.vn")
PACED_RATE = 100.0  # messages a second: five times what the office is asked to carry
PACED_SECONDS = 5.0
QUESTIONS = (
    "SOTAN {unit}",
    "sơ tán ở đâu {unit}",
    "diem so tan {ascii} o cho nao vay",
    "thoi tiet {ascii} mai the nao",
    "cho xin sđt trực ban {unit}",
    "nuoc len nhanh qua, {ascii} co ngap ko",
    "đê biển {unit} có an toàn không",
    "sat lo duong len {ascii} chua thong",
    "bao so 5 co vao {ascii} ko",
    "nộp hồ sơ dịch vụ công ở đâu, {unit}",
)
CRIES = ("cuu voi nuoc ngap den mai nha roi thon 3 {ascii}", "Nhà em ở {unit} bị kẹt trên mái, cần cứu hộ gấp")
CONFIRMATIONS = ("Dạ rõ ạ", "ok ạ", "đã nhận", "{unit} đã nhận công điện ạ", "da ro")


class Nowhere:
    """A channel that is never asked to send: the benchmark ends at the reply queue."""

    def __init__(self) -> None:
        self.name = "sms.bench"
        self.traits = Traits(receipts=frozenset({Evidence.ACCEPTED}), unaccented=True)
        self.hooks: Mapping[str, Hook] = {}

    async def start(self, sink: Sink) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, batch: Sequence[Envelope], report: Report) -> None: ...

    async def ask(self, envelope: Envelope, sent_at: float) -> Outcome | None:
        return None

    async def probe(self) -> Health:
        return Health(HealthState.OK, "bench")


class ReplyQueue:
    """What the desk does with an answer: one transaction, one announcement."""

    def __init__(self, ledger: Ledger, routes: Routes) -> None:
        self.ledger = ledger
        self.routes = routes
        self.lanes = MemoryLanes()

    async def send_single(
        self,
        channel_family: str,
        to: str,
        text: str,
        actor: Actor,
        *,
        priority: Priority = Priority.NORMAL,
        inbox_id: int | None = None,
        buttons: tuple[Button, ...] = (),
        also: Callable[[Tx], None] | None = None,
    ) -> int:
        route = self.routes.resolve(channel_family)
        assert route is not None

        def write(tx: Tx) -> tuple[int, NewChunk | None]:
            written = write_single(tx, route, to, text, actor, priority, inbox_id, time.time(), buttons)
            if also is not None:
                also(tx)
            return written

        delivery, made = await self.ledger.write(write)
        if made is not None:
            await self.lanes.announce(made.channel, priority, made.chunk)
        return delivery


def messages(units: UnitCatalogue) -> list[Incoming]:
    """Different texts from many people, in a repeatable order; a sender writes at most four times."""
    chance, at = random.Random(5), datetime.now(UTC)
    kinds = itertools.cycle((*QUESTIONS * 3, *CONFIRMATIONS, *CRIES))
    made = []
    for n in range(MESSAGES):
        template, unit = next(kinds), chance.choice(units.all)
        sender = f"8490000{n % PEOPLE:04}"
        text = template.format(unit=unit.name, ascii=unit.ascii)
        made.append(Incoming("sms.bench", f"b{n}", IncomingKind.TEXT, sender, sender, at, text))
    chance.shuffle(made)
    return made


def people(tx: Tx, units: UnitCatalogue) -> None:
    """The first people are leaders, with one open directive."""
    now = time.time()
    values = {
        "code": "TB0825-07", "state": "sent", "mode": "actual", "kind": "directive", "urgency": "khan", "title": "",
        "content": "{}", "audience": "all-units", "valid_until": now + 3_600, "created_by": "bench", "created_at": now,
        "started_at": now,
    }  # fmt: skip
    no = broadcasts.insert(tx, values)
    rollcalls.open_all(tx, no, [(unit.code, None) for unit in units.all])
    for n in range(LEADERS):
        person = directory.add_person(tx, units.all[n].code, "chairman", f"Người {n}", now)
        directory.add_address(tx, person, "sms", f"8490000{n:04}", 0, now)


async def measure(folder: Path, ears: Ears, rate: float | None) -> dict[str, float]:
    """As fast as it goes with `CALLERS` at once, or at `rate` messages a second whatever the answers do."""
    url = f"sqlite:///{folder / f'{rate}.db'}"
    migrate(url)
    ledger = ledger_at(url)
    ledger.open()
    bus, routes = MemoryBus(), Routes([Route(Nowhere(), "sms")])
    intake = ears.intake(ledger, bus, routes, Acknowledgements(ledger, bus), ReplyQueue(ledger, routes))
    await ledger.write(lambda tx: people(tx, ears.units))
    task = asyncio.create_task(intake.run())
    incoming = messages(ears.units)
    begun, cpu = time.perf_counter(), time.process_time()
    if rate is None:
        await as_fast_as_it_goes(intake, incoming)
    else:
        incoming = incoming[: int(rate * PACED_SECONDS)]
        await at_a_pace(intake, incoming, rate)
    await intake.drained()
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    answers, waits, cries = await ledger.read(answer_times)
    await ledger.close()
    return {
        "messages": len(incoming),
        "messages_per_second": len(incoming) / took,
        "cpu_us_per_message": cpu / len(incoming) * 1e6,
        "answers": answers,
        "handled_p50_ms": at(waits, 0.5),
        "handled_p99_ms": at(waits, 0.99),
        "cries": len(cries),
        "cries_slowest_ms": at(cries, 1.0),
    }


async def as_fast_as_it_goes(intake: Intake, incoming: Sequence[Incoming]) -> None:
    waiting = iter(incoming)

    async def carrier() -> None:
        """Delivers the next message as soon as ours is stored, as an SMPP window does."""
        for one in waiting:
            await intake.store([one])

    await asyncio.gather(*(carrier() for _ in range(CALLERS)))


async def at_a_pace(intake: Intake, incoming: Sequence[Incoming], rate: float) -> None:
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for n, one in enumerate(incoming):
            await asyncio.sleep(max(0.0, begun + n / rate - time.perf_counter()))
            group.create_task(intake.store([one]))


def answer_times(tx: Tx) -> tuple[int, list[float], list[float]]:
    """(answers, seconds from arrival to the end of handling, the same of cries for help), sorted"""
    rows = tx.execute("SELECT handled_at - came_at, priority FROM inbox WHERE handled_at IS NOT NULL").fetchall()
    answers = tx.execute("SELECT COUNT(*) FROM single").fetchone()[0]
    return answers, sorted(row[0] for row in rows), sorted(row[0] for row in rows if row[1] == Priority.LIFE)


def at(waits: Sequence[float], share: float) -> float:
    """Milliseconds at a share of a sorted list."""
    return waits[min(len(waits) - 1, int(len(waits) * share))] * 1e3 if waits else 0.0


async def main() -> None:
    folder, ears = Path(tempfile.mkdtemp(prefix="loa-bench-")), load_ears(OFFICE, load_units())
    try:
        for name, rate in (("inbound, all at once", None), (f"inbound, {PACED_RATE:.0f}/s", PACED_RATE)):
            figures = await measure(folder, ears, rate)
            print(f"{name}: " + ", ".join(f"{key} {value:,.1f}" for key, value in figures.items()))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    asyncio.run(main())
