"""Carrying a plan out: each fault in a thread of its own, at its moment; what it hits suffers one thing at a time."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.faults.harness.house import House
from tests.faults.harness.plan import Fault, Kind
from tests.faults.harness.surroundings import PROVIDERS, Surroundings
from tests.faults.harness.traffic import Street

PROVIDER_KNOBS: Final[dict[str, tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "smsc-throttles": ("smsc", {"throttle_tps": 60.0}, {"throttle_tps": 0.0}),
    "smsc-drops-answers": ("smsc", {"silent_every": 40}, {"silent_every": 0}),
    "smsc-receipts-first": ("smsc", {"receipt_first": True, "receipt_twice": True},
                            {"receipt_first": False, "receipt_twice": False}),
    "smsc-receipts-late": ("smsc", {"receipt_delay": 0.5, "receipt_jitter": 2.0},
                           {"receipt_delay": 0.0, "receipt_jitter": 0.0}),
    "zalo-drops-answers": ("zalo", {"drop_after_commit": 6}, {"drop_after_commit": 0}),
    "zalo-502": ("zalo", {"outage": "502"}, {"outage": ""}),
    "zalo-events-doubled": ("zalo", {"webhook_duplicate": True, "webhook_reorder": True},
                            {"webhook_duplicate": False, "webhook_reorder": False}),
    "zalo-events-early": ("zalo", {"events_before_reply": True}, {"events_before_reply": False}),
    "telegram-drops-answers": ("telegram", {"drop_after_accept": 4}, {"drop_after_accept": 0}),
    "telegram-throttles": ("telegram", {"throttle_next": 8, "retry_after": 1}, {"throttle_next": 0}),
}  # fmt: skip
"""(provider, knobs turned, knobs turned back)"""
KILL_SIMULATORS: Final = "kill-simulators"
LINK_FAULTS: Final = ("cut", "stall", "refuse", "kill")


def provider_kinds() -> list[Kind]:
    """What can go wrong outside of Loa, in every setting."""
    kinds = [Kind(name, f"knobs-{about[0]}", 0.5, 3.0, weight=0.6) for name, about in PROVIDER_KNOBS.items()]
    for link in (*PROVIDERS, "hooks"):
        weight = 0.8 if link == "smsc" else 0.4
        kinds += [Kind(f"{what}-{link}", f"link-{link}", 0.3, 2.5, weight) for what in LINK_FAULTS]
    kinds.append(Kind(KILL_SIMULATORS, "simulators", 0.0, 1.5, weight=2.0, hard=True))
    return kinds


@dataclass(slots=True)
class Suffered:
    """A fault as it was: epoch seconds. `probe`: by which provider somebody cried for help at its end."""

    fault: Fault
    began: float
    ended: float
    probe: str


class Doom:
    """`run` carries all of it out and returns when the last fault is over; `suffered` and `failed` tell of it."""

    def __init__(self, house: House, around: Surroundings, street: Street, begun: float) -> None:
        self._house = house
        self._around = around
        self._street = street
        self._begun = begun
        self._busy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self.suffered: list[Suffered] = []
        self.failed: list[str] = []
        """What the harness itself could not do."""

    def run(self, faults: Sequence[Fault]) -> None:
        threads = [threading.Thread(target=self._one, args=(fault, self._busy[fault.kind.hits])) for fault in faults]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _one(self, fault: Fault, busy: threading.Lock) -> None:
        time.sleep(max(0.0, self._begun + fault.at - time.time()))
        with busy:
            began = time.time()
            try:
                ended = self._act(fault.kind.name)(fault.seconds)
            except Exception as raised:
                self.failed.append(f"{fault}: {raised!r}")
                return
        probe = next((name for name in PROVIDERS if fault.kind.hits.endswith(name)), "smsc")
        self._street.cry(probe)
        self.suffered.append(Suffered(fault, began, ended, probe))

    def _act(self, name: str) -> Callable[[float], float]:
        what, _, link = name.partition("-")
        if name == KILL_SIMULATORS:
            return self._around.providers.kill
        if name in PROVIDER_KNOBS:
            return lambda seconds: self._turn(name, seconds)
        if what in LINK_FAULTS and link in self._around.links:
            return lambda seconds: self._link(what, link, seconds)
        return lambda seconds: self._house.suffer(name, seconds)

    def _link(self, what: str, name: str, seconds: float) -> float:
        link = self._around.links[name]
        if what == "cut":
            link.cut()
        else:
            {"stall": link.stall, "refuse": link.refuse, "kill": link.kill}[what](seconds)
        return time.time()

    def _turn(self, name: str, seconds: float) -> float:
        provider, worse, better = PROVIDER_KNOBS[name]
        self._around.providers.post(provider, "/_sim/faults", worse)
        time.sleep(seconds)
        self._around.providers.post(provider, "/_sim/faults", better)
        return time.time()
