"""Limits of posting by hand."""

from __future__ import annotations

TEXT_LIMIT = 2000
"""Characters of one message in a Zalo group, the usual place of posting."""
WINDOW = 100
"""Envelopes handed over at once; each is one durable note and no call."""
LATEST_SECONDS = 30 * 86_400
"""A note that nobody ticked or declined is dropped after this (our own rule; its broadcast has long ended)."""
RING_SECONDS = 300.0
"""Seconds that an urgent text may wait for somebody to post it before the duty board rings (the office's five minutes
between a first and a second way, see `[escalation]`)."""
