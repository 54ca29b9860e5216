"""When the harness may compare: what is written at the last moment is waited for, what never arrives is told of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from broadcasts.model import DeliveryState
from tests.faults.harness import compare, scenario
from tests.faults.harness.compare import Night
from tests.faults.harness.evidence import Books
from tests.faults.harness.settings import SETTINGS
from tests.faults.harness.traffic import Said
from tests.faults.test_seeded_nights import CRY, well


def test_what_one_wrote_twice_makes_up_for_nobody_else() -> None:
    typed = {("smsc", "a"): ["ok", "ok"], ("smsc", "b"): ["DANHAN TB1", "DANHAN"], ("zalo", "z"): ["#1"]}
    kept = {("smsc", "a"): 2, ("smsc", "b"): 1, ("zalo", "z"): 1}
    assert compare.unheard(typed, kept, 0) == 1
    assert compare.unheard(typed, kept | {("smsc", "b"): 2}, 0) == 0
    assert compare.unheard(typed, {}, 0) == 4
    assert compare.unheard(typed, {}, unsent_calls=1) == 3, "only Zalo gave up"


class LateWriter:
    """A night at rest, in which somebody writes as it is read: an SMS that the carrier has still to bring. It is the
    office, the surroundings, the street and the watcher in one."""

    said: tuple[Said, ...] = ()
    fell: tuple[tuple[int, DeliveryState, DeliveryState], ...] = ()

    def __init__(self, folder: Path, *, arrives: bool) -> None:
        self.arrives = arrives
        self.came = False
        self.people = folder / "people.csv"
        self.people.write_text("unit_code,role,zalo,telegram\nu1,chairman,z1,\n", "utf-8")
        self.size = SETTINGS["embedded"].size
        self.phones = well().phones
        self.phones.typed["smsc", CRY.sender].append("DANHAN")

    @property
    def town(self) -> LateWriter:
        return self

    @property
    def zalo(self) -> LateWriter:
        return self

    def get(self, _: str) -> dict[str, dict[str, int]]:
        return {"counts": {}}

    def quiet(self, *_: object) -> str | None:
        self.came = self.arrives
        return None if self.arrives else "messages on their way in 1"

    def books(self, *_: object) -> Books:
        found = well().books
        if self.came:
            found.inbox.append(replace(CRY, id=3, text="DANHAN"))
        return found

    def gathered(self, patch: pytest.MonkeyPatch) -> Night:
        patch.setattr(scenario, "read_phones", lambda _: self.phones)
        patch.setattr(scenario, "read_books", self.books)
        patch.setattr(scenario, "_quiet", self.quiet)
        return scenario._gathered(None, self, self, self, 1, 2, False, rests=True)  # type: ignore[arg-type]


def test_what_is_written_as_the_night_is_read_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night = LateWriter(tmp_path, arrives=True).gathered(monkeypatch)
    assert list(compare.all_heard_once(night)) == []


def test_what_never_arrives_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (said,) = compare.all_heard_once(LateWriter(tmp_path, arrives=False).gathered(monkeypatch))
    assert said.endswith("wrote ['cuu voi', 'DANHAN'], the inbox has 1")
