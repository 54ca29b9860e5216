"""Which broadcasts are campaigns: those that spare whoever answered HUY. A warning or a directive never does."""

from __future__ import annotations

from typing import Final

import orjson

from broadcasts.model import Kind, Urgency
from store import broadcasts
from store.engine import Tx

MAY_WAIT: Final = frozenset({Urgency.THUONG, Urgency.KHAN})
"""A notice above these is as good as a warning."""


def is_campaign(tx: Tx, kind: Kind, urgency: Urgency, supersedes: str | None) -> bool:
    """A notice that is not of the highest urgency, and whatever corrects or withdraws one.

    Decree 91/2020/NĐ-CP gives people the right to say no to campaigns; warnings of a disaster are none.
    """
    if urgency not in MAY_WAIT:
        return False
    if kind is Kind.NOTICE:
        return True
    if kind not in (Kind.UPDATE, Kind.CANCEL) or supersedes is None:
        return False
    row = broadcasts.one(tx, supersedes)
    return row is not None and bool(orjson.loads(row.frozen).get("campaign", False))
