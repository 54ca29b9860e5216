"""Lanes on a Redis that speaks TLS only and asks for a password; what is wrong with either is said, not waited for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from adapters.contract import Priority
from lanes.opening import opened
from lanes.port import LanesError
from tests.certificates import authority, signed
from tests.processes import loa
from tests.redis_stand import RedisServer

OFFICE = ("installation-1", "Văn phòng thử")
PASSWORD = "mat-khau-cua-redis"


class Secured:
    def __init__(self, server: RedisServer, port: int, folder: Path) -> None:
        self.server, self.port, self.folder = server, port, folder

    def url(self, authority: str = "ours", host: str = "localhost", password: str = PASSWORD) -> str:
        place = quote(str(self.folder / f"{authority}.crt"), safe="")
        return f"rediss://:{password}@{host}:{self.port}/1?ssl_ca_certs={place}"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("certificates")
    authority(folder, "ours")
    authority(folder, "strangers")
    signed(folder, "ours")
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    server = RedisServer(
        "--tls-port", str(port), "--bind", "127.0.0.1", "--tls-cert-file", str(folder / "server.crt"),
        "--tls-key-file", str(folder / "server.key"), "--tls-ca-cert-file", str(folder / "ours.crt"),
        "--tls-auth-clients", "no", "--requirepass", PASSWORD,
    )  # fmt: skip
    yield Secured(server, port, folder)
    server.end()


async def test_work_and_events_pass(secured: Secured) -> None:
    one, two = opened(secured.url(), "one"), opened(secured.url(), "two")
    await one.start(*OFFICE)
    await two.start(*OFFICE)
    try:
        assert (one.away, two.away) == (None, None)
        async with two.bus.follow("inbox") as told:
            await one.lanes.announce("sms.a", Priority.URGENT, 7)
            async with asyncio.timeout(10):
                assert await two.lanes.next("sms.a", tuple(Priority)) == 7
                one.bus.publish("inbox", {"n": 1})
                assert [event["n"] async for event in _first(told)] == [1]
    finally:
        await one.stop()
        await two.stop()


async def _first(told):  # type: ignore[no-untyped-def]
    async for event in told:
        yield event
        return


@pytest.mark.parametrize(
    ("wrong", "key", "word"),
    [
        ({"authority": "strangers"}, "lanes_tls", "certificate"),
        ({"host": "127.0.0.1"}, "lanes_tls", "IP address mismatch"),
        ({"password": "khac"}, "lanes_password", ""),
    ],
)
async def test_what_is_wrong_is_named(secured: Secured, wrong: dict[str, str], key: str, word: str) -> None:
    house = opened(secured.url(**wrong), "one")
    with pytest.raises(LanesError) as refused:
        await house.start(*OFFICE)
    assert refused.value.key == key
    assert word in refused.value.params.get("detail", "")
    assert PASSWORD not in str(refused.value.params)


def test_the_service_says_it_in_one_sentence(secured: Secured, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/loa.db"\n[lanes]\nurl = "{secured.url("strangers")}"\n[web]\nport = 0\n'
    )
    done = loa("run", "--config", str(config))
    assert (done.returncode, done.stdout) == (1, "")
    said = [line for line in done.stderr.splitlines() if not line.startswith("timestamp=")]
    assert len(said) == 1, done.stderr
    assert "ssl_ca_certs" in said[0]
    assert PASSWORD not in done.stderr
