"""The service is killed while 166 leaders are written to on Zalo, which can be asked afterwards: nobody has it twice,
nobody is forgotten, and no doubt stays. And while people write to us, and while an officer's draft is taken."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from simulators.people import Manner, plan, read_people, read_words
from tests.living import FIRST_NUMBER, Town, office, simulators, write_config
from tests.processes import ROOT, HttpProblem, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

PEOPLE = ROOT / "data" / "sample" / "people.csv"
UNITS = 166
HABITS = plan(read_people(PEOPLE), read_words(), seed=1)
ON_ZALO = UNITS - sum(
    habit.manner in (Manner.OFF, Manner.SMS) for key, habit in HABITS.items() if key.endswith(":chairman")
)
TEXT = "Bão số 5 vào đêm nay. Xã, phường sơ tán dân ven biển xong trước 9 giờ."
ASKED_SECONDS = 90.0
"""Zalo's history is believed twenty seconds after a send; then what it does not hold is sent again."""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with simulators(tmp_path) as found:
        yield found


def sent_to(town: Town) -> Counter[str]:
    """Texts of ours by account; phones that are off show nothing."""
    lines = town.zalo.get("/_sim/messages", limit=100_000)["messages"]
    return Counter(one["address"] for one in lines if one["sender"] == "loa" and not one["group"])


def test_killed_after_eighty_of_166_on_zalo(tmp_path: Path, town: Town) -> None:
    config = write_config(tmp_path, town, channels=("zalo",), sms_after=120, give_up_after=300, close_after=300)
    with office(tmp_path, config, town) as loa:
        loa.import_people(PEOPLE)
        town.zalo.post("/_sim/faults", {"slow_seconds": 0.3})
        sent = loa.send(text=TEXT, audience="all-units", channels=["zalo"], urgency="hoa-toc")
        until(lambda: sent_to(town).total() >= 60, 30, loa.process.tail, pause=0.005)
        loa.process.kill()
        at_kill = sent_to(town)
        assert at_kill.total() < ON_ZALO, "all had left before the kill"
        town.zalo.post("/_sim/faults", {"slow_seconds": 0.0})
        loa.restart()
        doubted = len(loa.deliveries(sent["id"], "unknown"))

        def all_sure() -> bool:
            states = Counter(one["state"] for one in loa.deliveries(sent["id"]) if one["unit"])
            return sum(states[one] for one in ("accepted", "delivered", "seen")) == UNITS

        until(all_sure, ASKED_SECONDS, lambda: f"{loa.view(sent['id'])['counts']}; {loa.process.tail()}", pause=0.5)
        assert loa.process.stop() == 0
    texts = sent_to(town)
    assert len(texts) == ON_ZALO
    assert set(texts.values()) == {1}
    print(f"\nkilled after {at_kill.total()} of {UNITS}; {doubted} in doubt at the restart, none in the end")


def test_killed_while_people_write(tmp_path: Path, town: Town) -> None:
    """Whatever was taken in is answered after the restart; a cry for help rather twice than never."""
    dice = random.Random(5)
    residents = [str(FIRST_NUMBER + 8_000_000 + n) for n in range(60)]
    with office(tmp_path, write_config(tmp_path, town, window=20, tps=40)) as loa:
        for number in residents:
            town.resident_says(number, "cuu voi nuoc ngap")
        time.sleep(dice.uniform(0.2, 0.8))
        for _ in range(2):
            loa.process.kill()
            loa.restart()
            time.sleep(dice.uniform(0.1, 0.4))

        def unanswered() -> list[str]:
            return [number for number in residents if not answers(town, number)]

        until(lambda: not unanswered(), 60, lambda: f"{len(unanswered())} wait; {loa.process.tail()}", pause=0.2)
        inbox = loa.api.get("/inbox", limit=1_000)["items"]
        assert loa.process.stop() == 0
    assert len(inbox) == len(residents)
    twice = [number for number in residents if answers(town, number) > 1]
    print(f"\n{len(residents)} cries for help, two kills: all answered, {len(twice)} twice")


def test_killed_while_a_draft_is_taken(tmp_path: Path, town: Town) -> None:
    """The caller heard nothing and asks again with the same key: there is one draft, or he is told to look first."""
    dice = random.Random(9)
    with office(tmp_path, write_config(tmp_path, town)) as loa:
        loa.upload("dan", 10)
        for attempt in range(3):
            body = json.dumps({"text": "Bao so 5", "title": f"t{attempt}", "audience": "list:dan", "channels": ["sms"]})
            key = {"Idempotency-Key": f"attempt-{attempt}"}

            def post(body: str = body, key: dict[str, str] = key) -> int:
                try:
                    loa.api.call("POST", "/broadcasts", body.encode(), headers=key)
                except HttpProblem as refused:
                    return refused.status
                except (OSError, HTTPException):  # killed before it could answer
                    return 0
                return 201

            pressed = threading.Thread(target=post)
            pressed.start()
            time.sleep(dice.uniform(0.0, 0.05))
            loa.process.kill()
            pressed.join(60)
            loa.restart()
            again = post()
            assert again in (201, 409)
            titles = [one["title"] for one in loa.api.get("/broadcasts")["items"]]
            assert titles.count(f"t{attempt}") == 1 if again == 201 else titles.count(f"t{attempt}") <= 1
        assert loa.process.stop() == 0


def answers(town: Town, number: str) -> int:
    return sum(one["sender"] == "loa" and "112" in one["text"] for one in town.phone(number))
