"""The whole walk of an order with a real mail server on loopback: approval, letters, answers, silence, counts."""

from __future__ import annotations

import asyncio
import re

import pytest

from broadcasts.carrier_orders.answers import Counts
from broadcasts.carrier_orders.mailing import RETRY_SECONDS
from broadcasts.carrier_orders.model import CallResult
from broadcasts.model import Actor, Refusal, Role
from loa.mail import SmtpMailer
from loa.settings_sections import Mail
from simulators import mailbox
from store import alarms, carrier_letters
from tests.order_stand import APPROVER, CARRIERS, NO_MAIL, OFFICER, SOURCE_003, VIEWER, OrderStand, order_draft

SENDER = "trucban@pctt.example.vn"


@pytest.fixture
async def box():
    made = await mailbox.start()
    yield made
    await made.close()


def mailer(box) -> SmtpMailer:
    return SmtpMailer(Mail(host=box.host, port=box.port, sender=SENDER, tls="none"))


@pytest.fixture
async def stand(tmp_path, box):
    made = OrderStand(tmp_path, mailer(box))
    made.open()
    yield made
    await made.close()


async def refused(coroutine) -> Refusal:
    with pytest.raises(Refusal) as wrong:
        await coroutine
    return wrong.value


async def ringing(stand) -> list[str]:
    found = await stand.ledger.read(alarms.ringing)
    return [one.subject for one in found if one.kind == "carrier_silent"]


async def happened(stand, code) -> list[str]:
    return [one.event for one in await stand.desk.events(code)]


def letters(view, place=0) -> list[tuple[str, str]]:
    return [(one.kind, one.state) for one in view.carriers[place].letters]


async def test_the_message_of_2020_is_refused_and_its_shortened_form_goes_the_whole_way(stand, box):
    wrong = await refused(stand.desk.draft(order_draft(text=SOURCE_003), OFFICER))
    assert [one.key for one in wrong.problems] == ["carrier_text_too_long"]
    view = await stand.approved()
    assert (view.state, view.units, view.encoding) == ("approved", 160, "GSM-7")
    assert not box.mails

    await stand.outbox.tick()
    assert [kept.mail.recipients for kept in box.mails] == [(one.email,) for one in CARRIERS]
    text = box.mails[0].text
    tokens = await stand.tokens(view.code)
    assert view.text in text
    assert f"https://loa.example.vn/carrier/{tokens[0]}" in text
    assert tokens[1] not in text, "a carrier sees its own page only"
    assert "Phường Bỉm Sơn (14812), Xã Hậu Lộc (16012)" in text
    assert "0237 000 0000" in text
    name, kind, pdf = box.mails[0].files[0]
    assert (name, kind, pdf[:5]) == (f"{view.code}-nha-mang-a.pdf", "application/pdf", b"%PDF-")
    assert len(pdf) > 20_000, "with its fonts inside"
    assert (await stand.desk.view(view.code)).state == "sent"

    for token in tokens:
        await stand.answers.acknowledge(token, "Trực ca")
    assert (await stand.desk.view(view.code)).state == "acknowledged"
    for token in tokens:
        await stand.answers.report(token, Counts(1_000_000, 950_000, 20_000, stand.clock()))
    view = await stand.desk.view(view.code)
    assert view.state == "reported"
    assert [(one.sent, one.delivered, one.failed) for one in view.carriers] == [(1_000_000, 950_000, 20_000)] * 2
    await stand.desk.archive(view.code, OFFICER)
    assert await happened(stand, view.code) == [
        "drafted", "submitted", "approved", "mail_sent", "mail_sent", "sent",
        "acknowledged_by", "acknowledged_by", "acknowledged", "reported_by", "reported_by", "reported", "archived",
    ]  # fmt: skip
    wrong = await refused(stand.answers.acknowledge(tokens[0], "muộn"))
    assert wrong.key == "order_closed"


async def test_only_another_person_approves_and_only_what_was_shown(stand, box):
    made = await stand.desk.draft(order_draft(), OFFICER)
    asked = await stand.desk.submit(made.code, OFFICER)
    own = Actor(OFFICER.name, Role.APPROVER)
    assert (await refused(stand.desk.approve(made.code, asked.content_hash, own))).key == "own_order"
    assert (await refused(stand.desk.approve(made.code, asked.content_hash, OFFICER))).key == "role_too_low"
    assert (await refused(stand.desk.approve(made.code, "0" * 64, APPROVER))).key == "order_stale_hash"
    await stand.desk.give_back(made.code, "sửa giờ", APPROVER)
    await stand.desk.edit(made.code, order_draft(areas="16012"), OFFICER)
    again = await stand.desk.submit(made.code, OFFICER)
    assert again.content_hash != asked.content_hash
    assert (await refused(stand.desk.approve(made.code, asked.content_hash, APPROVER))).key == "order_stale_hash"
    await stand.outbox.tick()
    assert not box.mails
    await stand.desk.approve(made.code, again.content_hash, APPROVER)
    assert (await refused(stand.desk.approve(made.code, again.content_hash, APPROVER))).key == "order_wrong_state"
    await stand.outbox.tick()
    assert len(box.mails) == len(CARRIERS)


async def test_an_order_that_was_changed_behind_the_approval_never_leaves(stand, box):
    made = await stand.desk.draft(order_draft(), OFFICER)
    asked = await stand.desk.submit(made.code, OFFICER)
    tampered = asked.text.replace("0832", "0833")
    await stand.ledger.write(
        lambda tx: tx.execute("UPDATE carrier_order SET content = replace(content, ?, ?)", (asked.text, tampered))
    )
    assert (await refused(stand.desk.approve(made.code, asked.content_hash, APPROVER))).key == "order_stale_hash"


async def test_what_is_missing_is_asked_for_before_approval_not_before(stand):
    made = await stand.desk.draft(order_draft(document_no="", signer=""), OFFICER)
    wrong = await refused(stand.desk.submit(made.code, OFFICER))
    assert {one.key for one in wrong.problems} == {"document_no_missing", "signer_missing"}
    assert (await refused(stand.desk.draft(order_draft(), VIEWER))).key == "role_too_low"


async def test_a_window_that_passed_while_waiting_is_not_approved(stand):
    made = await stand.desk.draft(order_draft(), OFFICER)
    asked = await stand.desk.submit(made.code, OFFICER)
    stand.clock.at += 5 * 3600
    assert (await refused(stand.desk.approve(made.code, asked.content_hash, APPROVER))).key == "order_window_past"


async def test_an_exercise_never_leaves(stand, box):
    view = await stand.approved(mode="exercise")
    await stand.outbox.tick()
    stand.clock.at += 3_600
    assert (await stand.watch.tick(), list(box.mails), box.connections) == (0, [], 0)
    assert await stand.desk.links(view.code) == {}
    token = (await stand.tokens(view.code))[0]
    assert (await refused(stand.answers.acknowledge(token, ""))).key == "no_such_link"
    assert (await refused(stand.desk.hand_over(view.code, 0, OFFICER))).key == "order_exercise"
    assert "blocked_exercise" in await happened(stand, view.code)


async def test_a_carrier_confirms_once_and_corrects_its_counts(stand):
    view = await stand.approved()
    token = (await stand.tokens(view.code))[0]
    await stand.answers.acknowledge(token, "Trực một")
    page = await stand.answers.acknowledge(token, "Trực hai")
    assert page.carrier.acknowledged_by == "Trực một"
    await stand.answers.report(token, Counts(10, 5, 5, stand.clock()))
    page = await stand.answers.report(token, Counts(12, 6, 5, stand.clock()))
    assert (page.carrier.sent, page.carrier.delivered) == (12, 6)
    told = [one.detail["sent"] for one in await stand.desk.events(view.code) if one.event == "reported_by"]
    assert told == [10, 12]
    assert (await happened(stand, view.code)).count("acknowledged_by") == 1


@pytest.mark.parametrize(
    ("counts", "key"),
    [((-1, 0, 0), "count_wrong"), ((10, 9, 2), "counts_exceed_sent"), ((10**12, 0, 0), "count_wrong")],
)
async def test_counts_that_cannot_be_are_refused(stand, counts, key):
    view = await stand.approved()
    token = (await stand.tokens(view.code))[0]
    wrong = await refused(stand.answers.report(token, Counts(*counts, stand.clock())))
    assert [one.key for one in wrong.problems] == [key] * len(wrong.problems)
    late = await refused(stand.answers.report(token, Counts(1, 1, 0, stand.clock() + 60)))
    assert [one.key for one in late.problems] == ["finished_in_future"]


@pytest.mark.parametrize("token", ["", "x", "A" * 32, "A" * 5_000, "'; DROP TABLE carrier_order; --", "%00"])
async def test_a_guessed_address_leads_nowhere(stand, token):
    await stand.approved()
    assert (await refused(stand.answers.page(token))).key == "no_such_link"


async def test_silence_rings_once_and_an_answer_ends_it(stand):
    view = await stand.approved()
    await stand.outbox.tick()
    stand.clock.at += 899
    assert await stand.watch.tick() == 0
    await stand.answers.acknowledge((await stand.tokens(view.code))[0], "")
    stand.clock.at += 2
    assert await stand.watch.tick() == 1
    assert await ringing(stand) == [f"{view.code} · Nhà mạng B"]
    assert await stand.watch.tick() == 0
    await stand.desk.call(view.code, 1, "", CallResult.NO_ANSWER, "gọi 2 lần", OFFICER)
    assert len(await ringing(stand)) == 1
    done = await stand.desk.call(view.code, 1, "Trực ca B", CallResult.CONFIRMED, "", OFFICER)
    assert (await ringing(stand), done.state) == ([], "acknowledged")
    assert [(one.caller, one.spoke_to, one.result, one.carrier) for one in done.calls] == [
        ("canbo", "", "no_answer", "Nhà mạng B"),
        ("canbo", "Trực ca B", "confirmed", "Nhà mạng B"),
    ]
    assert done.carriers[1].acknowledged_via == "phone"


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (("", "confirmed", ""), "spoke_to_missing"),
        (("A", "happy", ""), "not_a_choice"),
        (("A" * 121, "told", ""), "too_long"),
        (("A", "told", "x" * 501), "too_long"),
    ],
)
async def test_a_call_that_says_too_little_is_refused(stand, call, key):
    view = await stand.approved()
    wrong = await refused(stand.desk.call(view.code, 0, *call, OFFICER))
    assert [one.key for one in wrong.problems] == [key]
    assert (await refused(stand.desk.call(view.code, 9, "A", "told", "", OFFICER))).key == "no_such_carrier"


async def test_a_cancelled_order_is_taken_back_from_who_has_it(stand, box):
    box.faults.refuse["truc@mang-b.example.vn"] = "451 later"
    view = await stand.approved()
    await stand.outbox.tick()
    await stand.desk.cancel(view.code, "bão đổi hướng", OFFICER)
    box.faults.refuse.clear()
    stand.clock.at += 3_600
    await stand.outbox.tick()
    told = [(kept.mail.recipients[0], "HỦY" in kept.subject) for kept in box.mails]
    assert told == [("truc@mang-a.example.vn", False), ("truc@mang-a.example.vn", True)]
    assert "bão đổi hướng" in box.mails[1].text
    view = await stand.desk.view(view.code)
    assert letters(view, 1) == [("order", "dropped")]
    page = await stand.answers.page((await stand.tokens(view.code))[0])
    assert (page.open, page.view.state) == (False, "cancelled")


async def test_the_mail_server_is_away_then_back_and_each_letter_leaves_once(stand, box):
    box.faults.busy = True
    view = await stand.approved()
    await stand.outbox.tick()
    assert letters(await stand.desk.view(view.code)) == [("order", "retrying")]
    await stand.outbox.tick()
    assert box.connections == len(CARRIERS), "not before its wait is over"
    box.faults.busy = False
    stand.clock.at += RETRY_SECONDS[0]
    await stand.outbox.tick()
    await stand.outbox.tick()
    assert [kept.mail.recipients[0] for kept in box.mails] == [one.email for one in CARRIERS]
    assert (await stand.desk.view(view.code)).state == "sent"


async def test_a_refused_address_is_final_and_says_why(stand, box):
    box.faults.refuse["truc@mang-a.example.vn"] = "550 no such user here"
    view = await stand.approved()
    await stand.outbox.tick()
    view = await stand.desk.view(view.code)
    assert (letters(view), letters(view, 1), view.state) == ([("order", "refused")], [("order", "sent")], "approved")
    assert "no such user" in view.carriers[0].letters[0].says
    assert (await stand.desk.hand_over(view.code, 0, OFFICER)).state == "sent"


async def test_a_line_cut_after_the_text_is_in_doubt_and_not_repeated(stand, box):
    box.faults.cut_after_data = True
    view = await stand.approved()
    await stand.outbox.tick()
    box.faults.cut_after_data = False
    stand.clock.at += 3_600
    await stand.outbox.tick()
    assert letters(await stand.desk.view(view.code)) == [("order", "unknown")]
    assert not box.mails


async def test_a_letter_that_was_leaving_in_a_crash_is_in_doubt(stand, box):
    view = await stand.approved()
    await stand.ledger.write(lambda tx: carrier_letters.claim_letter(tx, stand.clock()))
    assert await stand.outbox.recover() == 1
    await stand.outbox.tick()
    view = await stand.desk.view(view.code)
    assert (letters(view), letters(view, 1)) == ([("order", "unknown")], [("order", "sent")])


async def test_nobody_listens_where_the_mail_server_should_be(tmp_path, box):
    gone = mailer(box)
    await box.close()
    stand = OrderStand(tmp_path, gone)
    stand.open()
    view = await stand.approved()
    await asyncio.wait_for(stand.outbox.tick(), 20)
    assert letters(await stand.desk.view(view.code)) == [("order", "retrying")]
    await stand.close()


async def test_without_mail_the_printed_form_goes_by_hand(tmp_path):
    stand = OrderStand(tmp_path, None, (*CARRIERS, NO_MAIL))
    stand.open()
    view = await stand.approved()
    await stand.outbox.tick()
    assert (view.mail_ready, [letters(view, place) for place in range(3)]) == (False, [[], [], []])
    for place in range(3):
        view = await stand.desk.hand_over(view.code, place, OFFICER)
    assert (view.state, view.carriers[2].handed_by) == ("sent", "canbo")
    await stand.close()


async def test_two_orders_have_two_codes_of_the_month(stand):
    codes = [(await stand.desk.draft(order_draft(), OFFICER)).code for _ in range(2)]
    assert [re.fullmatch(r"NM0926-\d\d", code) is not None for code in codes] == [True, True]
    assert len(set(codes)) == 2
