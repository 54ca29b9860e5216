"""Every code of Zalo's tables has a class; those of tomorrow have one, too."""

from __future__ import annotations

import pytest

from adapters.contract import RejectClass
from adapters.zalo import codes
from adapters.zalo.codes import Action

R, P, T, C, Q = (
    RejectClass.RETRY_LATER,
    RejectClass.RECIPIENT,
    RejectClass.TEXT,
    RejectClass.CONFIG,
    RejectClass.QUOTA,
)

OA_CLASSES = {
    R: [-32, -200, -214, -234],
    P: [-213, -217, -218, -227, -230, -232, -233, -244],
    T: [-100, -201, -210, -248],
    C: [-204, -205, -209, -212, -216, -219, -220, -221, -223, -224, -235, -237, -238, -240, -241, -242, -249, -320,
        -403, -1340, -1341],
    Q: [-211, -321],
}  # fmt: skip
ZNS_CLASSES = {
    R: [-32, -100, -123, -128, -129, -133],
    P: [-108, -110, -114, -118, -119, -139, -140, -141, -148, -149, -150, -151, -152, -153, -1471],
    T: [-107, -111, -112, -1121, -1122, -1123, -1124, -113, -1131, -116, -121, -130, -132],
    C: [-101, -102, -103, -104, -105, -106, -109, -117, -120, -1201, -1202, -122, -124, -125, -127, -131, -135, -1351,
        -136, -137, -138, -1381, -145, -146, -161, -162, -1241, -142, -143],
    Q: [-115, -126, -144, -1441, -147, -160],
}  # fmt: skip
BOT_CLASSES = {R: [403, 500], P: [404], T: [400], C: [401], Q: [429]}


@pytest.mark.parametrize(
    ("table", "classes"), [(codes.OA, OA_CLASSES), (codes.ZNS, ZNS_CLASSES), (codes.BOT, BOT_CLASSES)]
)
def test_every_published_code_has_its_class(
    table: dict[int, codes.Code], classes: dict[RejectClass, list[int]]
) -> None:
    listed = {number: cls for cls, numbers in classes.items() for number in numbers}
    assert {number: code.cls for number, code in table.items()} == listed


@pytest.mark.parametrize("table", [codes.OA, codes.ZNS, codes.BOT])
def test_unknown_codes_are_final_and_ring(table: dict[int, codes.Code]) -> None:
    code = codes.look_up(table, -99_999)
    assert code.cls is P
    assert code.alarm


def test_what_is_repeated_says_when() -> None:
    for table in (codes.OA, codes.ZNS, codes.BOT):
        for number, code in table.items():
            outcome = codes.rejected(code, number, now=1_790_000_000.0, hold=7.0)
            assert (outcome.after is not None) == (code.cls is R), number
            assert outcome.code == str(number)


def test_only_a_dead_token_is_renewed() -> None:
    assert {n for n, code in codes.OA.items() if code.action is Action.REFRESH} == {-216, -220}
    assert {n for n, code in codes.ZNS.items() if code.action is Action.REFRESH} == {-124}


@pytest.mark.parametrize(
    ("utc", "hours"),
    [
        (1_790_000_000.0, 8 + 46 / 60 + 40 / 3600),  # 21:13:20 in Hà Nội
        (1_789_945_200.0, 24.0),  # 06:00:00
        (1_789_945_199.0, 1 / 3600),
    ],
)
def test_night_ends_at_six_in_hanoi(utc: float, hours: float) -> None:
    assert codes.seconds_to_morning(utc) == pytest.approx(hours * 3600)
