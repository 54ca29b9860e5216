"""A channel knows whom it cannot reach: named before anything is sent, written to by another channel of the family if
there is one, and by the next step at once where there is none."""

from __future__ import annotations

import pytest

from adapters.contract import RejectClass, Rejected
from broadcasts.routes import Route, Routes
from broadcasts.steps import Step, Unless
from broadcasts.ways import family_ways, foreseen_gaps
from directory import units as unit_data
from store.broadcasts import MemberRow
from tests.scenario.engine_room import EngineRoom, ScriptedChannel, leader

CLOSED = "window_closed"


class Knowing(ScriptedChannel):
    """As the Official Account: it refuses, and says so before, whoever is in `shut`."""

    def __init__(self, name, shut=(), **traits):
        super().__init__(name, self._answer, **traits)
        self.shut = frozenset(shut)

    def foresee(self, addresses):
        return {one: CLOSED for one in addresses if one in self.shut}

    def _answer(self, envelope, times):
        from tests.scenario.engine_room import accept

        if envelope.to in self.shut:
            return Rejected(CLOSED, RejectClass.RECIPIENT, "known_before")
        return accept(envelope, times)


UNITS = unit_data.load()
CODES = [unit.code for unit in UNITS.all[:3]]


def member(n: int, kind: str, value: str) -> MemberRow:
    return MemberRow(CODES[n], n + 1, f"Chủ tịch {n}", "chairman", kind, 10 * n + len(kind), value)


def chosen(members, *routes) -> list[tuple[str, str]]:
    return [(way.route.name, way.member.value) for way in family_ways(members, routes)]


OA = Route(Knowing("zalo.oa", {"z1"}), "zalo")
BOT = Route(ScriptedChannel("zalo.bot_user", id_space="zalo.bot"), "zalo")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([member(0, "zalo", "z0")], [("zalo.oa", "z0")]),
        ([member(0, "zalo.bot", "b0")], [("zalo.bot_user", "b0")]),
        ([member(0, "zalo", "z0"), member(0, "zalo.bot", "b0")], [("zalo.oa", "z0")]),
        ([member(1, "zalo", "z1"), member(1, "zalo.bot", "b1")], [("zalo.bot_user", "b1")]),
        ([member(1, "zalo", "z1")], [("zalo.oa", "z1")]),
        ([member(0, "sms", "84900000000")], []),
    ],
)
def test_one_way_a_person_the_preferred_one_that_is_open(members, expected) -> None:
    assert chosen(members, OA, BOT) == expected


def test_only_who_has_no_open_way_is_a_gap() -> None:
    members = [member(0, "zalo", "z0"), member(1, "zalo", "z1"), member(2, "zalo", "z1")]
    routes = Routes([OA, BOT])
    (first, second) = foreseen_gaps(members, ("zalo",), routes, UNITS)
    assert first == {"code": CODES[1], "name": UNITS.all[1].name, "why": CLOSED, "family": "zalo"}
    assert second["code"] == CODES[2]
    assert foreseen_gaps([*members, member(1, "zalo.bot", "b1")], ("zalo",), routes, UNITS) == [second]


async def test_the_next_step_follows_at_once_for_who_is_shut_out_and_for_nobody_else(tmp_path) -> None:
    now = [1_790_000_000.0]
    zalo, sms = Knowing("zalo.oa", {"z1"}), ScriptedChannel("sms.one", unaccented=True)
    room = EngineRoom(tmp_path, Route(zalo, "zalo"), Route(sms, "sms"), now=lambda: now[0])
    await room.start()
    members = [leader(f"u{n}", n + 1, kind, value)
               for n in range(3) for kind, value in (("sms", f"8490000000{n}"), ("zalo", f"z{n}"))]  # fmt: skip
    steps = (
        Step(after=0, channels=("zalo",)),
        Step(after=300, channels=("sms",), unless=Unless.DELIVERED),
    )
    no = await room.approved(members=members, steps=steps)
    await room.clockwork.fire(no)
    await room.until(lambda: len(zalo.left) == 3)

    async def written():
        await room.clockwork.tick_escalation()
        return bool(sms.left)

    await room.until(written)
    assert [one.to for one in sms.left] == ["84900000001"], "at once, without the five minutes"
    await room.clockwork.tick_escalation()
    assert len(sms.left) == 1
    await room.stop()
