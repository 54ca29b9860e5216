"""What SMS cost before approval and after, repeated texts, texts that no account takes, and who is spared."""

import pytest

from adapters.contract import Accepted
from adapters.pricing import Budget, Cost, Registration
from broadcasts.model import Draft, Refusal
from store import opt_outs
from tests.scenario.engine_room import ScriptedChannel
from tests.unit.test_desk import APPROVER, OFFICER, Office

PRICE = 300.0


class Priced(ScriptedChannel):
    """One account of 300 VND a part; `registered`: what every text must begin with."""

    def __init__(self, name):
        super().__init__(name, self.take, unaccented=True)
        self.registered = ""
        self.limit = 0.0
        self.counted = 0

    def take(self, envelope, _):
        return Accepted((f"{envelope.delivery_id}",), parts=2, vnd=2 * PRICE)

    def count_by_carrier(self, numbers):
        numbers = list(numbers)
        self.counted += len(numbers)
        near = sum(1 for number in numbers if str(number).startswith("8496"))
        counts = {"viettel": near, "mobifone": len(numbers) - near}
        return {carrier: n for carrier, n in counts.items() if n}

    def estimate(self, counts, parts, text=""):
        people = sum(counts.values())
        return {self.name: Cost(people, people * parts, people * parts * PRICE)} if people else {}

    def budgets(self):
        return [Budget(self.name, PRICE, 0.0, self.limit)]

    def registration(self, carriers, text):
        if text.startswith(self.registered):
            return Registration()
        return Registration((self.name,), tuple(carriers or ("viettel",)))


@pytest.fixture
async def office(tmp_path):
    office = Office(tmp_path, sms=Priced("sms.one"))
    await office.open()
    yield office
    await office.room.stop()


def draft(**values):
    given = {"text": "Bão số 5 vào đêm nay, không ra khơi.", "audience": "list:dan", "channels": ["sms"], **values}
    return Draft(**given)


async def residents(office, folder, first=84960000000, size=60, name="dan"):
    await office.numbers(name, range(first, first + size), folder)


async def test_both_ways_of_writing_stand_side_by_side_with_their_prices(office, tmp_path):
    await residents(office, tmp_path)
    text = "Bão số 5 đổ bộ đêm nay. " * 6  # 144 characters: one part without accents, three with
    for accented in (False, True):
        cost = (await office.desk.preview(draft(text=text.strip(), accented=accented))).cost
        assert cost["chosen"] == ("accented" if accented else "unaccented")
        plain, full = cost["forms"]["unaccented"], cost["forms"]["accented"]
        assert (plain["texts"]["sms"]["segments"], full["texts"]["sms"]["segments"]) == (1, 3)
        assert (plain["texts"]["sms"]["encoding"], full["texts"]["sms"]["encoding"]) == ("GSM-7", "UCS-2")
        assert (plain["messages"], plain["parts"], plain["vnd"]) == (60, 60, 60 * PRICE)
        assert (full["messages"], full["parts"], full["vnd"]) == (60, 180, 180 * PRICE)
        assert plain["accounts"] == [{"account": "sms.one", "messages": 60, "parts": 60, "vnd": 60 * PRICE}]
        assert cost["receivers"] == {"viettel": 60}


async def test_a_day_that_cannot_pay_for_it_shows(office, tmp_path):
    await residents(office, tmp_path)
    office.sms.limit = 59 * PRICE
    (budget,) = (await office.desk.preview(draft())).cost["budgets"]
    assert (budget["budget"], budget["left"], budget["enough"]) == (59 * PRICE, 59 * PRICE, False)
    office.sms.limit = 60 * PRICE
    assert (await office.desk.preview(draft())).cost["budgets"][0]["enough"]


async def test_what_was_foreseen_is_frozen_and_what_was_charged_stands_beside_it(office, tmp_path):
    await residents(office, tmp_path, size=5)
    kept = await office.desk.draft(draft(), OFFICER)
    assert kept.cost is None
    assert (await office.desk.quote(kept.code))["forms"]["unaccented"]["vnd"] == 5 * PRICE
    view = await office.desk.submit(kept.code, OFFICER)
    assert view.cost["estimated"]["forms"]["unaccented"]["vnd"] == 5 * PRICE
    assert view.cost["charged"]["messages"] == 0
    assert await office.desk.quote(kept.code) is None
    await office.desk.approve(kept.code, view.content_hash, APPROVER)
    await office.room.until(lambda: charged(office, kept.code, 5))
    cost = (await office.desk.view(kept.code)).cost
    assert cost["charged"] == {
        "messages": 5, "parts": 10, "vnd": 10 * PRICE,
        "accounts": [{"account": "sms.one", "messages": 5, "parts": 10, "vnd": 10 * PRICE}],
    }  # fmt: skip
    assert cost["estimated"] == view.cost["estimated"]


async def asked(office, wanted):
    kept = await office.desk.draft(wanted, OFFICER)
    return await office.desk.submit(kept.code, OFFICER)


async def charged(office, code, messages):
    cost = (await office.desk.view(code)).cost
    return cost is not None and cost["charged"]["messages"] == messages


async def test_a_version_of_a_list_is_counted_by_network_once(office, tmp_path):
    await residents(office, tmp_path, size=50)
    for _ in range(3):
        await office.desk.preview(draft())
    assert office.sms.counted == 50
    await residents(office, tmp_path, size=70)
    await office.desk.preview(draft())
    assert office.sms.counted == 120


async def test_without_a_price_there_is_no_cost(tmp_path):
    office = Office(tmp_path)
    await office.open()
    await office.numbers("dan", range(84960000000, 84960000003), tmp_path)
    assert (await office.desk.preview(draft())).cost is None
    await office.room.stop()


async def is_sent(office, code):
    return (await office.desk.view(code)).state == "sent"


# -- texts that are not registered ---------------------------------------------------------------------------------


async def test_a_text_that_no_account_takes_is_a_problem_before_approval(office, tmp_path):
    await residents(office, tmp_path)
    office.sms.registered = "PCTT"
    shown = await office.desk.preview(draft())
    (problem,) = shown.problems
    assert (problem.field, problem.key, problem.params["n"]) == ("text", "text_not_registered", 60)
    assert problem.params["accounts"] == "sms.one"
    with pytest.raises(Refusal) as refused:
        await office.desk.draft(draft(), OFFICER)
    assert [one.key for one in refused.value.problems] == ["text_not_registered"]
    assert (await office.desk.preview(draft(text="PCTT: bão số 5"))).problems == []


async def test_registered_meanwhile_or_no_longer_counts_when_approval_is_asked(office, tmp_path):
    await residents(office, tmp_path)
    kept = await office.desk.draft(draft(), OFFICER)
    office.sms.registered = "PCTT"
    with pytest.raises(Refusal) as refused:
        await office.desk.submit(kept.code, OFFICER)
    assert [one.key for one in refused.value.problems] == ["text_not_registered"]


# -- the same words again ------------------------------------------------------------------------------------------


async def sent(office, **values):
    view = await asked(office, draft(**values))
    return await office.desk.approve(view.code, view.content_hash, APPROVER)


async def test_the_same_words_again_carry_a_changing_part(office, tmp_path):
    await residents(office, tmp_path, size=3)
    first = await sent(office)
    shown = await office.desk.preview(draft())
    assert [(one.key, one.params["code"]) for one in shown.notices] == [("text_repeats", first.code)]
    second = await sent(office, supersedes=first.code, kind="update")
    third = await sent(office)
    texts = [view.texts["sms"] for view in (first, second, third)]
    assert texts[1:] == [f"{texts[0]} ({view.code})" for view in (second, third)]
    assert len(set(texts)) == 3
    assert second.texts.get("chat") == first.texts.get("chat")


async def test_the_mark_of_a_repetition_is_told_apart_from_what_was_written(office, tmp_path):
    """A standing approval is of the words, whatever went out lately."""
    await residents(office, tmp_path, size=3)
    first = await sent(office)
    again = await office.room.ledger.read(lambda tx: office.desk.composer.prepared(tx, draft(), "TB0926-77"))
    assert again.content.forms["sms"] == first.texts["sms"] + " (TB0926-77)"
    assert again.unmarked == first.texts


async def test_what_waits_for_approval_counts_and_what_was_withdrawn_does_not(office, tmp_path):
    await residents(office, tmp_path, size=3)
    waiting = await asked(office, draft())
    assert (await office.desk.preview(draft())).notices
    await office.desk.cancel(waiting.code, "sai", OFFICER)
    assert not (await office.desk.preview(draft())).notices
    left = await sent(office)
    await office.room.until(lambda: is_sent(office, left.code))
    office.clock.at += 86_401
    assert not (await office.desk.preview(draft())).notices, "nobody remembers it any more"


async def test_an_editor_does_not_repeat_himself(office, tmp_path):
    await residents(office, tmp_path, size=3)
    kept = await office.desk.draft(draft(), OFFICER)
    view = await office.desk.edit(kept.code, draft(), OFFICER)
    assert view.code not in view.texts["sms"]


async def test_a_mark_that_makes_it_too_long_is_a_problem(office, tmp_path):
    await residents(office, tmp_path, size=3)
    full = "a" * (153 * 4)
    await sent(office, text=full)
    assert [one.key for one in (await office.desk.preview(draft(text=full))).problems] == ["sms_too_long"]


# -- who is spared -------------------------------------------------------------------------------------------------


async def opted_out(office, *numbers):
    def write(tx):
        for number in numbers:
            opt_outs.add(tx, number, "sms", office.clock())

    await office.room.ledger.write(write)


async def test_a_campaign_spares_who_said_huy_and_a_warning_nobody(office, tmp_path):
    await residents(office, tmp_path, size=10)
    await opted_out(office, 84960000001, 84960000004, 84999999999)
    campaign = await office.desk.preview(draft(kind="notice", urgency="thuong"))
    assert (campaign.numbers, campaign.opted_out) == (8, 2)
    assert campaign.cost["forms"]["unaccented"]["messages"] == 8
    for values in ({"kind": "alert"}, {"kind": "directive"}, {"kind": "notice", "urgency": "hoa-toc"}):
        warning = await office.desk.preview(draft(**values))
        assert (warning.numbers, warning.opted_out) == (10, 0), values


async def test_a_campaign_leaves_without_them_and_so_does_its_correction(office, tmp_path):
    await residents(office, tmp_path, size=4)
    await opted_out(office, 84960000001)
    first = await sent(office, kind="notice", urgency="thuong")
    await office.room.until(lambda: charged(office, first.code, 3))
    assert {one.to for one in office.sms.left} == {"84960000000", "84960000002", "84960000003"}
    assert first.opted_out == 1
    update = await office.desk.preview(draft(kind="update", urgency="thuong", supersedes=first.code, text="Sửa lại"))
    assert (update.numbers, update.opted_out) == (3, 1)


async def test_who_stands_in_two_lists_counts_once(office, tmp_path):
    await residents(office, tmp_path, size=10)
    await residents(office, tmp_path, first=84960000005, size=10, name="ven-bien")
    shown = await office.desk.preview(draft(audience="list:dan+list:ven-bien"))
    assert (shown.numbers, shown.duplicates) == (15, 5)
    assert shown.cost["forms"]["unaccented"]["messages"] == 15
