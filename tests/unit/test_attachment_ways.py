"""Which real channel sends which file itself, and what its text says instead; the files in every kind of export."""

from __future__ import annotations

import csv
from pathlib import Path

import orjson
import pytest
from python_calamine import CalamineWorkbook

from adapters.contract import Attachment, Traits
from adapters.manual.channel import ManualChannel
from adapters.manual.settings import ManualSettings
from adapters.telegram.channel import _TRAITS as TELEGRAM
from adapters.zalo.bot.channel import _TRAITS as ZALO_BOT
from adapters.zalo.oa_group.channel import OaGroupChannel
from adapters.zalo.oa_user.channel import OaUserChannel
from broadcasts.attachments import divided, entries
from broadcasts.export import write_export
from loa.cli.out import say
from store.attachments import AttachmentRow
from tests import files
from tests.contract.recording import MemoryState

MB = 1024 * 1024
URL = "https://loa.example.vn/t/abcdefghjk"
MANUAL = ManualChannel(ManualSettings(enabled=True), MemoryState()).traits
SMS = Traits(receipts=frozenset(), unaccented=True)
OA = (OaUserChannel.traits, OaGroupChannel.traits)


def file(media: str, size: int, url: str = URL) -> Attachment:
    return Attachment("cd.pdf", media, size, "ab", Path("ab"), url)


@pytest.mark.parametrize(
    ("traits", "media", "size", "native"),
    [
        *((one, "application/pdf", 5 * MB, True) for one in OA),
        *((one, "application/pdf", 5 * MB + 1, False) for one in OA),
        *((one, "image/jpeg", MB, True) for one in OA),
        *((one, "image/png", MB + 1, False) for one in OA),
        (ZALO_BOT, "image/png", 5 * MB, True),
        (ZALO_BOT, "application/pdf", 1, False),
        (TELEGRAM, "application/pdf", 20 * MB, True),
        (TELEGRAM, "image/jpeg", 20 * MB, True),
        (MANUAL, "application/pdf", 1, False),
        (MANUAL, "image/png", 1, False),
    ],
)
def test_what_a_channel_cannot_send_it_links(traits: Traits, media: str, size: int, native: bool) -> None:
    one = file(media, size)
    assert divided([one], traits) == (((one,), "") if native else ((), f"\nTệp cd.pdf: {URL}"))


def test_an_sms_holds_its_links_already() -> None:
    assert divided([file("application/pdf", 1)], SMS) == ((), "")


def test_the_bot_needs_an_address_to_fetch_from() -> None:
    assert not ZALO_BOT.takes(file("image/png", 1, url=""))


VIEW = {
    "code": "TB1126-01", "title": "Bão", "texts": {"chat": "tin"}, "rollcall": {},
    "attachments": entries(
        [AttachmentRow(1, "abcdefghjk", "ab" * 32, "công điện 12.pdf", "application/pdf", len(files.PDF), "a", 0.0)],
        "https://loa.example.vn/",
    ),
}  # fmt: skip
ROW = {"unit": "14758", "name": "Phường Hàm Rồng", "district": "", "state": "awaiting"}


def test_an_export_lists_the_files_with_their_digests(tmp_path: Path) -> None:
    for kind in ("xlsx", "json", "pdf", "csv"):
        write_export(tmp_path / f"a.{kind}", VIEW, [ROW], [], say)
    sheet = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx")).get_sheet_by_name(say("sheet.attachments")).to_python()
    assert sheet[-1][:5] == ["công điện 12.pdf", "application/pdf", float(len(files.PDF)), "ab" * 32, URL]
    assert orjson.loads((tmp_path / "a.json").read_bytes())["broadcast"]["attachments"][0]["sha256"] == "ab" * 32
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig") as table:
        assert len(list(csv.reader(table))) == 2  # a table of units and nothing else
