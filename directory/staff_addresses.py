"""From which telephones and accounts members of staff may command."""

from __future__ import annotations

import re

from directory.columns import Form, load_words
from store import approvals
from store.engine import Tx
from text import numbers


class AddressRefused(Exception):
    """`key` names the sentence (`problem.<key>`): staff_unknown, family_unknown, address_wrong, address_bound,
    address_not_bound; `field` is what is at fault."""

    def __init__(self, field: str, key: str, **params: str) -> None:
        super().__init__(key)
        self.field = field
        self.key = key
        self.params = params


def bind_address(tx: Tx, name: str, channel: str, value: str, now: float, *, remove: bool = False) -> str:
    """Bind an address to a member of staff, or take it from them; the address as it is kept (`84…` for a telephone).
    Raises `AddressRefused`."""
    kept = kept_address(channel, value)
    staff = approvals.staff_id(tx, name)
    if staff is None:
        raise AddressRefused("name", "staff_unknown", name=name)
    if remove:
        if not approvals.unbind(tx, staff, channel, kept):
            raise AddressRefused("address", "address_not_bound")
    elif not approvals.bind(tx, staff, channel, kept, now):
        raise AddressRefused("address", "address_bound")
    return kept


def kept_address(channel: str, value: str) -> str:
    """Raises `AddressRefused` for a family that cannot be written from, or a value that is no address of it."""
    family = load_words().families.get(channel)
    if family is None or family.form is Form.LANDLINE:
        raise AddressRefused("channel", "family_unknown", channel=channel[:40])
    if family.form is Form.MOBILE:
        msisdn = numbers.msisdn(value)
        if msisdn is None:
            raise AddressRefused("address", "address_wrong")
        return str(msisdn)
    if not re.fullmatch(family.pattern, value):
        raise AddressRefused("address", "address_wrong")
    return value
