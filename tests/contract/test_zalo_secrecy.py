"""No token, key, secret or whole phone number leaves the Zalo channels: not by a log, an outcome or a health line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from adapters.contract import Envelope, HookRequest
from adapters.zalo.settings import ZaloSettings
from simulators.zalo import APP, BOT_GROUP_ID, BOT_TOKEN, GROUP_ID, TO_BOT, ZaloSim
from tests.contract.recording import ReportBook
from tests.contract.zalo_stand import LEADER, LEADER_PHONE, QUICK, Stand, simulator, stand, zalo_settings

HOOK_SECRET = "hook-secret-0001"
SECTIONS: dict[str, dict[str, Any]] = {
    "oa_user": {},
    "oa_group": {},
    "zns": {},
    "bot": {"webhook_secret": HOOK_SECRET},
}
ADDRESS = {
    "zalo.oa_user": LEADER,
    "zalo.oa_group": GROUP_ID,
    "zalo.zns": LEADER_PHONE,
    "zalo.bot": BOT_GROUP_ID,
    "zalo.bot_user": LEADER,
}
OUTAGES = ["", "502", "504", "503", "401", "refuse", "empty", "html"]

FAULTS = st.fixed_dictionaries(
    {
        "outage": st.sampled_from(OUTAGES),
        "oauth_outage": st.sampled_from(OUTAGES),
        "bot_outage": st.sampled_from(OUTAGES),
        "fail_next": st.integers(0, 3),
        "fail_code": st.sampled_from([32, 200, 201, 216, 220, 230, 235, 248, 403, 99_999]),
        "oauth_fail_next": st.integers(0, 2),
        "oauth_fail_code": st.sampled_from([14002, 14004, 14020, 1]),
        "oauth_drop_after_rotate": st.integers(0, 1),
        "drop_after_commit": st.integers(0, 1),
        "empty_after_commit": st.integers(0, 1),
        "bot_fail_next": st.integers(0, 2),
        "bot_fail_code": st.sampled_from([400, 401, 403, 404, 408, 429, 499]),
        "webhook_wrong_key": st.booleans(),
    }
)
BASES = st.sampled_from(["", "http://127.0.0.1:9", "nonsense", "http://[broken", "https://127.0.0.1:9/x y"])


class Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """Lines of structlog, and of every library that uses `logging`, down to DEBUG."""
    handler, lines = Records(), []
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with capture_logs() as events:
            yield lines
        lines += [repr(event) for event in events] + handler.lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def secrets_of(sim: ZaloSim) -> set[str]:
    """All that was ever configured or issued."""
    issued = {token for pair in sim.oauth._access_of.items() for token in pair}
    fixed = {APP.app_secret, APP.oa_secret_key, APP.refresh_token, BOT_TOKEN, BOT_TOKEN.split(":")[1], HOOK_SECRET}
    return issued | fixed | {LEADER_PHONE}


async def exercise(made: Stand, faults: dict[str, Any]) -> list[str]:
    """Send, ask, probe, hear on every channel; what a person could get to see of it."""
    made.sim.set_faults(faults)
    book, seen = ReportBook(), []
    for n, (name, channel) in enumerate(made.channels.items()):
        envelope = Envelope(n, ADDRESS[name], "tin " * 600 if name == "zalo.oa_group" else "tin")
        await channel.send([envelope], book)
        seen += [repr(book.one(n)), repr(await channel.ask(envelope, 0.0)), repr(await channel.probe())]
        seen += [repr(channel), str(channel)]
    await made.sim.person_says(LEADER, None, "đã nhận")
    await made.sim.person_says(LEADER, TO_BOT, "đã nhận")
    for hook in {hook for channel in made.channels.values() for hook in channel.hooks.values()}:
        odd = HookRequest("POST", "/", {}, {"x-zevent-signature": "mac=00"}, b'{"event_name":"x"}', "")
        seen.append(repr(await hook(odd)))
    await asyncio.sleep(0.02)
    return seen


@given(FAULTS, BASES, BASES)
@settings(max_examples=25)
def test_no_secret_is_ever_shown(faults: dict[str, Any], oa_base: str, bot_base: str) -> None:
    async def run() -> None:
        with everything_logged() as lines:
            async with simulator() as sim:
                oa = {"base_url": oa_base} if oa_base else {}
                bot = SECTIONS["bot"] | ({"base_url": bot_base} if bot_base else {})
                async with stand(sim=sim, **{**SECTIONS, "oa": oa, "bot": bot}) as made:
                    seen = await exercise(made, {**QUICK, **faults})
                hidden = secrets_of(sim)
        assert lines
        for line in [*lines, *seen]:
            assert not [secret for secret in hidden if secret in line], line.replace("\n", " ")[:200]

    asyncio.run(run())


async def test_settings_do_not_show_their_secrets() -> None:
    async with simulator() as sim:
        made = zalo_settings(sim, **SECTIONS)
        shown = repr(made) + str(made.model_dump()) + made.model_dump_json()
        assert not [secret for secret in secrets_of(sim) if secret in shown]


@pytest.mark.parametrize("wrong", [{"oa": {"app_secret": ["s3cret-value"]}}, {"bot": {"tokn": "s3cret-value"}}])
def test_settings_that_are_refused_can_be_shown_without_input(wrong: dict[str, Any]) -> None:
    """The settings loader prints `errors(include_input=False)`; that must be enough to find the key."""
    with pytest.raises(ValidationError) as refused:
        ZaloSettings.model_validate(wrong)
    errors = refused.value.errors(include_input=False, include_url=False)
    assert "s3cret-value" not in repr(errors)
    assert errors[0]["loc"]
