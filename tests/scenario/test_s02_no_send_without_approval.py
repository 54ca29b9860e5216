"""S2. A flash directive without number and signer is refused in a sentence; with them it waits for approval, and
nothing leaves before somebody else has approved it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broadcasts.model import Draft, Refusal
from tests.scenario.night import PHO_CHANH, TRUC_BAN, Night
from web.locale import catalogue


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    night = Night(tmp_path)
    await night.open()
    yield night
    await night.close()


def directive(night: Night, **values: str) -> Draft:
    unit = night.contacts[0].unit
    return Draft(
        text="Yêu cầu sơ tán dân ven biển trước 15:00.", audience=f"unit:{unit}", channels=["zalo", "sms"],
        kind="directive", urgency="hoa-toc", **values,
    )  # fmt: skip


async def test_s02_no_send_without_approval(night: Night) -> None:
    leader = await night.leader("Xã Mậu Lâm")
    made = await night.desk.draft(directive(night), TRUC_BAN)
    with pytest.raises(Refusal) as refused:
        await night.desk.submit(made.code, TRUC_BAN)
    said = [catalogue("vi").say(f"problem.{one.key}", **one.params) for one in refused.value.problems]
    assert any(one.startswith("Thiếu số văn bản, người ký") for one in said), said

    whole = directive(night, document_number="04/CĐ-UBND", signer="Nguyễn Văn A")
    made = await night.desk.edit(made.code, whole, TRUC_BAN)
    asked = await night.desk.submit(made.code, TRUC_BAN)
    assert asked.state == "pending_approval"
    for _ in range(3):
        await night.wait(600)
    assert not leader.zalo.shown()
    assert not leader.sms.shown()
    assert await night.told(asked.code) == []

    with pytest.raises(Refusal) as refused:
        await night.desk.approve(asked.code, asked.content_hash, TRUC_BAN)
    assert refused.value.kind == "forbidden"
    await night.desk.approve(asked.code, asked.content_hash, PHO_CHANH)
    assert "04/CĐ-UBND" in (await leader.zalo.reads(0)).text
