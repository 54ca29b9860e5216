"""The key that a web process leaves for its machine's operator lives no longer than that process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from loa import local_word
from loa.roles.identity import Identity
from loa.roles.web import WebServer
from store import access
from store.engine import Ledger, LedgerError, Tx
from tests.ledgers import ledger_of

NOW = 1_790_000_000.0


class Installation:
    """One ledger, and machines whose web processes have it in common."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self._folder = folder
        self.ledger = ledger

    def web(self, port: int, host: str = "a") -> WebServer:
        """A process that answers there; `host` is its machine, which has one data folder."""
        house: Any = SimpleNamespace(
            ledger=self.ledger, data=self.data(host), alone=False, url=f"http://127.0.0.1:{port}",
            identity=Identity(f"1-{port}", host, "", 1, "1"),
        )  # fmt: skip
        return WebServer(house)

    def data(self, host: str = "a") -> Path:
        return self._folder / host

    async def began(self, port: int, host: str = "a") -> WebServer:
        web = self.web(port, host)
        await web.tell_operator()
        return web

    async def names(self) -> list[str]:
        def read(tx: Tx) -> list[str]:
            return [row[0] for row in tx.execute("SELECT name FROM api_key ORDER BY name")]

        return await self.ledger.read(read)

    async def opens(self, key: str) -> bool:
        return await self.ledger.read(lambda tx: access.key_owner(tx, key)) is not None


async def stop(web: WebServer) -> None:
    web.take_word_back()
    await web.stop()


def kill(web: WebServer) -> None:
    """What the kernel does for it."""
    assert web._word_file is not None
    web._word_file.close()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Installation]:
    ledger = ledger_of(tmp_path / "ledger")
    ledger.open()
    yield Installation(tmp_path, ledger)
    await ledger.close()


async def test_one_that_stops_takes_its_key_along_and_no_other(office: Installation) -> None:
    await office.ledger.write(lambda tx: access.add_key(tx, "may", "viewer", NOW))
    first, second = await office.began(8001), await office.began(8002)
    assert await office.names() == ["local@a:8001", "local@a:8002", "may"]
    key = second.admin_key
    await stop(second)
    assert not await office.opens(key)
    assert await office.opens(first.admin_key)
    await stop(first)
    await stop(first)
    assert await office.names() == ["may"]


async def test_one_that_was_killed_leaves_a_key_that_the_next_one_withdraws(office: Installation) -> None:
    killed = await office.began(8001)
    kill(killed)
    after = await office.began(8002)
    assert await office.names() == ["local@a:8002"]
    assert not await office.opens(killed.admin_key)
    assert await office.opens(after.admin_key)
    await stop(after)


async def test_so_does_one_that_ran_beside_it(office: Installation) -> None:
    other, killed = await office.began(8001), await office.began(8002)
    kill(killed)
    await other.keep_word()
    assert await office.names() == ["local@a:8001"]
    word = local_word.read(office.data())
    assert word is not None
    assert (word.admin_key, word.held) == (other.admin_key, True)
    await stop(other)


async def test_who_lives_keeps_its_key_whoever_begins_or_ends(office: Installation) -> None:
    """On this machine, on one of the same name, and where another process has taken the place over meanwhile."""
    here, elsewhere = await office.began(8001), await office.began(8001, host="b")
    also = await office.began(8002)
    await here.keep_word()
    for one in (here, elsewhere, also):
        assert await office.opens(one.admin_key)
    again = await office.began(8001)  # the same place: the key before is none any more
    assert not await office.opens(here.admin_key)
    await stop(here)
    assert await office.opens(again.admin_key)
    for one in (elsewhere, also, again):
        await stop(one)
    assert await office.names() == []


@pytest.mark.parametrize("left", [{}, {"admin_key": 7}, {"admin_key": "loa_x"}, "nothing of the kind"])
async def test_a_word_that_is_none_hinders_nobody(office: Installation, left: Any) -> None:
    word = {"api": "http://127.0.0.1:1/api/v1", "admin_key": "", "key": ""} | left if isinstance(left, dict) else left
    office.data().mkdir(parents=True)
    (office.data() / local_word.FILE).write_bytes(orjson.dumps(word))
    web = await office.began(8001)
    assert await office.names() == ["local@a:8001"]
    await stop(web)


async def test_only_an_operators_key_is_withdrawn(office: Installation) -> None:
    """Whatever a word says."""
    key = await office.ledger.write(lambda tx: access.add_key(tx, "may", "viewer", NOW))
    local_word.leave(office.data(), {"api": "http://127.0.0.1:1/api/v1", "admin_key": key, "key": key}).close()
    web = await office.began(8001)
    assert await office.opens(key)
    await stop(web)


async def test_a_ledger_that_is_away_hinders_no_stop(office: Installation) -> None:
    web = await office.began(8001)

    async def away(fn: Any) -> None:
        raise LedgerError("ledger_unreachable", ledger="")

    web._house.ledger = SimpleNamespace(write=away)  # type: ignore[assignment]
    await stop(web)
    assert await office.names() == ["local@a:8001"], "the next one at this place renews it"
