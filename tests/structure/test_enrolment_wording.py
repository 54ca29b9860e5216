"""What the directory and enrolment say by a key that is put together has a sentence in both languages."""

from __future__ import annotations

import pytest

from adapters.manual import codes as manual_codes
from bot.notes import NOTES
from bot.wording import load
from directory.book import CALLED
from directory.columns import load_words
from directory.enrolment import Redeemed
from directory.enrolment_sheet import WHO
from store import paths
from web.console.directory import GAPS
from web.console.enrolment import SHOWN, STATES
from web.locale import LANGUAGES, catalogue

KEYS = (
    *(f"directory.gap.{gap}" for gap in GAPS),
    *(f"directory.way.{state}" for state in ("proved", "old", "never", "shut")),
    *(f"directory.proof.{kind}" for kind in (paths.DELIVERED, paths.SEEN, paths.INBOUND, paths.ENROLLED, "other")),
    *(f"enrol.progress.{state}" for state in STATES),
    *(f"enrol.state.{state}" for state in ("confirmed", "refused", "revoked")),
    *(f"enrol.reason.{reason}" for reason in ("moved", "removed", "replaced", "left")),
    *(f"enrol.group.{shown}" for shown in SHOWN),
    *(f"enrol.who.{who}" for who in WHO),
    *(f"import.what.{what}" for what in ("added", "changed", "removed")),
    *(f"by_hand.answer.{one}" for one in (manual_codes.POSTED, manual_codes.DECLINED, manual_codes.EXPIRED)),
    *(f"channel.{family}" for family in load_words().families),
)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_key_has_a_sentence(lang: str) -> None:
    say = catalogue(lang)
    assert [key for key in KEYS if not say.has(key)] == []


def test_whatever_becomes_of_a_code_is_told_and_noted() -> None:
    sentences = load().sentences
    for how in Redeemed:
        assert f"enrol_{how.value}" in sentences
        assert f"enrol_{how.value}" in NOTES


def test_numbers_that_are_called_are_families_of_the_import() -> None:
    assert set(CALLED) <= set(load_words().families)
