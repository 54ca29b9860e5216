"""(d) Understanding a message: intent, unit and figures, in CPU time of one core (the goal is a p99 under 2 ms).

CPU time and not the clock's, so that the figure does not depend on what else the machine does. `text` beside it: what
a bulk import and a bulk SMS spend on pure text functions.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.intents import Language
from bot.keywords import load as load_keywords
from directory import units
from directory.unit_finder import UnitFinder
from text.numbers import msisdns
from text.safe import to_safe
from text.segments import measure

TABLES = Path(__file__).resolve().parent.parent / "tests" / "data"
ROUNDS = 5
NUMBERS = 200_000
CHUNK = 1_000
LONG = "Nhà em ở xã Hoằng Châu nước lên nhanh quá, đường ngập hết rồi chưa biết sơ tán đi đâu " * 10


def _column(table: str, name: str) -> list[str]:
    with (TABLES / table).open(encoding="utf-8", newline="") as file:
        return [row[name] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def _cpu(work: Callable[[str], object], texts: Sequence[str]) -> list[float]:
    """CPU milliseconds of each call, sorted; the first round warms the caches as the first minute of service does."""
    spent: list[float] = []
    for round_no in range(ROUNDS + 1):
        for text in texts:
            begun = time.thread_time_ns()
            work(text)
            if round_no:
                spent.append((time.thread_time_ns() - begun) / 1e6)
    return sorted(spent)


def _line(name: str, spent: Sequence[float]) -> str:
    mean = sum(spent) / len(spent)
    middle, high = spent[len(spent) // 2], spent[int(len(spent) * 0.99)]
    return f"  {name}: p50 {middle:.2f} ms, p99 {high:.2f} ms, {1000 / mean:,.0f} messages/s on one core"


async def main() -> None:
    finder = UnitFinder(units.load())
    language = Language(finder, load_keywords())
    messages = [text for name in ("keywords.tsv", "keywords_more.tsv") for text in _column(name, "text")]
    mentions = [text for name in ("communes_mentions.tsv", "units_more.tsv") for text in _column(name, "mention")]
    print("(d) language")
    print(_line(f"{len(messages)} messages understood", _cpu(language.understand, messages)))
    print(_line(f"{len(mentions)} mentions of units found", _cpu(finder.find, mentions)))
    print(_line(f"a text of {len(LONG)} characters understood", _cpu(language.understand, [LONG] * 50)))
    print(_line("texts made safe and counted", _cpu(lambda text: measure(to_safe(text).text), messages)))
    lines = [f"0{900_000_000 + number}" for number in range(NUMBERS)]
    begun = time.thread_time()
    for at in range(0, NUMBERS, CHUNK):
        msisdns(lines[at : at + CHUNK])
    print(f"  {NUMBERS / (time.thread_time() - begun):,.0f} phone numbers/s read")
