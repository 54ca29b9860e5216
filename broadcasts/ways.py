"""By which of a family's channels a person is written to, and what a channel foresees of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.abilities import Foreseeing
from broadcasts.routes import Route, Routes
from directory.units import UnitCatalogue
from store.broadcasts import MemberRow


@dataclass(frozen=True, slots=True)
class Way:
    """One address of one person on one route, or a group ("" person)."""

    route: Route
    member: MemberRow


def family_ways(members: Sequence[MemberRow], routes: Sequence[Route]) -> list[Way]:
    """One way for each person who has any, in the audience's order within a route: by the preferred channel that does
    not foresee a refusal, else by the preferred one all the same, which then says why on the record."""
    chosen: dict[int, Way] = {}
    refused: set[int] = set()
    for route in routes:
        mine = [member for member in members if member.channel == route.addresses]
        foreseen = refusals(route, mine)
        for member in mine:
            person, hopeless = member.person_id, member.value in foreseen
            if person not in chosen or (person in refused and not hopeless):
                chosen[person] = Way(route, member)
                (refused.add if hopeless else refused.discard)(person)
    return [way for route in routes for way in chosen.values() if way.route is route]


def refusals(route: Route, members: Sequence[MemberRow]) -> dict[str, str]:
    """Address → why, of those that this channel surely cannot reach now."""
    if not isinstance(route.channel, Foreseeing) or not members:
        return {}
    return route.channel.foresee([member.value for member in members])


def foreseen_gaps(
    members: Sequence[MemberRow], families: Sequence[str], routes: Routes, catalogue: UnitCatalogue
) -> list[dict[str, str]]:
    """A gap for each person whom a family cannot reach now although there is an address; `why` is the channel's word
    (`gap.<why>`)."""
    found = []
    for family in families:
        for way in family_ways(members, routes.directs(family)):
            why = refusals(way.route, [way.member]).get(way.member.value)
            if why is not None:
                unit = catalogue.by_code(way.member.unit_code)
                name = unit.name if unit else way.member.person_name
                found.append({"code": way.member.unit_code, "name": name, "why": why, "family": family})
    return found
