"""The SMPP channel against the simulated carrier: the common promises, and each failure that other sessions met."""

from __future__ import annotations

import pytest

from adapters.contract import ReceiptState, RejectClass, Rejected
from tests.contract.runner import (
    Case,
    Heard,
    Is,
    Rig,
    Says,
    accepted,
    common_cases,
    label,
    rejected,
    run,
    unknown,
)
from tests.contract.smpp_stand import LONG, OTHER, PHONE, one, some
from tests.unit.test_smpp_codes import CASES as STATUSES

DELIVERED, FAILED, EXPIRED = ReceiptState.DELIVERED, ReceiptState.FAILED, ReceiptState.EXPIRED
RETRY, CONFIG = RejectClass.RETRY_LATER, RejectClass.CONFIG
PENDING = ReceiptState.PENDING
IN_THE_WILD = frozenset({"BUFFRED", "FAILED", "SENT", "NEVER"})
"""Words without a message_state."""
STATS = (
    ("SCHEDULED", "000", PENDING), ("ENROUTE", "000", PENDING), ("DELIVRD", "000", DELIVERED),
    ("EXPIRED", "027", EXPIRED), ("DELETED", "000", FAILED), ("UNDELIV", "001", FAILED), ("UNDELIV", "0AF", FAILED),
    ("ACCEPTD", "000", PENDING), ("UNKNOWN", "000", ReceiptState.UNKNOWN), ("REJECTD", "021", FAILED),
    ("SKIPPED", "000", FAILED), ("BUFFRED", "000", PENDING), ("FAILED", "000", FAILED), ("SENT", "000", PENDING),
    ("NEVER", "000", PENDING),
)  # fmt: skip
"""`stat`, `err` and what it is to us (SMPP 3.4 Appendix B, SMPP 5.0 4.7.15, and words that carriers use)."""


@pytest.mark.parametrize("case", common_cases(PHONE, OTHER), ids=label)
async def test_common_promises(case: Case, smpp_rig: Rig) -> None:
    await run(case, smpp_rig)


CASES = (
    # Receipts
    *(
        Case(f"receipt as {style}", {"receipt_style": style}, (one(),), outcomes=accepted(1),
             receipts={1: (DELIVERED,)})
        for style in ("text", "tlv", "both", "data_sm")
    ),
    *(
        Case(f"stat:{word} err:{err} as {style}", {"receipt_stat": word, "receipt_err": err, "receipt_style": style},
             (one(),), outcomes=accepted(1), receipts={1: (state,)})
        for style in ("text", "tlv", "both", "data_sm") for word, err, state in STATS
        if style == "text" or word not in IN_THE_WILD or style == "both"
    ),
    Case("receipt known by its text only", {"receipt_unmarked": True}, (one(),), receipts={1: (DELIVERED,)}),
    Case("receipt twice", {"receipt_twice": True}, (one(),), receipts={1: (DELIVERED, DELIVERED)}),
    Case("intermediate notice", {"intermediate": True}, (one(),), receipts={1: (ReceiptState.PENDING, DELIVERED)}),
    Case("receipt before the response", {"receipt_first": True}, (one(),), outcomes=accepted(1),
         receipts={1: (DELIVERED,)}),
    Case("receipt before a slow response", {"response_delay": 0.2}, (one(),), outcomes=accepted(1),
         receipts={1: (DELIVERED,)}),
    Case("phone off", {"off_numbers": [PHONE]}, (one(),), outcomes=accepted(1), receipts={1: (EXPIRED,)},
         phone={PHONE: ()}),
    Case("unknown number", {"unknown_numbers": [PHONE]}, (one(),), outcomes=accepted(1), receipts={1: (FAILED,)}),
    *(
        Case(f"ids {sent}, receipts {back}", {"id_style": sent, "receipt_id_style": back}, some(3),
             outcomes=accepted(1), receipts={n: (DELIVERED,) for n in (1, 2, 3)})
        for sent, back in (
            ("dec", "dec"), ("hex", "dec"), ("dec", "hex"), ("hex_upper", "hex"), ("hex", "hex_upper"),
            ("hex_padded", "hex"), ("dec_padded", "dec"), ("hex_upper_padded", "dec"), ("dec_padded", "hex_upper"),
            ("dec", "dec_padded"), ("hex", "hex_upper_padded"), ("hex_padded", "dec_padded"),
        )
    ),
    Case("the ledger is down for a while", {"redeliver_delay": 0.05}, (one(),), ledger_down=3,
         receipts={1: (DELIVERED,)}),
    # Long messages
    Case("long, UDH", {}, (one(LONG),), outcomes=accepted(3), receipts={1: (DELIVERED,) * 3}, phone={PHONE: (LONG,)}),
    Case("long, accented", {}, (one("Nước sông Mã lên nhanh. " * 8),), outcomes=accepted(3),
         phone={PHONE: ("Nước sông Mã lên nhanh. " * 8,)}),
    Case("escape pair at the border", {}, (one("x" * 152 + "€" + "y" * 20),), outcomes=accepted(2),
         phone={PHONE: ("x" * 152 + "€" + "y" * 20,)}),
    Case("emoji at the border", {}, (one("a" * 66 + "😀" + "b" * 10),), outcomes=accepted(2),
         phone={PHONE: ("a" * 66 + "😀" + "b" * 10,)}),
    Case("receipt for the first part only", {"receipt_parts": "first"}, (one(LONG),), outcomes=accepted(3),
         receipts={1: (DELIVERED,)}),
    Case("receipt for the last part only", {"receipt_parts": "last"}, (one(LONG),), outcomes=accepted(3),
         receipts={1: (DELIVERED,)}),
    Case("too long", {}, (one("x" * 1531),), outcomes=Is(Rejected, "too_long", RejectClass.TEXT)),
    Case("no text", {}, (one(""),), outcomes=Is(Rejected, "empty", RejectClass.TEXT)),
    Case("half a surrogate pair", {}, (one("a\ud83d"),), outcomes=Is(Rejected, "rejected_content")),
    *(
        Case(f"no number: {to!r}", {}, (one(to=to),), outcomes=Is(Rejected, "invalid_recipient", RejectClass.RECIPIENT))
        for to in ("", "+84900001234", "84 90 000 1234", "PCTT", "٨٤٩٠٠٠٠١٢٣٤", "8" * 21)
    ),
    # Refusals
    *(
        Case(f"status {status:#x}", {"status": status}, (one(),),
             outcomes=rejected(cls, reason, f"0x{status:08X}", cls is RETRY))
        for status, cls, reason in (
            *((status, cls, reason) for many, reason, cls in STATUSES for status in many),
            (0x450, RejectClass.RECIPIENT, "provider_error"), (0x4FF, RejectClass.RECIPIENT, "provider_error"),
            (0xDEADBEEF, RejectClass.RECIPIENT, None),
        )
    ),
    Case("refusals without a body, then well", {"status": 0x08, "status_next": 2}, some(3),
         outcomes={3: accepted(1)}),
    Case("refusals with a body", {"status": 0x58, "empty_errors": False}, (one(),), outcomes=rejected(RETRY)),
    Case("not bound, says the carrier", {"status": 0x04, "status_next": 1}, (one(),), outcomes=rejected(RETRY)),
    # The wire
    Case("every octet alone", {"split_bytes": True}, (one(LONG),), outcomes=accepted(3),
         receipts={1: (DELIVERED,) * 3}),
    Case("answers in reverse", {"reorder": True}, some(20), outcomes=accepted(1)),
    Case("answers twice", {"answer_twice": True}, some(5), outcomes=accepted(1)),
    Case("answers for strangers", {"answer_unknown": True}, some(5), outcomes=accepted(1)),
    Case("no answer", {"silent_every": 1}, (one(),), outcomes=unknown("timeout", 1)),
    Case("no answer to one of three parts", {"silent_every": 2}, (one(LONG),), outcomes=unknown("timeout", 3)),
    Case("nobody answers any more", {"half_open": True}, some(3), outcomes=unknown()),
    Case("link cut with messages under way", {"response_delay": 0.3, "abort_after": 5}, some(5),
         outcomes=unknown("link_lost", 1)),
    Case("bad length in an answer", {"bad_length": True}, (one(),), outcomes=unknown("link_lost")),
    # People
    *(
        Case(f"a long text from a person, {split}, {order}", {"mo_split": split, "mo_order": order},
             says=(Says(OTHER, LONG),), heard=(Heard(OTHER, LONG),))
        for split in ("udh8", "udh16", "sar", "payload") for order in ("forward", "reverse", "shuffle")
    ),
    Case("accented text from a person", says=(Says(OTHER, "Cứu với, nước ngập đến mái 🆘"),),
         heard=(Heard(OTHER, "Cứu với, nước ngập đến mái 🆘"),)),
    Case("long accented text from a person", {"mo_order": "reverse"}, says=(Says(OTHER, "Cứu với 🆘 " * 20),),
         heard=(Heard(OTHER, "Cứu với 🆘 " * 20),)),
    Case("the same words twice are two messages", says=(Says(OTHER, "cuu voi"), Says(OTHER, "cuu voi")),
         heard=(Heard(OTHER, "cuu voi"), Heard(OTHER, "cuu voi"))),
    Case("the ledger is down while parts arrive", {"redeliver_delay": 0.05}, says=(Says(OTHER, LONG),), ledger_down=3,
         heard=(Heard(OTHER, LONG),)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
async def test_carrier(case: Case, smpp_rig: Rig) -> None:
    await run(case, smpp_rig)
