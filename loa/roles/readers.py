"""What every process keeps in memory of what the office may change while it runs: content, texts, keywords."""

from __future__ import annotations

import asyncio

from directory.content_book import READ_AGAIN_SECONDS
from loa.jobs import Job
from loa.roles.house import House


async def read_all(house: House) -> None:
    await house.content.refresh()
    await house.office_texts.texts.refresh()


def follow(house: House) -> list[asyncio.Task[None]]:
    """Keep up with what others tell."""
    return [
        asyncio.create_task(house.content.run(house.bus), name="content"),
        asyncio.create_task(house.office_texts.texts.run(house.bus), name="office-texts"),
    ]


def jobs(house: House) -> tuple[Job, ...]:
    """Should nobody tell."""
    return (
        (house.content.refresh, READ_AGAIN_SECONDS),
        *house.vocabulary.jobs(),
        *house.office_texts.jobs(),
    )
