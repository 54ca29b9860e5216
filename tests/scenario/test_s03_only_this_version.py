"""S3. The approver answers by SMS with the code of version 2 after version 3 was made: nothing leaves and the answer
names version 3. The code of version 3, sent twice, sends exactly one broadcast."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.approval_asker import ApprovalAsker
from bot.intake import Intake
from broadcasts.model import Draft, Role
from directory.staff_addresses import bind_address
from store import access
from tests.scenario.night import PHO_CHANH, TRUC_BAN, Night

PLACE = 90
"""Of the deputy chief's telephone on the street."""


class Office(Night):
    async def open(self) -> None:
        await super().open()
        self.family = "sms"
        self.chief = self.phone(PLACE)

        def hire(tx):
            for who, role in ((PHO_CHANH, Role.APPROVER), (TRUC_BAN, Role.OFFICER)):
                access.add_staff(tx, who.name, role.value, "x", self.clock())
            bind_address(tx, PHO_CHANH.name, "sms", self.chief.address, self.clock())

        await self.room.ledger.write(hire)
        self.asker = ApprovalAsker(self.room.ledger, self.desk, self.room.routes, now=self.clock)
        await self.stop_listening()
        self.listen_again()

    def _intake(self) -> Intake:
        room = self.room
        return self.ears.intake(room.ledger, room.bus, room.routes, self.acks, self.desk, self.clock, self.desk)

    def draft(self, text: str) -> Draft:
        unit = self.contacts[0].unit
        return Draft(text=text, audience=f"unit:{unit}", channels=["zalo"], urgency="khan")

    async def asked(self, code: str) -> str:
        """Approval is asked; the one-time code that the chief reads on the telephone."""
        before = self.chief.last
        await self.desk.submit(code, TRUC_BAN)
        await self.asker.tick()
        text = (await self.chief.reads(before)).text
        found = re.search(r"DUYET (\S+ \d{4,8})", text)
        assert found, text
        return found[1]


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Office]:
    night = Office(tmp_path)
    await night.open()
    yield night
    await night.close()


async def test_s03_approve_by_phone_only_this_version(night: Office) -> None:
    leader = await night.leader("Xã Mậu Lâm")
    made = await night.desk.draft(night.draft("bản một"), TRUC_BAN)
    made = await night.desk.edit(made.code, night.draft("bản hai"), TRUC_BAN)
    of_two = await night.asked(made.code)
    await night.desk.give_back(made.code, "sửa giờ", PHO_CHANH)
    await night.desk.edit(made.code, night.draft("bản ba"), TRUC_BAN)
    of_three = await night.asked(made.code)

    assert await night.chief.says(f"DUYET {of_two}") == "Noi dung da thay doi, vui long xem ban 3"
    assert (await night.desk.view(made.code)).state == "pending_approval"
    assert not leader.zalo.shown()

    assert "Da duyet" in await night.chief.says(f"DUYET {of_three}")
    assert "khong gui lai" in await night.chief.says(f"DUYET {of_three}")
    assert (await leader.zalo.reads(0)).text.startswith("bản ba")
    await night.wait(5)
    assert len(leader.zalo.shown()) == 1
    assert (await night.desk.view(made.code)).approved_by == PHO_CHANH.name
