"""The form of a carrier order: what stands in its fields, and the draft that it means."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from multidict import MultiMapping
from pydantic import ValidationError

from broadcasts.carrier_orders.model import OrderDraft
from broadcasts.model import Mode
from text.dates import OFFICE_ZONE
from web.console.forms import ALL_UNITS, reach_of
from web.problems import invalid


@dataclass(frozen=True, slots=True)
class OrderForm:
    """What stands in the form, as typed. Times are `YYYY-MM-DDTHH:MM` on the office's clock."""

    text: str = ""
    areas: str = ""
    starts_at: str = ""
    ends_at: str = ""
    basis: str = ""
    signer: str = ""
    signer_title: str = ""
    document_no: str = ""
    document_date: str = ""
    ring_back: str = ""
    mode: str = Mode.ACTUAL.value
    carriers: tuple[str, ...] = ()

    @property
    def picked(self) -> tuple[str, frozenset[str], frozenset[str]]:
        """`areas` as the boxes show it: (`all`, `some` or `other`, units, groups)."""
        reach, units, groups, lists = reach_of(self.areas)
        return ("other", frozenset(), frozenset()) if lists else (reach, units, groups)

    def draft(self) -> OrderDraft:
        """Raises `Trouble` 422 for what no page of ours sends."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        values |= {name: _with_offset(values[name]) for name in ("starts_at", "ends_at")}
        try:
            return OrderDraft.model_validate(values | {"carriers": list(self.carriers)})
        except ValidationError as wrong:
            raise invalid(wrong) from wrong


def read_form(posted: MultiMapping[object]) -> OrderForm:
    texts = [one.name for one in fields(OrderForm) if one.name != "carriers"]
    typed = {name: str(posted.get(name, "")).replace("\r\n", "\n") for name in texts}
    typed["areas"] = _areas(posted, typed["areas"])
    return OrderForm(**typed, carriers=tuple(str(value) for value in posted.getall("carrier", [])))


def _areas(posted: MultiMapping[object], typed: str) -> str:
    """The boxes as one expression; what was typed where the boxes are not used."""
    reach = posted.get("reach", "other")
    if reach == "all":
        return ALL_UNITS
    if reach != "some":
        return typed
    units = sorted({str(code) for code in posted.getall("unit", [])})
    groups = sorted({str(name) for name in posted.getall("group", [])})
    return "+".join([*([f"unit:{','.join(units)}"] if units else []), *(f"group:{name}" for name in groups)])


def form_of(draft: OrderDraft) -> OrderForm:
    kept = draft.model_dump(exclude={"carriers"})
    kept |= {name: _without_offset(kept[name]) for name in ("starts_at", "ends_at")}
    return OrderForm(**kept, carriers=tuple(draft.carriers))


def _with_offset(typed: str) -> str:
    """What is no time stays as it is: the check says so beside its field."""
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=OFFICE_ZONE).isoformat()
    except ValueError:
        return typed


def _without_offset(kept: str) -> str:
    try:
        return f"{datetime.fromisoformat(kept).astimezone(OFFICE_ZONE):%Y-%m-%dT%H:%M}"
    except ValueError:
        return kept
