"""S12. A text with an en dash, "Covid – 19", becomes GSM-7 with "-", its parts are counted before anything leaves, and
where residents get one part it is refused until it is shorter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from broadcasts.model import Draft, Refusal
from tests.scenario.night import PHO_CHANH, TRUC_BAN, Night
from web.locale import catalogue

LONG = (
    "Văn phòng Ban Chỉ huy đề nghị các xã, phường tiếp tục thực hiện nghiêm các biện pháp phòng, chống dịch Covid – 19:"
    " hạn chế tập trung đông người, đeo khẩu trang, khai báo y tế; các chốt kiểm soát trực 24/24 giờ; người về từ vùng "
    "có dịch phải khai báo với trạm y tế xã trong ngày. Mọi thông tin liên hệ đường dây nóng của tỉnh để được hướng dẫn"
)


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    night = Night(tmp_path)
    await night.open()
    yield night
    await night.close()


async def test_s12_sms_length_and_coding(night: Night) -> None:
    leader = await night.leader("Xã Mậu Lâm")
    unit = night.contacts[0].unit
    shown = await night.desk.preview(Draft(text=LONG, audience=f"unit:{unit}", channels=["sms"]))
    assert "Covid - 19" in shown.texts["sms_leader"]
    assert shown.sms["encoding"] == "GSM-7"
    assert shown.sms["segments"] == 3
    assert 306 < shown.sms["units"] <= 459
    said = catalogue("vi").say("sms.units", n=shown.sms["units"])
    assert str(shown.sms["units"]) in said
    assert {"from": "–", "to": "-"} in shown.sms["changes"]

    night.desk.composer.settings = replace(night.desk.composer.settings, sms_parts_limit=1)
    with pytest.raises(Refusal) as refused:
        await night.desk.draft(Draft(text=LONG, audience=f"unit:{unit}", channels=["sms"]), TRUC_BAN)
    problem = next(one for one in refused.value.problems if one.key == "sms_too_long")
    assert (problem.params["parts"], problem.params["limit"]) == (3, 1)

    short = "Phòng dịch Covid – 19: đeo khẩu trang, khai báo y tế. Khẩn cấp gọi 112."
    made = await night.desk.draft(Draft(text=short, audience=f"unit:{unit}", channels=["sms"]), TRUC_BAN)
    asked = await night.desk.submit(made.code, TRUC_BAN)
    await night.desk.approve(made.code, asked.content_hash, PHO_CHANH)
    got = (await leader.sms.reads(0)).text
    assert got.startswith("Phong dich Covid - 19: deo khau trang")
