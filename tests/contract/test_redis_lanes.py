"""What only lanes on Redis have: other processes, somebody else's Redis, and a Redis that goes away."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
import redis
from redis.asyncio.connection import AbstractConnection
from structlog.testing import capture_logs

from adapters.contract import Priority
from lanes import redis_lanes
from lanes.opening import opened
from lanes.port import LanesError
from lanes.redis_keeper import Keeper
from lanes.redis_opened import look
from lanes.redis_owner import OWNER
from lanes.redis_scripts import GROUP, keys
from lanes.slots import HORIZON_SECONDS
from tests.contract.recording import EVENTUALLY
from tests.redis_stand import RedisServer, fresh_url, shared_server

ALL = tuple(Priority)
OFFICE = ("installation-1", "Văn phòng thử")


@asynccontextmanager
async def process(url, owner, office=OFFICE):
    house = opened(url, owner)
    await house.start(*office)
    try:
        yield house
    finally:
        await house.stop()


@pytest.fixture
def url():
    return fresh_url()


@pytest.fixture
def server():
    made = RedisServer()
    yield made
    made.end()


def outside(url):
    """The same database, asked directly."""
    return shared_server().client(int(url.rpartition("=")[2]))


async def until(check, seconds=EVENTUALLY):
    async with asyncio.timeout(seconds):
        while not check():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# Several processes


async def test_each_chunk_goes_to_one_of_several_processes(url):
    async with process(url, "one") as one, process(url, "two") as two:
        found = []

        async def work(house):
            while True:
                found.append(await house.lanes.next("sms", ALL))
                await asyncio.sleep(0.001)

        workers = [asyncio.create_task(work(house)) for house in (one, two) for _ in range(3)]
        await asyncio.sleep(0.05)
        for chunk in range(200):
            await one.lanes.announce("sms", Priority.NORMAL, chunk)
        await until(lambda: len(found) >= 200)
        await asyncio.sleep(0.05)
        for worker in workers:
            worker.cancel()
    assert sorted(found) == list(range(200))


async def test_followers_in_another_process_hear_it_once(url):
    async with process(url, "one") as one, process(url, "two") as two, two.bus.follow("alarms") as heard:
        await asyncio.sleep(0.2)
        one.bus.publish("alarms", {"n": 1})
        two.bus.publish("alarms", {"n": 2})
        got = [await asyncio.wait_for(anext(heard), 2) for _ in range(2)]
        assert sorted(event["n"] for event in got) == [1, 2]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(heard), 0.1)


async def test_what_a_dead_reader_was_given_is_found_again(url):
    """As after a kill between the server's answer and the reader's."""
    async with process(url, "one") as one:
        await one.lanes.announce("sms", Priority.URGENT, 77)
        stream = keys(one.link, "sms")[2 + Priority.URGENT]
        there = outside(url)
        there.xgroup_create(stream, GROUP, id="0", mkstream=True)
        assert there.xreadgroup(GROUP, "dead", {stream: ">"}, count=1)
        await one.lanes.announce("sms", Priority.URGENT, 77)
        assert there.xlen(stream) == 1
        keeper = Keeper(one.link)
        keeper.channels.add("sms")
        assert await keeper.tick(idle_ms=0) == 1
        assert await asyncio.wait_for(one.lanes.next("sms", ALL), 2) == 77
        assert there.xpending(stream, GROUP)["pending"] == 0


async def test_an_entry_that_redis_evicted_can_be_announced_again(url):
    async with process(url, "one") as one:
        await one.lanes.announce("sms", Priority.BULK, 5)
        outside(url).delete(keys(one.link, "sms")[2 + Priority.BULK])
        await one.lanes.announce("sms", Priority.BULK, 5)
        assert await asyncio.wait_for(one.lanes.next("sms", ALL), 2) == 5


async def test_nothing_is_left_behind(url):
    """No entry, no mark, nothing pending once everything was taken, also by blocking reads."""
    async with process(url, "one") as one:
        waiting = asyncio.create_task(one.lanes.next("sms", ALL))
        await asyncio.sleep(0.1)
        for chunk in range(50):
            await one.lanes.announce("sms", Priority.NORMAL, chunk)
        await waiting
        for _ in range(49):
            await one.lanes.next("sms", ALL)
        await asyncio.sleep(0.05)
        at, later, *streams = keys(one.link, "sms")
        there = outside(url)
        assert (there.hlen(at), there.zcard(later)) == (0, 0)
        assert [there.xlen(stream) for stream in streams] == [0, 0, 0, 0]


async def test_what_was_stored_is_remembered_by_all(url):
    async with process(url, "one") as one, process(url, "two") as two:
        assert await two.remembered.known(["zalo:1", "zalo:2"]) == frozenset()
        await one.remembered.note(["zalo:1"])
        assert await two.remembered.known(["zalo:1", "zalo:2"]) == {"zalo:1"}
        assert 0 < outside(url).pttl(next(iter(outside(url).scan_iter("*seen*")))) <= 600_000


# Whose it is


async def refused(url, office=OFFICE):
    with pytest.raises(LanesError) as wrong:
        async with process(url, "one", office):
            pass
    return wrong.value


async def test_another_office_s_redis_is_refused(url):
    async with process(url, "one"):
        pass
    wrong = await refused(url, ("installation-2", "Nơi khác"))
    assert (wrong.key, wrong.params["office"]) == ("lanes_other_office", "Văn phòng thử")
    async with process(url, "two") as again:
        assert again.away is None


async def test_a_redis_with_somebody_else_s_keys_is_refused_and_left_alone(url):
    outside(url).set("celery:queue", "x")
    wrong = await refused(url)
    assert (wrong.key, wrong.params["name"]) == ("lanes_foreign", "celery:queue")
    assert outside(url).keys() == [b"celery:queue"]


async def test_a_wrong_password_is_refused_and_not_shown():
    server = RedisServer("--requirepass", "mat-khau-dung")
    try:
        for given in ("", ":sai-mat-khau@"):
            wrong = await refused(f"unix://{given}{server.socket}")
            assert wrong.key == "lanes_password"
            assert "sai-mat-khau" not in str(wrong.params)
        async with process(f"unix://:mat-khau-dung@{server.socket}", "one") as right:
            assert right.away is None
            assert "mat-khau-dung" not in repr(right.link.where)
    finally:
        server.end()


async def test_a_machine_that_nobody_knows_is_refused():
    assert (await refused("redis://khong-co-may-nay.invalid:6379/0")).key == "lanes_no_host"


@pytest.mark.parametrize("url", ["redis://", "http://x", "redis://host:port", "redis", "rabbit://x/1"])
def test_an_address_that_cannot_be_read_is_refused(url):
    with pytest.raises(LanesError) as wrong:
        opened(url, "one")
    assert wrong.value.key == "lanes_url"


@pytest.mark.parametrize(
    ("said", "key"),
    [("redis_version:5.0.7", "lanes_version"), ("server:other", "lanes_version"), ("", "lanes_not_redis")],
)
async def test_something_else_or_something_old_is_refused(said, key):
    async def answer(reader, writer):
        while line := await reader.readline():
            if not line.startswith(b"*"):
                continue
            words = []
            for _ in range(int(line[1:])):
                await reader.readline()
                words.append((await reader.readline()).strip().upper())
            if words[0] != b"INFO":
                writer.write(b"+OK\r\n")
            elif said:
                body = f"# Server\r\n{said}\r\n".encode()
                writer.write(b"$%d\r\n%s\r\n" % (len(body), body))
            else:
                writer.write(b"-ERR unknown command 'INFO'\r\n")

    fake = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        assert (await refused(f"redis://127.0.0.1:{fake.sockets[0].getsockname()[1]}")).key == key
    finally:
        fake.close()


# Away


async def works(house, chunk):
    """A worker that waits hears of it, wherever it was announced."""
    waiting = asyncio.create_task(house.lanes.next("sms", ALL))
    await asyncio.sleep(0)
    await house.lanes.announce("sms", Priority.NORMAL, chunk)
    return await asyncio.wait_for(waiting, EVENTUALLY) == chunk


async def test_nobody_answers_at_the_start_and_somebody_does_later(server):
    server.kill()
    async with process(server.url(), "one") as house:
        assert house.away is not None
        assert house.lanes.alone
        assert await works(house, 1)
        server.start()
        await until(lambda: house.away is None)
        assert await works(house, 2)
        assert not house.lanes.alone


async def test_killed_and_started_again_empty(server):
    async with process(server.url(), "one") as house:
        idle = asyncio.create_task(house.lanes.next("zalo", ALL))
        assert await works(house, 1)
        server.kill()
        with capture_logs() as lines:
            for chunk in range(2, 50):
                assert await works(house, chunk)
            assert house.away.why == "unreachable"
            await asyncio.sleep(0.5)
        assert len([line for line in lines if line["log_level"] != "debug"]) <= 2, lines
        server.start()
        await until(lambda: house.away is None)
        assert await works(house, 100)
        await house.lanes.announce("zalo", Priority.LIFE, 9)
        assert await asyncio.wait_for(idle, EVENTUALLY) == 9


async def test_emptied_while_readers_wait(url):
    async with process(url, "one") as one, process(url, "two") as two:
        waiting = asyncio.create_task(two.lanes.next("sms", ALL))
        await asyncio.sleep(0.1)
        outside(url).flushdb()
        await one.lanes.announce("sms", Priority.NORMAL, 3)
        assert await asyncio.wait_for(waiting, EVENTUALLY) == 3
        await until(lambda: outside(url).get(OWNER) is not None)
        assert (one.away, two.away) == (None, None)


async def test_stalled_it_is_left_and_taken_up_again(server, monkeypatch):
    monkeypatch.setattr(redis_lanes, "COMMAND_SECONDS", 0.5)
    async with process(server.url(), "one") as house:
        assert await works(house, 1)
        stalled = asyncio.create_task(asyncio.to_thread(_sleep, server, 3.0))
        await asyncio.sleep(0.1)
        await house.lanes.announce("sms", Priority.NORMAL, 2)
        assert await asyncio.wait_for(house.lanes.next("sms", ALL), 4) == 2
        await stalled
        await until(lambda: house.away is None)
        taken = []
        for chunk in (3, 4):
            await house.lanes.announce("sms", Priority.NORMAL, chunk)
        while len(set(taken) & {3, 4}) < 2:
            taken.append(await asyncio.wait_for(house.lanes.next("sms", ALL), 5))
        assert set(taken) <= {2, 3, 4}, "at most what was announced, perhaps twice"


def _sleep(server, seconds):
    redis.Redis(unix_socket_path=str(server.socket), socket_timeout=30).execute_command("DEBUG", "SLEEP", seconds)


async def test_a_process_that_ends_without_closing_ends(url, monkeypatch):
    """redis-py turns some cancellations into errors of the line; whoever goes on then never ends."""
    read = AbstractConnection.read_response

    async def swallowing(self, *arguments, **more):
        try:
            return await read(self, *arguments, **more)
        except asyncio.CancelledError:
            raise redis.ConnectionError from None

    async def greets_for_ever():
        try:
            await asyncio.sleep(EVENTUALLY)
        except asyncio.CancelledError:
            raise redis.ConnectionError from None

    monkeypatch.setattr(AbstractConnection, "read_response", swallowing)
    async with process(url, "one") as house:
        waiting = asyncio.create_task(house.lanes.next("sms", ALL))
        monkeypatch.setattr(house.link, "_greet", greets_for_ever)
        house.link._doubt.set()
        await asyncio.sleep(0.2)
        tasks = {one for one in asyncio.all_tasks() if one.get_name() in ("redis-link", "bus-listen", "lane-sms")}
        assert len(tasks) == 3
        for one in tasks:
            one.cancel()
        _, pending = await asyncio.wait(tasks, timeout=3)
        waiting.cancel()
        assert not pending


async def test_lines_that_are_cut_are_made_again(url):
    async with process(url, "one") as house, house.bus.follow("x") as heard:
        for chunk in range(5):
            outside(url).client_kill_filter(_type="normal", skipme=True)
            outside(url).client_kill_filter(_type="pubsub")
            assert await works(house, chunk)
        await until(lambda: house.away is None)
        async with process(url, "two") as other:
            await asyncio.sleep(1.0)
            other.bus.publish("x", {"n": 1})
            assert (await asyncio.wait_for(anext(heard), 3))["n"] == 1


@pytest.mark.parametrize(
    ("break_it", "mend", "why"),
    [
        (("maxmemory", "1"), ("maxmemory", "0"), "full"),
        (("replicaof", "127.0.0.1 1"), ("replicaof", "no one"), "read_only"),
    ],
)
async def test_full_or_read_only_it_counts_as_away(server, break_it, mend, why):
    def configure(setting):
        if setting[0] == "replicaof":
            server.client().execute_command("REPLICAOF", *setting[1].split())
        else:
            server.client().config_set(*setting)

    async with process(server.url(), "one") as house:
        configure(break_it)
        assert await works(house, 1)
        await until(lambda: house.away is not None and house.away.why == why)
        with capture_logs() as lines:
            for chunk in range(2, 20):
                assert await works(house, chunk)
        assert len(lines) <= 2
        configure(mend)
        await until(lambda: house.away is None)
        assert await works(house, 99)


async def test_what_was_announced_meanwhile_is_for_all_once_it_is_back(server):
    async with process(server.url(), "web") as web, process(server.url(), "worker") as worker:
        server.kill()
        await until(lambda: web.away is not None and worker.away is not None)
        await web.lanes.announce("sms", Priority.NORMAL, 7)
        waiting = asyncio.create_task(worker.lanes.next("sms", ALL))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        server.start()
        assert await asyncio.wait_for(waiting, EVENTUALLY) == 7


async def test_what_a_process_leaves_behind_is_taken_by_another(url):
    async with process(url, "two") as two:
        async with process(url, "one") as one:
            one.lanes._own.put("sms", Priority.NORMAL, 8, 0.0)  # brought here, and nobody took it
        assert await asyncio.wait_for(two.lanes.next("sms", ALL), 5) == 8


# Common rates


async def spend(share, seconds):
    left, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        allowed = share.allowance(1_000)
        share.spend(allowed)
        left += allowed
        await asyncio.sleep(max(0.001, share.wait()))
    return left


async def test_two_processes_keep_to_one_rate(url):
    async with process(url, "one") as one, process(url, "two") as two:
        shares = [house.rates.share("c", 200.0) for house in (one, two)]
        left = sum(await asyncio.gather(*(spend(share, 2.0) for share in shares)))
        assert 0 < left <= 200 * 2.0 * 1.05 + 3
        assert [share.sharers for share in shares] == [2, 2]


async def test_emptied_it_grants_nothing_that_somebody_may_still_hold(url):
    async with process(url, "one") as one:
        share = one.rates.share("c", 100.0)
        await spend(share, 0.3)
        outside(url).flushdb()
        held = share.allowance(1_000)
        share.spend(held)
        began = time.monotonic()
        at_once = await spend(share, HORIZON_SECONDS * 0.8)
        assert at_once <= 2 * share.block, "only what it held before"
        assert await spend(share, 1.0) > 0
        assert time.monotonic() > began


async def test_away_each_goes_on_with_its_part(server):
    async with process(server.url(), "one") as one, process(server.url(), "two") as two:
        shares = [house.rates.share("c", 200.0) for house in (one, two)]
        await asyncio.gather(*(spend(share, 0.5) for share in shares))
        server.kill()
        await asyncio.gather(*(spend(share, 0.3) for share in shares))
        left = await asyncio.gather(*(spend(share, 1.5) for share in shares))
        assert all(0 < one <= 100 * 1.5 * 1.1 + 3 for one in left), left


async def test_an_operator_s_look_says_what_is_there(url, server):
    assert (await look(url)).startswith("7.")
    server.kill()
    with pytest.raises(LanesError) as wrong:
        await look(server.url())
    assert (wrong.value.key, wrong.value.params["why"]) == ("lanes_unreachable", "unreachable")
