"""Numbers as a Vietnamese announcer reads them."""

from __future__ import annotations

from typing import Final

DIGITS: Final = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
GROUPS: Final = ("", "nghìn", "triệu", "tỷ")
LARGEST: Final = 10**12
"""From here on digits are read one by one: nobody announces such a number."""


def cardinal(number: int) -> str:
    """25 → "hai mươi lăm", 1005 → "một nghìn không trăm linh năm". Raises ValueError for a negative one."""
    if number < 0:
        raise ValueError("negative")
    if number == 0:
        return DIGITS[0]
    if number >= LARGEST:
        return digit_by_digit(str(number))
    words: list[str] = []
    for place in range(len(GROUPS) - 1, -1, -1):
        group = number // 1000**place % 1000
        if group:
            words += _hundreds(group, full=bool(words))
            words += [GROUPS[place]] if GROUPS[place] else []
    return " ".join(words)


def _hundreds(group: int, full: bool) -> list[str]:
    """1 to 999. `full`: something stands before it, so "không trăm linh năm" and not "năm"."""
    hundreds, tens, ones = group // 100, group // 10 % 10, group % 10
    words = [DIGITS[hundreds], "trăm"] if hundreds or full else []
    if tens == 0:
        return [*words, *(["linh"] if words and ones else []), *([DIGITS[ones]] if ones else [])]
    words += ["mười"] if tens == 1 else [DIGITS[tens], "mươi"]
    if ones == 0:
        return words
    if ones == 1 and tens > 1:
        return [*words, "mốt"]
    if ones == 5:
        return [*words, "lăm"]
    return [*words, DIGITS[ones]]


def decimal(whole: str, fraction: str) -> str:
    """ "12", "05" → "mười hai phẩy không năm"; a fraction without leading zero up to two digits is read as a number."""
    read = cardinal(int(fraction)) if len(fraction) <= 2 and fraction[0] != "0" else digit_by_digit(fraction)
    return f"{cardinal(int(whole))} phẩy {read}"


def digit_by_digit(digits: str) -> str:
    """ "112" → "một một hai": telephone numbers."""
    return " ".join(DIGITS[int(one)] for one in digits if one.isdigit())
