"""What stands around Loa in a run: the simulated providers and their people, a link to each, and the settings that
point Loa at the links. The providers' memory of what phones got is in a process that is never killed; what is killed
is the gateway in front of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.faults.harness.links import Link
from tests.living import Town, simulators, write_config
from tests.processes import ROOT

PEOPLE: Final = ROOT / "data" / "sample" / "people.csv"
PEOPLE_SPEED: Final = 60.0
"""Leaders answer sixty times faster than in life: after 0.1 to 10 s."""
WEBHOOK_TIME_SCALE: Final = 0.008
"""Zalo repeats after 0.2, 2.4, 7.2, 14.4 and 28.8 s in place of half a minute to an hour."""
WINDOW: Final = 50
TPS: Final = 400.0
ANSWER_SECONDS: Final = 3.0
"""Longest wait for a provider's answer; the product's are 15 to 60 s."""
PROVIDERS: Final = ("zalo", "telegram", "smsc")


@dataclass(slots=True)
class Surroundings:
    """`links` by provider, and `hooks`: the way from Zalo to Loa's web."""

    folder: Path
    town: Town
    links: dict[str, Link]

    def provider(self, name: str) -> Any:
        """Its control API, beside the link."""
        return getattr(self.town, name)

    def write_config(self, more: str = "") -> Path:
        """Loa's settings, each provider at the address of its link."""
        links = self.links
        urls = {"zalo": links["zalo"].url, "telegram": links["telegram"].url, "smsc": links["smsc"].address}
        seen = Town(self.town.process, urls, self.town.zalo, self.town.telegram, self.town.smsc)
        path = write_config(
            self.folder, seen, channels=("zalo", "telegram", "sms"), window=WINDOW, tps=TPS, give_up_after=3.0,
            close_after=600.0, more=more,
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
def surroundings(folder: Path, seed: int) -> Iterator[Surroundings]:
    with ExitStack() as stack:
        people = ("--people", str(PEOPLE), "--seed", str(seed), "--speed", str(PEOPLE_SPEED))
        town = stack.enter_context(simulators(folder, *people, replies=True))
        town.zalo.post("/_sim/faults", {"webhook_time_scale": WEBHOOK_TIME_SCALE, "seen_seconds": 0.2})
        links: dict[str, Link] = {}
        for name in PROVIDERS:
            links[name] = Link(name, str(town.urls[name]).removeprefix("http://"), folder)
            stack.callback(links[name].end)
        links["hooks"] = Link("hooks", "127.0.0.1:9", folder)
        stack.callback(links["hooks"].end)
        yield Surroundings(folder, town, links)
