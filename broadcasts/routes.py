"""Which channels there are, and which serves which family; filled by the wiring, which alone knows their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.contract import Channel, Traits


@dataclass(frozen=True, slots=True)
class Route:
    """One enabled channel. `family` is what people choose (zalo, telegram, sms); `post_to` names the group that a
    group channel posts to, "" for a channel to single people; `light`: it has one of its own on the duty board.

    `homes`: the sessions that it sends by, each of which lives in one process; where one of them lives, the route does.
    `listens`: its session also hears by itself, by long polls or a renewal in time. `system`: where several accounts
    are binds of one system at a carrier, the route whose name its ids are kept under; a carrier sends the receipt of
    one bind's message by any of them.
    """

    channel: Channel
    family: str
    post_to: str = ""
    light: bool = True
    homes: tuple[str, ...] = ()
    listens: bool = False
    system: str = ""

    @property
    def addresses(self) -> str:
        """Which of a person's addresses it writes to: the family's, or those of the channel's own kind."""
        return self.traits.id_space or self.family

    @property
    def name(self) -> str:
        return self.channel.name

    @property
    def traits(self) -> Traits:
        return self.channel.traits


class Routes:
    """All enabled channels, in order of preference inside a family."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.all = tuple(routes)
        self._by_name = {route.name: route for route in routes}

    def by_name(self, name: str) -> Route | None:
        return self._by_name.get(name)

    def systems(self) -> dict[str, str]:
        """Route → the one whose name the ids of its carrier's system are kept under."""
        return {route.name: route.system for route in self.all if route.system}

    def direct(self, family: str) -> Route | None:
        """The channel that reaches single people of this family."""
        return next((route for route in self.all if route.family == family and not route.traits.group), None)

    def space_of(self, route: Route) -> str:
        """Whose ids the senders on this route have, as addresses are kept: the family's where its channel to single
        people uses the same ids, else those of the route's own id space."""
        own = self.direct(route.family)
        if own is None or own.traits.id_space == route.traits.id_space:
            return route.family
        return route.traits.id_space or route.family

    def groups(self, families: Sequence[str]) -> list[Route]:
        """The groups that a broadcast on these families is also posted to."""
        return [route for route in self.all if route.family in families and route.traits.group and route.post_to]

    def directs(self, family: str) -> list[Route]:
        """The channels that reach single people of this family, the preferred one of each kind of address."""
        found: dict[str, Route] = {}
        for route in self.all:
            if route.family == family and not route.traits.group:
                found.setdefault(route.addresses, route)
        return list(found.values())

    def addresses(self, families: Sequence[str]) -> tuple[str, ...]:
        """The directory's kinds of address that these families can use, in order of preference."""
        kinds = (([family], [route.addresses for route in self.directs(family)]) for family in families)
        return tuple(dict.fromkeys(one for family, found in kinds for one in found or family))

    def for_numbers(self) -> Route | None:
        """The channel that reaches bare telephone numbers: the one whose texts are SMS."""
        return next((route for route in self.all if route.traits.unaccented and not route.traits.group), None)

    def is_sms(self, family: str) -> bool:
        return any(route.traits.unaccented for route in self.all if route.family == family)

    def families(self) -> list[str]:
        return list(dict.fromkeys(route.family for route in self.all))

    def resolve(self, name_or_family: str) -> Route | None:
        return self._by_name.get(name_or_family) or self.direct(name_or_family)
