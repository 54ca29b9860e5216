"""What a broadcast's SMS will cost and whether every network takes them, before anybody approves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.pricing import Cost, Priced
from broadcasts.content import SMS, SMS_LEADER
from broadcasts.drafting import Prepared
from broadcasts.model import Notice, Problem
from broadcasts.routes import Routes
from directory.number_lists import NumberTerm, pages
from store.engine import Tx
from text.segments import measure

CURRENCY: Final = "VND"
LISTS_REMEMBERED: Final = 16
"""Expressions of lists whose numbers were counted by network: a version never changes, and a million take a second."""
ACCENTED, UNACCENTED = "accented", "unaccented"

Counts = Mapping[str, int]


class Pricing:
    """Nothing here raises; without a channel whose messages cost money, quotes are None and no text is refused."""

    def __init__(self, routes: Routes) -> None:
        route = routes.for_numbers()
        self._channel = route.channel if route is not None and isinstance(route.channel, Priced) else None
        self._routes = routes
        self._counted: OrderedDict[tuple[tuple[NumberTerm, ...], bool, int], dict[str, int]] = OrderedDict()

    def check(self, tx: Tx, prepared: Prepared) -> None:
        """Add what stands in the way of a text that is not registered everywhere, and who will be left out of it."""
        channel = self._channel
        texts = {form: prepared.content.forms[form] for form in (SMS, SMS_LEADER) if form in prepared.content.forms}
        if channel is None or not any(channel.registration(None, text).refusing for text in texts.values()):
            return
        where = "template" if prepared.from_template else "text"
        for form, counts in self._receivers(tx, prepared).items():
            found = channel.registration(counts, texts[form]) if form in texts else None
            if found is None or not found.refusing:
                continue
            facts = {"accounts": ", ".join(found.refusing), "form": form}
            if found.stranded:
                people = sum(counts[carrier] for carrier in found.stranded)
                prepared.problems.append(Problem(where, "text_not_registered", facts | {"n": people}))
            else:
                prepared.notices.append(Notice(where, "accounts_left_out", facts))

    def quote(self, tx: Tx, prepared: Prepared) -> dict[str, Any] | None:
        """`{"currency", "chosen", "receivers": {network: people}, "forms": {"unaccented" | "accented": {"texts":
        {form: {"encoding", "units", "segments"}}, "messages", "parts", "vnd", "accounts": [{"account", "messages",
        "parts", "vnd"}]}}, "budgets": [{"account", "price", "spent", "budget", "left", "enough"}]}`.

        People count once though escalation may spare them: the most that it costs, as things stand now.
        """
        channel = self._channel
        receivers = self._receivers(tx, prepared)
        if channel is None or not receivers:
            return None
        chosen, other = (ACCENTED, UNACCENTED) if prepared.accented else (UNACCENTED, ACCENTED)
        forms = {
            chosen: _form(channel, receivers, prepared.content.forms),
            other: _form(channel, receivers, prepared.other_forms),
        }
        networks: dict[str, int] = {}
        for counts in receivers.values():
            for carrier, n in counts.items():
                networks[carrier] = networks.get(carrier, 0) + n
        budgets = _budgets(channel, forms[chosen]["accounts"])
        return {"currency": CURRENCY, "chosen": chosen, "receivers": networks, "forms": forms, "budgets": budgets}

    def _receivers(self, tx: Tx, prepared: Prepared) -> dict[str, Counts]:
        """SMS form → how many people of each network get it."""
        channel = self._channel
        if channel is None:
            return {}
        people = [one.value for one in prepared.members if self._routes.is_sms(one.channel)]
        found: dict[str, Counts] = {}
        if people:
            found[SMS_LEADER] = channel.count_by_carrier(people)
        if prepared.audience.numbers and any(self._routes.is_sms(family) for family in prepared.plan.families):
            found[SMS] = self._count(tx, prepared, channel)
        return found

    def _count(self, tx: Tx, prepared: Prepared, channel: Priced) -> dict[str, int]:
        terms, count = prepared.audience.numbers, prepared.audience.number_count
        key = (terms, prepared.campaign, count.size)
        known = self._counted.get(key)
        if known is None:
            known = {}
            for page in pages(tx, terms, without_opted_out=prepared.campaign):
                for carrier, n in channel.count_by_carrier(page).items():
                    known[carrier] = known.get(carrier, 0) + n
            self._counted[key] = known
            if len(self._counted) > LISTS_REMEMBERED:
                self._counted.popitem(last=False)
        return known


def _form(channel: Priced, receivers: Mapping[str, Counts], forms: Mapping[str, str]) -> dict[str, Any]:
    texts: dict[str, dict[str, Any]] = {}
    accounts: dict[str, Cost] = {}
    for form, counts in receivers.items():
        if form not in forms:
            continue
        measured = measure(forms[form])
        texts[form] = {"encoding": measured.encoding, "units": measured.units, "segments": measured.segments}
        for name, cost in channel.estimate(counts, measured.segments, forms[form]).items():
            known = accounts.get(name, Cost(0, 0, 0.0))
            accounts[name] = Cost(known.messages + cost.messages, known.parts + cost.parts, known.vnd + cost.vnd)
    return {
        "texts": texts,
        "messages": sum(cost.messages for cost in accounts.values()),
        "parts": sum(cost.parts for cost in accounts.values()),
        "vnd": sum(cost.vnd for cost in accounts.values()),
        "accounts": [
            {"account": name, "messages": cost.messages, "parts": cost.parts, "vnd": cost.vnd}
            for name, cost in sorted(accounts.items())
        ],
    }


def _budgets(channel: Priced, wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`enough`: what it is to send fits into what is left of its day."""
    needed = {one["account"]: one["vnd"] for one in wanted}
    return [
        {
            "account": one.account, "price": one.price, "spent": one.spent, "budget": one.limit or None,
            "left": one.left, "enough": one.left is None or needed.get(one.account, 0.0) <= one.left,
        }
        for one in channel.budgets()
    ]  # fmt: skip
