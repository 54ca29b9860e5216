"""Providers' calls: passed on as they came, answered as the channel says, refused when nothing could be stored."""

import pytest

from adapters.contract import HookReply, LedgerUnavailable
from store.engine import LedgerWriteError
from tests.web_stand import Stand


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def test_the_channel_gets_the_call_as_it_was_signed(stand):
    raw = b'{"a": "\xc4\x91"}  '
    stand.channels.answer = HookReply(202, b'{"ok":1}', "application/json")
    answer = await stand.client(None).post(
        "/hooks/thu?x=1", data=raw, headers={"X-ZEvent-Signature": "mac=abc", "Content-Type": "application/json"}
    )
    assert (answer.status, await answer.read(), answer.content_type) == (202, b'{"ok":1}', "application/json")
    call = stand.channels.called[0]
    assert (call.method, call.path, call.query, call.body) == ("POST", "/hooks/thu", {"x": "1"}, raw)
    assert call.headers["x-zevent-signature"] == "mac=abc"
    assert all(name == name.lower() for name in call.headers)


async def test_a_get_reaches_the_channel_too(stand):
    assert (await stand.client(None).get("/hooks/thu?challenge=1")).status == 200
    assert stand.channels.called[0].method == "GET"


@pytest.mark.parametrize("refused", [LedgerUnavailable("full"), LedgerWriteError("disk_full")])
async def test_what_could_not_be_stored_is_not_acknowledged(stand, refused):
    stand.channels.answer = refused
    answer = await stand.client(None).post("/hooks/thu", data=b"{}")
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_fault_of_the_channel_tells_nothing(stand):
    stand.channels.answer = RuntimeError("token abc")
    answer = await stand.client(None).post("/hooks/thu", data=b"{}")
    assert answer.status == 500
    assert "abc" not in await answer.text()


@pytest.mark.parametrize("path", ["/hooks/khong-co", "/hooks/", "/hooks/thu/them", "/hooks/%2e%2e"])
async def test_an_unknown_name_is_not_found(stand, path):
    answer = await stand.client(None).post(path, data=b"{}")
    assert answer.status in (404, 405)
    assert stand.channels.called == []


async def test_a_body_that_is_too_large_is_refused_unread(stand):
    answer = await stand.client(None).post("/hooks/thu", data=b"x" * (3 << 20))
    assert answer.status == 413
    assert stand.channels.called == []
