"""The simulated leaders: one seed, one plan; each alert answered once, in one's own manner."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.apps import App
from simulators.crowd import Crowd, asked_code, offered
from simulators.people import SHARES, Habit, Manner, Person, plan, quotas, read_people, read_words
from simulators.stage import Shown, Stage
from tests.contract.recording import until

ROLES = ("chairman", "deputy", "duty")


def roster(units: int = 166) -> list[Person]:
    return [
        Person(
            f"{16000 + unit}", role, f"Người {unit}{role[0]}", f"8490{unit:04}{at:03}", f"z{unit}{at}", f"7{unit}{at}"
        )
        for unit in range(units)
        for at, role in enumerate(ROLES)
    ]


WORDS = read_words()


def test_the_same_seed_gives_the_same_plan_in_any_order() -> None:
    people = roster()
    assert plan(people, WORDS, 7) == plan(list(reversed(people)), WORDS, 7)


def test_another_seed_gives_another_plan() -> None:
    assert plan(roster(), WORDS, 7) != plan(roster(), WORDS, 8)


def test_shares_are_kept_exactly_among_the_chairmen() -> None:
    habits = plan(roster(), WORDS, 1)
    chairmen = [habits[f"{16000 + unit}:chairman"] for unit in range(166)]
    assert len(chairmen) == 166
    counts = Counter(habit.manner for habit in chairmen)
    assert sum(counts.values()) == 166
    prompt = sum(habit.manner in (Manner.BUTTON, Manner.WORDS) and habit.delay <= 60 for habit in chairmen)
    late = sum(habit.manner in (Manner.BUTTON, Manner.WORDS) and habit.delay > 60 for habit in chairmen)
    assert prompt == 120
    assert late == 16
    assert (counts[Manner.SMS], counts[Manner.SILENT], counts[Manner.OFF]) == (13, 10, 7)


@given(st.integers(0, 5000))
def test_quotas_add_up(total: int) -> None:
    counts = quotas(total)
    assert sum(counts) == total
    assert all(abs(count - share.share * total) < 1 for count, share in zip(counts, SHARES, strict=True))


def test_shares_make_one() -> None:
    assert sum(share.share for share in SHARES) == pytest.approx(1)


def test_reading_the_roster(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("unit_code,role,name,phone,zalo,telegram\n16174,chairman,Lê Văn A,0900 000 101,z1,\n", "utf-8")
    assert read_people(file) == [Person("16174", "chairman", "Lê Văn A", "84900000101", "z1", "")]


@pytest.mark.parametrize(
    ("content", "says"),
    [("unit_code,role,name\n1,2,3\n", "phone, zalo, telegram"),
     ("unit_code,role,name,phone,zalo,telegram\n1,duty,X,12,z,\n", "people.csv:2")],
)  # fmt: skip
def test_a_roster_that_cannot_be_read_names_the_place(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text(content, "utf-8")
    with pytest.raises(ValueError, match=says):
        read_people(file)


@pytest.mark.parametrize(
    ("text", "payload", "code"),
    [
        ("Bấm ĐÃ NHẬN hoặc trả lời: DANHAN TB0825-07. Trực ban", "", "TB0825-07"),
        ("Tra loi: DANHAN TB0825-07", "", "TB0825-07"),
        ("Đã ghi nhận: Xã A xác nhận tin TB0825-07 lúc 02:31.", "", ""),
        ("Trả lời 1 hoặc 2, hoặc DANHAN và mã tin.", "", ""),
        ("Hai dòng", "ACK TB0825-08", "TB0825-08"),
        ("Hai dòng", "", ""),
    ],
)
def test_what_asks_for_a_confirmation(text: str, payload: str, code: str) -> None:
    buttons = [{"label": "ĐÃ NHẬN", "payload": payload}] if payload else []
    assert asked_code(Shown(1, "a", "loa", text, 0.0, buttons=buttons)) == code


def test_which_of_two_is_offered_by_number() -> None:
    text = "Xã A xác nhận tin nào: 1. TB0825-06 Bão 2. TB0825-07 Lũ? Trả lời 1 hoặc 2"
    assert [offered(text, code) for code in ("TB0825-06", "TB0825-07", "TB0825-08", "")] == ["1", "2", "", ""]


class Phones:
    """A provider that keeps what people did."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.done: list[tuple[str, ...]] = []

    async def person_says(self, sender: str, chat: str | None, text: str) -> None:
        self.done.append(("says", sender, chat or "", text))

    async def person_presses(self, sender: str, message: Shown, payload: str) -> None:
        self.done.append(("presses", sender, payload))

    def faults(self) -> dict[str, Any]:
        return {}

    def set_faults(self, knobs: dict[str, Any]) -> None: ...


ONE = Person("16174", "chairman", "A", "84900000101", "z1", "71")
ALERT = "BÃO SỐ 5\nTrả lời: DANHAN TB0825-07"
BUTTON = [{"label": "ĐÃ NHẬN", "payload": "ACK TB0825-07"}]


class Night:
    """One leader with a Zalo account and a phone for SMS."""

    def __init__(self, manner: Manner, words: str = "dạ rõ", sms_words: str = "DANHAN {code}") -> None:
        self.zalo, self.sms = Phones(), Phones()
        self.apps = [App("zalo", "zalo", self.zalo.stage, self.zalo), App("smsc", "sms", self.sms.stage, self.sms)]
        self.habit = Habit(manner, 0.01, words, sms_words)
        self.live()

    def live(self) -> None:
        self.crowd = Crowd(self.apps, [ONE], {ONE.key: self.habit})

    @property
    def done(self) -> list[tuple[str, ...]]:
        return [*self.zalo.done, *self.sms.done]


@pytest.fixture
async def nights() -> AsyncIterator[list[Night]]:
    made: list[Night] = []
    yield made
    for night in made:
        await night.crowd.close()


async def _quiet() -> None:
    await asyncio.sleep(0.05)


async def test_presses_the_button_once_whatever_else_comes(nights: list[Night]) -> None:
    night = Night(Manner.BUTTON)
    nights.append(night)
    night.zalo.stage.show("z1", "loa", ALERT, buttons=BUTTON)
    night.sms.stage.show("84900000101", "loa", "Tra loi: DANHAN TB0825-07")
    await until(lambda: bool(night.done))
    night.zalo.stage.show("z1", "loa", "Đã ghi nhận: Xã A xác nhận tin TB0825-07.")
    await _quiet()
    assert night.done == [("presses", "z1", "ACK TB0825-07")]


async def test_writes_into_the_group_that_it_was_asked_in(nights: list[Night]) -> None:
    night = Night(Manner.BUTTON)
    nights.append(night)
    night.zalo.stage.show("g9", "loa", ALERT, group=True)
    await until(lambda: bool(night.done))
    assert night.done == [("says", "z1", "g9", "dạ rõ")]


async def test_only_an_sms_wakes_some(nights: list[Night]) -> None:
    night = Night(Manner.SMS)
    nights.append(night)
    night.zalo.stage.show("z1", "loa", ALERT, buttons=BUTTON)
    await _quiet()
    assert not night.done
    night.sms.stage.show("84900000101", "loa", "Tra loi: DANHAN TB0825-07")
    await until(lambda: bool(night.done))
    assert night.done == [("says", "84900000101", "", "DANHAN TB0825-07")]


@pytest.mark.parametrize("manner", [Manner.SILENT, Manner.OFF])
async def test_some_never_answer(nights: list[Night], manner: Manner) -> None:
    night = Night(manner)
    nights.append(night)
    night.zalo.stage.show("z1", "loa", ALERT, buttons=BUTTON)
    night.sms.stage.show("84900000101", "loa", "Tra loi: DANHAN TB0825-07")
    await _quiet()
    assert not night.done


async def test_picks_the_alert_it_meant_when_asked_which(nights: list[Night]) -> None:
    night = Night(Manner.WORDS)
    nights.append(night)
    night.zalo.stage.show("z1", "loa", ALERT)
    await until(lambda: bool(night.done))
    for _ in range(2):
        night.zalo.stage.show("z1", "loa", "Xác nhận tin nào: 1. TB0825-06 2. TB0825-07? Trả lời 1 hoặc 2")
    await _quiet()
    assert night.done == [("says", "z1", "", "dạ rõ"), ("says", "z1", "", "2")]


PHONE = ONE.phone


@pytest.mark.parametrize(
    ("before", "after", "done"),
    [
        ([(PHONE, "loa", "Tra loi: DANHAN TB0825-07"), (PHONE, PHONE, "DANHAN TB0825-07")], "Da ghi nhan.", []),
        ([(PHONE, "loa", "Tra loi: DANHAN TB0825-07"), (PHONE, PHONE, "da nhan")], "Tra loi: DANHAN TB0825-07", []),
        ([(PHONE, "loa", "Tra loi: DANHAN TB0825-07")], "Tra loi: DANHAN TB0825-07", ["DANHAN TB0825-07"]),
        ([(PHONE, "loa", "Tra loi: DANHAN TB0825-07"), (PHONE, PHONE, "ok")], "Chon: 1. TB0825-06 2. TB0825-07", ["2"]),
    ],
)
async def test_people_whose_simulator_was_killed_know_what_they_wrote(
    nights: list[Night], before: list[tuple[str, str, str]], after: str, done: list[str]
) -> None:
    """Who had not written yet may do so when asked again."""
    night = Night(Manner.SMS)
    nights.append(night)
    await night.crowd.close()
    for line in before:
        night.sms.stage.show(*line)
    night.live()
    night.sms.stage.show(PHONE, "loa", after)
    await _quiet()
    assert [words for *_, words in night.done] == done


async def test_who_pressed_in_an_earlier_life_does_not_write_now(nights: list[Night]) -> None:
    night = Night(Manner.BUTTON)
    nights.append(night)
    await night.crowd.close()
    night.zalo.stage.show("z1", "loa", ALERT, buttons=BUTTON, pressed_by=["z1"])
    night.live()
    night.sms.stage.show(PHONE, "loa", "Tra loi: DANHAN TB0825-07")
    await _quiet()
    assert not night.done


async def test_two_machines_do_not_talk_for_ever(nights: list[Night]) -> None:
    night = Night(Manner.SMS, sms_words="da nhan")
    nights.append(night)
    night.crowd._speed = 1e9
    for _ in range(10):
        night.sms.stage.show("84900000101", "loa", "Thong bao khong co ma")
        await _quiet()
    assert 1 <= len(night.done) <= 3


async def test_other_people_s_messages_are_nobody_s_business(nights: list[Night]) -> None:
    night = Night(Manner.WORDS)
    nights.append(night)
    night.zalo.stage.show("z2", "loa", ALERT)
    night.zalo.stage.show("z1", "z1", ALERT)
    await _quiet()
    assert not night.done
