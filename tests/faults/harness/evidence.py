"""What is known at the end of a run: the ledger's rows, the phones' screens, the providers' books."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from broadcasts.model import DeliveryState
from tests.faults.harness.house import House
from tests.faults.harness.surroundings import PROVIDERS, Surroundings

ALL_LINES: Final = 100_000
FAMILY_OF: Final = {"zalo": "zalo", "telegram": "telegram", "sms": "smsc"}
"""Simulator by the first word of a channel's name."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """`what`: directive, list or answer."""

    id: int
    what: str
    provider: str
    address: str
    status: DeliveryState
    reason: str
    unit: str = ""
    step: int = 0
    is_group: bool = False
    inbox_id: int | None = None
    extra: int = 0
    """How often the ledger lists it as sent once more: by policy after a crash, or asked for and not found."""
    doubted: bool = False
    """Listed as in doubt at some time."""


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the inbox."""

    id: int
    provider: str
    sender: str
    text: str
    payload: str
    kind: str
    state: str
    unit: str
    priority: int


@dataclass(frozen=True, slots=True)
class Event:
    """Of a broadcast's timeline."""

    no: int
    at: float
    event: str
    detail: dict[str, Any]


@dataclass(slots=True)
class Books:
    """The ledger's word."""

    deliveries: list[Delivery]
    inbox: list[Message]
    events: list[Event]
    rollcall: list[tuple[str, str, int, float | None]]
    """(unit, state, level, next_at)"""
    rescued: Counter[str]
    """Alarms of cries for help by inbox id."""
    chunks: list[tuple[int, int, int, tuple[int, ...]]]
    """(first id, last id, state, counters)"""
    orphans: int


@dataclass(slots=True)
class Phones:
    """The providers' word. Keys are (provider, address)."""

    texts: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """What Loa sent, as each phone shows it."""
    at: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By provider, when each of Loa's messages arrived."""
    typed: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """What each person wrote; a button that was pressed is its message's number."""
    carried: dict[str, int] = field(default_factory=dict)
    """Whole SMS by number as the carrier counted them, phones that are off included."""
    waiting: dict[str, int] = field(default_factory=dict)
    """Zalo messages that wait for a phone that is off, by account."""


def provider_of(channel: str) -> str:
    return FAMILY_OF[channel.partition(".")[0]]


def read_books(house: House, directive: int, listed: int) -> Books:
    causes = {row[0]: row[1] for row in house.rows("SELECT id, reason FROM cause")}
    channel_of = {first: (last, name) for first, last, name in house.rows("SELECT id, last_id, channel FROM chunk")}
    directs = {row[0]: row[1:] for row in house.rows("SELECT delivery_id, unit_code, value, step FROM direct")}
    singles = {row[0]: row[1:] for row in house.rows("SELECT delivery_id, value, inbox_id FROM single")}
    history: Counter[tuple[int, str]] = Counter(house.rows("SELECT delivery_id, reason FROM delivery_event"))
    events = [
        Event(no, at, event, json.loads(detail))
        for no, at, event, detail in house.rows(
            "SELECT broadcast_no, at, event, detail FROM broadcast_event ORDER BY id"
        )
    ]
    spans = sorted(channel_of)
    made, place = [], 0
    for id, recipient, status, cause in house.rows("SELECT id, recipient, status, cause FROM delivery ORDER BY id"):
        while place + 1 < len(spans) and spans[place + 1] <= id:
            place += 1
        provider = provider_of(channel_of[spans[place]][1])
        unit, address, step = directs.get(id, ("", str(recipient), 0))
        address, answers = singles.get(id, (address, None))
        made.append(
            Delivery(
                id=id,
                what={directive: "directive", listed: "list"}.get(id >> 24, "answer"),
                provider=provider,
                address=address,
                status=DeliveryState(status),
                reason=causes.get(cause, ""),
                unit=unit,
                step=step,
                is_group=id in directs and not unit,
                inbox_id=answers,
                extra=history[id, "repeated_by_policy"] + history[id, "lost"],
                doubted=bool(history[id, "worker_died"]),
            )
        )
    inbox = house.rows("SELECT id, channel, sender, text, payload, kind, state, unit_code, priority FROM inbox")
    return Books(
        deliveries=made,
        inbox=[Message(row[0], provider_of(row[1]), *row[2:]) for row in inbox],
        events=events,
        rollcall=house.rows(f"SELECT unit_code, state, level, next_at FROM rollcall WHERE broadcast_no = {directive}"),
        rescued=Counter(row[0] for row in house.rows("SELECT subject FROM alarm WHERE kind = 'rescue'")),
        chunks=[
            (row[0], row[1], row[2], tuple(row[3:]))
            for row in house.rows(f"SELECT id, last_id, state, {COUNTED} FROM chunk")
        ],
        orphans=house.rows("SELECT count(*) FROM receipt_orphan")[0][0],
    )


COUNTED: Final = ", ".join(f"c_{state.name.lower()}" for state in DeliveryState)


def read_phones(around: Surroundings) -> Phones:
    found = Phones()
    for name in PROVIDERS:
        for line in around.provider(name).get("/_sim/messages", limit=ALL_LINES)["messages"]:
            if line["sender"] == "loa":
                found.texts[name, line["address"]].append(line["text"])
                found.at[name].append(line["at"])
                for who in line["pressed_by"]:
                    found.typed[name, who].append(f"#{line['n']}")
            else:
                found.typed[name, line["sender"]].append(line["text"])
    found.carried = around.town.received()
    people = around.town.zalo.get("/_sim/people")["users"]
    found.waiting = {one["user_id"]: one["waiting"] for one in people if one["waiting"]}
    return found
