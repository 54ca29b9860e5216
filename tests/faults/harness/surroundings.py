"""What stands around Loa in a run: the simulated providers and their people, a link to each, and the settings that
point Loa at the links. Links and providers are killed alike; what phones got, and what the providers owe us, is in the
providers' journals."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.faults.harness.fostered import Nursery
from tests.faults.harness.links import Link
from tests.faults.harness.providers import Providers
from tests.living import Town, write_config
from tests.processes import ROOT

PEOPLE: Final = ROOT / "data" / "sample" / "people.csv"
WINDOW: Final = 50
ANSWER_SECONDS: Final = 3.0
"""Longest wait for a provider's answer; the product's are 15 to 60 s."""
PROVIDERS: Final = ("zalo", "telegram", "smsc")


@dataclass(frozen=True, slots=True)
class Size:
    """How much work a run is: units of the directive, numbers of the list, and how many SMS a second the account may
    send. The list takes about as long as faults come."""

    units: int
    numbers: int
    tps: float
    flushed: float
    """Seconds until an answer is in the ledger, at the most, on a machine with other work."""


@dataclass(slots=True)
class Surroundings:
    """`links` by provider, and `hooks`: the way from Zalo to Loa's web. `people`: the file of the leaders."""

    folder: Path
    size: Size
    people: Path
    providers: Providers
    links: dict[str, Link]

    @property
    def town(self) -> Town:
        return self.providers.town

    def provider(self, name: str) -> Any:
        """Its control API, beside the link."""
        return getattr(self.town, name)

    def write_config(self, more: str = "") -> Path:
        """Loa's settings, each provider at the address of its link."""
        links = self.links
        urls = {"zalo": links["zalo"].url, "telegram": links["telegram"].url, "smsc": links["smsc"].address}
        town = self.town
        seen = Town(town.process, urls, town.zalo, town.telegram, town.smsc)
        path = write_config(
            self.folder, seen, channels=("zalo", "telegram", "sms"), window=WINDOW, tps=self.size.tps,
            give_up_after=3.0, close_after=600.0, more=more,
        )  # fmt: skip
        text = path.read_text("utf-8")
        text = text.replace("timers = { response = 10,", f"timers = {{ response = {ANSWER_SECONDS},")
        quick = f"[adapters.telegram]\nanswer_seconds = {ANSWER_SECONDS}\nper_second = 300\n"
        path.write_text(text.replace("[adapters.telegram]\n", quick), "utf-8")
        return path

    def open_hooks(self, address: str) -> None:
        """Zalo hears where our webhook is, once."""
        self.links["hooks"].aim(address)
        hook = f"{self.links['hooks'].url}/hooks/zalo.oa"
        assert self.town.zalo.post("/_sim/webhook", {"url": hook})["enabled"] is True


@contextmanager
def surroundings(folder: Path, seed: int, size: Size, nursery: Nursery) -> Iterator[Surroundings]:
    with ExitStack() as stack:
        people = some_people(folder, size.units)
        providers = Providers(folder, nursery, ("--people", str(people), "--seed", str(seed)))
        stack.callback(providers.end)
        links: dict[str, Link] = {}
        for name in PROVIDERS:
            links[name] = Link(name, str(providers.town.urls[name]).removeprefix("http://"), folder)
            stack.callback(links[name].end)
        links["hooks"] = Link("hooks", "127.0.0.1:9", folder)
        stack.callback(links["hooks"].end)
        yield Surroundings(folder, size, people, providers, links)


def some_people(folder: Path, units: int) -> Path:
    """The leaders of so many units of the sample, from all over the province."""
    with PEOPLE.open(encoding="utf-8") as lines:
        everybody = list(csv.DictReader(lines))
    codes = list(dict.fromkeys(one["unit_code"] for one in everybody))
    chosen = {codes[n * len(codes) // units] for n in range(units)}
    path = folder / "people.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, everybody[0].keys())
        writer.writeheader()
        writer.writerows(one for one in everybody if one["unit_code"] in chosen)
    return path
