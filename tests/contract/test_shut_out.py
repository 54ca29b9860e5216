"""Bad input of the world: wrong credentials, a group that put us out, a person who blocks us. Each is said on the duty
board with what to do next, and the other channels go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Accepted, Envelope, HealthState, RejectClass, Rejected
from adapters.zalo.account import SAID
from loa.service import Service
from loa.settings import load_settings
from simulators import telegram
from simulators.zalo import APP, BOT_GROUP_ID, GROUP_ID, TO_BOT, ZaloSim
from tests.contract.recording import ReportBook, until
from tests.contract.runner import Rig, ready
from tests.contract.test_telegram import GROUP, LEADER, rig_for
from tests.contract.zalo_stand import LEADER as ZALO_LEADER
from tests.contract.zalo_stand import Stand, simulator, stand
from web.locale import Catalogue


async def outcome_of(channel: Any, to: str, n: int = 1) -> Any:
    book = ReportBook()
    await channel.send([Envelope(n, to, "tin")], book)
    await until(lambda: n in book.outcomes)
    return book.one(n)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rig_for("poll") as made:
        await made.channel.group.start(made.sink)  # type: ignore[attr-defined]
        await ready(made)
        yield made
        await made.channel.group.stop()  # type: ignore[attr-defined]


async def test_telegram_group_that_put_the_bot_out(rig: Rig) -> None:
    group, world = rig.channel.group, rig.more["sim"].world  # type: ignore[attr-defined]
    world.groups[int(GROUP)].bot_is_in = False
    refused = await outcome_of(group, "")
    assert (refused.reason, refused.cls) == ("blocked", RejectClass.RECIPIENT)
    health = await group.probe()
    assert (health.state, health.key, health.params) == (HealthState.DOWN, "telegram.not_in_group", {"group": GROUP})
    assert isinstance(await outcome_of(rig.channel, LEADER), Accepted), "people are written to all the same"
    assert (await rig.channel.probe()).state is HealthState.OK
    world.groups[int(GROUP)].bot_is_in = True
    assert isinstance(await outcome_of(group, "", 2), Accepted)
    assert (await group.probe()).state is HealthState.OK


async def test_telegram_tells_of_the_removal_before_anything_is_sent(rig: Rig) -> None:
    group, sim = rig.channel.group, rig.more["sim"]  # type: ignore[attr-defined]

    def membership(status: str, before: str) -> None:
        chat = sim.world.groups[int(GROUP)].chat()
        gone = {"until_date": 0} if status == "kicked" else {}
        sim.updates.add("my_chat_member", {
            "chat": chat, "from": sim.world.people[int(LEADER)].user(), "date": 0,
            "old_chat_member": {"user": sim.world.bot, "status": before},
            "new_chat_member": {"user": sim.world.bot, "status": status, **gone},
        })  # fmt: skip

    membership("kicked", "member")
    await until(lambda: group._session._shut_out, what="the removal is heard")
    assert (await group.probe()).key == "telegram.not_in_group"
    membership("member", "left")
    await until(lambda: not group._session._shut_out, what="the return is heard")


async def test_telegram_person_who_blocks_us_stops_nobody_else(rig: Rig) -> None:
    rig.sim.set_faults({"blocked": [LEADER]})
    refused = await outcome_of(rig.channel, LEADER)
    assert (refused.reason, refused.cls) == ("blocked", RejectClass.RECIPIENT)
    assert isinstance(await outcome_of(rig.channel, "71000002", 2), Accepted)
    assert (await rig.channel.probe()).state is HealthState.OK


async def test_zalo_bot_put_out_of_its_group() -> None:
    async with stand(bot={}) as made:
        bot, people = made.channels["zalo.bot"], made.channels["zalo.bot_user"]
        made.sim.world.groups[BOT_GROUP_ID].bot_is_in = False
        assert isinstance(await outcome_of(bot, ""), Rejected)
        health = await bot.probe()
        assert (health.state, health.key) == (HealthState.DOWN, "zalo_bot_not_in_group")
        await made.sim.person_says(ZALO_LEADER, TO_BOT, "có ạ")
        assert isinstance(await outcome_of(people, ZALO_LEADER, 2), Accepted)
        made.sim.world.groups[BOT_GROUP_ID].bot_is_in = True
        assert isinstance(await outcome_of(bot, "", 3), Accepted)
        assert (await bot.probe()).state is HealthState.OK


async def test_official_account_that_is_not_in_the_group() -> None:
    async with stand(oa_group={"group_id": "0" * 20}, oa_user={}) as made:
        health = await made.channels["zalo.oa_group"].probe()
        assert (health.state, health.key, health.params["code"]) == (HealthState.DOWN, "zalo_not_in_group", "-403")
        assert isinstance(await outcome_of(made.channels["zalo.oa_user"], ZALO_LEADER), Accepted)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_each_trouble_says_what_it_is_and_what_to_do(lang: str) -> None:
    catalogue = Catalogue(lang)
    for reason in SAID:
        assert catalogue.has(f"health.zalo_{reason}.says"), reason
        assert catalogue.has(f"health.zalo_{reason}.mend"), reason


async def person_blocks(made: Stand) -> Any:
    made.sim.set_faults({"fail_next": 1, "fail_code": 244})
    return await outcome_of(made.channels["zalo.oa_user"], ZALO_LEADER)


async def test_zalo_person_who_blocks_us_stops_nobody_else() -> None:
    async with stand(oa_user={}, oa_group={}) as made:
        refused = await person_blocks(made)
        assert (refused.reason, refused.cls) == ("blocked", RejectClass.RECIPIENT)
        assert isinstance(await outcome_of(made.channels["zalo.oa_group"], GROUP_ID, 2), Accepted)
        assert (await made.channels["zalo.oa_user"].probe()).state is HealthState.OK


@asynccontextmanager
async def office(folder: Path, sim: ZaloSim, bot_api: telegram.TelegramSim, **wrong: Any) -> AsyncIterator[Service]:
    account = {"base_url": sim.url, "oauth_url": sim.url, **asdict(APP), **wrong.get("oa", {})}
    adapters = {
        "zalo": {"oa": account, "oa_user": {"enabled": True}},
        "telegram": {"enabled": True, "base_url": bot_api.url, "token": bot_api.token, **wrong.get("telegram", {})},
    }
    store = {"url": f"sqlite:///{folder / 'loa.db'}"}
    service = Service(load_settings(None, {"store": store, "web": {"port": 0}, "adapters": adapters}))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@pytest.mark.parametrize(
    ("wrong", "broken", "says", "well"),
    [
        ({"oa": {"app_secret": "wrong"}}, "zalo.oa_user", "app_secret", "telegram"),
        ({"oa": {"refresh_token": "spent"}}, "zalo.oa_user", "loa zalo authorise", "telegram"),
        ({"oa": {"app_id": ""}}, "zalo.oa_user", "app_id", "telegram"),
        ({"telegram": {"token": "7:wrong"}}, "telegram", "mã truy cập", "zalo.oa_user"),
        ({"telegram": {"token": ""}}, "telegram", "adapters.telegram.token", "zalo.oa_user"),
    ],
)
async def test_the_doctor_says_what_to_mend_and_the_other_channel_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], broken: str, says: str, well: str
) -> None:
    import asyncio

    from loa import doctor

    monkeypatch.setenv("LOA_DATA", str(tmp_path))
    monkeypatch.setenv("LOA_LANG", "vi")
    bot_api = await telegram.start()
    bot_api.add_person(LEADER, "Chủ tịch xã A")
    try:
        async with simulator() as sim, office(tmp_path, sim, bot_api, **wrong) as service:
            well_channel = next(route.channel for route in service.routes.all if route.name == well)
            to = LEADER if well == "telegram" else ZALO_LEADER
            accepted = []

            async def goes_on() -> bool:
                accepted.append(isinstance(await outcome_of(well_channel, to, len(accepted) + 1), Accepted))
                return accepted[-1]

            for _ in range(50):
                if await goes_on():
                    break
                await asyncio.sleep(0.1)
            assert accepted[-1], f"{well} does not go on"
            lines: dict[str, Any] = {}
            for _ in range(50):  # a channel that was just started may still be connecting
                lines = {one["check"]: one for one in await asyncio.to_thread(lambda: list(doctor.checks(None)))}
                if lines[f"channel {well}"]["ok"] and says in lines[f"channel {broken}"]["mend"]:
                    break
                await asyncio.sleep(0.1)
            assert lines[f"channel {well}"]["ok"], lines
            assert not lines[f"channel {broken}"]["ok"]
            assert says in lines[f"channel {broken}"]["mend"], lines[f"channel {broken}"]
    finally:
        await bot_api.close()
