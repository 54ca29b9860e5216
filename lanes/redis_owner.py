"""Whose Redis it is: one installation each, of a version that we know, and nobody else's keys.

`loa:owner` names the installation. Two offices, or an office and its exercise, take a database each (`redis://host/1`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson
from redis.asyncio import Redis

from lanes.port import LanesError
from lanes.redis_address import Address

OWNER: Final = "loa:owner"
VERSION_WANTED: Final = (7, 0)
"""XAUTOCLAIM that names deleted entries, and XREADGROUP in scripts without surprises (redis.io/commands/xautoclaim)."""
SAMPLE: Final = 1_000
"""Keys that are looked at for somebody else's, in a Redis that names no owner yet."""


@dataclass(frozen=True, slots=True)
class Owner:
    """`installation` is the ledger's own, `office` as people know it."""

    installation: str
    office: str


async def greet(redis: Redis, house: Owner, where: Address) -> None:
    """Ask who is there, and take what is nobody's. Raises `LanesError` where it is not for us, and `ReadOnlyError` and
    `OutOfMemoryError` where it takes nothing."""
    said = await redis.get(OWNER)
    if said is None:
        await _look_round(redis, house, where)
        mine = orjson.dumps({"installation": house.installation, "office": house.office})
        await redis.set(OWNER, mine, nx=True)
        said = await redis.get(OWNER)
    theirs = _read(said)
    if theirs.get("installation") != house.installation:
        raise LanesError("lanes_other_office", where=where.shown, office=str(theirs.get("office") or "?"))
    # a replica or a full memory must show now, and not at the first message
    await redis.set(f"loa:{house.installation}:well", b"1", px=60_000)


async def check_version(redis: Redis, where: Address) -> str:
    version = str((await redis.info("server")).get("redis_version", ""))
    if _numbers(version) < VERSION_WANTED:
        wanted = ".".join(map(str, VERSION_WANTED))
        raise LanesError("lanes_version", where=where.shown, version=version or "?", wanted=wanted)
    return version


async def _look_round(redis: Redis, house: Owner, where: Address) -> None:
    key = await foreign_key(redis, f"loa:{house.installation}:")
    if key is not None:
        raise LanesError("lanes_foreign", where=where.shown, name=key)


async def foreign_key(redis: Redis, prefix: str) -> str | None:
    """A key of a sample that is not ours; its name may be anything, so it is shown cut."""
    seen, cursor = 0, 0
    while seen < SAMPLE:
        cursor, keys = await redis.scan(cursor, count=SAMPLE)
        for found in keys:
            key = found if isinstance(found, bytes) else found.encode()
            if not key.startswith(prefix.encode()) and key != OWNER.encode():
                return key[:40].decode("utf-8", "replace")
        seen += max(1, len(keys))
        if not cursor:
            return None
    return None


def _read(said: Any) -> dict[str, Any]:
    try:
        found = orjson.loads(said or b"null")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) and parts else (0,)
