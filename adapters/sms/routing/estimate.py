"""What a broadcast will cost, before anybody approves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.pricing import Cost
from adapters.sms.routing.member import Member
from adapters.sms.routing.shares import WHOLE, Shares


def estimate(
    counts: Mapping[str, int], parts: int, reaching: Mapping[str, tuple[Shares, Sequence[Member]]], text: str = ""
) -> dict[str, Cost]:
    """`counts`: numbers by network. `reaching`: the accounts for each network and how traffic is spread over them.

    An account that does not work now gets nothing, as when it is sent; where none works, the settings alone decide. Nor
    does one that does not take the text; what nobody takes costs nothing.
    """
    messages: dict[Member, int] = {}
    for carrier, count in counts.items():
        shares, members = reaching[carrier]
        for member, some in zip(members, spread(count, _points(shares, members, text)), strict=True):
            if some:
                messages[member] = messages.get(member, 0) + some
    return {
        member.name: Cost(some, some * parts, some * parts * member.price)
        for member, some in sorted(messages.items(), key=lambda item: item[0].name)
    }


def _points(shares: Shares, members: Sequence[Member], text: str) -> list[float]:
    able = [not text or member.registered.takes(text) for member in members]
    working = [member.works and can for member, can in zip(members, able, strict=True)]
    points = [point if works else 0.0 for point, works in zip(shares.points, working, strict=True)]
    if any(points):
        return points
    if not any(working):
        points = [point if can else 0.0 for point, can in zip(shares.normal, able, strict=True)]
        if any(points):
            return points
        working = able
    next_best = next((index for index in shares.order() if working[index]), None)
    return [WHOLE if index == next_best else 0.0 for index in range(len(members))]


def spread(count: int, points: Sequence[float]) -> list[int]:
    """`count` in whole numbers by `points`: nothing is lost or made up, the largest remainders get the rest. Without
    any point nobody gets any."""
    whole = sum(points)
    if not whole:
        return [0] * len(points)
    exact = [count * point / whole for point in points]
    given = [int(share) for share in exact]
    left = sorted(range(len(points)), key=lambda index: given[index] - exact[index])
    for index in left[: count - sum(given)]:
        given[index] += 1
    return given
