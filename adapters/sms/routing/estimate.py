"""What a broadcast will cost, before anybody approves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.contract import Cost
from adapters.sms.routing.member import Member
from adapters.sms.routing.shares import WHOLE, Shares


def estimate(
    counts: Mapping[str, int], parts: int, reaching: Mapping[str, tuple[Shares, Sequence[Member]]]
) -> dict[str, Cost]:
    """`counts`: numbers by network. `reaching`: the accounts for each network and how traffic is spread over them.

    An account that does not work now gets nothing, as when it is sent; where none works, the settings alone decide.
    """
    messages: dict[Member, int] = {}
    for carrier, count in counts.items():
        shares, members = reaching[carrier]
        for member, some in zip(members, spread(count, _points(shares, members)), strict=True):
            if some:
                messages[member] = messages.get(member, 0) + some
    return {
        member.name: Cost(some, some * parts, some * parts * member.price)
        for member, some in sorted(messages.items(), key=lambda item: item[0].name)
    }


def _points(shares: Shares, members: Sequence[Member]) -> list[float]:
    working = [points if member.works else 0.0 for points, member in zip(shares.points, members, strict=True)]
    if any(working):
        return working
    nobody = not any(member.works for member in members)
    if nobody:
        return list(shares.normal)
    next_best = next(index for index in shares.order() if members[index].works)
    return [WHOLE if index == next_best else 0.0 for index in range(len(members))]


def spread(count: int, points: Sequence[float]) -> list[int]:
    """`count` in whole numbers by `points`: nothing is lost or made up, the largest remainders get the rest."""
    whole = sum(points)
    exact = [count * point / whole for point in points]
    given = [int(share) for share in exact]
    left = sorted(range(len(points)), key=lambda index: given[index] - exact[index])
    for index in left[: count - sum(given)]:
        given[index] += 1
    return given
