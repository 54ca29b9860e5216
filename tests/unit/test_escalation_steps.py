"""Steps as data: what they mean, and what is refused with a sentence that says what to change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.model import DraftStep
from broadcasts.own_steps import read_steps, shown
from broadcasts.step_check import duration, faults_of
from broadcasts.steps import Plan, Step, chosen_steps, needless
from loa.settings import load_settings
from loa.settings_error import SettingsError

FAMILIES = ("zalo", "sms")
FIRST = {"after": "0s", "channels": ["zalo"]}


def keys(*steps: dict[str, object]) -> list[tuple[str, str]]:
    found = read_steps([DraftStep.model_validate(one) for one in steps], FAMILIES)[1]
    return [(problem.field, problem.key) for problem in found]


@pytest.mark.parametrize(
    ("steps", "field", "key"),
    [
        ([], "escalation", "steps_send_nothing"),
        ([{"after": "15m", "call": True}], "escalation", "steps_send_nothing"),
        ([FIRST, {"after": "5m"}], "escalation.1.channels", "step_no_channel"),
        ([FIRST, {"after": "5m", "channels": ["fax"]}], "escalation.1.channels", "step_channel_unknown"),
        ([FIRST, {"after": "5m", "channels": ["sms"], "roles": []}], "escalation.1.roles", "step_no_people"),
        ([FIRST, {"after": "5m", "channels": ["sms"], "roles": ["king"]}], "escalation.1.roles", "step_role_unknown"),
        ([FIRST, {"after": "0s", "channels": ["sms"]}], "escalation.1.after", "step_wait_zero"),
        ([FIRST, {"after": "soon", "channels": ["sms"]}], "escalation.1.after", "step_no_duration"),
        ([FIRST, {"after": "25h", "channels": ["sms"]}], "escalation.1.after", "step_too_late"),
        ([FIRST, {"after": "5m", "channels": ["sms"], "unless": "rain"}], "escalation.1.unless", "step_unless_unknown"),
        (
            [FIRST, {"after": "5m", "channels": ["sms"]}, {"after": "4m", "channels": ["sms"], "roles": ["duty"]}],
            "escalation.2.after",
            "step_order",
        ),
        (
            [FIRST, {"after": "5m", "channels": ["sms"]}, {"after": "5m", "channels": ["sms"], "roles": ["duty"]}],
            "escalation.2.after",
            "step_same_time",
        ),
        (
            [FIRST, {"after": "5m", "call": True}, {"after": "9m", "channels": ["sms"]}],
            "escalation.1.call",
            "step_call_last",
        ),
        ([FIRST, {"after": "5m", "call": True, "channels": ["sms"]}], "escalation.1.call", "step_call_sends"),
        ([{**FIRST, "repeat": "5m"}], "escalation.0.times", "step_repeat_once"),
        ([{**FIRST, "times": 3}], "escalation.0.repeat", "step_repeat_short"),
        ([{**FIRST, "repeat": "5m", "times": 11}], "escalation.0.times", "step_times"),
        ([{**FIRST, "repeat": "5m", "times": 0}], "escalation.0.times", "step_times_zero"),
    ],
)
def test_a_chain_that_makes_no_sense_is_refused_where_it_does_not(steps, field, key):
    assert (field, key) in keys(*steps)


def test_a_chain_that_makes_sense_is_taken():
    chain = [
        FIRST,
        {"after": "5m", "channels": ["sms"], "unless": "delivered", "repeat": "5m", "times": 3},
        {"after": "10m", "channels": ["sms"], "roles": ["deputy", "duty"], "unless": "acknowledged"},
        {"after": "15m", "call": True},
    ]
    assert keys(*chain) == []


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("90s", 90.0), ("5m", 300.0), ("1h", 3600.0), ("0.5h", 1800.0), (7, 7.0), (" 2M ", 120.0), ("", None),
     ("-1m", None), ("1d", None), ("NaN", None), (-3, None)],
)  # fmt: skip
def test_durations(typed, seconds):
    assert duration(typed) == seconds


def test_repeats_are_written_out_and_end_when_the_unit_was_reached():
    steps = (Step(after=0, channels=("zalo",)), Step(after=300, channels=("sms",), repeat=300, times=3))
    found = chosen_steps(steps, FAMILIES)
    assert [(step.after, step.again) for step in found] == [(0, False), (300, False), (600, True), (900, True)]
    assert not needless(found[1], delivered=True)
    assert needless(found[2], delivered=True)
    assert [one["times"] for one in shown(Plan(families=FAMILIES, steps=found))] == [1, 3]
    assert shown(Plan(families=FAMILIES, steps=found))[1]["repeat"] == 300


@given(
    st.lists(
        st.builds(
            Step,
            after=st.sampled_from([0.0, 60.0, 300.0, 900.0]),
            channels=st.sampled_from([(), ("zalo",), ("sms",), ("zalo", "sms")]),
            roles=st.sampled_from([(), ("duty",)]),
            call=st.booleans(),
            repeat=st.sampled_from([0.0, 60.0]),
            times=st.integers(1, 3),
        ),
        max_size=5,
    ),
    st.sampled_from([("zalo",), ("sms",), ("zalo", "sms")]),
)
def test_any_chain_without_a_fault_begins_at_once_and_never_goes_back(steps, families):
    if faults_of(steps, FAMILIES):
        return
    found = chosen_steps(steps, families)
    assert [step.after for step in found] == sorted(step.after for step in found)
    if found:
        assert found[0].after == 0
    assert all(set(step.channels) <= set(families) for step in found)
    assert chosen_steps(found, families) == found


@pytest.mark.parametrize(
    ("chain", "says"),
    [
        ('[{ after = "0s", channels = ["zalo"] }, { after = "0s", channels = ["sms"] }]', "step_wait_zero"),
        ('[{ after = "0s", channels = ["pigeon"] }]', "step_channel_unknown"),
        ('[{ after = "0s", channels = ["zalo"], roles = [] }]', "step_no_people"),
    ],
)
def test_a_start_with_such_a_chain_is_refused_with_its_sentence(tmp_path, chain, says):
    config = tmp_path / "config.toml"
    config.write_text(f"[escalation.default]\nsteps = {chain}\n", "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings(config)
    assert refused.value.key == "escalation"
    assert refused.value.problem is not None
    assert refused.value.problem.key == says


def test_an_urgency_that_there_is_not_is_refused(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text('[escalation.soon]\nsteps = [{ after = "0s", channels = ["zalo"] }]\n', "utf-8")
    with pytest.raises(SettingsError):
        load_settings(config)
