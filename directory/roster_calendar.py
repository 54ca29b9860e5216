"""Shifts as an iCalendar feed (RFC 5545), for the calendar on people's telephones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Final

from store.roster import ShiftRow
from text.dates import local

KEPT_SECONDS: Final = 60 * 86_400.0
"""How long past shifts stay in the feed."""
REFRESH: Final = timedelta(hours=1)
"""How often a calendar should ask again (RFC 7986 5.7): a swap an hour before the shift is late enough."""


def calendar(shifts: Sequence[ShiftRow], name: str, titles: Mapping[str, str], made_at: float) -> bytes:
    """`titles`: what a shift of each duty is called; times are given in UTC, which every calendar shows as local."""
    from icalendar import Calendar, Event  # loaded by the first telephone that asks

    feed = Calendar()
    feed.add("prodid", "-//Loa//duty roster//VI")
    feed.add("version", "2.0")
    feed.add("method", "PUBLISH")
    feed.add("x-wr-calname", name)
    feed.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for shift in shifts:
        event = Event()
        event.add("uid", f"shift-{shift.id}@loa")
        event.add("dtstamp", local(made_at).astimezone(UTC))
        event.add("dtstart", local(shift.starts_at).astimezone(UTC))
        event.add("dtend", local(shift.ends_at).astimezone(UTC))
        event.add("summary", titles[shift.duty])
        if shift.note:
            event.add("description", shift.note)
        feed.add_component(event)
    return bytes(feed.to_ical())
