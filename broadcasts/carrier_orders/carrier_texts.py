"""The carriers that orders go to, as an office changes them over `[[carriers]]`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from broadcasts.carrier_orders.model import Carrier
from broadcasts.model import Problem
from broadcasts.office_texts import Body

ALL: Final = "all"
"""The one name of this kind: the whole list."""
CARRIERS_MOST: Final = 20
FIELD_MOST: Final = 200
_MAIL: Final = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
_PHONE: Final = re.compile(r"[0-9+ .()/-]{3,60}")


class CarrierTexts:
    """`live` is the list that the desk of orders offers, changed in place; what it holds now is the original."""

    kind = "carriers"

    def __init__(self, live: list[Carrier]) -> None:
        self._live = live
        self._set = tuple(live)

    def names(self) -> Sequence[str]:
        return [ALL]

    def original(self, name: str) -> Body | None:
        return {"carriers": [_body(one) for one in self._set]} if name == ALL else None

    def check(self, name: str, body: Body, others: Mapping[str, Body]) -> list[Problem]:
        del name, others
        rows = body.get("carriers", [])
        if len(rows) > CARRIERS_MOST:
            return [Problem("carriers", "carriers_too_many", {"limit": CARRIERS_MOST})]
        problems: list[Problem] = []
        seen: set[str] = set()
        for place, row in enumerate(rows):
            problems += _row_wrong(place, row, seen)
        return problems

    def apply(self, changed: Mapping[str, Body]) -> None:
        rows = changed[ALL]["carriers"] if ALL in changed else [_body(one) for one in self._set]
        self._live[:] = [Carrier(row["name"], row["email"], row["phone"], row["note"]) for row in rows]


def _row_wrong(place: int, row: Mapping[str, Any], seen: set[str]) -> list[Problem]:
    where, name = f"carriers.{place}", str(row.get("name", "")).strip()
    if not name:
        return [Problem(where, "carrier_name_missing", {"n": place + 1})]
    if name.casefold() in seen:
        return [Problem(where, "carrier_twice", {"name": name})]
    seen.add(name.casefold())
    values = [str(row.get(key, "")) for key in ("name", "email", "phone", "note")]
    if any(len(value) > FIELD_MOST or not value.isprintable() for value in values):
        return [Problem(where, "carrier_field_long", {"name": name, "limit": FIELD_MOST})]
    if values[1] and not _MAIL.fullmatch(values[1]):
        return [Problem(where, "carrier_mail_wrong", {"name": name})]
    if values[2] and not _PHONE.fullmatch(values[2]):
        return [Problem(where, "carrier_phone_wrong", {"name": name})]
    return [] if values[1] or values[2] else [Problem(where, "carrier_no_way", {"name": name})]


def _body(carrier: Carrier) -> dict[str, Any]:
    return {"name": carrier.name, "email": carrier.email, "phone": carrier.phone, "note": carrier.note}
