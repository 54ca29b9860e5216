"""Nights of the harness in the setting in force, a few seeds of each kind; and that the comparison sees what it is for.

`python -m tests.faults.harness --setting embedded --runs 200` is the long form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broadcasts.model import DeliveryState
from tests.faults.harness import compare
from tests.faults.harness.__main__ import summary
from tests.faults.harness.compare import Night, compared
from tests.faults.harness.disk import own_mounts
from tests.faults.harness.evidence import Books, Delivery, Event, Message, Phones
from tests.faults.harness.faults import Suffered, provider_kinds
from tests.faults.harness.figures import Figures, measured, quantile, whole_end
from tests.faults.harness.fostered import Nursery
from tests.faults.harness.house import LEASE_SECONDS
from tests.faults.harness.plan import Fault, Kind, drawn
from tests.faults.harness.scenario import Run, night
from tests.faults.harness.settings import SETTINGS
from tests.faults.harness.traffic import Said, evening
from tests.faults.harness.watching import fallen
from tests.ledgers import ON_POSTGRESQL

D = DeliveryState
SETTING = SETTINGS["machines" if ON_POSTGRESQL else "embedded"]
SEEDS = (4, 23)
"""4: service and providers are killed, the link to Zalo refuses, answers of Telegram are lost. 23: the service and the
providers are killed twice each."""
MACHINES_SEEDS = (64,)
"""Providers and PostgreSQL are killed, and a worker: frozen past its leases, then killed."""


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    own_mounts()
    found = Nursery(tmp_path, LEASE_SECONDS)
    yield found
    found.end()


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", MACHINES_SEEDS if ON_POSTGRESQL else SEEDS)
def test_a_night(tmp_path: Path, nursery: Nursery, seed: int) -> None:
    folder = tmp_path / f"night-{seed}"
    folder.mkdir()
    run = night(seed, folder, SETTING, nursery, LEASE_SECONDS)
    assert not run.broken, "\n".join(run.broken)
    assert run.looks > 0
    print(f"\nseed {seed}: {run.figures}")


# The plan


KINDS = (Kind("kill", "service", 0.0, 0.5, hard=True), Kind("cut", "link", 0.1, 1.0))


def test_a_seed_draws_the_same_faults_again_and_another_one_others() -> None:
    assert drawn(7, KINDS) == drawn(7, KINDS)
    assert len({tuple(drawn(seed, KINDS)) for seed in range(50)}) == 50
    for seed in range(200):
        faults = drawn(seed, KINDS)
        assert any(one.kind.hard for one in faults)
        assert [one.at for one in faults] == sorted(one.at for one in faults)
        assert all(one.kind.shortest <= one.seconds <= one.kind.longest for one in faults)


def test_nobody_says_the_same_thing_twice() -> None:
    said = evening(3)
    assert len({(one.provider, one.sender) for one in said}) == len(said)
    assert len({one.text for one in said}) == len(said)
    assert sum(one.cry for one in said) > 3
    assert said == evening(3)


def test_the_provider_faults_name_links_and_knobs_once() -> None:
    names = [one.name for one in provider_kinds()]
    assert len(set(names)) == len(names)


def test_recovery_counts_from_the_end_of_the_last_of_the_faults_that_overlap() -> None:
    def suffered(began: float, ended: float) -> Suffered:
        return Suffered(Fault(KINDS[0], began, ended - began), began, ended, "smsc")

    first, second, third, apart = suffered(0, 2), suffered(1, 4), suffered(3, 5), suffered(7, 8)
    everything = [first, second, third, apart]
    assert [whole_end(one, everything) for one in everything] == [5, 5, 5, 8]


def test_an_answer_before_the_end_of_all_faults_is_recovery_at_once_and_none_is_no_recovery() -> None:
    found = well()
    first = Suffered(Fault(KINDS[1], 0, 2), 0.0, 2.0, "smsc")
    longer = Suffered(Fault(KINDS[0], 1, 8), 1.0, 9.0, "zalo")
    found.phones.at["smsc"] = [1.0, 3.0]
    found.phones.at["zalo"] = [3.0, 9.5]
    names = [str(first.fault), str(longer.fault)]
    assert measured(found, [first, longer]).recovery == [(names[0], 0.0), (names[1], 0.5)]
    assert measured(found, [replace(longer, probe="telegram")]).recovery == [(names[1], float("inf"))]


@pytest.mark.parametrize(
    ("seconds", "broken", "hold_times", "code"),
    [
        ([1.0, 2.0], [], True, 0),
        ([1.0, 99.0], [], False, 0),
        ([1.0, 99.0], [], True, 1),
        ([6.0, 6.0], [], True, 1),
        ([1.0, 2.0], ["lost"], False, 1),
    ],
)
def test_a_finding_ends_the_command_with_1_and_slowness_only_where_times_are_to_hold(
    seconds: list[float], broken: list[str], hold_times: bool, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = Figures(recovery=[("kill", one) for one in seconds])
    assert summary([Run(1, [], broken, figures, 9.0)], 1, hold_times) == code
    assert f"max {max(seconds):.1f} s" in capsys.readouterr().out


def test_a_run_that_never_ended_is_a_finding() -> None:
    assert summary([], 1, hold_times=False) == 1


def test_a_quantile_is_one_of_the_figures() -> None:
    figures = [float(one) for one in range(1, 21)]
    assert [quantile(figures, share) for share in (0.5, 0.95, 1.0)] == [10.0, 19.0, 20.0]
    assert quantile([], 0.5) == 0.0


# The comparison: a night in which all is well, and each way in which it would not be

LISTED = Delivery(2 << 24, "list", "smsc", "84900300000", D.DELIVERED, "")
TOLD = Delivery(1 << 24, "directive", "zalo", "z1", D.SEEN, "", unit="u1")
ANSWER = Delivery(3 << 24, "answer", "smsc", "84900200001", D.DELIVERED, "", inbox_id=1)
CRY = Message(1, "smsc", "84900200001", "cuu voi", "", "text", "human", "", 0)
TAP = Message(2, "zalo", "z1", "", "ACK", "button", "acknowledged", "u1", 2)
CONFIRMED = Event(1, 20.0, "acknowledged", {"unit": "u1"})
STEP = Event(1, 10.0, "step", {"step": 0, "units": ["u1"]})


def counted(*deliveries: Delivery) -> list[tuple[int, int, int, tuple[int, ...]]]:
    return [(one.id, one.id, 2, tuple(int(one.status == state) for state in D)) for one in deliveries]


def well() -> Night:
    phones = Phones()
    phones.texts["zalo", "z1"].append("MARK")
    phones.texts["smsc", "84900200001"].append("Goi 112")
    phones.carried = {"84900300000": 1, "84900200001": 1}
    phones.typed["smsc", "84900200001"].append("cuu voi")
    phones.typed["zalo", "z1"].append("#1")
    deliveries = [TOLD, LISTED, ANSWER]
    books = Books(
        deliveries, [CRY, TAP], [STEP, CONFIRMED], [("u1", "acknowledged", 0, None)], compare.Counter({"1": 1}),
        counted(*deliveries), 0,
    )  # fmt: skip
    return Night(
        books=books, phones=phones, said=[Said("smsc", "84900200001", "cuu voi", cry=True)], fell=[],
        listed=2, doubt_most=100, numbers=["84900300000"], leaders=frozenset({("zalo", "z1")}),
        units=frozenset({"u1"}), mark="MARK", duplicates_ok=False, unsent_calls=0,
    )  # fmt: skip


def with_delivery(old: Delivery, **values: object) -> Night:
    found = well()
    changed = [replace(one, **values) if one is old else one for one in found.books.deliveries]  # type: ignore[arg-type]
    found.books.deliveries = changed
    found.books.chunks = counted(*changed)
    return found


def lost() -> Night:
    found = well()
    found.phones.carried["84900300000"] = 0
    return found


def doubled() -> Night:
    found = well()
    found.phones.carried["84900300000"] = 2
    return found


def never_planned() -> Night:
    found = well()
    del found.books.deliveries[0]
    del found.books.chunks[0]
    return found


def miscounted() -> Night:
    found = well()
    found.books.chunks[1] = (*found.books.chunks[1][:3], (1,) + (0,) * (len(D) - 1))
    return found


def unheard() -> Night:
    found = well()
    found.phones.typed["telegram", "t1"].append("ok")
    return found


def heard_twice() -> Night:
    found = well()
    found.books.inbox.append(replace(CRY, id=9))
    return found


def answered_twice() -> Night:
    found = well()
    found.books.deliveries.append(replace(ANSWER, id=ANSWER.id + 1))
    found.books.chunks = counted(*found.books.deliveries)
    found.phones.texts["smsc", "84900200001"].append("Goi 112")
    return found


def silent_board() -> Night:
    found = well()
    found.books.rescued.clear()
    return found


def doubtful() -> Night:
    found = well()
    found.books.events.append(Event(2, 15.0, "in_doubt", {"deliveries": 101, "ranges": []}))
    return found


def urged_afterwards() -> Night:
    found = well()
    found.books.events.append(replace(STEP, at=30.0, detail={"step": 1, "units": ["u1"]}))
    return found


def forgotten_confirmation() -> Night:
    found = well()
    found.books.rollcall[0] = ("u1", "awaiting", 3, None)
    found.books.events.append(Event(1, 30.0, "call_list", {"units": ["u1"]}))
    found.books.events.remove(CONFIRMED)
    return found


def never_called() -> Night:
    found = forgotten_confirmation()
    found.books.events = [STEP]
    found.books.inbox[1] = replace(TAP, state="ignored", unit="")
    return found


def test_a_night_in_which_all_is_well() -> None:
    assert compared(well()) == []
    assert compared(with_delivery(LISTED, status=D.UNKNOWN)) == []
    assert compared(with_delivery(LISTED, status=D.FAILED, reason="carrier_failed")) == []


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (lost, "phones_agree: lost"),
        (doubled, "phones_agree: doubled"),
        (lambda: with_delivery(LISTED, status=D.FAILED, reason="rejected"), "phones_agree: doubled"),
        (lambda: with_delivery(TOLD, status=D.SKIPPED), "phones_agree: doubled"),
        (lambda: with_delivery(LISTED, extra=1), "doubles_listed"),
        (lambda: with_delivery(LISTED, status=D.QUEUED), "nothing_stuck"),
        (lambda: with_delivery(TOLD, status=D.ACCEPTED), "arrivals_told"),
        (never_planned, "everybody_planned"),
        (miscounted, "counters_agree"),
        (unheard, "all_heard_once"),
        (heard_twice, "all_heard_once"),
        (answered_twice, "answered_once"),
        (silent_board, "answered_once"),
        (doubtful, "doubt_is_bounded"),
        (urged_afterwards, "confirmed_once"),
        (forgotten_confirmation, "confirmed_once"),
        (never_called, "steps_taken_once"),
    ],
)
def test_what_is_wrong_is_seen(broken: object, rule: str) -> None:
    said = compared(broken())  # type: ignore[operator]
    assert any(one.startswith(rule) for one in said), said


def test_a_state_that_falls_is_seen() -> None:
    before = {1: D.ACCEPTED, 2: D.UNKNOWN, 3: D.QUEUED, 4: D.FAILED, 5: D.SEEN}
    after = {1: D.SENDING, 2: D.ACCEPTED, 3: D.SENDING, 4: D.DELIVERED}
    assert fallen(before, after) == [(1, D.ACCEPTED, D.SENDING), (5, D.SEEN, D.QUEUED)]
