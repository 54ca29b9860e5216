"""The main job as a visitor does it: `loa demo`, one storm bulletin to 166 communes by `loa send`, the roll-call; and a
cry for help that is answered while a list goes out. Real processes, real wire protocols, simulated people."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from broadcasts.templates import load_templates
from simulators.people import Habit, Manner, Person, plan, read_people, read_words
from store import alarms
from store.opening import reading
from tests.living import DATA, FIRST_NUMBER, Demo, Office, demo, office, simulators, write_config
from tests.processes import ROOT, objects, timeline, until

pytestmark = pytest.mark.timeout(240)

SEED, SPEED = 3, 30
CLOSE_SECONDS = 300.0
"""Of simulated time. Later words that name no code find no open roll-call and confirm nothing."""
PEOPLE = ROOT / "data" / "sample" / "people.csv"
SEND_KEYS = {"code", "id", "state", "counts", "rollcall", "content_hash"}
DELIVERY_KEYS = {
    "id", "unit", "person", "channel", "step", "state", "reason", "provider_id", "provider_code", "parts", "at",
}  # fmt: skip
ANSWER_SECONDS = 5.0
"""How long anybody may wait for the answer to a cry for help, at any load."""
CALM_SECONDS = 5.0
"""After the last of the people has written: everything about it is in the ledger, also on a machine under load."""
BULLETIN = "BAO SO 5"
"""In the bulletin's SMS, and in no answer of ours."""
CRY = "cuu voi nuoc ngap"
NAP = 0.02


@dataclass(frozen=True, slots=True)
class Night:
    """What is left of the bulletin once everybody who answers has answered."""

    sent: dict[str, Any]
    """What `loa send --wait --json` printed."""
    stderr: str
    view: dict[str, Any]
    rollcall: dict[str, dict[str, Any]]
    deliveries: list[dict[str, Any]]
    timeline: list[dict[str, Any]]
    chairman_phones: dict[str, list[dict[str, Any]]]
    """Unit → SMS that its chairman's phone shows."""
    on_zalo_at: dict[str, float]
    """Unit → when the ledger learned that the message had arrived on Zalo."""
    step_at: dict[str, float]
    """Unit → when its next step was taken."""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    with demo(tmp_path_factory.mktemp("night"), "--speed", str(SPEED), "--seed", str(SEED)) as running:
        template = load_templates().find("T1")
        assert template is not None
        began = time.monotonic()
        blanks = [part for name, one in template.blanks.items() for part in ("--set", f"{name}={one.example}")]
        done = running.loa(
            "send", "--template", "T1", *blanks, "--to", "all-units", "--channels", "zalo,telegram,sms",
            "--approver-key", running.said["approver_key"], "--wait", "--json", seconds=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (sent,) = objects(done.stdout)

        def all_have_answered() -> bool:
            items = running.api.get(f"/broadcasts/{sent['id']}/rollcall")["items"]
            return in_time() <= {one["unit"] for one in items if one["state"].startswith("acknowledged")}

        until(all_have_answered, 60, lambda: f"{running.api.get('/broadcasts/1')['rollcall']}")
        slowest = max(one.delay for one in habits().values()) / SPEED
        until(lambda: time.monotonic() > began + slowest + CALM_SECONDS, 60, "the last of the people has answered")
        yield _collected(running, sent, done.stderr)
        assert running.process.stop() == 0


@cache
def habits() -> dict[str, Habit]:
    """Unit → what its chairman does tonight, by the same seed."""
    people = read_people(PEOPLE)
    planned = plan(people, read_words(), SEED)
    return {one.unit: planned[one.key] for one in people if one.role == "chairman"}


def in_time() -> set[str]:
    """Units whose chairmen answer while the roll-call is open."""
    answering = (Manner.BUTTON, Manner.WORDS, Manner.SMS)
    return {unit for unit, one in habits().items() if one.manner in answering and one.delay < CLOSE_SECONDS}


@cache
def chairmen() -> dict[str, Person]:
    return {one.unit: one for one in read_people(PEOPLE) if one.role == "chairman"}


def _collected(running: Demo, sent: dict[str, Any], stderr: str) -> Night:
    listed = running.loa("status", sent["code"], "--deliveries")
    assert listed.returncode == 0, listed.stderr
    tiles = running.api.get(f"/broadcasts/{sent['id']}/rollcall")["items"]
    phones = {unit: running.town.phone(one.phone) for unit, one in chairmen().items()}
    events = timeline(running.api, sent["id"])
    steps = [one for one in events if one["event"] == "step"]
    return Night(
        sent=sent,
        stderr=stderr,
        view=running.api.get(f"/broadcasts/{sent['code']}"),
        rollcall={one["unit"]: one for one in tiles},
        deliveries=objects(listed.stdout),
        timeline=events,
        chairman_phones={unit: [one for one in shown if one["sender"] == "loa"] for unit, shown in phones.items()},
        on_zalo_at=on_zalo_at(running.ledger_url),
        step_at={u: datetime.fromisoformat(one["at"]).timestamp() for one in steps for u in one["detail"]["units"]},
    )


def on_zalo_at(ledger: str) -> dict[str, float]:
    """From the deliveries' history, which has the moments to the microsecond."""
    with reading(ledger) as tx:
        rows = tx.execute(
            "SELECT r.unit_code, min(e.at) FROM direct r JOIN delivery_event e ON e.delivery_id = r.delivery_id"
            " WHERE r.channel = 'zalo.oa_user' AND e.state IN ('delivered', 'seen') GROUP BY r.unit_code"
        )
        return dict(rows.fetchall())


def test_what_the_command_prints(night: Night) -> None:
    assert set(night.sent) == SEND_KEYS
    assert night.sent["state"] in ("sent", "closed")
    assert sum(night.sent["rollcall"].values()) == 166
    assert night.sent["content_hash"] == night.view["content_hash"]
    assert "Traceback" not in night.stderr
    assert all(set(one) == DELIVERY_KEYS for one in night.deliveries)


def test_the_roll_call_adds_up_and_says_what_the_people_did(night: Night) -> None:
    assert len(night.rollcall) == 166
    counts = Counter(one["state"] for one in night.rollcall.values())
    assert counts == night.view["rollcall"]
    assert set(counts) <= {"acknowledged", "acknowledged_late", "awaiting", "unreachable"}
    assert counts["acknowledged"] > 100
    for unit, habit in habits().items():
        tile = night.rollcall[unit]
        if unit in in_time():
            assert tile["state"] in ("acknowledged", "acknowledged_late"), (habit, tile)
            assert tile["person"]
            assert tile["via"]
            assert tile["seconds"] >= 0
        elif habit.manner is Manner.SILENT:
            assert tile["state"] == "awaiting", tile
        elif habit.manner is Manner.OFF:  # nothing reached him, unless a channel that cannot tell took it
            untold = "telegram" in tile["deliveries"]
            assert tile["state"] == ("awaiting" if untold else "unreachable"), tile


def test_every_chairman_was_written_to_and_reached_as_far_as_his_phone_was_on(night: Night) -> None:
    by_unit: dict[str, list[dict[str, Any]]] = {}
    for one in night.deliveries:
        by_unit.setdefault(one["unit"], []).append(one)
    assert set(by_unit) - {""} == set(night.rollcall)
    for unit, habit in habits().items():
        reached = [one for one in by_unit[unit] if one["state"] in ("delivered", "seen")]
        spared = confirmed(night, unit) and any(one["state"] == "skipped" for one in by_unit[unit])
        assert spared or bool(reached) == (habit.manner is not Manner.OFF), (habit, by_unit[unit])
        assert all(one["person"] == chairmen()[unit].name for one in by_unit[unit])


def confirmed(night: Night, unit: str) -> bool:
    """Who does so gets no message that still waits for its turn, as one may on a slow machine."""
    return bool(night.rollcall[unit]["state"].startswith("acknowledged"))


def test_every_delivery_is_listed_with_the_providers_id_and_adds_up(night: Night) -> None:
    assert Counter(one["state"] for one in night.deliveries) == night.view["counts"]
    assert all(one["provider_id"] for one in night.deliveries if one["state"] != "skipped")
    keys = Counter((one["unit"], one["channel"], one["step"]) for one in night.deliveries)
    assert set(keys.values()) == {1}
    for one in night.deliveries:
        assert one["state"] in ("accepted", "delivered", "seen", "expired", "skipped"), one
        assert one["state"] != "skipped" or confirmed(night, one["unit"]), one
        if one["state"] == "expired":
            assert one["provider_code"] == "EXPIRED/027", one


def test_silent_zalo_is_followed_by_sms_and_nobody_else_gets_one(night: Night) -> None:
    sms = {one["unit"]: one for one in night.deliveries if one["channel"].startswith("sms")}
    for unit, habit in habits().items():
        if habit.manner is Manner.SMS:
            assert night.rollcall[unit]["deliveries"]["zalo.oa_user"] == "accepted"
            assert sms[unit]["state"] == "delivered"
            assert night.rollcall[unit]["via"].startswith("sms")
    for unit in sms:
        arrived = night.on_zalo_at.get(unit)
        assert arrived is None or arrived >= night.step_at[unit], (
            "Zalo had proven its arrival before the SMS was decided"
        )
    bulletins = {u: [o for o in shown if BULLETIN in o["text"]] for u, shown in night.chairman_phones.items()}
    assert all(len(shown) <= 1 for shown in bulletins.values())
    assert {unit for unit, shown in bulletins.items() if shown} == {
        u for u, o in sms.items() if o["state"] not in ("expired", "skipped")
    }


def test_nobody_is_written_to_after_his_word(night: Night) -> None:
    """In the order of the ledger, which no clock can blur: no step takes in a unit that has confirmed."""
    acknowledged: set[str] = set()
    steps = 0
    for event in sorted(night.timeline, key=lambda one: int(one["id"])):
        if event["event"].startswith("acknowledged"):
            acknowledged.add(event["detail"]["unit"])
        elif event["event"] == "step":
            steps += 1
            assert not acknowledged & set(event["detail"]["units"]), event
    assert steps
    assert len(acknowledged) == sum(one["state"].startswith("acknowledged") for one in night.rollcall.values())


@pytest.fixture
def saturated(tmp_path: Path) -> Iterator[tuple[Office, int]]:
    """5,000 people are being written to by a carrier that takes 300 parts a second: 50 seconds of waiting bulk."""
    with simulators(tmp_path) as town:
        config = write_config(tmp_path, town, window=50, tps=300)
        with office(tmp_path, config, town) as running:
            running.upload("dan", 5_000)
            text = (DATA / "carriers_text.txt").read_text("utf-8").strip()
            sent = running.send(text=text, audience="list:dan", channels=["sms"])
            until(lambda: town.smsc.get("/_sim/received")["messages"] > 100, 30, running.process.tail)
            yield running, sent["id"]
            assert running.view(sent["id"])["counts"]["queued"] > 1_000, "the list had gone out before the cry came"


def test_a_cry_for_help_is_answered_while_a_list_goes_out(saturated: tuple[Office, int]) -> None:
    running, _ = saturated
    assert running.town is not None
    residents = [str(FIRST_NUMBER + 5_000_000 + n) for n in range(5)]
    for resident in residents:
        running.town.resident_says(resident, CRY)
        assert answered_within(running.town.phone, resident) < ANSWER_SECONDS
        time.sleep(0.5)
    ringing = rings(running.ledger_url)
    assert len(ringing) == len(residents)
    assert {one.detail["sender"] for one in ringing} == set(residents)
    assert {one.detail["text"] for one in ringing} == {CRY}
    inbox = running.api.get("/inbox")["items"]
    assert {one["intent"] for one in inbox} == {"CUUHO"}


def test_in_the_demo_too_with_20000_going_out(tmp_path: Path) -> None:
    """As fast as the carrier takes them: 60,000 parts; the resident is one of the people on the phone wall."""
    with demo(tmp_path, "--no-people-reply") as running:
        numbers = "".join(f"0{900_000_000 + n}\n" for n in range(20_000))
        file = tmp_path / "numbers.csv"
        file.write_text(numbers, "utf-8")
        done = running.loa(
            "send", "--file", str(DATA / "carriers_text.txt"), "--to", f"file:{file}", "--channels", "sms",
            "--approver-key", running.said["approver_key"],
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (sent,) = objects(done.stdout)
        until(lambda: running.town.smsc.get("/_sim/received")["messages"] > 1_000, 30, running.process.tail, pause=0.01)
        resident = str(FIRST_NUMBER + 6_000_000)
        running.town.resident_says(resident, CRY)
        assert answered_within(running.town.phone, resident) < ANSWER_SECONDS
        assert sum(running.api.get(f"/broadcasts/{sent['id']}")["counts"].get(s, 0) for s in ("queued", "sending"))
        assert [one.detail["sender"] for one in rings(running.ledger_url)] == [resident]


def answered_within(phone: Any, resident: str) -> float:
    """Seconds on the phone's own clock between the cry and an answer that names 112, without those for which a machine
    that is busy with others let this process stand: it naps meanwhile, and sees how much longer it slept."""
    stood = 0.0

    def answer() -> float | None:
        nonlocal stood
        asleep = time.monotonic()
        time.sleep(NAP)
        stood += time.monotonic() - asleep - NAP
        shown = phone(resident)
        said = next(one["at"] for one in shown if one["sender"] == resident)
        return next((one["at"] - said for one in shown if one["sender"] == "loa" and "112" in one["text"]), None)

    return until(answer, 60, lambda: f"an answer; the phone shows {phone(resident)}", pause=0.0) - stood


def rings(ledger: str) -> list[alarms.Alarm]:
    with reading(ledger) as tx:
        return [one for one in alarms.ringing(tx) if one.kind == "rescue"]
