"""What a carrier knows of its earlier life: the parts that it took, and the deliveries that nobody acknowledged."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from adapters.sms.smpp.incoming import Place
from simulators.journal import Journal
from simulators.smsc import messages
from simulators.smsc.messages import Delivery

if TYPE_CHECKING:
    from simulators.smsc.carrier import Carrier


def write_part(
    journal: Journal, id: int, to: bytes, source: bytes, octets: bytes, coding: int, place: Place | None
) -> None:
    """One part of a message that is about to be acknowledged."""
    texts = [one.decode("latin-1") for one in (to, source, octets)]
    journal.write("part", id=id, part=texts, coding=coding, place=place)


def remember(carrier: Carrier) -> None:
    """Nothing shows again: the stage has its own memory."""
    owed: Counter[tuple[str, Delivery]] = Counter()
    for one in carrier.journal.read():
        if one["what"] == "part":
            carrier.last_id = max(carrier.last_id, one["id"])
            to, source, octets = (text.encode("latin-1") for text in one["part"])
            place = Place(**one["place"]) if one["place"] else None
            carrier.phones.arrive(to, source, octets, one["coding"], place, "", reached=False)
        elif one["what"] in ("owed", "paid"):
            owed[one["system"], messages.read(one["delivery"])] += 1 if one["what"] == "owed" else -1
    for (system, delivery), count in owed.items():
        carrier.systems[system].outbox += [delivery] * count
    carrier.phones.watched.update(line.sender for line in carrier.stage.lines if line.sender != "loa")
