"""A draft looked at from all sides, what it would cost, its code, and the columns that keep it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from adapters.contract import Now
from broadcasts.drafting import DeskSettings, Prepared, prepare
from broadcasts.model import Draft, Refusal, RefusalKind
from broadcasts.own_steps import shown
from broadcasts.pricing import Pricing
from broadcasts.routes import Routes
from broadcasts.shown import Preview
from broadcasts.templates import TemplateSet
from directory.audience import resolve
from directory.expression import parse_audience
from directory.units import UnitCatalogue
from store import broadcasts
from store.broadcasts import BroadcastRow
from store.engine import Tx
from text.dates import OFFICE_ZONE

Cost = dict[str, Any] | None


class Composer:
    """Everything that a draft is measured against. It reads the ledger and writes nothing."""

    def __init__(
        self, routes: Routes, catalogue: UnitCatalogue, templates: TemplateSet, settings: DeskSettings, now: Now
    ) -> None:
        self.settings = settings
        self.templates = templates
        self._routes = routes
        self._catalogue = catalogue
        self._pricing = Pricing(routes)
        self._now = now

    def quoted(self, tx: Tx, draft: Draft, code: str) -> tuple[Prepared, Cost]:
        """Never raises for what an officer typed: see `Prepared.problems`."""
        looked = self._look(tx, draft, code)
        return looked, self.cost(tx, looked)

    def cost(self, tx: Tx, looked: Prepared) -> Cost:
        return self._pricing.quote(tx, looked)

    def checked(self, tx: Tx, draft: Draft, code: str) -> Prepared:
        """As a draft may be kept. Raises `Refusal` (`invalid_draft`) with every problem at once."""
        looked = self._look(tx, draft, code)
        if not all(problem.draft_ok for problem in looked.problems):
            raise Refusal(RefusalKind.INVALID, "invalid_draft", tuple(looked.problems))
        return looked

    def prepared(self, tx: Tx, draft: Draft, code: str) -> Prepared:
        """As approval is asked for it: a draft lacks nothing more. Raises `Refusal` with every problem."""
        looked = self._look(tx, draft, code)
        if looked.problems:
            raise Refusal(RefusalKind.INVALID, "invalid_draft", tuple(looked.problems))
        return looked

    def _look(self, tx: Tx, draft: Draft, code: str) -> Prepared:
        now = self._now()
        looked = prepare(tx, draft, code, now, self.settings, self._routes, self._catalogue, self.templates)
        self._pricing.check(tx, looked)
        return looked

    def stored(self, draft: Draft, prepared: Prepared) -> dict[str, Any]:
        """The columns of a broadcast that the draft gives."""
        content = {
            "draft": draft.model_dump(),
            "template": draft.template,
            "blanks": draft.blanks,
            "forms": prepared.content.forms,
            "changes": [{"from": one.source, "to": one.target} for one in prepared.content.changes],
            "attachments": prepared.attachments,
        }
        return {
            "mode": draft.mode,
            "kind": prepared.kind,
            "urgency": prepared.urgency,
            "title": prepared.content.title,
            "content": orjson.dumps(content).decode(),
            "audience": draft.audience,
            "frozen": orjson.dumps(prepared.frozen()).decode(),
            "plan": prepared.plan.model_dump_json(),
            "duplicate_ok": int(draft.duplicate_ok),
            "valid_until": prepared.valid_until,
            "fire_at": prepared.fire_at,
            "supersedes": prepared.supersedes,
        }

    def next_code(self, tx: Tx) -> str:
        """TB<month><year>-<n>, counted within the month: short enough to be typed on a feature phone."""
        prefix = f"{self.settings.code_prefix}{datetime.fromtimestamp(self._now(), OFFICE_ZONE):%m%y}-"
        used = [int(code[len(prefix) :]) for code in broadcasts.codes_like(tx, prefix) if code[len(prefix) :].isdigit()]
        return f"{prefix}{max(used, default=0) + 1:02d}"

    def units_of(self, tx: Tx, audience: str) -> Sequence[str] | None:
        """The units that an expression means today; None: it means nothing any more."""
        resolved = resolve(tx, self._catalogue, parse_audience(audience), (), file_list=lambda name: None)
        keys = {problem.key for problem in resolved.problems} - {"audience_empty"}
        return None if keys else resolved.units


def draft_of(row: BroadcastRow) -> Draft:
    """What an officer gave, as it was kept."""
    return Draft.model_validate(orjson.loads(row.content)["draft"])


def as_preview(prepared: Prepared, cost: Cost) -> Preview:
    """What would leave, to whom, and what stands in the way."""
    frozen = prepared.frozen()
    sms_people = sum(1 for member in prepared.members if member.channel == "sms")
    return Preview(
        texts=prepared.content.forms,
        sms=prepared.sms_report(),
        units=frozen["units"],
        people=frozen["people"],
        numbers=frozen["numbers"],
        gaps=frozen["gaps"],
        sms_messages=(frozen["numbers"] + (sms_people if "sms" in prepared.plan.families else 0)),
        problems=prepared.problems,
        escalation=shown(prepared.plan),
        opted_out=frozen["opted_out"],
        duplicates=frozen["duplicates"],
        cost=cost,
        notices=prepared.notices,
    )
