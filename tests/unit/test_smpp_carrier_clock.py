"""When a receipt's event happened, whatever the zone and error of the carrier's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.sms.smpp.carrier_clock import WINDOW_SECONDS, CarrierClock

NOW = datetime(2026, 11, 22, 2, 30, 40, tzinfo=UTC)


def written(at: datetime, offset: timedelta, seconds: bool = False) -> str:
    return (at + offset).strftime("%y%m%d%H%M%S" if seconds else "%y%m%d%H%M")


@pytest.mark.parametrize("hours", [-5, 0, 7, 7.25])
@pytest.mark.parametrize("seconds", [True, False])
def test_a_prompt_receipt_is_now_and_a_late_one_is_then_in_any_zone(hours: float, seconds: bool) -> None:
    clock, offset = CarrierClock(), timedelta(hours=hours)
    assert clock.happened(written(NOW, offset, seconds), NOW.timestamp()) == NOW.timestamp()
    for minutes in (0, 1):
        before = NOW - timedelta(minutes=minutes)
        assert clock.happened(written(before, offset, seconds), NOW.timestamp()) == NOW.timestamp()
    before = NOW - timedelta(hours=3)
    assert abs(clock.happened(written(before, offset, seconds), NOW.timestamp()) - before.timestamp()) <= 60


def test_no_date_or_no_time_is_now() -> None:
    clock, now = CarrierClock(), NOW.timestamp()
    clock.happened(written(NOW, timedelta(0)), now)
    for done in ("", "9999999999", "261122"):
        assert clock.happened(done, now) == now


def test_older_than_smscs_keep_is_not_believed() -> None:
    clock, now = CarrierClock(), NOW.timestamp()
    clock.happened(written(NOW, timedelta(0)), now)
    assert clock.happened(written(NOW - timedelta(days=4), timedelta(0)), now) == now


def test_a_clock_that_was_set_right_is_learned_within_the_hour() -> None:
    clock, now = CarrierClock(), NOW.timestamp()
    clock.happened(written(NOW, timedelta(hours=1)), now)  # an hour fast
    later = NOW + timedelta(seconds=WINDOW_SECONDS + 1)
    assert clock.happened(written(later, timedelta(0)), later.timestamp()) == later.timestamp()
    assert clock.happened(written(later, timedelta(0)), later.timestamp() + 5) == later.timestamp() + 5
