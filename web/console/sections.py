"""The top of every page: the tabs, and within a tab the pages that belong together. A new page joins with one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from broadcasts.model import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One page in the navigation. `needs`: the role from which on it is offered (the route's own rule decides)."""

    href: str
    key: str
    """Of its wording: `nav.<key>`."""
    needs: Role = Role.VIEWER
    exact: bool = False
    """Only this very address belongs to it, not what lies below."""

    def holds(self, path: str) -> bool:
        return path == self.href or (not self.exact and self.href != "/" and path.startswith(f"{self.href}/"))


@dataclass(frozen=True, slots=True)
class Section:
    """A tab. The first of `pages` is where it leads; more than one of them make a second row; without any it is not
    shown."""

    icon: str
    key: str
    pages: tuple[Entry, ...]

    def holds(self, path: str) -> bool:
        return any(entry.holds(path) for entry in self.pages)


SECTIONS: Final[tuple[Section, ...]] = (
    Section("board", "board", (Entry("/", "board", exact=True),)),
    Section("write", "compose", (Entry("/broadcasts/new", "compose", Role.OFFICER),)),
    Section("list", "broadcasts", (Entry("/broadcasts", "broadcasts"),)),
    Section("inbox", "inbox", (Entry("/inbox", "inbox"),)),
    Section(
        "person",
        "people",
        (
            Entry("/directory", "directory"),
            Entry("/enrolment", "enrolment"),
            Entry("/unit-groups", "unit_groups"),
            Entry("/number-lists", "number_lists", Role.OFFICER),
            Entry("/posters", "posters"),
            Entry("/roster", "roster"),
            Entry("/handovers", "handovers"),
            Entry("/staff-addresses", "staff_addresses", Role.ADMIN),
        ),
    ),
    Section(
        "data",
        "records",
        (
            Entry("/reports", "reports"),
            Entry("/content", "content"),
            Entry("/schedules", "schedules"),
            Entry("/carrier-orders", "carriers"),
            Entry("/exercises", "exercises"),
            Entry("/break-glass", "break_glass"),
            Entry("/watch", "watch"),
            Entry("/settings", "settings", Role.APPROVER),
            Entry("/audit", "audit", Role.APPROVER),
        ),
    ),
)
"""The first section that holds an address is its own: `/broadcasts/new` stands before `/broadcasts`."""


def section_of(path: str) -> Section | None:
    """The section that a page belongs to; None outside of all (a unit's page, a form of its own)."""
    return next((section for section in SECTIONS if section.holds(path)), None)
