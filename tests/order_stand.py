"""Carrier orders over a real ledger, with invented carriers and a clock that a test moves."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from broadcasts.carrier_orders.answers import CarrierAnswers
from broadcasts.carrier_orders.desk import OrderDesk
from broadcasts.carrier_orders.mailing import Mailer, Outbox
from broadcasts.carrier_orders.model import Carrier, OrderDraft, OrderView
from broadcasts.carrier_orders.office import OrderSettings
from broadcasts.carrier_orders.watch import SilenceWatch
from broadcasts.model import Actor, Role
from directory import units
from lanes.memory import MemoryBus
from store import carrier_orders as store
from tests.ledgers import ledger_of
from text.dates import OFFICE_ZONE

OFFICE = "Văn phòng thường trực Ban Chỉ huy Phòng thủ dân sự tỉnh Thanh Hóa"
CARRIERS = (
    Carrier("Nhà mạng A", "truc@mang-a.example.vn", "0237 000 0001", "Trực 24/24"),
    Carrier("Nhà mạng B", "truc@mang-b.example.vn", "0237 000 0002"),
)
NO_MAIL = Carrier("Nhà mạng C", "", "0237 000 0003")
OFFICER, APPROVER = Actor("canbo", Role.OFFICER), Actor("lanhdao", Role.APPROVER)
VIEWER = Actor("khach", Role.VIEWER)
SOURCE_003 = (Path(__file__).parent / "data" / "carriers_text.txt").read_text("utf-8").strip()
SHORTENED = (
    "Dùng dịch vụ công trực tuyến dichvucong.thanhhoa.gov.vn hoặc bưu chính công ích, "
    "hỏi 0832 293 293, 02373 777 777; giảm đi lại, tránh đông người phòng Covid – 19"
)
LINK_BASE = "https://loa.example.vn"
START = 1_790_000_000.0


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> float:
        return self.at


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, OFFICE_ZONE).isoformat()


def order_draft(now: float = START, **values: object) -> OrderDraft:
    hour = timedelta(hours=1).total_seconds()
    whole = {
        "text": SHORTENED, "areas": "unit:14812,16012", "starts_at": iso(now + hour), "ends_at": iso(now + 4 * hour),
        "basis": "Công điện số 04/CĐ-UBND ngày 08/5/2020 của Chủ tịch UBND tỉnh", "signer": "Nguyễn Văn Mẫu",
        "signer_title": "Chánh Văn phòng", "document_no": "12/VPTT-PCTT", "document_date": "2026-09-21",
        "ring_back": "0237 000 0000",
    }  # fmt: skip
    return OrderDraft.model_validate(whole | values)


class OrderStand:
    """`open()` first, `close()` at the end."""

    def __init__(
        self,
        folder: Path,
        mailer: Mailer | None = None,
        carriers: tuple[Carrier, ...] = CARRIERS,
        base: str = LINK_BASE,
    ) -> None:
        self.clock = Clock()
        self.ledger = ledger_of(folder)
        self.bus = MemoryBus()
        self.settings = OrderSettings(OFFICE, carriers=carriers, acknowledge_within=900, link_base=lambda: base)
        self.desk = OrderDesk(
            self.ledger, self.bus, units.load(), self.settings, mailer is not None, self.clock
        )  # fmt: skip
        self.answers = CarrierAnswers(self.ledger, self.bus, self.clock)
        self.outbox = Outbox(self.ledger, self.bus, self.settings, mailer, self.clock)
        self.watch = SilenceWatch(self.ledger, self.bus, self.settings, self.clock)

    def open(self) -> None:
        self.ledger.open()

    async def close(self) -> None:
        await self.ledger.close()

    async def approved(self, **values: object) -> OrderView:
        made = await self.desk.draft(order_draft(self.clock(), **values), OFFICER)
        asked = await self.desk.submit(made.code, OFFICER)
        return await self.desk.approve(made.code, asked.content_hash, APPROVER)

    async def tokens(self, code: str) -> list[str]:
        """The carriers' tokens in their order."""
        copies = await self.ledger.read(lambda tx: store.copies(tx, store.one(tx, code).id))  # type: ignore[union-attr]
        return [copy.token for copy in copies]
