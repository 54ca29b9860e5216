"""Which of the 166 units a text means. Below certainty it asks: a wrong unit may cost a life, a question one message.

Order of belief: exact spelling, then the folded key; today's names before older ones; a type word that does not fit
today's unit and an old district after the name both lead to the older ones; a misspelt name last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from directory.mentions import COMMUNE_TYPES, Mention, Mentions, Setting
from directory.misspelt import Misspelt
from directory.place_names import Kind, Name, NameBook, PlaceType, load_words
from directory.units import Unit, UnitCatalogue
from text.syllables import Agreement, wrong_marks
from text.words import Word, split_known

MOST_CONTRADICTED: Final = 4  # units offered when the accents fit none of them


@dataclass(frozen=True, slots=True)
class FoundUnits:
    """One unit and `ask` False, several to choose from (the likeliest first) and `ask` True, or none.

    `via`: name, old_name, district, accents, typo, several, or "" for none. `note` names the older place that was
    meant ("Xã Ngư Lộc, Huyện Hậu Lộc"), so that an answer can say so.
    """

    text: str
    ask: bool = False
    units: tuple[Unit, ...] = ()
    via: str = ""
    note: str = ""

    @property
    def unit(self) -> Unit | None:
        """The single answer, None where there is none or we must ask."""
        return self.units[0] if len(self.units) == 1 and not self.ask else None


@dataclass(frozen=True, slots=True)
class Choice:
    """What one mention leads to."""

    names: tuple[Name, ...]
    via: str

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code for name in self.names for code in name.codes))


Chosen = tuple[Mention, Choice]
"""What is written, and what it means."""


class UnitFinder:
    """Finds units in texts. Built once; `find` is pure."""

    def __init__(self, catalogue: UnitCatalogue) -> None:
        self.catalogue: Final = catalogue
        self.book: Final = NameBook(catalogue, load_words())
        self._mentions: Final = Mentions(self.book, Misspelt(self.book))

    def find(self, text: str) -> FoundUnits:
        """`text` is a mention of its own ("x.hauloc") or a sentence around one."""
        words = split_known(text, lambda token: False, self.book.lexicon)
        return self.among(self.choices(words, Setting.ALONE), text)

    def choices(
        self,
        words: Sequence[Word],
        setting: Setting,
        taken: frozenset[int] = frozenset(),
        quiet: frozenset[int] = frozenset(),
    ) -> list[Chosen]:
        """Where `words` name places, and which. Words of `taken` (indices) belong to something else, those of `quiet`
        mean nothing unless they are part of a name."""
        mentions = self._mentions.within(words, setting, taken, quiet)
        return [(one, choice) for one in mentions if (choice := choose(one, words, setting)) is not None]

    def telling(self, chosen: Sequence[Chosen]) -> list[Mention]:
        """The mentions that lead to a unit: a province does not."""
        return [mention for mention, choice in chosen if choice.codes]

    def among(self, chosen: Sequence[Chosen], text: str) -> FoundUnits:
        """The answer to all mentions together."""
        typed = [pair for pair in chosen if pair[0].type in COMMUNE_TYPES]
        decisive = typed if typed and len(typed) < len(chosen) else chosen
        codes = tuple(dict.fromkeys(code for _, choice in decisive for code in choice.codes))
        if not codes:
            return FoundUnits(text)
        units = self.catalogue.units_of(codes)
        if len(decisive) > 1 and len({choice.codes for _, choice in decisive}) > 1:
            return FoundUnits(text, ask=True, units=units, via="several")
        choice = decisive[0][1]
        first = choice.names[0]
        note = first.full if len(choice.names) == 1 and first.kind is Kind.OLD_UNIT else ""
        return FoundUnits(text, len(units) > 1, _in_order(units, choice), choice.via, note)


def find_report(found: FoundUnits) -> dict[str, Any]:
    """`{"text","ask","units":[{"code","name"}…]}` of the command line, with `via` and `note` beside it."""
    units = [{"code": unit.code, "name": unit.name} for unit in found.units]
    return {"text": found.text, "ask": found.ask, "units": units, "via": found.via, "note": found.note}


def choose(mention: Mention, words: Sequence[Word], setting: Setting) -> Choice | None:
    """The place or places that one mention means, None where its accents or its type make it something else."""
    if mention.via:
        return Choice(mention.names, mention.via)
    districts = [name for name in mention.names if name.kind is Kind.DISTRICT]
    if mention.type is PlaceType.DISTRICT and districts:
        return _choice(districts)
    typed = words[mention.name_start : mention.name_end]
    evidence = any(word.marked for word in words[mention.start : mention.end])
    graded: dict[Agreement, list[Name]] = {level: [] for level in Agreement}
    for name in mention.names:
        level = name.agreement(typed)
        graded[level if evidence else min(level, Agreement.PARTIAL)].append(name)
    for level in (Agreement.EXACT, Agreement.PARTIAL):
        if graded[level]:
            chosen = _at_level(graded[level], mention)
            if chosen is not None:
                return chosen
    misfits = [*graded[Agreement.EXACT], *graded[Agreement.PARTIAL]]
    if misfits:
        return _of_another_type(misfits)
    return _contradicted(graded[Agreement.CONTRADICTS], mention, typed, setting)


def _at_level(names: Sequence[Name], mention: Mention) -> Choice | None:
    """Those of `names` that fit the type that was written; None where one was written and none fits."""
    fitting = [name for name in names if mention.type is None or name.type is mention.type]
    if mention.district is not None:
        inside = [name for name in fitting if name.kind in (Kind.UNIT, Kind.OLD_UNIT)]
        return _choice(inside) if inside else None
    current = [name for name in fitting if name.kind is Kind.UNIT]
    if current:
        return _choice([*current, *_also_meant(current, names, mention)])
    if any(name.kind is Kind.PROVINCE and mention.is_own_province(name) for name in fitting):
        return Choice((), "")
    for kind in (Kind.DISTRICT, Kind.OLD_UNIT):  # "Lang Chánh" was a district with a township of the same name
        of_kind = [name for name in fitting if name.kind is kind]
        if of_kind:
            return _choice(of_kind)
    return Choice((), "") if fitting else None


def _also_meant(current: Sequence[Name], names: Sequence[Name], mention: Mention) -> list[Name]:
    """Two units of today share a folded name and the type was to decide, but an older unit of that type and name went
    into the other one: "xa dong tien" was both."""
    if mention.type is None:
        return []
    into = {name.codes[0] for name in names if name.kind is Kind.OLD_UNIT and name.type is mention.type}
    return [name for name in names if name.kind is Kind.UNIT and name not in current and name.codes[0] in into]


def _choice(names: Sequence[Name]) -> Choice:
    kinds = {name.kind for name in names}
    via = "district" if Kind.DISTRICT in kinds else "name" if Kind.UNIT in kinds else "old_name"
    return Choice(tuple(names), via)


def _of_another_type(names: Iterable[Name]) -> Choice:
    """The type fits no place of that name: today's and older ones alike may be meant."""
    communes = [name for name in names if name.kind in (Kind.UNIT, Kind.OLD_UNIT)]
    return _choice(communes) if communes else _choice([name for name in names if name.kind is Kind.DISTRICT])


def _contradicted(names: Sequence[Name], mention: Mention, typed: Sequence[Word], setting: Setting) -> Choice | None:
    """Accents that fit no place ("Ngọc Lạc"): tolerated where one place alone has that folded name."""
    places = [name for name in names if name.kind is not Kind.PROVINCE]
    places = [name for name in places if name.type is mention.type] or places
    explicit = setting is not Setting.SENTENCE or mention.type is not None or mention.district is not None
    wrong = [
        sum(wrong_marks(word.key, known) for word, known in zip(typed, name.spelling, strict=True)) for name in places
    ]
    if not places or (not explicit and min(wrong) > 1):
        return None
    current = [name for name in places if name.kind is Kind.UNIT]
    defaults = {name.codes[0] for name in places if name.kind is not Kind.DISTRICT} or set(places[0].codes)
    if len(defaults) == 1 and current:
        return Choice((current[0],), "accents")
    return Choice(tuple(places), "accents") if len(defaults) <= MOST_CONTRADICTED else None


def _in_order(units: Sequence[Unit], choice: Choice) -> tuple[Unit, ...]:
    """The default of a split unit or the same-name unit of a district first; otherwise by name, as people count."""
    if len(choice.names) == 1:
        return tuple(units)
    return tuple(sorted(units, key=lambda unit: (unit.ascii, unit.type)))
