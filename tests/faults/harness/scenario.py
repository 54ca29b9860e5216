"""One run: a directive to many units with escalation and a list beside it, people writing, things going wrong, quiet,
and the comparison."""

from __future__ import annotations

import csv
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from broadcasts.states import WORKING
from broadcasts.windows import MARKED_AT_ONCE, WINDOWS_AT_ONCE
from tests.faults.harness import traffic
from tests.faults.harness.compare import Night, compared, heard, nothing_stuck_in, unheard
from tests.faults.harness.evidence import provider_of, read_books, read_phones
from tests.faults.harness.faults import Doom, provider_kinds
from tests.faults.harness.figures import Figures, measured
from tests.faults.harness.fostered import Nursery
from tests.faults.harness.house import House
from tests.faults.harness.plan import Fault, drawn
from tests.faults.harness.surroundings import WINDOW, Size, Surroundings, surroundings
from tests.faults.harness.traffic import Street
from tests.faults.harness.watching import Watcher
from tests.living import FIRST_NUMBER

FIRST_LISTED: Final = FIRST_NUMBER + 300_000
MARK: Final = "so do 7719"
DIRECTIVE: Final = f"Bão số 5 vào đêm nay. Xã, phường sơ tán dân ven biển xong trước 9 giờ, {MARK}."
LIST_TEXT: Final = "Bao so 5 vao dem nay. Ba con ven bien di so tan truoc 9 gio."
CHAIN: Final = (
    {"after": "0s", "channels": ["zalo", "telegram"], "roles": ["chairman"]},
    {"after": "2s", "channels": ["sms"], "roles": ["chairman"], "unless": "delivered"},
    {"after": "4s", "channels": ["sms"], "roles": ["deputy"], "unless": "acknowledged"},
    {"after": "6s", "channels": ["sms"], "roles": ["duty"], "unless": "acknowledged"},
    {"after": "7s", "call": True},
)
STILL_SECONDS: Final = 60.0
"""Nothing at all has changed for so long: it is stuck. Longer than any pause between two tries here."""
QUIET_SECONDS: Final = 400.0
"""On a machine with much other work."""
QUIET_PAUSE_SECONDS: Final = 0.4
READ_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Setting:
    """How Loa runs, and how much there is to do for it."""

    build: Callable[[Surroundings, Nursery, float], House]
    size: Size


@dataclass(slots=True)
class Run:
    """`broken` empty: everything held."""

    seed: int
    faults: list[Fault]
    broken: list[str]
    figures: Figures
    seconds: float
    looks: int = 0


def night(
    seed: int, folder: Path, setting: Setting, nursery: Nursery, lease: float, faults: list[Fault] | None = None
) -> Run:
    """Everything, from nothing to the comparison. `folder` is new and keeps the logs."""
    started = time.time()
    with ExitStack() as stack:
        around = stack.enter_context(surroundings(folder, seed, setting.size, nursery))
        house = setting.build(around, nursery, lease)
        stack.callback(house.end)
        house.open()
        plan = drawn(seed, [*house.kinds(), *provider_kinds()]) if faults is None else faults
        duplicates_ok = random.Random(f"policy:{seed}").random() < 1 / 3
        directive, listed = _approved(around, house, duplicates_ok)
        begun = time.time()
        street = Street(around, begun)
        doom = Doom(house, around, street, begun)
        watcher = Watcher(house)
        watcher.start()
        walking = threading.Thread(target=street.walk, args=(traffic.evening(seed),))
        walking.start()
        doom.run(plan)
        walking.join()
        quiet = _quiet(house, around)
        watcher.stop()
        broken = [] if quiet is None else [f"no quiet: {quiet}"]
        broken += doom.failed
        compared_night = _gathered(
            house, around, street, watcher, directive, listed, duplicates_ok, rests=quiet is None
        )
        if quiet is None:  # what still moves cannot be compared
            broken += compared(compared_night)
        if broken:
            _keep_books(house, folder)
        figures = measured(compared_night, doom.suffered)
        broken += _never_again(figures)
        try:
            house.stop()
        except AssertionError as failed:
            broken.append(f"stop: {failed}")
        return Run(seed, plan, broken, figures, time.time() - started, watcher.looks)


def _approved(around: Surroundings, house: House, duplicates_ok: bool) -> tuple[int, int]:
    """People, a list, two broadcasts that were approved: their numbers."""
    house.furnish(around.people, "dan", around.size.numbers, FIRST_LISTED)
    units = ",".join(sorted({one["unit_code"] for one in _leaders(around)}))
    directive = house.draft(
        title="Lệnh sơ tán", text=DIRECTIVE, audience=f"unit:{units}", channels=["zalo", "telegram", "sms"],
        urgency="hoa-toc", escalation=list(CHAIN),
    )  # fmt: skip
    listed = house.draft(text=LIST_TEXT, audience="list:dan", channels=["sms"], duplicate_ok=duplicates_ok)
    house.approve(directive)
    house.approve(listed)
    return int(directive["id"]), int(listed["id"])


def _leaders(around: Surroundings) -> list[dict[str, str]]:
    with around.people.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _quiet(house: House, around: Surroundings) -> str | None:
    """Wait until nothing moves any more; what still does, when it stands still or takes too long."""
    began = moved = time.monotonic()
    before, moving = None, "nothing was read"
    while time.monotonic() < min(moved + STILL_SECONDS, began + QUIET_SECONDS):
        time.sleep(QUIET_PAUSE_SECONDS)
        try:
            moving, state = _moving(house, around)
        except OSError as unreadable:
            moving, before = str(unreadable), None
            continue
        if not moving and state == before and not (moving := _unheard(house, around)):
            return None
        if state != before:
            moved = time.monotonic()
        before = state
    return moving or "what is known still changes"


def _moving(house: House, around: Surroundings) -> tuple[str, Any]:
    """(what is still under way, figures that change with everything that happens)"""
    counted = house.rows("SELECT status, count(*) FROM delivery GROUP BY status ORDER BY status")
    kept = house.rows("SELECT state, count(*) FROM inbox GROUP BY state ORDER BY state")
    hook = around.town.zalo.get("/_sim/webhook")
    carrier = around.town.smsc.get("/_sim/sessions")
    under_way = {
        "deliveries to send": sum(count for status, count in counted if status in WORKING),
        "open chunks": house.rows("SELECT count(*) FROM chunk WHERE state < 2")[0][0],
        "unread messages": dict(kept).get("new", 0),
        "steps due": house.rows("SELECT count(*) FROM rollcall WHERE next_at IS NOT NULL")[0][0],
        "events of Zalo": hook["under_way"] if hook["enabled"] else 0,
        "receipts of the carrier": carrier["waiting"] + carrier["unanswered"],
    }
    words = ", ".join(f"{name} {count}" for name, count in under_way.items() if count)
    return words, (counted, kept, around.town.smsc.get("/_sim/received"))


def _unheard(house: House, around: Surroundings) -> str:
    """What people wrote and the inbox has not yet; "" where it has all of it, but for what Zalo gave up telling us."""
    kept: Counter[tuple[str, str]] = Counter()
    for channel, sender, count in house.rows("SELECT channel, sender, count(*) FROM inbox GROUP BY channel, sender"):
        kept[provider_of(channel), sender] += count
    missing = unheard(read_phones(around).typed, kept, _given_up(around))
    return f"messages on their way in {missing}" if missing else ""


def _given_up(around: Surroundings) -> int:
    """Events that Zalo will not tell any more."""
    counts = around.town.zalo.get("/_sim/webhook")["counts"]
    return sum(counts.get(name, 0) for name in ("given_up", "unwanted", "refused"))


def _gathered(
    house: House,
    around: Surroundings,
    street: Street,
    watcher: Watcher,
    directive: int,
    listed: int,
    duplicates_ok: bool,
    *,
    rests: bool,
) -> Night:
    """`rests`: it has come to rest, so that whatever moves yet is waited for; what then never arrives is told of."""
    chairmen = [one for one in _leaders(around) if one["role"] == "chairman"]
    phones = read_phones(around)
    for _ in range(READ_TRIES):  # somebody may have been thinking all the time, and writes only now
        books, before, phones = read_books(house, directive, listed), phones, read_phones(around)
        missing = unheard(phones.typed, heard(books.inbox), _given_up(around))
        if before == phones and not missing and not any(nothing_stuck_in(books)):
            break
        if not rests or _quiet(house, around) is not None:
            break
    return Night(
        books=books,
        phones=phones,
        said=street.said,
        fell=watcher.fell,
        listed=listed,
        doubt_most=MARKED_AT_ONCE * (WINDOW // WINDOWS_AT_ONCE) + int(around.size.tps * around.size.flushed),
        numbers=[str(FIRST_LISTED + n) for n in range(around.size.numbers)],
        leaders=frozenset((family, one[family]) for one in chairmen for family in ("zalo", "telegram") if one[family]),
        units=frozenset(one["unit_code"] for one in chairmen),
        mark=MARK,
        duplicates_ok=duplicates_ok,
        unsent_calls=_given_up(around),
    )


KEPT: Final = (
    "delivery",
    "delivery_event",
    "receipt",
    "receipt_orphan",
    "inbox",
    "chunk",
    "broadcast_event",
    "rollcall",
)


def _keep_books(house: House, folder: Path) -> None:
    """The ledger's tables as JSON lines, for whoever looks at a run that broke: a server's database goes with it."""
    for table in KEPT:
        rows = house.rows(f"SELECT * FROM {table}")
        (folder / f"{table}.jsonl").write_text("".join(json.dumps(row, default=repr) + "\n" for row in rows), "utf-8")


def _never_again(figures: Figures) -> list[str]:
    return [f"recovery: nothing left after {name}" for name, seconds in figures.recovery if seconds == float("inf")]
