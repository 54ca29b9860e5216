"""What the command line and the editor show of one text or one number, as plain JSON-ready dictionaries."""

from __future__ import annotations

import unicodedata
from typing import Any

from text.numbers import parse
from text.safe import to_safe
from text.segments import measure


def count_report(text: str, unaccented: bool = False) -> dict[str, Any]:
    """`{"encoding","units","segments","parts":[units…],"text","changes":[{"from","to"}…],"unaccented"}` of the text as
    it would be sent: in NFC, and in the safe SMS subset where `unaccented` is asked for."""
    safe = to_safe(text) if unaccented else None
    sent = safe.text if safe else unicodedata.normalize("NFC", text)
    cost = measure(sent)
    return {
        "encoding": cost.encoding,
        "units": cost.units,
        "segments": cost.segments,
        "parts": [part.units for part in cost.parts],
        "text": sent,
        "changes": [{"from": change.source, "to": change.target} for change in safe.changes] if safe else [],
        "unaccented": bool(safe and safe.unaccented),
    }


def number_report(raw: str) -> dict[str, Any]:
    """`{"input","e164","carrier_hint","reason","kind"}`; `reason` is "" for a number that can get SMS."""
    number = parse(raw)
    return {
        "input": number.input,
        "e164": number.e164,
        "carrier_hint": number.carrier_hint,
        "reason": number.reason,
        "kind": number.kind,
    }
