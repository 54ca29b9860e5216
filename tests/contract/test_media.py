"""Files over every channel that takes them: sent natively, uploaded once, replaced when lost, linked when refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.contract import Attachment, Envelope, RejectClass
from simulators.telegram.methods import ApiError
from simulators.zalo import BOT_GROUP_ID, GROUP_ID
from tests import files
from tests.contract.recording import MemoryState, ReportBook, until
from tests.contract.runner import Case, Rig, accepted, ready, rejected, run, unknown
from tests.contract.test_telegram import LEADER as ON_TELEGRAM
from tests.contract.test_telegram import rig_for
from tests.contract.zalo_stand import LEADER, Clock, simulator, stand

LINK = "https://loa.example.vn/t/abcdefghjk"
CHANNELS = {
    "zalo.oa_user": (LEADER, "upload/file", "upload/image"),
    "zalo.oa_group": (GROUP_ID, "upload/file", "upload/image"),
    "telegram": (ON_TELEGRAM, "uploads", "uploads"),
}
"""Channel → whom it writes to, and the counters of the simulator's uploads of a PDF and of a picture."""


def files_for(folder: Path) -> dict[str, Attachment]:
    return {
        "pdf": files.attachment(folder, url=LINK),
        "png": files.attachment(folder, files.PNG, "bản đồ.png", "image/png", LINK),
        "bare": files.attachment(folder, files.PDF + b"\n", "không địa chỉ.pdf"),
    }


@pytest.fixture(params=CHANNELS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    if request.param == "telegram":
        async with rig_for("poll") as made:
            made.more |= files_for(tmp_path)
            yield made
    else:
        async with stand(**{request.param.removeprefix("zalo."): {}, "oa": {"answer_seconds": 20.0}}) as office:
            made = office.rig(request.param)
            made.more |= files_for(tmp_path)
            yield made


def address(rig: Rig) -> str:
    return CHANNELS[rig.channel.name][0]


def uploads(rig: Rig) -> int:
    _, *names = CHANNELS[rig.channel.name]
    return sum(rig.sim.stage.counters[name] for name in set(names))


def lines(rig: Rig, to: str = "") -> list[tuple[str, str]]:
    """(text, name of the file) of what the service wrote on one phone."""
    found = [one for one in rig.sim.stage.lines if one.address == (to or address(rig)) and one.sender == "loa"]
    return [(one.text, one.files[0]["name"] if one.files else "") for one in found]


async def played(rig: Rig, *names: str, delivery: int = 1, **case: object) -> None:
    envelope = Envelope(delivery, address(rig), "canh bao lu", attachments=tuple(rig.more[one] for one in names))
    await run(Case("files", send=(envelope,), **case), rig)  # type: ignore[arg-type]


def name_of(rig: Rig, file: str) -> str:
    name: str = rig.more[file].name
    return name if rig.channel.name == "telegram" else {"pdf": "cong dien 12.pdf", "png": "ban do.png"}[file]


async def test_the_text_comes_first_and_then_each_file(rig: Rig) -> None:
    await played(rig, "pdf", "png", outcomes=accepted(3))
    await until(lambda: len(lines(rig)) == 3)
    assert lines(rig)[0] == ("canh bao lu", "")
    assert [name for _, name in lines(rig)[1:]] == [name_of(rig, "pdf"), name_of(rig, "png")]
    stored = rig.sim.stage.files[rig.sim.stage.lines[-2].files[0]["id"]]
    assert stored.content == files.PDF


async def test_many_sends_make_one_upload(rig: Rig) -> None:
    if rig.channel.name == "zalo.oa_user":
        for n in range(166):
            rig.sim.add_user(f"81{n:017d}", f"Người {n}")  # type: ignore[attr-defined]
        people = [f"81{n:017d}" for n in range(166)]
    elif rig.channel.name == "telegram":
        for n in range(60):
            rig.sim.add_person(72_000_000 + n)  # type: ignore[attr-defined]
        people = [str(72_000_000 + n) for n in range(60)]
    else:
        people = [GROUP_ID] * 20
    batch = [Envelope(n, to, f"tin {n}", attachments=(rig.more["pdf"],)) for n, to in enumerate(people, 1)]
    await run(Case("many", send=tuple(batch), outcomes=accepted(2), within=30), rig)
    assert uploads(rig) == 1


async def test_a_lost_copy_is_uploaded_again_once(rig: Rig) -> None:
    await played(rig, "pdf", outcomes=accepted(2))
    if rig.channel.name != "telegram":
        rig.sim.world.uploads.clear()  # type: ignore[attr-defined]
    batch = [Envelope(n, address(rig), f"lai {n}", attachments=(rig.more["pdf"],)) for n in range(2, 12)]
    if rig.channel.name == "telegram":
        batch = batch[:1]  # the knob loses every id, the new one, too
    knobs = {"forget_files": True} if rig.channel.name == "telegram" else {}
    await run(Case("again", faults=knobs, send=tuple(batch), outcomes=accepted(2)), rig)
    assert uploads(rig) == 2


async def test_a_file_that_is_refused_becomes_a_link(rig: Rig) -> None:
    if rig.channel.name == "telegram":
        await ready_then(rig, {})
        await refuse_documents(rig)
    knobs = {} if rig.channel.name == "telegram" else {"upload_fail_next": 1, "upload_fail_code": 211}
    await played(rig, "pdf", faults=knobs, outcomes=accepted(2))
    assert lines(rig) == [("canh bao lu", ""), (f"công điện 12.pdf\n{LINK}", "")]


async def test_without_an_address_a_refused_file_is_said_to_be_refused(rig: Rig) -> None:
    if rig.channel.name == "telegram":
        await ready_then(rig, {})
        await refuse_documents(rig)
    knobs = {} if rig.channel.name == "telegram" else {"upload_fail_next": 1, "upload_fail_code": 201}
    await played(rig, "bare", faults=knobs, outcomes=rejected(RejectClass.TEXT, "media_refused"))
    assert lines(rig) == [("canh bao lu", "")]


async def test_a_file_that_is_not_there_any_more(rig: Rig) -> None:
    rig.more["bare"].path.unlink()
    await played(rig, "bare", outcomes=rejected(RejectClass.TEXT))
    assert lines(rig) == [("canh bao lu", "")]


async def test_a_repeat_goes_on_behind_the_text(rig: Rig) -> None:
    """The link breaks between the text and its file: nobody gets the text twice."""
    await ready_then(rig, {})
    book = ReportBook()
    envelope = Envelope(7, address(rig), "canh bao lu", attachments=(rig.more["pdf"],))
    if rig.channel.name == "telegram":
        await refuse_documents(rig, status=503)
    else:
        rig.sim.set_faults({"upload_fail_next": 1, "upload_fail_code": 200})
    await rig.channel.send((envelope,), book)
    await until(lambda: 7 in book.outcomes)
    rejected(RejectClass.RETRY_LATER).check(book.one(7), "first try")
    await allow_documents(rig)
    again = ReportBook()
    await rig.channel.send((envelope,), again)
    await until(lambda: 7 in again.outcomes)
    accepted(2).check(again.one(7), "second try")
    assert [text for text, name in lines(rig) if not name] == ["canh bao lu"]
    assert [name for _, name in lines(rig) if name] == [name_of(rig, "pdf")]


async def ready_then(rig: Rig, knobs: dict[str, object]) -> None:
    await ready(rig)
    rig.sim.set_faults(knobs)


async def refuse_documents(rig: Rig, status: int = 400) -> None:
    """Telegram's own refusals count all messages; this one is of documents only."""

    async def refuse(_: dict[str, str]) -> None:
        raise ApiError(status, "Bad Request: file must be non-empty")

    rig.more["kept"] = rig.sim.api.methods["senddocument"]  # type: ignore[attr-defined]
    rig.sim.api.methods["senddocument"] = refuse  # type: ignore[attr-defined]


async def allow_documents(rig: Rig) -> None:
    if "kept" in rig.more:
        rig.sim.api.methods["senddocument"] = rig.more["kept"]  # type: ignore[attr-defined]


async def test_telegram_gives_a_picture_it_will_not_show_as_a_document(tmp_path: Path) -> None:
    async with rig_for("poll") as rig:
        rig.more |= files_for(tmp_path)
        await played(rig, "png", faults={"reject_photos": True}, outcomes=accepted(2))
        assert rig.sim.calls["senddocument"] == 1  # type: ignore[attr-defined]
        assert lines(rig)[1] == ("", "bản đồ.png")


async def test_zalo_uploads_again_before_its_copy_ends(tmp_path: Path) -> None:
    clock, state = Clock(), MemoryState()
    async with stand(now=clock, state=state, oa_group={"catch_up_seconds": 0}) as office:
        rig = office.rig("zalo.oa_group")
        rig.more |= files_for(tmp_path)
        await played(rig, "pdf", outcomes=accepted(2))
        clock.now += 5 * 86_400
        await played(rig, "pdf", delivery=2, outcomes=accepted(2))
        assert uploads(rig) == 1
        clock.now += 2 * 86_400
        await played(rig, "pdf", delivery=3, outcomes=accepted(2))
        assert uploads(rig) == 2


async def test_zalo_remembers_the_copy_over_a_restart(tmp_path: Path) -> None:
    """As after a kill between the upload and the message: what was uploaded is not uploaded again."""
    state = MemoryState()
    async with simulator() as sim:
        async with stand(sim=sim, state=state, oa_user={}) as office:
            rig = office.rig("zalo.oa_user")
            rig.more |= files_for(tmp_path)
            await ready_then(rig, {})
            token = await office.oa.uploads.token(rig.more["pdf"], Envelope(1, LEADER, "x").priority)
            assert isinstance(token, str)
        async with stand(sim=sim, state=state, oa_user={}) as office:
            rig = office.rig("zalo.oa_user")
            rig.more |= files_for(tmp_path)
            await played(rig, "pdf", outcomes=accepted(2))
            assert uploads(rig) == 1


async def test_an_unknown_file_send_is_looked_up_and_its_text_is_not_repeated(tmp_path: Path) -> None:
    clock = Clock()
    async with stand(now=clock, oa_user={}) as office:
        rig = office.rig("zalo.oa_user")
        rig.more |= files_for(tmp_path)
        envelope = Envelope(1, LEADER, "canh bao lu", attachments=(rig.more["pdf"],))
        await ready_then(rig, {})
        sent_at = clock.now
        rig.sim.set_faults({"fail_after": 1, "fail_next": 1, "fail_code": 200})  # the text passes, the file does not
        await rig.channel.send((envelope,), rig.book)
        assert lines(rig, LEADER) == [("canh bao lu", "")]
        await office.state.delete(*(key for key in office.state.values if ".parts." in key))  # as if killed there
        clock.now += 60
        lost = await rig.channel.ask(envelope, sent_at)
        rejected(RejectClass.RETRY_LATER, "lost").check(lost, "ask")  # type: ignore[arg-type]
        again = ReportBook()
        await rig.channel.send((envelope,), again)
        accepted(2).check(again.one(1), "again")
        await until(lambda: len(lines(rig, LEADER)) == 2)
        assert lines(rig, LEADER) == [("canh bao lu", ""), ("", "cong dien 12.pdf")]
        found = await rig.channel.ask(envelope, sent_at)
        accepted(2).check(found, "ask again")  # type: ignore[arg-type]


async def test_the_zalo_bot_sends_pictures_by_their_address(tmp_path: Path) -> None:
    async with stand(bot={}) as office:
        rig = office.rig("zalo.bot")
        rig.more |= files_for(tmp_path)
        picture = Envelope(1, BOT_GROUP_ID, "bản đồ", attachments=(rig.more["png"],))
        await run(Case("picture", send=(picture,), outcomes=accepted(2)), rig)
        shown = rig.sim.stage.lines[-1]
        assert shown.files == [{"name": "bản đồ.png", "media": "image/*", "url": LINK}]
        assert not rig.channel.traits.takes(rig.more["pdf"])
        assert not rig.channel.traits.takes(replace(rig.more["png"], url=""))


async def test_what_is_in_doubt_names_every_part(tmp_path: Path) -> None:
    async with stand(oa_user={}) as office:
        rig = office.rig("zalo.oa_user")
        rig.more |= files_for(tmp_path)
        await played(rig, "pdf", faults={"drop_after_commit": 1}, outcomes=unknown("connection_lost", 2))


async def test_too_large_for_a_channel(rig: Rig) -> None:
    limit = min(one.most_bytes for one in rig.channel.traits.media if one.media == "application/pdf")
    just, over = (replace(rig.more["pdf"], size=limit + n) for n in (0, 1))
    assert rig.channel.traits.takes(just)
    assert not rig.channel.traits.takes(over)
