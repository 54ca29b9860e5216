"""The report of one broadcast, the map and the groups of its roll-call."""

import asyncio
import re

import pytest

from adapters.contract import ReceiptState
from broadcasts.model import Actor, Role
from store import charges, deliveries
from store.charges import Charge
from tests.web_stand import CHAIRMEN, Stand


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def sent_and_answered(stand, answers=90):
    code = await stand.sent()
    await stand.room.until(lambda: len(stand.zalo.left) >= CHAIRMEN)
    rows = await stand.desk.rollcall(code)
    for n, row in enumerate(rows[:answers]):
        stand.clock.at += 2
        await stand.desk.mark(code, row.unit, "acknowledged", f"gọi lần {n}", Actor("canbo", Role.OFFICER))
    return code


async def test_the_report_has_the_curve_the_channels_and_the_causes(stand):
    code = await sent_and_answered(stand)
    await stand.room.recorder.receipts([stand.zalo.receipt(stand.zalo.left[0], ReceiptState.FAILED)])
    viewer = await stand.browser("khach")
    page = await (await viewer.get(f"/broadcasts/{code}/report")).text()
    assert "sau 2 phút 46 giây" in page  # the 83rd of 166, two seconds each
    assert "chưa đạt" in page
    assert len(re.search(r'<polyline class="line" points="([^"]+)"', page)[1].split()) == 2 * 90 + 2
    assert re.search(r'state=failed">[^<]*<b>1</b>', page)
    assert "Chưa trả lời (76)" in page


async def test_a_broadcast_that_reached_nobody_yet_has_a_report(stand):
    code = await stand.sent()
    answer = await (await stand.browser("khach")).get(f"/broadcasts/{code}/report")
    assert answer.status == 200


async def test_what_was_charged_stands_on_the_live_roll_call_and_grows_there(stand):
    code = await stand.sent()
    browser = await stand.browser("khach")
    assert "Cước SMS đã tính" not in await (await browser.get(f"/broadcasts/{code}/rollcall")).text()
    no = (await stand.desk.view(code)).id

    def charge(tx):
        charges.add(tx, [(no, deliveries.account_id(tx, "sms.mau"), Charge(3, 6, 2_700.0))])

    for shown in ("2.700 đồng", "5.400 đồng"):
        await stand.room.ledger.write(charge)
        page = await (await browser.get(f"/broadcasts/{code}/rollcall?show=calls")).text()
        assert "Cước SMS đã tính" in page
        assert shown in page
        for _ in range(100):  # what consoles share may be some seconds old
            live = (await (await browser.get(f"/live/now?broadcast={code}")).json())["parts"]["charged"]
            if shown in live:
                break
            await asyncio.sleep(0.1)
        assert shown in live
        report = await (await browser.get(f"/broadcasts/{code}/report")).text()
        assert shown in report


async def test_a_roll_call_without_units_shows_what_was_sent(stand):
    code = await stand.sent()
    await stand.room.until(lambda: len(stand.zalo.left) >= CHAIRMEN)
    await stand.room.ledger.write(lambda tx: tx.execute("DELETE FROM rollcall"))  # as of a list
    browser = await stand.browser("khach")
    for query in ("", "?show=map", "?show=gì"):
        page = await (await browser.get(f"/broadcasts/{code}/rollcall{query}")).text()
        assert "Không có lượt gửi nào" not in page
        assert page.count("<tr>") > CHAIRMEN


async def test_the_map_has_every_unit_once_and_follows(stand):
    code = await sent_and_answered(stand, answers=1)
    browser = await stand.browser("khach")
    page = await (await browser.get(f"/broadcasts/{code}/rollcall?show=map")).text()
    assert len(set(re.findall(r'id="m-(\d+)"', page))) == CHAIRMEN
    assert f"/live?broadcast={code}&amp;show=map" in page
    live = await (await browser.get(f"/live/now?broadcast={code}&show=map")).json()
    assert sum(name.startswith("m-") for name in live["parts"]) == CHAIRMEN
    assert not any(name.startswith("u-") for name in live["parts"])
    assert all(html.startswith("<svg") for name, html in live["parts"].items() if name.startswith("m-"))


async def test_tiles_by_group(stand):
    code = await sent_and_answered(stand, answers=1)
    page = await (await (await stand.browser("khach")).get(f"/broadcasts/{code}/rollcall?by=group")).text()
    assert len(set(re.findall(r'id="u-(\d+)"', page))) == CHAIRMEN
    assert 'id="d-g-' in page


@pytest.mark.parametrize(("kind", "start"), [("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("pdf", b"%PDF")])
async def test_the_report_is_a_file_of_each_kind(stand, kind, start):
    code = await stand.sent(audience="unit:16012,16021")
    viewer = await stand.browser("khach")
    assert f"/broadcasts/{code}/report/export/{kind}" in await (await viewer.get(f"/broadcasts/{code}/report")).text()
    answer = await viewer.get(f"/broadcasts/{code}/report/export/{kind}")
    body = await answer.read()
    assert (answer.status, body.startswith(start)) == (200, True)
    assert f"loa-{code}.{kind}" in answer.headers["Content-Disposition"]
    if kind == "csv":
        assert "Xã" in body.decode()
    assert (await viewer.get(f"/broadcasts/{code}/report/export/exe")).status == 404


async def test_an_exercise_s_file_says_so_and_too_many_lines_are_left_to_the_server(stand, monkeypatch):
    code = await stand.sent(audience="unit:16012,16021", mode="exercise")
    viewer = await stand.browser("khach")
    text = (await (await viewer.get(f"/broadcasts/{code}/report/export/csv")).read()).decode()
    assert text.count("DIỄN TẬP") == 2
    monkeypatch.setattr("web.console.report_files.LINES_MOST", 1)
    refused = await viewer.get(f"/broadcasts/{code}/report/export/xlsx")
    assert refused.status == 422
    assert f"loa export {code}" in await refused.text()
