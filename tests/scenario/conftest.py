"""The street of every scenario that goes through the real channels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario.street import Street


@pytest.fixture(params=["zalo", "telegram", "sms"])
async def street(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Street]:
    made = Street(tmp_path, family=request.param)
    try:
        await made.open()
        yield made
    finally:
        await made.close()
