"""What a message means: one of seventeen intents or UNKNOWN, and its argument. Pure; built once, called per message.

Order of judgement: a cry for help, an order word in front, a damage report, help in general, opting out, a
confirmation, then the phrases of the table by priority, everyday words in their context, weak phrases, misspelt ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.ack_words import confirmation
from bot.context import counts, left_over, near_each_other
from bot.damage import Report, parse_report
from bot.exercise_mark import marked
from bot.keywords import Keywords, Tier
from bot.misheard import Misheard
from bot.phrases import Hit
from bot.reading import SHORTEST_ORDER, Reader, Reading
from bot.waters import RIVER, FoundWater
from directory.unit_finder import FoundUnits, UnitFinder

UNKNOWN: Final = "UNKNOWN"
CUUHO, HUY, BC, DANHAN, HOCHUA, BAO, LU, TROGIUP = "CUUHO", "HUY", "BC", "DANHAN", "HOCHUA", "BAO", "LU", "TROGIUP"

SURE: Final = 1.0
IN_CONTEXT: Final = 0.8
WEAK: Final = 0.6
MISSPELT: Final = 0.5
NOTHING: Final = 0.0

_WITHOUT_PLACE: Final = frozenset({HUY, TROGIUP, UNKNOWN})
_SHORT_ORDERS: Final = frozenset({"dvc", "sos"})


@dataclass(frozen=True, slots=True)
class Understood:
    """`argument` as in `loa ask`: units, waters, documents and figures, joined by ";" in the order in which they stand,
    "AMBIG:" before units to choose from. `certainty` from 0 to 1. `why` names what decided. `unit` is what the finder
    found, `report` the damage report, `designation` the document that is confirmed. `is_command`: nothing is said but
    the order and its argument, so that it is meant for us even in a group."""

    intent: str
    argument: str
    certainty: float
    why: tuple[str, ...]
    unit: FoundUnits
    report: Report | None = None
    designation: str = ""
    waters: tuple[str, ...] = ()
    is_command: bool = False

    @property
    def units(self) -> tuple[str, ...]:
        """Codes of the units that are meant or to choose from."""
        return tuple(unit.code for unit in self.unit.units)


@dataclass(frozen=True, slots=True)
class _Verdict:
    intent: str
    certainty: float
    why: str
    report: Report | None = None
    designations: tuple[str, ...] = ()
    hit: Hit | None = None


class Language:
    """Understands Vietnamese as residents and officials text it."""

    def __init__(self, finder: UnitFinder, keywords: Keywords) -> None:
        self._keywords = keywords
        self._reader = Reader(finder, keywords)
        self._misheard = Misheard(keywords)

    def understand(self, text: str) -> Understood:
        """Never raises, whatever `text` is."""
        if (found := marked(text)) is not None:
            meant = self._understand(found.rest)
            if meant.intent == BC:  # anything else keeps its words: only a report is marked by them
                report = replace(meant.report or Report(), exercise=found.exercise)
                return replace(meant, report=report)
        return self._understand(text)

    def _understand(self, text: str) -> Understood:
        reading = self._reader.read(text)
        verdict = self._judge(text, reading)
        units = reading.units
        ordered = verdict.hit is not None and verdict.hit.end - verdict.hit.start + len(reading.place_words) == len(
            reading.words
        )
        if verdict.intent == BAO and reading.names_another_province and not ordered:
            units = FoundUnits(text)
        why = [verdict.why] if verdict.why else []
        if units.units:
            why.append(f"unit:{units.via}:{'|'.join(unit.name for unit in units.units)}")
        return Understood(
            intent=verdict.intent,
            argument=_argument(verdict, units, reading),
            certainty=verdict.certainty,
            why=(*why, *reading.why),
            unit=units,
            report=verdict.report,
            designation=verdict.designations[0] if len(verdict.designations) == 1 else "",
            waters=tuple(found.water.full for found in reading.waters),
            is_command=self._is_command(verdict, reading),
        )

    def _judge(self, text: str, reading: Reading) -> _Verdict:
        if not reading.words:
            return _Verdict(UNKNOWN, NOTHING, "")
        cry = next((hit for hit in reading.hits if hit.phrase.tier is Tier.CRY), None)
        order = self._order(reading)
        report = self._report(text, reading)
        if cry is not None and (report is None or report.is_empty or _pleads(cry)):
            return _Verdict(CUUHO, SURE, _why("cry", cry), hit=cry)
        if cry is None and (misheard := self._misheard.cry(reading)) is not None:
            return _Verdict(CUUHO, MISSPELT, f"misspelt:{misheard}")
        if report is not None and not report.is_empty:
            return _Verdict(BC, SURE, "report", report)
        return (
            self._ordered(text, reading, order, report)
            or self._from_phrases(reading, (CUUHO, HUY))
            or self._confirmed(text, reading)
            or (_Verdict(BC, SURE, "report", report) if report is not None else None)
            or self._from_phrases(reading, tuple(self._keywords.intents))
            or self._weak(reading)
            or self._misspelt(reading)
            or _Verdict(UNKNOWN, NOTHING, "")
        )

    # -- orders and reports ---------------------------------------------------------------------------------------

    def _order(self, reading: Reading) -> str | None:
        """The intent whose order word ("SOTAN") begins the message."""
        first = reading.first_token
        if len(first) < SHORTEST_ORDER and first not in _SHORT_ORDERS:
            return None
        return next((code for code, intent in self._keywords.intents.items() if first in intent.keywords), None)

    def _ordered(self, text: str, reading: Reading, order: str | None, report: Report | None) -> _Verdict | None:
        if order is None or order == BC:
            return None
        if order == DANHAN:
            return self._confirmed(text, reading)
        return _Verdict(order, SURE, f"order:{order}")

    def _report(self, text: str, reading: Reading) -> Report | None:
        """A report where the text orders one ("BC …", "báo cáo nhanh …"); None where it does not."""
        keywords = self._keywords
        strong = any(hit.phrase.intent == BC and hit.phrase.tier is Tier.PHRASE for hit in reading.hits)
        at = reading.report_word
        if not strong and at is None:
            return parse_report(text, keywords) if reading.is_bare_figures else None
        report = parse_report(text, keywords)
        is_about_damage = not report.is_empty or strong or reading.begins_with_bc or reading.only_report_word
        return report if is_about_damage else None

    def _confirmed(self, text: str, reading: Reading) -> _Verdict | None:
        found = confirmation(text, reading.words, reading.place_words, self._keywords.ack)
        if found is None:
            return None
        return _Verdict(DANHAN, SURE, found.why, designations=found.designations)

    # -- phrases --------------------------------------------------------------------------------------------------

    def _from_phrases(self, reading: Reading, allowed: Sequence[str]) -> _Verdict | None:
        """The intent of highest priority among `allowed` that a phrase, or an everyday word in its context, names."""
        for code in self._keywords.intents:
            if code not in allowed or code in (BC, DANHAN):
                continue
            for hit in reading.hits:
                if hit.phrase.intent != code or hit.phrase.tier not in (Tier.PHRASE, Tier.WORD):
                    continue
                if hit.phrase.tier is Tier.PHRASE:
                    return _Verdict(code, SURE, _why("phrase", hit), hit=hit)
                if counts(hit, reading, self._keywords):
                    return _Verdict(code, IN_CONTEXT, _why("word", hit), hit=hit)
            pair = near_each_other(reading, self._keywords.intents[code], self._keywords)
            if pair is not None:
                return _Verdict(code, IN_CONTEXT, f"together:{pair}")
            if code == HOCHUA and any(found.water.kind != RIVER for found in reading.waters):
                return _Verdict(HOCHUA, IN_CONTEXT, "water")
        return None

    def _weak(self, reading: Reading) -> _Verdict | None:
        for code in self._keywords.intents:
            for hit in reading.hits:
                if hit.phrase.intent == code and hit.phrase.tier is Tier.FALLBACK:
                    return _Verdict(code, WEAK, _why("fallback", hit), hit=hit)
        if reading.waters and not left_over(reading, self._keywords):
            return _Verdict(LU, WEAK, "water")
        return None

    def _misspelt(self, reading: Reading) -> _Verdict | None:
        found = self._misheard.intent(reading)
        return _Verdict(found[0], MISSPELT, f"misspelt:{found[1]}") if found is not None else None

    def _is_command(self, verdict: _Verdict, reading: Reading) -> bool:
        if verdict.intent in (UNKNOWN, DANHAN):
            return False
        return verdict.why.startswith("order:") or not left_over(reading, self._keywords, verdict.hit)


def _pleads(hit: Hit) -> bool:
    """ "cứu với" in a report is a cry all the same; "bị cuốn trôi" may be a line of it."""
    return hit.phrase.folded[0] in ("cuu", "sos", "help", "save", "rescue", "ket", "mac")


def _why(kind: str, hit: Hit) -> str:
    return f"{kind}:{' '.join(hit.phrase.words)}"


def _argument(verdict: _Verdict, units: FoundUnits, reading: Reading) -> str:
    """Units and waters in the order in which the text names them, then documents and figures."""
    if verdict.intent in _WITHOUT_PLACE:
        return ""
    parts: list[tuple[int, str]] = []
    if units.units:
        names = "|".join(unit.name for unit in units.units)
        parts.append((reading.first_place, f"AMBIG:{names}" if units.ask else names))
    parts.extend((found.start, found.water.full) for found in _telling(reading.waters))
    said = [part for _, part in sorted(parts, key=lambda part: part[0])]
    said.extend(verdict.designations)
    if verdict.report is not None and verdict.report.argument:
        said.append(verdict.report.argument)
    return ";".join(dict.fromkeys(said))


def _telling(waters: Sequence[FoundWater]) -> Sequence[FoundWater]:
    named = [found for found in waters if not found.bare]
    return named or waters
