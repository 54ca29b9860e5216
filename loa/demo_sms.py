"""The demo's SMS accounts: a carrier over SMPP that reaches everybody, and two aggregators that are cheaper for some.

So one sees on the duty board and in the list of deliveries which account takes whom, and on the phone wall what happens
when one of them fails: its networks go by the carrier.
"""

from __future__ import annotations

from typing import Any, Final

import aiohttp

from simulators import esms, smsc, speedsms

HOOK_TOKEN: Final = "demo-hook-token-of-sms"
"""Loopback only; a real one is drawn by lot."""
STATUS_SECONDS: Final = 2.0
"""When the demo asks about a message without a report: a real aggregator wants a minute."""
PRICES: Final = {"demo": 900, "esms": 850, "speedsms": 250}
"""VND a part: what the simulated aggregators charge, and a dearer carrier."""


def accounts(urls: dict[str, Any]) -> list[dict[str, Any]]:
    """`[[adapters.sms.accounts]]` for the simulators at these addresses."""
    host, _, port = str(urls["smsc"]).rpartition(":")
    return [
        {
            "name": "demo", "kind": "smpp", "host": host, "port": int(port), "system_id": smsc.SYSTEM_ID,
            "password": smsc.PASSWORD, "window": 100, "sender": smsc.SHORT_CODE, "price": PRICES["demo"],
        },
        {
            "name": "esms", "kind": "esms", "base_url": f"{urls['esms']}{esms.FOLDER}", "api_key": esms.API_KEY,
            "secret_key": esms.SECRET_KEY, "sender": esms.BRANDNAME, "carriers": ["vinaphone", "itel", "wintel"],
            "price": PRICES["esms"], "hook_token": HOOK_TOKEN, "mo_private_key": esms.PRIVATE_KEY,
            "status_after": STATUS_SECONDS,
        },
        {
            "name": "speedsms", "kind": "speedsms", "base_url": f"{urls['speedsms']}{speedsms.FOLDER}",
            "access_token": speedsms.ACCESS_TOKEN, "carriers": ["vietnamobile", "gmobile"],
            "price": PRICES["speedsms"], "hook_token": HOOK_TOKEN, "status_after": STATUS_SECONDS,
        },
    ]  # fmt: skip


async def name_our_hooks(service_url: str, urls: dict[str, Any]) -> None:
    """What an office does once in each aggregator's console: name the addresses of our hooks."""
    hooks = f"{service_url}/hooks"
    calls = (
        (f"{urls['esms']}/_sim/mo_url", f"{hooks}/sms.esms.mo.{HOOK_TOKEN}"),
        (f"{urls['speedsms']}/_sim/hook_url", f"{hooks}/sms.speedsms.{HOOK_TOKEN}"),
    )
    async with aiohttp.ClientSession() as session:
        for control, hook in calls:
            async with session.post(control, json={"url": hook}) as answer:
                answer.raise_for_status()
