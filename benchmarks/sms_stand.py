"""A service with one SMPP account at a simulated carrier, for the benchmarks of SMS: lists, approvals, counts."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession

from adapters.contract import HealthState
from benchmarks.smpp_session import TEXT
from benchmarks.sms import APPROVER, OFFICER, carrier, settings
from broadcasts.model import DeliveryState, Draft
from directory import importing
from loa.service import Service
from store import chunks

FIRST_NUMBER: Final = 900_000_000
LOOK_SECONDS: Final = 0.05
D = DeliveryState


@dataclass(slots=True)
class Bench:
    """`address` is the carrier's ready line."""

    service: Service
    folder: Path
    address: dict[str, Any]
    http: ClientSession

    async def faults(self, **knobs: Any) -> None:
        async with self.http.post(f"{self.address['control']}/_sim/faults", json=knobs) as answer:
            answer.raise_for_status()

    async def asked(self, what: str, **query: str) -> dict[str, Any]:
        async with self.http.get(f"{self.address['control']}/_sim/{what}", params=query) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def bound(self) -> None:
        while (await self.service.routes.all[0].channel.probe()).state is not HealthState.OK:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)

    async def list_of(self, size: int, name: str = "bench") -> None:
        """Numbers from `FIRST_NUMBER` on, written line by line."""
        path = self.folder / f"{name}.csv"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"0{FIRST_NUMBER + n}\n" for n in range(size))
        await importing.import_numbers(self.service.ledger, path, name, time.time())

    async def approved(self, name: str = "bench", **values: Any) -> int:
        """A list's broadcast on its way; its number."""
        desk = self.service.desk
        no = (await desk.draft(Draft(text=TEXT, audience=f"list:{name}", channels=["sms"], **values), OFFICER)).id
        await desk.approve(str(no), (await desk.submit(str(no), OFFICER)).content_hash, APPROVER)
        return no

    async def counts(self, no: int) -> list[int]:
        return await self.service.ledger.read(lambda tx: chunks.counts(tx, no))

    async def until_over(
        self,
        no: int,
        size: int,
        open_still: Iterable[DeliveryState],
        seconds: float,
        look: Callable[[], None] | None = None,
    ) -> list[int]:
        """Wait until no delivery is in one of these states; `look` is called at each look."""
        deadline = time.perf_counter() + seconds
        while True:
            counts = await self.counts(no)
            if look is not None:
                look()
            if sum(counts) == size and not any(counts[state] for state in open_still):
                return counts
            assert time.perf_counter() < deadline, counts
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def bench(**account: Any) -> AsyncIterator[Bench]:
    """`account`: what differs from `benchmarks.sms.settings`."""
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        async with carrier() as address, ClientSession() as http:
            service = Service(settings(Path(folder), address, **account))
            await service.start()
            try:
                stand = Bench(service, Path(folder), address, http)
                await stand.bound()
                yield stand
            finally:
                await service.stop()
