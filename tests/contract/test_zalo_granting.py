"""`loa zalo authorise` end to end: the link, the consent page, the code, the pair in the ledger, the alarm gone."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from aiohttp import ClientSession

from adapters.abilities import GrantLink
from adapters.contract import HealthState
from adapters.zalo import limits
from loa.cli.out import Failed
from loa.cli.zalo import read_back
from loa.service import Service
from loa.settings import load_settings
from loa.settings_sections import ROOT
from simulators.zalo import APP, ZaloSim
from tests.contract.recording import MemoryState
from tests.contract.zalo_stand import Clock, Stand, simulator, stand

REDIRECT = "https://loa.example.vn/zalo"


async def consent(link: str) -> dict[str, str]:
    """The administrator agrees; what stands in the address that Zalo leads back to."""
    async with ClientSession() as browser, browser.get(link, allow_redirects=False) as answer:
        assert answer.status == 302, await answer.text()
        return {key: value[0] for key, value in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


async def link_of(made: Stand) -> GrantLink:
    asked = await made.oa.grants.ask(REDIRECT)
    assert isinstance(asked, GrantLink)
    return asked


async def test_a_grant_ends_the_alarm() -> None:
    async with stand(oa={"refresh_token": "spent-long-ago"}, oa_user={}) as made:
        assert (await made.oa.probe()).key == "zalo_reauth_required"
        back = await consent((await link_of(made)).link)
        assert await made.oa.grants.take(back["code"], back["state"]) == ""
        assert (await made.oa.probe()).state is HealthState.OK
        assert not any(key.endswith(".grant") for key in made.state.values)


async def test_the_code_may_come_to_another_process_than_the_link() -> None:
    state = MemoryState()
    async with simulator() as sim:
        async with stand(sim=sim, state=state, oa={"refresh_token": ""}, oa_user={}) as made:
            back = await consent((await link_of(made)).link)
        async with stand(sim=sim, state=state, oa={"refresh_token": ""}, oa_user={}) as made:
            assert await made.oa.grants.take(back["code"], "") == ""


@pytest.mark.parametrize(
    ("account", "spoil", "why"),
    [
        ({}, {"code": "wrong"}, "code_wrong"),
        ({}, {"state": "of another link"}, "state_wrong"),
        ({"app_secret": "wrong"}, {}, "secret_wrong"),
        ({"oauth_url": "http://127.0.0.1:9"}, {}, "link_down"),
    ],
)
async def test_what_is_wrong_is_said(account: dict[str, str], spoil: dict[str, str], why: str) -> None:
    async with simulator() as sim:
        async with stand(sim=sim, oa={"refresh_token": ""}, oa_user={}) as made:
            good = await link_of(made)
            back = await consent(good.link) | spoil
            kept = made.state
        async with stand(sim=sim, state=kept, oa={"refresh_token": "", **account}, oa_user={}) as made:
            assert await made.oa.grants.take(back["code"], back["state"]) == why


async def test_codes_and_links_grow_old() -> None:
    clock = Clock()
    async with stand(clock, oa={"refresh_token": ""}, oa_user={}) as made:
        assert await made.oa.grants.take("any", "") == "no_link"
        back = await consent((await link_of(made)).link)
        clock.now += limits.GRANT_CODE_SECONDS + 1
        assert await made.oa.grants.take(back["code"], back["state"]) == "code_wrong"
        clock.now += limits.GRANT_LINK_SECONDS
        assert await made.oa.grants.take(back["code"], back["state"]) == "link_old"


async def test_a_mistyped_code_spoils_neither_the_link_nor_the_pair_in_use() -> None:
    async with stand(oa_user={}) as made:
        before = await made.oa.tokens.access()
        back = await consent((await link_of(made)).link)
        assert await made.oa.grants.take("mistyped", "") == "code_wrong"
        assert await made.oa.tokens.access() == before
        assert await made.oa.grants.take(back["code"], back["state"]) == ""


async def test_without_credentials_there_is_no_link() -> None:
    async with stand(oa={"app_id": ""}, oa_user={}) as made:
        assert await made.oa.grants.ask(REDIRECT) == "credentials_missing"


@pytest.mark.parametrize(
    ("typed", "code", "state"),
    [
        ("abc-123", "abc-123", ""),
        (f"{REDIRECT}?code=abc&oa_id=3&state=s1\n", "abc", "s1"),
        ("?oa_id=3&code=abc", "abc", ""),
        ("code=abc", "abc", ""),
    ],
)
def test_what_people_paste(typed: str, code: str, state: str) -> None:
    back = read_back(typed)
    assert (back.code, back.state) == (code, state)


@pytest.mark.parametrize("typed", ["", " \n", "hai chữ", f"{REDIRECT}?code=&state=s"])
def test_what_is_no_code(typed: str) -> None:
    with pytest.raises(Failed):
        read_back(typed)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[tuple[Service, ZaloSim]]:
    async with simulator() as sim:
        account = {"base_url": sim.url, "oauth_url": sim.url, **asdict(APP), "refresh_token": ""}
        service = Service(
            load_settings(
                None,
                {
                    "store": {"url": f"sqlite:///{tmp_path / 'loa.db'}"},
                    "web": {"port": 0},
                    "adapters": {"zalo": {"oa": account, "oa_user": {"enabled": True}}},
                },
            )
        )
        await service.start()
        yield service, sim
        await service.stop()


async def loa(service: Service, *arguments: str) -> asyncio.subprocess.Process:
    """The command as a shell runs it, against this service."""
    env = {**os.environ, "LOA_DATA": str(service.data), "LOA_LANG": "vi"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from loa.cli import main; main()", "zalo", "authorise", *arguments,
        cwd=ROOT, env=env,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def printed_link(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    while True:
        said = (await asyncio.wait_for(process.stderr.readline(), 30)).decode()
        assert said, "ended before it gave a link"
        if said.startswith("http"):
            return said.strip()


async def ended(process: asyncio.subprocess.Process, typed: str | None = None) -> tuple[Any, str]:
    out, err = await asyncio.wait_for(process.communicate(typed.encode() if typed else None), 30)
    return (orjson.loads(out) if out.strip() else None), err.decode()


async def test_the_command_with_a_pasted_address(office: tuple[Service, ZaloSim]) -> None:
    service, _ = office
    channel = service.routes.all[0].channel
    assert (await channel.probe()).key == "zalo_reauth_required"
    process = await loa(service, "--redirect", REDIRECT)
    back = await consent(await printed_link(process))
    done, _ = await ended(process, f"{REDIRECT}?code={back['code']}&state={back['state']}\n")
    assert done == {"channel": "zalo", "granted": True}
    assert (await channel.probe()).state is HealthState.OK


async def test_the_command_that_listens(office: tuple[Service, ZaloSim]) -> None:
    service, _ = office
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await loa(service, "--listen", str(port))
    link = await printed_link(process)
    async with ClientSession() as browser, browser.get(link) as answer:  # follows Zalo back to this machine
        assert "Đã nhận mã" in await answer.text()
    done, _ = await ended(process)
    assert done == {"channel": "zalo", "granted": True}


async def test_the_command_says_what_is_wrong_in_a_sentence(office: tuple[Service, ZaloSim]) -> None:
    service, _ = office
    for arguments, says in (
        (("--code", "abc"), "Chưa có liên kết nào đang chờ"),
        ((), "Thêm --redirect"),
        (("--redirect", "ftp://x"), "Thêm --redirect"),
    ):
        done, err = await ended(await loa(service, *arguments))
        assert done is None
        assert says in err
        assert "Traceback" not in err
    process = await loa(service, "--redirect", REDIRECT)
    await printed_link(process)
    _, err = await ended(process, "sai-ma\n")
    assert "Mã sai, đã dùng hoặc quá 10 phút" in err
