"""Attachments from the upload to the public page: what is taken, frozen, shown, linked, collected, backed up."""

from __future__ import annotations

import asyncio
import hashlib
import os

import pytest
from aiohttp import FormData

from adapters.contract import MediaLimit, Traits
from broadcasts.archive import SIZE_LIMIT, UNSENT_SECONDS, UNUSED_SECONDS, blob_path, read_short
from broadcasts.attachments import LINK_SECONDS, MOST
from broadcasts.model import Actor, Draft, Refusal, Role
from tests import files
from tests.web_stand import Stand

BASE = "https://loa.example.vn"
OFFICER, APPROVER = Actor("canbo", Role.OFFICER), Actor("lanhdao", Role.APPROVER)
PDF_ONLY = (MediaLimit("application/pdf", 5_000_000),)


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    stand.zalo.traits = Traits(receipts=stand.zalo.traits.receipts, buttons=True, window=10, media=PDF_ONLY)
    stand.desk.composer.settings = stand.desk.composer.settings.__class__(
        **{name: getattr(stand.desk.composer.settings, name) for name in stand.desk.composer.settings.__slots__}
        | {"link_base": lambda: stand.base}
    )
    stand.base = BASE
    await stand.open()
    yield stand
    await stand.close()


def form(content=files.PDF, name="công điện 12.pdf", field="file"):
    body = FormData(quote_fields=False)
    body.add_field(field, content, filename=name, content_type="application/octet-stream")
    return body


async def upload(stand, content=files.PDF, name="công điện 12.pdf", role=Role.OFFICER):
    async with stand.client(role).post("/api/v1/attachments", data=form(content, name)) as answer:
        assert answer.status == 201, await answer.text()
        return await answer.json()


async def sent(stand, *ids, **values):
    return await stand.sent(attachments=list(ids), **values)


async def test_an_upload_is_kept_under_its_digest(stand):
    said = await upload(stand)
    digest = hashlib.sha256(files.PDF).hexdigest()
    assert said | {"id": 0, "created_at": ""} == {
        "id": 0, "name": "công điện 12.pdf", "media": "application/pdf", "size": len(files.PDF), "sha256": digest,
        "created_by": "khoa-canbo", "created_at": "",
    }  # fmt: skip
    path = blob_path(stand.room.ledger.files, digest)
    assert path.read_bytes() == files.PDF
    assert path.stat().st_mode & 0o077 == 0
    assert not list((stand.room.ledger.files / "incoming").iterdir())
    line = (await stand.room.ledger.read(lambda tx: tx.execute(
        "SELECT actor, action, detail FROM audit ORDER BY id DESC LIMIT 1").fetchone()))  # fmt: skip
    assert line[:2] == ("khoa-canbo", "upload_attachment")
    assert digest in line[2]


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "a.pdf", "Tệp rỗng"),
        (b"<html>xin chao</html>", "a.pdf", "Chỉ nhận tệp PDF"),
        (b"MZ" + b"\0" * 500, "a.pdf", "Chỉ nhận tệp PDF"),
        (files.PDF[:-30], "a.pdf", "hỏng"),
        (files.JPEG + files.ZIP_END, "a.jpg", "nội dung loại khác"),
        (files.PDF, "../../etc/passwd", "Tên tệp"),
        (files.PDF, "C:\\windows\\a.pdf", "Tên tệp"),
    ],
)
async def test_what_cannot_be_sent_is_refused_in_one_sentence(stand, content, name, says):
    async with stand.client().post("/api/v1/attachments", data=form(content, name)) as answer:
        body = await answer.json()
        assert answer.status == 422
        (error,) = body["errors"]
        assert error["field"] == "file"
        assert says in error["says"]
    folder = stand.room.ledger.files
    assert [one for one in folder.rglob("*") if one.is_file()] == []


async def test_too_much_is_refused_before_it_fills_anything(stand):
    async def endless():
        for _ in range(SIZE_LIMIT // (1 << 20) + 3):
            yield b"%PDF-1.7" + b"x" * ((1 << 20) - 8)

    boundary = "grenze"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'.encode()

    async def body():
        yield head
        async for chunk in endless():
            yield chunk
        yield f"\r\n--{boundary}--\r\n".encode()

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    async with stand.client().post("/api/v1/attachments", data=body(), headers=headers) as answer:
        assert answer.status == 413
        assert "20 MB" in (await answer.json())["detail"]
    async with stand.client().post("/api/v1/attachments", data=form(files.padded_pdf(50 << 20))) as answer:
        assert answer.status == 413
    folder = stand.room.ledger.files
    assert [one for one in folder.rglob("*") if one.is_file()] == []


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"", "multipart/form-data; boundary=x"), (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"junk", "multipart/form-data"), (files.PDF, "application/pdf"), (b'{"file": 1}', "application/json"),
        (b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--', "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="\x0bu"\r\n\r\n1\r\n--x--', "multipart/form-data; boundary=x"),
    ],
)  # fmt: skip
async def test_a_form_without_a_file(stand, body, media):
    async with stand.client().post("/api/v1/attachments", data=body, headers={"Content-Type": media}) as answer:
        assert answer.status == 422, await answer.text()
        assert "errors" in await answer.json()


async def test_a_draft_freezes_its_files_under_the_hash(stand):
    first, second = await upload(stand), await upload(stand, files.PNG, "bản đồ.png")
    one = await stand.desk.draft(drafted(text="tin", attachments=[first["id"]]), OFFICER)
    asked = await stand.desk.submit(one.code, OFFICER)
    assert [one["sha256"] for one in asked.attachments] == [first["sha256"]]
    other = await stand.desk.draft(drafted(text="tin", attachments=[second["id"]]), OFFICER)
    bare = await stand.desk.draft(drafted(text="tin"), OFFICER)
    hashes = {(await stand.desk.submit(each.code, OFFICER)).content_hash for each in (other, bare)}
    assert len({asked.content_hash, *hashes}) == 3


def drafted(**values):
    return Draft(**{"text": "tin", "audience": "all-units", "channels": ["zalo", "sms"], **values})


async def refused(stand, **values):
    with pytest.raises(Refusal) as no:
        await stand.desk.draft(drafted(**values), OFFICER)
    return {(one.field, one.key) for one in no.value.problems}


async def test_what_a_draft_may_not_name(stand):
    assert await refused(stand, attachments=[999]) == {("attachments", "attachment_unknown")}
    ids = [(await upload(stand))["id"] for _ in range(MOST + 1)]
    assert ("attachments", "attachments_too_many") in await refused(stand, attachments=ids, channels=["zalo"])


@pytest.mark.parametrize("given", [[0], [-1], [10**30], ["1"], [True], [1.5], list(range(1, 100)), "1", None])
async def test_numbers_that_no_file_has(stand, given):
    draft = {"text": "tin", "audience": "all-units", "attachments": given}
    async with stand.client().post("/api/v1/broadcasts", json=draft) as answer:
        assert answer.status == 422, await answer.text()
        assert (await answer.json())["errors"]


async def test_residents_get_no_files(stand):
    ident = (await upload(stand))["id"]
    async with stand.client(Role.OFFICER).post("/api/v1/lists?name=dan", data=b"0900000001\n") as answer:
        assert answer.status == 200
    found = await refused(stand, attachments=[ident], audience="list:dan", channels=["sms"])
    assert ("attachments", "attachments_to_residents") in found


async def test_a_link_needs_an_address(stand):
    ident = (await upload(stand))["id"]
    stand.base = ""
    assert await refused(stand, attachments=[ident]) == {("attachments", "attachments_need_address")}
    made = await stand.desk.draft(drafted(text="tin", attachments=[ident], channels=["zalo"]), OFFICER)
    assert made.attachments[0]["url"] == ""


async def test_the_link_is_counted_in_the_sms_before_anybody_approves(stand):
    ident = (await upload(stand))["id"]
    text = "x" * 150
    without = await stand.desk.preview(drafted(text=text))
    linked = await stand.desk.preview(drafted(text=text, attachments=[ident]))
    assert f"\nTep: {BASE}/t/" in linked.texts["sms_leader"]
    assert linked.texts["chat"] == without.texts["chat"]
    assert (without.sms["segments"], linked.sms["segments"]) == (1, 2)
    long = await refused(stand, text="x" * 600, attachments=[ident])
    assert ("attachments", "sms_too_long") in long


async def test_each_channel_gets_the_file_or_the_link(stand):
    pdf, png = await upload(stand), await upload(stand, files.PNG, "bản đồ.png")
    await sent(stand, pdf["id"], png["id"])
    await stand.room.until(lambda: len(stand.zalo.left) == 166)
    left = stand.zalo.left[0]
    (carried,) = left.attachments
    assert (carried.name, carried.path.read_bytes()) == ("công điện 12.pdf", files.PDF)
    assert left.text.startswith("Kiểm tra liên lạc")
    assert f"Tệp bản đồ.png: {BASE}/t/" in left.text
    assert "công điện" not in left.text


async def test_the_public_page(stand):
    said = await upload(stand)
    draft = await stand.desk.draft(drafted(text="tin", attachments=[said["id"]]), OFFICER)
    path = draft.attachments[0]["url"].removeprefix(BASE)
    nobody = stand.client(None)
    async with nobody.get(path) as answer:  # nothing left yet
        assert answer.status == 404
        assert "hỏi trực ban" in await answer.text()
    asked = await stand.desk.submit(draft.code, OFFICER)
    await stand.desk.approve(draft.code, asked.content_hash, APPROVER)
    async with nobody.get(path) as answer:
        assert answer.status == 200
        assert await answer.read() == files.PDF
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="cong dien 12.pdf"')
        assert answer.headers["Cache-Control"] == "private, max-age=3600"
        tag = answer.headers["ETag"]
    async with nobody.get(path, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    async with nobody.get(path, headers={"Range": "bytes=0-7"}) as answer:
        assert (answer.status, await answer.read()) == (206, files.PDF[:8])
    async with nobody.head(path) as answer:
        assert int(answer.headers["Content-Length"]) == len(files.PDF)
    async with nobody.get(path.upper().replace("/T/", "/t/")) as answer:  # typed from a printed text
        assert answer.status == 200
    for wrong in ("/t/x", "/t/0000000000", "/t/..%2f..%2fetc%2fpasswd", path + "x"):
        async with nobody.get(wrong) as answer:
            assert answer.status == 404
    stand.clock.at = draft.valid_until.timestamp() + LINK_SECONDS + 1
    async with nobody.get(path) as answer:
        assert answer.status == 404


async def test_a_withdrawn_broadcast_takes_its_file_with_it(stand):
    said = await upload(stand)
    code = await sent(stand, said["id"])
    path = (await stand.desk.view(code)).attachments[0]["url"].removeprefix(BASE)
    async with stand.client(None).get(path) as answer:
        assert answer.status == 200
    await stand.desk.cancel(code, "nhầm tệp", OFFICER)
    async with stand.client(None).get(path) as answer:
        assert answer.status == 404


def test_a_short_address_survives_being_typed():
    assert read_short("O0iIlL") == "001111"


async def test_composing_with_a_file_in_the_browser(stand):
    browser = await stand.browser()
    token = await stand.csrf("canbo")
    headers = {"X-CSRF-Token": token, "HX-Request": "true"}
    async with browser.post("/attachments", data=form(), headers=headers) as answer:
        part = await answer.text()
        assert answer.status == 201
        assert "công điện 12.pdf" in part
    async with browser.post("/attachments", data=form(b"<html>", "<b>.pdf"), headers=headers) as answer:
        assert answer.status == 422
        assert "Chỉ nhận tệp PDF" in await answer.text()
    async with browser.post("/attachments", data=form(), headers={"HX-Request": "true"}) as answer:
        assert answer.status in (403, 413)  # no form token
    ident = part.split('value="')[1].split('"')[0]
    fields = {"csrf": token, "text": "tin", "reach": "all", "channel": "zalo", "valid_hours": "6", "attachment": ident}
    async with browser.post("/broadcasts/new", data=fields, allow_redirects=False) as answer:
        assert answer.status == 303
        where = answer.headers["Location"]
    async with browser.get(where) as answer:
        page = await answer.text()
        assert f'href="/attachments/{ident}"' in page
        assert hashlib.sha256(files.PDF).hexdigest() in page
    async with browser.get(f"/attachments/{ident}") as answer:
        assert await answer.read() == files.PDF
        assert answer.headers["Cache-Control"] == "no-store"
    async with browser.get(f"{where}/edit") as answer:
        assert f'name="attachment" value="{ident}" checked' in await answer.text()
    async with stand.client(None).get(f"/attachments/{ident}", allow_redirects=False) as answer:
        assert answer.status == 303  # to the sign-in


async def test_bytes_that_nobody_needs_are_collected(stand):
    archive = stand.services.archive
    unused, cut, kept, twin = [
        await upload(stand, content)
        for content in (files.PDF + b"\n", files.PDF + b"\n\n", files.PDF, files.PDF + b"\n\n\n")
    ]
    await upload(stand, files.PDF + b"\n")  # the same bytes again, to be used below
    again = await upload(stand, files.PDF + b"\n\n\n")
    await sent(stand, kept["id"], again["id"])
    draft = await stand.desk.draft(drafted(text="bỏ", attachments=[cut["id"]]), OFFICER)
    folder = stand.room.ledger.files

    def there(one):
        return blob_path(folder, one["sha256"]).exists()

    def age():
        for path in folder.rglob("*"):
            if path.is_file():
                os.utime(path, (1, 1))

    assert await archive.collect() == 0
    stand.clock.at += UNUSED_SECONDS + 1
    age()
    assert await archive.collect() == 3
    assert [there(one) for one in (unused, cut, kept, twin)] == [False, True, True, True]
    assert await archive.collect() == 0
    await stand.desk.cancel(draft.code, "thôi", OFFICER)
    assert await archive.collect() == 0
    stand.clock.at += UNSENT_SECONDS + 1
    assert await archive.collect() == 1
    assert [there(one) for one in (cut, kept)] == [False, True]
    assert (await stand.desk.view(draft.code)).attachments[0]["sha256"] == cut["sha256"]  # the record stays
    with pytest.raises(Refusal):
        await stand.desk.draft(drafted(text="tin", attachments=[cut["id"]]), OFFICER)


async def test_an_upload_that_is_cut_off_leaves_nothing_behind(stand):
    async def cut():
        yield files.PDF[:20]
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await stand.services.archive.add("a.pdf", cut(), OFFICER)
    assert [one for one in stand.room.ledger.files.rglob("*") if one.is_file()] == []
