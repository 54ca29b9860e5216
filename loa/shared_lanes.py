"""The way to the lanes that processes share, as `[lanes] url` says; whose they are is the ledger's to tell."""

from __future__ import annotations

import hashlib
from typing import Final

from broadcasts.watch.findings import Finding
from lanes.opening import OpenedLanes, opened
from lanes.port import LanesError
from loa.settings_error import SettingsError
from store import approvals
from store.engine import Ledger

NAME: Final = "installation"
"""Of the office's secret that the ledger's own name is made from."""
FINDING: Final = "lanes_away"


def open_lanes(url: str, owner: str) -> OpenedLanes:
    """Usable at once, shared with others once `start_lanes` is through. Raises `SettingsError`."""
    try:
        return opened(url, owner)
    except LanesError as wrong:
        raise SettingsError(wrong.key, None, **wrong.params) from None


async def start_lanes(shared: OpenedLanes, ledger: Ledger, office: str) -> None:
    """Once the ledger is open. Raises `SettingsError` for a Redis that is another's, too old, or locked."""
    if not shared.shared:
        return
    secret = await ledger.write(lambda tx: approvals.secret(tx, NAME))
    installation = hashlib.blake2b(secret, digest_size=6, person=b"loa-lanes").hexdigest()
    try:
        await shared.start(installation, office)
    except LanesError as wrong:
        raise SettingsError(wrong.key, None, **wrong.params) from None


def lanes_findings(shared: OpenedLanes) -> list[Finding]:
    """For the watch: what is wrong with them now."""
    away = shared.away
    if away is None:
        return []
    return [Finding(FINDING, "lanes", {"since": away.since, "why": away.why})]
