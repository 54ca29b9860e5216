"""How the office stands, as Prometheus metrics: the same whichever process is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from adapters.contract import Health, HealthState, Priority
from broadcasts.model import AckState, DeliveryState
from store.standing import Lane, OpenBroadcast, Queue, Standing

QUEUES: Final[Mapping[str, str]] = {
    "unread": "Messages of people that nothing has looked at",
    "cries": "Cries for help among them",
    "for_people": "Messages that wait for an officer",
    "rescues": "Alarms of people in danger that nobody took",
    "steps_due": "Escalation steps that have fallen due and were not taken",
    "schedules_due": "Occurrences of schedules that have fallen due and did not happen",
    "approvals": "Broadcasts that wait for an approver",
    "silent_carriers": "Carriers that have not acknowledged an approved order",
}
"""Fields of `Standing` that wait for somebody: each is a pair of metrics."""


def office(standing: Standing, now: float) -> Iterator[Metric]:
    yield _deliveries(standing)
    yield from _lanes(standing.lanes, now)
    yield from _rollcalls(standing.open, now)
    yield from _queues({name: getattr(standing, name) for name in QUEUES}, now)
    yield _by("loa_alarms", "Alarms that ring on the duty board", "kind", standing.alarms)
    yield _by("loa_watch_findings", "What the watch found wrong", "kind", standing.findings)
    processes = GaugeMetricFamily(
        "loa_processes", "Processes of the installation that are alive", labels=["role", "state"]
    )
    for (role, state), count in sorted(standing.workers.items()):
        processes.add_metric([role, state], count)
    yield processes
    yield GaugeMetricFamily(
        "loa_clock_off_seconds", "The most that a process's clock differs from the ledger's", value=standing.clock_off
    )
    down = {channel: max(0.0, now - since) for channel, since in standing.outages.items()}
    yield _by("loa_channel_outage_seconds", "Since when nothing passes through a channel", "channel", down)


def _deliveries(standing: Standing) -> Metric:
    family = GaugeMetricFamily(
        "loa_deliveries",
        "Deliveries of broadcasts that are under way, and single messages that are not done",
        labels=["channel", "state"],
    )
    for channel, counts in sorted(standing.deliveries.items()):
        for state, count in zip(DeliveryState, counts, strict=True):
            family.add_metric([channel, state.word], count)
    return family


def _lanes(lanes: Sequence[Lane], now: float) -> Iterator[Metric]:
    labels = ["channel", "priority"]
    age = GaugeMetricFamily(
        "loa_lane_age_seconds", "Since when the oldest chunk of a lane could be claimed", labels=labels
    )
    chunks = GaugeMetricFamily("loa_lane_chunks", "Chunks that could be claimed now", labels=labels)
    waiting = GaugeMetricFamily("loa_lane_deliveries", "Deliveries in them", labels=labels)
    for lane in lanes:
        where = [lane.channel, Priority(lane.priority).name.lower()]
        age.add_metric(where, max(0.0, now - lane.since))
        chunks.add_metric(where, lane.chunks)
        waiting.add_metric(where, lane.deliveries)
    return iter((age, chunks, waiting))


def _rollcalls(broadcasts: Sequence[OpenBroadcast], now: float) -> Iterator[Metric]:
    labels = ["broadcast", "mode", "urgency"]
    units = GaugeMetricFamily(
        "loa_rollcall_units", "Units of an open broadcast by acknowledgement", labels=[*labels, "state"]
    )
    since = GaugeMetricFamily("loa_broadcast_open_seconds", "Since when a broadcast is under way", labels=labels)
    for one in broadcasts:
        which = [one.code, one.mode, one.urgency]
        if one.started_at is not None:
            since.add_metric(which, max(0.0, now - one.started_at))
        for state in AckState if one.units else ():
            units.add_metric([*which, state.value], one.units.get(state.value, 0))
    return iter((units, since))


def _queues(queues: Mapping[str, Queue], now: float) -> Iterator[Metric]:
    for name, queue in queues.items():
        yield GaugeMetricFamily(f"loa_{name}", QUEUES[name], value=queue.count)
        age = 0.0 if queue.since is None else max(0.0, now - queue.since)
        yield GaugeMetricFamily(f"loa_{name}_age_seconds", "How long the oldest of these waits; 0 for none", value=age)


def lights(channels: Sequence[tuple[str, Health]], now: float) -> Iterator[Metric]:
    """1 for the state that a channel's light is in."""
    light = GaugeMetricFamily("loa_channel_light", "The channel's light on the duty board", labels=["channel", "state"])
    proven = GaugeMetricFamily("loa_channel_proven_age_seconds", "Since a channel was last proved", labels=["channel"])
    for name, health in channels:
        for state in HealthState:
            light.add_metric([name, state.value], float(health.state is state))
        if health.proven_at is not None:
            proven.add_metric([name], max(0.0, now - health.proven_at.timestamp()))
    return iter((light, proven))


def reachable(up: Mapping[str, bool]) -> Metric:
    return _by("loa_up", "Whether what Loa stands on answers", "service", {name: float(ok) for name, ok in up.items()})


def age(name: str, says: str, then: float, now: float) -> Metric:
    return GaugeMetricFamily(name, says, value=max(0.0, now - then))


def _by(name: str, says: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
