"""Staff, keys, sessions, remembered answers and the audit log; passwords, attempts and lights."""

import asyncio

import pytest

from adapters.contract import Health, HealthState
from store import access, audit, web_sessions
from store.access import NameTaken
from tests.ledgers import ledger_of
from web import passwords
from web.attempts import FAILURES_PER_ADDRESS, FAILURES_PER_NAME, REMEMBERED, WINDOW_SECONDS, Attempts
from web.lights import FRESH_SECONDS, Lights
from web.locale import catalogue

NOW = 1_790_000_000.0


@pytest.fixture
async def ledger(tmp_path):
    ledger = ledger_of(tmp_path)
    ledger.open()
    yield ledger
    await ledger.close()


async def test_a_key_opens_by_itself_and_is_not_stored(ledger):
    key = await ledger.write(lambda tx: access.add_key(tx, "may", "officer", NOW))
    assert key.startswith(access.KEY_PREFIX)
    assert await ledger.read(lambda tx: access.key_owner(tx, key)) == ("may", "officer")
    for wrong in ("", key[:-1], key + "x", key.upper(), access.digest(key)):
        assert await ledger.read(lambda tx, wrong=wrong: access.key_owner(tx, wrong)) is None
    stored = await ledger.read(lambda tx: tx.execute("SELECT * FROM api_key").fetchall())
    assert key not in str(stored)


async def test_people_and_keys_share_one_name_space(ledger):
    await ledger.write(lambda tx: access.add_staff(tx, "an", "officer", "h", NOW))
    await ledger.write(lambda tx: access.add_key(tx, "binh", "officer", NOW))
    for name in ("an", "binh"):
        with pytest.raises(NameTaken):
            await ledger.write(lambda tx, name=name: access.add_staff(tx, name, "officer", "h", NOW))
        with pytest.raises(NameTaken):
            await ledger.write(lambda tx, name=name: access.add_key(tx, name, "officer", NOW))
    assert [one.name for one in await ledger.read(access.list_staff)] == ["an"]


async def test_a_session_runs_out_and_can_be_ended(ledger):
    staff = await ledger.write(lambda tx: access.add_staff(tx, "an", "officer", "h", NOW))
    one = await ledger.write(lambda tx: web_sessions.open_session(tx, staff.id, NOW, 100))
    two = await ledger.write(lambda tx: web_sessions.open_session(tx, staff.id, NOW, 200))
    assert one != two
    found = await ledger.read(lambda tx: web_sessions.session(tx, one, NOW + 99))
    assert (found.staff.name, found.mode) == ("an", "actual")
    assert await ledger.read(lambda tx: web_sessions.session(tx, one, NOW + 100)) is None
    await ledger.write(lambda tx: web_sessions.close_session(tx, two))
    assert await ledger.read(lambda tx: web_sessions.session(tx, two, NOW)) is None
    await ledger.write(lambda tx: web_sessions.open_session(tx, staff.id, NOW + 1_000, 100))
    assert await ledger.read(lambda tx: tx.execute("SELECT count(*) FROM web_session").fetchone()) == (1,)


async def test_somebody_who_left_is_out_at_once(ledger):
    staff = await ledger.write(lambda tx: access.add_staff(tx, "an", "officer", "h", NOW))
    token = await ledger.write(lambda tx: web_sessions.open_session(tx, staff.id, NOW, 100))
    await ledger.write(lambda tx: tx.execute("UPDATE staff SET active = 0"))
    assert await ledger.read(lambda tx: web_sessions.session(tx, token, NOW)) is None
    assert await ledger.read(lambda tx: access.password_of(tx, "an")) is None


async def test_a_remembered_answer(ledger):
    reserve = lambda at=NOW: ledger.write(lambda tx: access.reserve_answer(tx, "may", "k", "h", at))  # noqa: E731
    assert await reserve() is None
    assert (await reserve()).status == 0
    await ledger.write(lambda tx: access.remember_answer(tx, "may", "k", 201, b"body"))
    await ledger.write(lambda tx: access.forget_answer(tx, "may", "k"))
    known = await reserve()
    assert (known.request_hash, known.status, known.body) == ("h", 201, b"body")
    assert await reserve(NOW + access.ANSWERS_KEPT_SECONDS + 1) is None


async def test_a_claim_that_came_to_nothing_is_free_again(ledger):
    reserve = lambda: ledger.write(lambda tx: access.reserve_answer(tx, "may", "k", "h", NOW))  # noqa: E731
    await reserve()
    await ledger.write(lambda tx: access.forget_answer(tx, "may", "k"))
    assert await reserve() is None


async def test_the_audit_log_is_read_backwards(ledger):
    for n in range(5):
        await ledger.write(lambda tx, n=n: audit.record(tx, NOW + n, "an", "sign_in", n=n))
    lines = await ledger.read(lambda tx: audit.lines(tx, limit=2))
    assert [line.detail["n"] for line in lines] == [4, 3]
    older = await ledger.read(lambda tx: audit.lines(tx, before=lines[-1].id))
    assert [line.detail["n"] for line in older] == [2, 1, 0]


async def test_passwords():
    stored = await passwords.hashed("mật khẩu dài")
    assert "mật" not in stored
    assert stored.startswith("$argon2id$")
    assert await passwords.matches(stored, "mật khẩu dài")
    assert not await passwords.matches(stored, "mật khẩu dai")
    assert not await passwords.matches("không phải mã băm", "x")
    assert not await passwords.matches(stored, "x" * 1_000)
    assert len({passwords.made_password() for _ in range(100)}) == 100


async def test_an_unknown_name_costs_a_whole_verification(monkeypatch):
    checked = []

    class Recorder:
        def hash(self, password):
            return "hash of nobody"

        def verify(self, stored, password):
            checked.append(stored)
            return True

    monkeypatch.setattr(passwords, "_hasher", Recorder())
    passwords._hash_of_nobody.cache_clear()
    assert not await passwords.matches(None, "đoán")
    passwords._hash_of_nobody.cache_clear()
    assert checked == ["hash of nobody"]


class Clock:
    at = 0.0

    def __call__(self):
        return self.at


def test_attempts_are_counted_by_name_and_address():
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(FAILURES_PER_NAME):
        assert attempts.wait("an", "10.0.0.1") == 0.0
        attempts.failed("an", "10.0.0.1")
    assert attempts.wait("an", "10.0.0.1") == WINDOW_SECONDS
    assert attempts.wait("an", "10.0.0.2") == 0.0, "the owner elsewhere is not locked out"
    assert attempts.wait("binh", "10.0.0.1") == 0.0
    clock.at = WINDOW_SECONDS - 1
    assert attempts.wait("an", "10.0.0.1") == 1.0
    clock.at = WINDOW_SECONDS
    assert attempts.wait("an", "10.0.0.1") == 0.0


def test_one_address_cannot_try_many_names():
    attempts = Attempts(Clock())
    for n in range(FAILURES_PER_ADDRESS):
        attempts.failed(f"ten{n}", "10.0.0.1")
    assert attempts.wait("moi", "10.0.0.1") > 0
    attempts.succeeded("ten1", "10.0.0.1")
    assert attempts.wait("ten1", "10.0.0.1") > 0


def test_attempts_do_not_fill_the_memory():
    attempts = Attempts(Clock())
    for n in range(REMEMBERED + 50):
        attempts.failed(str(n), str(n))
    assert len(attempts._failures) <= REMEMBERED


class Slow:
    """Channels that answer when they are let."""

    families, hooks = (), {}

    def __init__(self):
        self.asked, self.let, self.raises = 0, asyncio.Event(), False

    async def health(self):
        self.asked += 1
        await self.let.wait()
        if self.raises:
            raise RuntimeError("down")
        return [("sms.one", Health(HealthState.DOWN, "link_down"))]


async def test_no_page_waits_for_a_provider(monkeypatch):
    monkeypatch.setattr("web.lights.WAIT_SECONDS", 0.01)
    clock, channels = Clock(), Slow()
    lights = Lights(channels, clock)
    assert await lights.now() == []
    assert await lights.now() == []
    assert channels.asked == 1, "one probe at a time"
    channels.let.set()
    found = await lights.now() or await lights.now()
    assert [(one.name, one.state) for one in found] == [("sms.one", "down")]
    assert found[0].mend(catalogue("vi"))
    clock.at = FRESH_SECONDS
    channels.raises = True
    assert await lights.now() == found, "a probe that fails leaves what was known"
    await asyncio.sleep(0.02)
    assert channels.asked == 2
    await lights.close()
