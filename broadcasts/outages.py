"""Channels that are down: noticed, kept with their beginning, said on the duty board, and not waited for.

A channel is down when two looks in a row say so.
Its messages stay with it; the units that wait for them go on to their next step at once.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from adapters.contract import Health, HealthState, Now
from broadcasts.lifecycle import SYSTEM
from lanes.port import Bus
from store import alarms, broadcasts, outages, rollcalls
from store.engine import Ledger, Tx

log = structlog.get_logger(__name__)

Probe = Callable[[], Awaitable[Sequence[tuple[str, Health]]]]
"""(channel, how it is) of every channel; bounded in time."""
LOOKS: Final = 2
"""Bad looks in a row that make an outage: a session that is being opened again is none."""
ALARM: Final = "channel_down"


class OutageWatch:
    """`stands_for`: light → the channels that it speaks for, where it speaks for more than itself."""

    def __init__(
        self,
        ledger: Ledger,
        bus: Bus,
        probe: Probe,
        now: Now = time.time,
        stands_for: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self._probe = probe
        self._now = now
        self._stands_for = stands_for or {}
        self._bad: dict[str, tuple[float, int]] = {}

    async def tick(self) -> None:
        """Look at every channel; safe to miss and to repeat."""
        for light, health in await self._probe():
            for channel in self._stands_for.get(light, (light,)):
                await self._looked(channel, health)

    async def _looked(self, channel: str, health: Health) -> None:
        now = self._now()
        if health.state is not HealthState.DOWN:
            self._bad.pop(channel, None)
            over = await self._ledger.read(lambda tx: channel in outages.open_now(tx))
            if over and await self._ledger.write(lambda tx: works_again(tx, channel, now)):
                self._tell(channel)
            return
        since, looks = self._bad.get(channel, (now, 0))
        self._bad[channel] = since, looks + 1
        if looks + 1 >= LOOKS and await self._ledger.write(
            lambda tx: is_down(tx, channel, since, health.key, now, health.params)
        ):
            log.warning("channel_down", channel=channel, reason=health.key)
            self._tell(channel)

    def _tell(self, channel: str) -> None:
        self._bus.publish("alarms", {"type": "channel", "subject": channel})


def is_down(
    tx: Tx, channel: str, since: float, reason: str, now: float, params: Mapping[str, str | int | float] | None = None
) -> bool:
    """Note an outage: the duty board rings, and whoever waits for this channel goes on. False: it was known.

    `params`: of the probe's sentence, so that the alarm says what is wrong and what to do.
    """
    said = {"reason": reason} | ({} if params is None else {"params": dict(params)})
    if not outages.begin(tx, channel, since, reason):
        if outages.restate(tx, channel, reason):
            for alarm in _ringing(tx, channel):
                alarms.restate(tx, alarm, **said)
        return False
    detail = {"since": since, **said}
    alarms.raise_again(tx, ALARM, channel, detail, now)
    waiting: dict[int, int] = {}
    for no, unit in outages.waiting_on(tx, channel):
        rollcalls.hasten(tx, no, unit, now)
        waiting[no] = waiting.get(no, 0) + 1
    for no, units in waiting.items():
        told = {"channel": channel, "since": since, "units": units}
        broadcasts.note(tx, no, now, SYSTEM, "channel_down", told)
    return True


def works_again(tx: Tx, channel: str, now: float) -> bool:
    """The outage is over. False: there was none."""
    over = outages.end(tx, channel, now)
    if over is None:
        return False
    for alarm in _ringing(tx, channel):
        alarms.note(tx, alarm.id, SYSTEM, "works_again", now)
    return True


def _ringing(tx: Tx, channel: str) -> list[alarms.Alarm]:
    return [one for one in alarms.ringing(tx) if (one.kind, one.subject) == (ALARM, channel)]
