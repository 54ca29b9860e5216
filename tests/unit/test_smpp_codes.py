"""command_status: every known number has a class and an action, and no number can fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import RejectClass
from adapters.sms.smpp.codes import AUTH, TABLE, Codes, Status, code

RETRY, RECIPIENT = RejectClass.RETRY_LATER, RejectClass.RECIPIENT
TEXT, CONFIG = RejectClass.TEXT, RejectClass.CONFIG

CASES = [
    ((0x58,), "throttled", RETRY),
    ((0x14,), "throttled", RETRY),
    ((0x08,), "provider_error", RETRY),
    ((0x64,), "provider_error", RETRY),
    ((0x65, 0x66), "blocked", RECIPIENT),
    ((0x45,), "provider_error", RETRY),
    ((0x61, 0x62), "expired", TEXT),
    ((0x0A, 0x48, 0x49), "invalid_sender", CONFIG),
    ((0x0B, 0x50, 0x51), "invalid_recipient", RECIPIENT),
    ((0x01,), "too_long", TEXT),
    ((0x02, 0x03), "provider_error", CONFIG),
    ((0x43, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4), "rejected_content", TEXT),
    ((0x04, 0x05), "link_down", RETRY),
    ((0x0D, 0x0E, 0x0F, 0x53), "auth", CONFIG),
    ((0x15, 0x06, 0x07, 0x54, 0x55, 0x63, 0x33, 0x34), "rejected_content", TEXT),
    ((0x40, 0x42, 0x44, 0x11, 0x13, 0x67, 0x0C), "rejected_content", TEXT),
    ((0xFE,), "provider_error", RECIPIENT),
    ((0xFF,), "provider_error", RETRY),
    ((0x100, 0x101, 0x103), "auth", CONFIG),
    ((0x102,), "provider_error", RETRY),
    ((0x104,), "rejected_content", TEXT),
    ((0x105,), "provider_error", RECIPIENT),
    ((0x106,), "invalid_recipient", RECIPIENT),
    (tuple(range(0x107, 0x113)), "provider_error", TEXT),
]  # fmt: skip
OUR_BUGS = {0x01, 0x02, 0x03, 0x43, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4}


@pytest.mark.parametrize(("status", "reason", "cls"), [(s, reason, cls) for many, reason, cls in CASES for s in many])
def test_each_status(status: int, reason: str, cls: RejectClass) -> None:
    rejected, alarm = Codes().reject(status)
    assert (rejected.reason, rejected.cls, rejected.code) == (reason, cls, f"0x{status:08X}")
    assert (rejected.after is not None) == (cls is RETRY)
    assert alarm or status not in OUR_BUGS
    assert alarm == (cls is CONFIG or status in OUR_BUGS or status == 0x104)


def test_the_table_holds_nothing_that_this_test_does_not() -> None:
    assert set(TABLE) == {status for many, _, _ in CASES for status in many}


@given(st.integers(0, 0xFFFFFFFF))
def test_any_number_has_a_verdict(status: int) -> None:
    rejected, alarm = Codes().reject(status)
    assert rejected.code == code(status)
    if status not in TABLE:
        assert (rejected.cls, alarm) == (RECIPIENT, True)


@pytest.mark.parametrize("cls", list(RejectClass))
def test_vendor_codes_are_configurable(cls: RejectClass) -> None:
    rejected, alarm = Codes({0x450: cls}).reject(0x450)
    assert (rejected.cls, rejected.code) == (cls, "0x00000450")
    assert (rejected.after is not None) == (cls is RETRY)
    assert alarm == (cls in (CONFIG, RejectClass.QUOTA))
    assert Codes({0x450: cls}).reject(0x451)[0].cls is RECIPIENT


@pytest.mark.parametrize(("status", "tries"), [(0x08, 3), (0x14, 5), (0x45, 1), (0xFF, 2), (0x64, 3)])
def test_a_message_is_not_told_to_come_back_for_ever(status: int, tries: int) -> None:
    classes = [Codes().reject(status, earlier)[0].cls for earlier in range(tries + 2)]
    assert classes == [RETRY] * tries + [RECIPIENT] * 2
    assert Codes().reject(status, tries)[0].after is None


def test_throttled_may_come_back_as_often_as_needed() -> None:
    assert Codes().reject(Status.RTHROTTLED, 1_000)[0].cls is RETRY


def test_auth_statuses() -> None:
    assert {int(status) for status in AUTH} == {0x0D, 0x0E, 0x0F, 0x53}
