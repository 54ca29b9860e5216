"""What an office may change of the shipped texts and tables, put together: each kind beside what it changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence

from bot.answer_texts import AnswerTexts
from bot.keyword_texts import KeywordTexts
from bot.vocabulary import Vocabulary
from broadcasts.carrier_orders.carrier_texts import CarrierTexts
from broadcasts.carrier_orders.model import Carrier
from broadcasts.chain_texts import ChainTexts
from broadcasts.office_texts import READ_AGAIN_SECONDS, OfficeTexts
from broadcasts.prepared import office_templates
from broadcasts.steps import Step
from broadcasts.template_texts import TemplateTexts
from broadcasts.templates import TemplateSet
from directory.units import UnitCatalogue
from lanes.port import Bus
from loa.settings import Settings
from loa.settings_sections import FAMILIES
from loa.texts import bot_office, office_facts
from store.engine import Ledger


class OfficeTextRoom:
    """`templates`, `chains` and `carriers` are what the running rooms read: changed in place."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        bus: Bus,
        units: UnitCatalogue,
        templates: TemplateSet,
        chains: MutableMapping[str, Sequence[Step]],
        carriers: list[Carrier],
        vocabulary: Vocabulary,
    ) -> None:
        self.texts = OfficeTexts(
            ledger,
            bus,
            (
                TemplateTexts(office_templates(), templates, office_facts(settings), settings.limits.sms_parts),
                KeywordTexts(units, vocabulary.change),
                AnswerTexts(units, bot_office(settings), vocabulary.reword),
                ChainTexts(chains, FAMILIES),
                CarrierTexts(carriers),
            ),
        )

    def jobs(self) -> tuple[tuple[Callable[[], Awaitable[object]], float], ...]:
        return ((self.texts.refresh, READ_AGAIN_SECONDS),)
