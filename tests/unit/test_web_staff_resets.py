"""Another way into the account of somebody who approves takes two administrators; into anybody else's, one."""

import re

import pytest

from broadcasts.model import Role
from store import access, audit, privileges, second_factors
from tests.unit.test_web_accounts import post, sign_in, with_factor
from tests.web_stand import Stand

NEW_PASSWORD = re.compile(r'class="secret">([^<]+)<')


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    await stand.room.ledger.write(lambda tx: tx.execute("UPDATE staff SET role = 'admin' WHERE name = 'khach'"))
    yield stand
    await stand.close()


async def the_request(stand):
    (asked,) = await stand.room.ledger.read(privileges.resets_waiting)
    return f"/staff/resets/{asked.id}"


async def lines(stand):
    wanted = ("reset_asked", "reset_refused", "password_reset", "second_factor_reset")
    found = await stand.room.ledger.read(audit.lines)
    return [(one.action, one.actor) for one in reversed(found) if one.action in wanted]


async def has_factor(stand, name):
    one = await stand.room.ledger.read(lambda tx: access.staff_named(tx, name))
    return await stand.room.ledger.read(lambda tx: second_factors.factor_of(tx, one.id)) is not None


@pytest.mark.parametrize("name", ["lanhdao", "khach"])
async def test_one_administrator_alone_gives_no_password_of_somebody_who_approves(stand, name):
    first, theirs = await stand.browser("quantri"), await stand.browser(name)
    answer = await post(stand, first, f"/staff/{name}/password")
    assert answer.status == 303
    page = await (await first.get("/staff")).text()
    path = await the_request(stand)
    assert path in page
    assert "Cần quản trị viên khác" in page
    assert "chờ cấp lại mật khẩu" in page
    for alone in (first, theirs):
        answer = await post(stand, alone, path, verdict="grant")
        assert answer.status == 403, "neither who asked nor whose it is"
    assert (await theirs.get("/account", allow_redirects=False)).status == 200
    assert (await sign_in(stand, name))[1].status == 303, "the password that was"
    assert await lines(stand) == [("reset_asked", "quantri")]


async def test_a_second_one_grants_it_and_is_shown_the_password(stand):
    first, second, theirs = [await stand.browser(name) for name in ("quantri", "khach", "lanhdao")]
    await post(stand, first, "/staff/lanhdao/password")
    path = await the_request(stand)
    answer = await post(stand, second, path, verdict="grant")
    (password,) = NEW_PASSWORD.findall(await answer.text())
    assert (await theirs.get("/account", allow_redirects=False)).status != 200
    assert (await sign_in(stand, "lanhdao"))[1].status == 422
    assert (await sign_in(stand, "lanhdao", password))[1].status == 303
    assert (await post(stand, second, path, verdict="grant")).status == 409
    assert await lines(stand) == [("reset_asked", "quantri"), ("password_reset", "khach")]
    detail = next(one for one in await stand.room.ledger.read(audit.lines) if one.action == "password_reset").detail
    assert detail["asked_by"] == "quantri"
    assert password not in str(await stand.room.ledger.read(audit.lines))


async def test_what_was_refused_changes_nothing(stand):
    first, second = await stand.browser("quantri"), await stand.browser("khach")
    for who in (second, first):  # also whoever asked takes it back
        await post(stand, first, "/staff/lanhdao/password")
        path = await the_request(stand)
        answer = await post(stand, who, path, verdict="refuse")
        assert answer.status == 303
        assert (await post(stand, second, path, verdict="grant")).status == 409
    assert (await sign_in(stand, "lanhdao"))[1].status == 303
    assert [action for action, _ in await lines(stand)] == ["reset_asked", "reset_refused"] * 2


async def test_asked_twice_waits_once(stand):
    first, second = await stand.browser("quantri"), await stand.browser("khach")
    for asking in (first, second, first):
        await post(stand, asking, "/staff/lanhdao/password")
    path = await the_request(stand)
    assert (await post(stand, first, path, verdict="grant")).status == 403, "the last who asked"
    assert (await post(stand, second, path, verdict="grant")).status == 200


async def test_a_second_factor_of_somebody_who_approves_goes_by_two(stand):
    await with_factor(stand, "lanhdao")
    first, second = await stand.browser("quantri"), await stand.browser("khach")
    await post(stand, first, "/staff/lanhdao/second-factor/remove")
    path = await the_request(stand)
    assert await has_factor(stand, "lanhdao")
    assert (await post(stand, first, path, verdict="grant")).status == 403
    answer = await post(stand, second, path, verdict="grant")
    assert answer.status == 303
    assert not await has_factor(stand, "lanhdao")
    assert await lines(stand) == [("reset_asked", "quantri"), ("second_factor_reset", "khach")]
    await post(stand, first, "/staff/lanhdao/second-factor/remove")
    assert await stand.room.ledger.read(privileges.resets_waiting) == [], "there is none to remove"


async def test_anybody_elses_is_given_at_once(stand):
    await with_factor(stand, "canbo")
    first = await stand.browser("quantri")
    await post(stand, first, "/staff/canbo/second-factor/remove")
    assert not await has_factor(stand, "canbo")
    answer = await post(stand, first, "/staff/canbo/password")
    (password,) = NEW_PASSWORD.findall(await answer.text())
    assert (await sign_in(stand, "canbo", password))[1].status == 303
    assert await lines(stand) == [("second_factor_reset", "quantri"), ("password_reset", "quantri")]


async def test_who_has_left_is_waited_for_no_more(stand):
    first = await stand.browser("quantri")
    await post(stand, first, "/staff/lanhdao/password")
    await post(stand, first, "/staff/lanhdao/active", active="0")
    assert await stand.room.ledger.read(privileges.resets_waiting) == []


async def reset(stand, name, key=None, **body):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    client = stand.client(None if key else Role.ADMIN)
    async with client.post(f"/api/v1/staff/{name}/reset", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_over_the_api_it_waits_too_but_for_the_operator_of_the_machine(stand):
    """Of two administrators one may have lost the password: the machine's operator is the way out."""
    status, said = await reset(stand, "lanhdao", what="password")
    assert (status, said) == (200, {"user": "lanhdao", "waiting": True, "password": None})
    key = await stand.room.ledger.write(lambda tx: access.renew_operator(tx, "", "admin", stand.clock()))
    status, said = await reset(stand, "lanhdao", key, what="password")
    assert said["waiting"] is False
    assert (await sign_in(stand, "lanhdao", said["password"]))[1].status == 303
    await with_factor(stand, "canbo")
    status, said = await reset(stand, "canbo", what="second_factor")
    assert said == {"user": "canbo", "waiting": False, "password": None}
    assert not await has_factor(stand, "canbo")
    assert (await reset(stand, "khong-co", what="password"))[0] == 404
    assert (await reset(stand, "canbo", what="everything"))[0] == 422
