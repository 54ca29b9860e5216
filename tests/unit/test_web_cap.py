"""The CAP feeds: open for alerts to people, with a key for the rest."""

import pytest
from lxml import etree

from broadcasts.aftermath import Aftermath
from broadcasts.cap_check import prose_problems
from broadcasts.model import Actor, Role
from tests.unit.test_cap import SCHEMA
from tests.web_stand import Stand

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
ATOM = "{http://www.w3.org/2005/Atom}"
OFFICER = Actor("canbo", Role.OFFICER)


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def read(client, path):
    answer = await client.get(path)
    assert answer.status == 200, await answer.text()
    return etree.fromstring(await answer.read())


async def message(client, path):
    answer = await client.get(path)
    assert answer.status == 200, await answer.text()
    body = await answer.read()
    SCHEMA.assertValid(etree.fromstring(body))
    assert prose_problems(body) == []
    return etree.fromstring(body)


async def test_an_alert_its_update_and_its_correction_stand_in_the_open_feed(stand):
    nobody = stand.client(None)
    first = await stand.sent(kind="alert")
    stand.clock.at += 60
    second = await stand.sent(kind="update", supersedes=first)
    stand.clock.at += 60
    third = (await Aftermath(stand.desk).correct(second, OFFICER)).code
    entries = (await read(nobody, "/cap/feed.atom")).findall(f"{ATOM}entry")
    titles = [one.findtext(f"{ATOM}title") for one in entries]
    assert [one.split(" ")[:2] for one in titles] == [
        ["Cancel", f"{third}:"],
        ["Update", f"{second}:"],
        ["Alert", f"{first}:"],
    ]
    update = await message(nobody, f"/cap/{second}.xml")
    assert update.findtext(f"{CAP}references").split(",")[1] == first
    cancel = await message(nobody, f"/cap/{third}.xml")
    assert [one.split(",")[1] for one in cancel.findtext(f"{CAP}references").split()] == [second, first]
    assert len(update.findall(f"{CAP}info/{CAP}area")) == 166


async def test_directives_exercises_and_drafts_are_not_public(stand):
    nobody, partner = stand.client(None), stand.client(Role.VIEWER)
    directive = await stand.sent(kind="directive")
    exercise = await stand.sent(kind="alert", mode="exercise")
    draft = await stand.client().post(
        "/api/v1/broadcasts", json={"text": "Nháp", "audience": "all-units", "channels": ["sms"]}
    )
    hidden = (await draft.json())["code"]
    assert (await read(nobody, "/cap/feed.atom")).findall(f"{ATOM}entry") == []
    for code in (directive, exercise, hidden, "TB0000-01", "..%2f"):
        assert (await nobody.get(f"/cap/{code}.xml")).status == 404
    assert (await nobody.get("/api/v1/cap/feed.atom")).status == 401
    assert len((await read(partner, "/api/v1/cap/feed.atom")).findall(f"{ATOM}entry")) == 2
    restricted = await message(partner, f"/api/v1/cap/{directive}.xml")
    assert restricted.findtext(f"{CAP}scope") == "Restricted"
    drill = await message(partner, f"/api/v1/cap/{exercise}.xml")
    assert drill.findtext(f"{CAP}status") == "Exercise"
    assert drill.findtext(f"{CAP}info/{CAP}headline").startswith("DIỄN TẬP")
    assert (await partner.get(f"/api/v1/cap/{hidden}.xml")).status == 404


async def test_what_is_stopped_is_cancelled_for_all(stand):
    nobody = stand.client(None)
    code = await stand.sent(kind="alert")
    stand.clock.at += 30
    await stand.desk.cancel(code, "nhầm nơi nhận", OFFICER)
    cancel = await message(nobody, f"/cap/{code}.cancel.xml")
    assert cancel.findtext(f"{CAP}msgType") == "Cancel"
    assert cancel.findtext(f"{CAP}references").split(",")[1] == code
    titles = [one.findtext(f"{ATOM}title") for one in (await read(nobody, "/cap/feed.atom")).findall(f"{ATOM}entry")]
    assert titles[0].startswith(f"Cancel {code}.cancel: nhầm")


async def test_the_all_clear_says_so(stand):
    code = await stand.sent(kind="alert")
    over = await Aftermath(stand.desk).all_clear(code, OFFICER)
    found = await message(stand.client(None), f"/cap/{over.code}.xml")
    assert found.findtext(f"{CAP}info/{CAP}responseType") == "AllClear"
    assert found.findtext(f"{CAP}msgType") == "Update"
