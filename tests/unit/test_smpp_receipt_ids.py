"""Ids of submit_sm_resp against ids of receipts: each known habit of carriers, and learning which one it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sms.smpp.receipt_ids import RECENT, VOTES, ReceiptIds

NUMBER = 0x0A1B2C3D4E
HABITS = [
    # (resp, receipt, rules that must find it)
    ("{d}", "{d}", ("auto", "same")),
    ("{x}", "{x}", ("auto", "same")),
    ("{X}", "{x}", ("auto", "same")),
    ("{x}", "{X}", ("auto", "same")),
    ("0000{d}", "{d}", ("auto", "same")),
    ("{d}", "0000{d}", ("auto", "same")),
    ("00{X}", "{x}", ("auto", "same")),
    ("{x}", "00{X}", ("auto", "same")),
    ("{x}", "{d}", ("auto", "resp_hex")),
    ("{X}", "{d}", ("auto", "resp_hex")),
    ("00{X}", "{d}", ("auto", "resp_hex")),
    ("{x}", "000{d}", ("auto", "resp_hex")),
    ("{d}", "{x}", ("auto", "resp_dec")),
    ("{d}", "{X}", ("auto", "resp_dec")),
    ("00{d}", "{x}", ("auto", "resp_dec")),
    ("{d}", "00{X}", ("auto", "resp_dec")),
    ("a-{d}-Z", "a-{d}-Z", ("auto", "same", "resp_hex", "resp_dec")),
]


def write(habit: str, number: int) -> str:
    return habit.format(d=number, x=f"{number:x}", X=f"{number:X}")


@pytest.mark.parametrize(("resp", "back", "rules"), HABITS)
def test_each_habit_is_found(resp: str, back: str, rules: tuple[str, ...]) -> None:
    for rule in rules:
        ids = ReceiptIds(rule)  # type: ignore[arg-type]
        ids.submitted(write(resp, NUMBER + 1))
        ids.submitted(write(resp, NUMBER))
        keys = ids.keys(write(back, NUMBER))
        assert write(resp, NUMBER) in keys, (rule, keys)
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(("resp", "back", "rules"), HABITS)
def test_each_habit_is_found_after_a_restart(resp: str, back: str, rules: tuple[str, ...]) -> None:
    before = ReceiptIds(rules[-1])  # type: ignore[arg-type]
    before.submitted(write(resp, NUMBER))
    after = ReceiptIds(rules[-1])  # type: ignore[arg-type]
    after.load(before.dump())
    assert write(resp, NUMBER) in after.keys(write(back, NUMBER))


def test_exact_comes_first() -> None:
    assert ReceiptIds("auto").keys("00Ab")[0] == "00Ab"
    assert ReceiptIds("same").keys("00Ab")[0] == "00Ab"


def test_a_fixed_rule_never_offers_the_id_of_another_message() -> None:
    """123456 in decimal is 1e240; the message whose hex id happens to read 123456 is another one."""
    ids = ReceiptIds("resp_hex")
    ids.submitted("123456")
    assert ids.keys("123456") == ("1e240", "1E240") or ids.keys("123456") == ("1E240", "1e240")


def test_the_common_case_is_one_key() -> None:
    ids = ReceiptIds("same")
    ids.submitted("1234567890")
    assert ids.keys("1234567999") == ("1234567999",)


@pytest.mark.parametrize(
    ("resp", "back", "learned"),
    [("{d}", "{d}", "same"), ("{x}", "{d}", "resp_hex"), ("{d}", "{x}", "resp_dec"), ("00{X}", "{d}", "resp_hex")],
)
def test_the_habit_is_learned(resp: str, back: str, learned: str) -> None:
    ids = ReceiptIds()
    base = 0x1A2B3C4D00
    for n in range(VOTES + 5):
        ids.submitted(write(resp, base + n * 7))
    for n in range(VOTES + 5):
        keys = ids.keys(write(back, base + n * 7))
        assert keys[0] == write(resp, base + n * 7) or write(resp, base + n * 7) in keys
    assert ids.learned == learned
    assert len(ids.keys(write(back, base + 1_000_003))) <= 4


def test_an_id_just_given_is_recognised_before_anything_is_learned() -> None:
    """Decimal ids in a row: 4096 is also 0x1000, but the receipt for "1000" is about 1000."""
    ids = ReceiptIds()
    for number in range(900, 4_200):
        ids.submitted(str(number))
    assert ids.keys("1000") == ("1000",)


def test_nothing_is_learned_from_receipts_for_strangers() -> None:
    ids = ReceiptIds()
    for n in range(100):
        ids.submitted(str(10**9 + n))
        ids.keys(str(5 * 10**9 + n))
    assert ids.learned == "auto"


def test_memory_is_bounded() -> None:
    ids = ReceiptIds()
    for n in range(RECENT * 2):
        ids.submitted(str(n))
    assert len(ids._recent) == RECENT


@given(st.text(max_size=80), st.sampled_from(["auto", "same", "resp_hex", "resp_dec"]))
def test_any_id_has_keys(receipt_id: str, rule: str) -> None:
    ids = ReceiptIds(rule)  # type: ignore[arg-type]
    ids.submitted("0012AB")
    keys = ids.keys(receipt_id)
    assert keys
    assert len(keys) <= 20
