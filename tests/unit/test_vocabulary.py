"""The keyword table is read again while the service runs; a broken one is refused and the old one stays."""

from __future__ import annotations

from pathlib import Path

from bot.answering import Answering
from bot.answers import Answers, Office
from bot.intents import Language
from bot.keywords import KEYWORDS_FILE, load
from bot.vocabulary import Vocabulary
from bot.wording import load as load_wording
from directory.unit_finder import UnitFinder
from directory.units import load as load_units

UNITS = load_units()


async def test_a_word_that_is_added_is_understood_at_once_and_a_broken_table_is_not_taken(tmp_path: Path) -> None:
    table = tmp_path / "keywords.toml"
    whole = KEYWORDS_FILE.read_text("utf-8")
    table.write_text(whole, "utf-8")
    answering = Answering(Language(UnitFinder(UNITS), load(table)), Answers(Office()), load_wording(), UNITS)
    vocabulary = Vocabulary(answering, UNITS, table)
    assert answering.understand("quay hang rong").intent == "UNKNOWN"
    assert not await vocabulary.tick()
    table.write_text(whole.replace('keyword = ["BCCI"]', 'keyword = ["BCCI", "QUAYHANG"]', 1)
                     .replace('phrases = ["bcci",', 'phrases = ["bcci", "quầy hàng rong",', 1), "utf-8")  # fmt: skip
    assert await vocabulary.tick()
    assert answering.understand("quay hang rong").intent == "BCCI"
    table.write_text("[intent", "utf-8")
    assert not await vocabulary.tick()
    assert answering.understand("quay hang rong").intent == "BCCI"
    table.unlink()
    assert not await vocabulary.tick()
