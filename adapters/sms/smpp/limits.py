"""Limits and timers of an SMPP session. Each with its unit and source; the timers are defaults of the settings."""

from __future__ import annotations

from typing import Final

HEADER_OCTETS: Final = 16
"""SMPP 3.4 3.2: command_length, command_id, command_status, sequence_number."""
MAX_PDU_OCTETS: Final = 70_000
"""A message_payload of 64 KiB (SMPP 3.4 5.3.2.32) with its other fields; a longer length is a broken stream."""
MAX_SEQUENCE: Final = 0x7FFFFFFF
"""SMPP 3.4 5.1.4."""
SHORT_MESSAGE_OCTETS: Final = 254
"""SMPP 3.4 5.2.22: a longer text goes in message_payload or in parts."""
PAYLOAD_OCTETS: Final = 65_535
"""The length field of a TLV has 16 bits."""
ADDRESS_CHARACTERS: Final = 20
"""SMPP 3.4 5.2.8, without the NUL."""
ALPHANUMERIC_SENDER_CHARACTERS: Final = 11
"""3GPP TS 23.040 9.1.2.5: an alphanumeric address holds 11 GSM characters."""
SYSTEM_ID_CHARACTERS: Final = 15
"""SMPP 3.4 5.2.1, without the NUL."""
MESSAGE_ID_CHARACTERS: Final = 64
"""SMPP 3.4 5.2.23, without the NUL."""

CONNECT_SECONDS: Final = 10.0
BIND_SECONDS: Final = 30.0
"""Session init timer, SMPP 3.4 7.2; Jasmin ships the same."""
ENQUIRE_SECONDS: Final = 30.0
"""Silence after which we ask whether the peer lives; carriers drop a link that is silent for 5 minutes."""
ENQUIRE_ANSWER_SECONDS: Final = 10.0
ENQUIRE_MISSES: Final = 2
RESPONSE_SECONDS: Final = 60.0
"""Response timer, SMPP 3.4 7.2; Jasmin documents the same. Without an answer the outcome is unknown."""
PARTIAL_PDU_SECONDS: Final = 10.0
"""A PDU that begins and does not end within this is a broken stream (Jasmin: the same)."""
UNBIND_SECONDS: Final = 5.0
DRAIN_SECONDS: Final = 10.0
"""How long `stop` and a peer's unbind wait for answers in flight before the link is closed."""

BACKOFF_MIN_SECONDS: Final = 1.0
BACKOFF_MAX_SECONDS: Final = 60.0
STABLE_SECONDS: Final = 60.0
"""Bound this long, the back-off starts anew; a peer that accepts and drops at once is not hammered."""
ALREADY_BOUND_SECONDS: Final = 60.0
"""Wait after ESME_RALYBND: the SMSC still holds our earlier session."""
AUTH_TRIES: Final = 3
"""Refused credentials in a row after which we stop: carriers lock accounts."""
BIND_GRACE_SECONDS: Final = 2.0
"""How long envelopes may wait for a bind that is just being made before they are reported `link_down`."""

WINDOW: Final = 10
"""submit_sm without an answer; what carriers allow when they say nothing."""
MAX_INBOUND: Final = 2_000
"""deliver_sm that wait for the ledger; above it the SMSC is asked to keep them (0x64)."""
MAX_PARTS: Final = 10
"""Parts of one message; aggregators stop at 4 plain or Unicode ones, the standard at 255."""

THROTTLE_FACTOR: Final = 0.5
EDGE_HITS: Final = 2
"""Throttled answers of one second …"""
EDGE_SHARE: Final = 0.05
"""… or their share of that second's messages, up to which they come from uneven arrival and not from a lower limit."""
EDGE_FACTOR: Final = 0.99
MIN_TPS: Final = 1.0
RAISE_SECONDS: Final = 1.0
RAISE_FACTOR: Final = 1.1 ** (RAISE_SECONDS / 10.0)
"""+10 % in 10 s without a throttled answer."""
CONGESTED: Final = 90
"""congestion_state (SMPP 5.0 4.8.4.18) from which we slow down; 100 is "at maximum"."""
CONGESTION_FACTOR: Final = 0.9

MO_PARTS_SECONDS: Final = 900.0
"""How long the parts of a long incoming message wait for each other (TTL 15 min)."""
