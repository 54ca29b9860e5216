"""The mobile networks of Viet Nam, as `carriers` of an account names them, and which of them a number belongs to.

The prefix says where a number was given out. Since 16 Nov 2018 people take numbers along (number portability), so it is
only a hint: what a provider tells us of a number counts for more and is remembered (`adapters.sms.routing.learned`).
"""

from __future__ import annotations

from typing import Final

from text.numbers import carrier_hint

CARRIERS: Final = ("viettel", "vinaphone", "mobifone", "vietnamobile", "gmobile", "itel", "wintel")
"""iTel and Wintel (formerly Reddi) ride on VinaPhone's radio network, but a sender is registered with each."""


def carrier_by_prefix(number: int | str) -> str:
    """One of `CARRIERS` for an `84…` number, "" where the prefix tells nothing."""
    return carrier_hint(number).lower()
