"""Rules, dashboard and their handbook name nothing that a running service does not tell."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.contract import HealthState, Priority, RejectClass
from broadcasts.model import AckState, DeliveryState, Mode, Urgency
from broadcasts.watch.findings import KINDS
from loa.roles.role import Role as ServiceRole
from store.workers import DRAINING, READY
from tests.living import demo
from tests.monitoring import OWN, Scrape, faults, named_in, shown_labels
from tests.processes import ROOT, Http, until

DEPLOY = ROOT / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
PLAYED = yaml.safe_load((DEPLOY / "prometheus" / "alerts_test.yml").read_text("utf-8"))
PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=str(Path(sys.executable).parent))
BOARD = json.loads((DEPLOY / "grafana" / "loa.json").read_text("utf-8"))
HANDBOOK = (ROOT / "docs" / "operations.md").read_text("utf-8")
VALUES = {
    "state": {one.value for one in (*AckState, *HealthState)} | {one.word for one in DeliveryState} | {READY, DRAINING},
    "priority": {one.name.lower() for one in Priority},
    "class": {one.value for one in RejectClass} | {""},
    "outcome": {"accepted", "rejected", "unknown"},
    "urgency": {one.value for one in Urgency},
    "mode": {one.value for one in Mode},
    "space": {"console", "api", "hook"},
    "service": {"sqlite", "postgresql", "redis"},
    "kind": set(KINDS),
    "job": {"loa"},
    "role": {one.value for one in ServiceRole},
}
"""What a label can be, where that is known."""
RARE = {
    "loa_lane_age_seconds": {"channel", "priority"},
    "loa_lane_chunks": {"channel", "priority"},
    "loa_lane_deliveries": {"channel", "priority"},
    "loa_channel_outage_seconds": {"channel"},
    "loa_processes": {"role", "state"},
    "loa_alarms": {"kind"},
    "loa_watch_findings": {"kind"},
    "loa_ledger_commits_failed_total": {"reason"},
    "loa_send_throttled_total": {"account"},
}
"""What a quiet service declares and has no sample of; `tests/unit/test_metrics.py` sees them with theirs."""


@pytest.fixture(scope="module")
def scrape(tmp_path_factory) -> Scrape:
    """A demo that has sent to everybody on every channel, and heard people answer."""
    folder = tmp_path_factory.mktemp("monitoring")
    (folder / "backups").mkdir()
    (folder / "backups" / "one.loa").write_bytes(b"x")
    config = folder / "config.toml"
    config.write_text(f'[watch]\nbackup_folder = "{folder}/backups"\n')
    with demo(folder, "--speed", "10", "--config", str(config)) as town:
        made = town.loa(
            "send", "--text", "Kiểm tra liên lạc", "--to", "all-units", "--channels", "zalo,telegram,sms",
            "--valid-for", "2h", "--approver-key", town.said["approver_key"],
        )  # fmt: skip
        assert made.returncode == 0, made.stderr

        def read() -> Scrape | None:
            now = Scrape().read(scraped(town.api))
            return now if now.values.get(("loa_receipts_total", "state"), set()) >= {"delivered", "seen"} else None

        return until(read, 30.0, town.process.tail, pause=0.5)


def scraped(api: Http) -> str:
    text = api.get("/metrics")
    assert isinstance(text, str)
    return text


def with_rare(scrape: Scrape) -> Scrape:
    for name, labels in RARE.items():
        scrape.labels.setdefault(name, set()).update(labels)
    scrape.labels["loa_heartbeat_age_seconds"] = set()
    scrape.declared.add("loa_heartbeat_age_seconds")  # after a minute, where an address is set
    return scrape


def check(expression: str, scrape: Scrape) -> None:
    plain = expression.replace("$__rate_interval", "5m")
    assert faults(plain, with_rare(scrape)) == [], expression
    for metric, matchers in named_in(plain).metrics:
        for label, (operator, value) in matchers.items():
            if label not in VALUES or value.startswith("$"):
                continue
            wanted = set(value.split("|")) if "~" in operator else {value}
            if label != "status":
                assert wanted <= VALUES[label], f"{metric} {label}: {wanted - VALUES[label]}"


def test_the_check_itself_finds_what_is_wrong(scrape):
    with_rare(scrape)
    assert faults("max(loa_nothing_seconds) > 1", scrape) == ["no metric loa_nothing_seconds"]
    assert faults('loa_unread{channel="x"}', scrape) == ["loa_unread has no label channel"]
    assert faults("sum by (nobody) (loa_unread)", scrape) == ["by (nobody): nothing in it has such a label"]
    assert faults("histogram_quantile(0.9, sum by (le) (rate(loa_ledger_commit_seconds_bucket[5m])))", scrape) == []
    with pytest.raises(AssertionError):
        check('loa_channel_light{state="broken"}', scrape)


def test_alerts_name_what_there_is(scrape):
    for rule in ALERTS:
        check(rule["expr"], scrape)
        shown = shown_labels(rule["expr"], scrape)
        for text in rule["annotations"].values():
            used = set(re.findall(r"\$labels\.(\w+)", text))
            assert used <= shown, f"{rule['alert']}: {used - shown}"


@pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]):
    assert re.fullmatch(r"Loa[A-Z]\w+", rule["alert"])
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "action", "runbook"}
    assert all(len(notes[one]) > 10 for one in notes)
    assert len(notes["action"]) > 40, "what is done first"
    anchor = notes["runbook"].removeprefix("docs/operations.md#")
    assert f"### {rule['alert']}\n" in HANDBOOK
    assert anchor == rule["alert"].lower()


def test_names_of_alerts_are_few_and_once():
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names)
    assert set(re.findall(r"^### (Loa\w+)$", HANDBOOK, re.M)) == set(names), "the handbook knows no other"


def test_every_alert_rings_in_a_test_that_plays_what_there_is(scrape):
    rings = {
        name
        for played in PLAYED["tests"]
        for one in played["promql_expr_test"]
        for sample in one.get("exp_samples", [])
        for name in re.findall(r'alertname="(\w+)"', sample["labels"])
    }
    assert rings == {rule["alert"] for rule in ALERTS}
    for played in PLAYED["tests"]:
        for one in played["input_series"]:
            if 'job="other"' not in one["series"]:
                check(one["series"], scrape)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool, of Prometheus, is not installed")
@pytest.mark.parametrize("asked", ["check rules alerts.yml", "test rules alerts_test.yml"])
def test_the_rules_ring_when_they_should_and_not_otherwise(asked):
    done = subprocess.run(
        (str(PROMTOOL), *asked.split()), cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_silences_what_names_alerts_that_exist():
    config = yaml.safe_load((DEPLOY / "prometheus" / "alertmanager.yml").read_text("utf-8"))
    names = {rule["alert"] for rule in ALERTS}
    for rule in config["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, _, value = re.fullmatch(r'(\w+)(=~|!~|=|!=)"(.*)"', matcher).groups()
            assert label == "alertname"
            if value != "Loa.+":
                assert set(value.split("|")) <= names, matcher
        targets = " ".join(rule["target_matchers"])
        assert "LoaRescueNotTaken" not in targets or '!~"LoaDown|LoaRescueNotTaken"' in targets, "people come first"


def panels() -> list[dict[str, Any]]:
    return [panel for panel in BOARD["panels"] if panel["type"] != "row"]


def test_panels_name_what_there_is(scrape):
    for panel in panels():
        assert panel["targets"]
        for target in panel["targets"]:
            check(target["expr"], scrape)
            shown = shown_labels(target["expr"].replace("$__rate_interval", "5m"), scrape)
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= shown, target


def test_the_dashboard_is_whole(scrape):
    with_rare(scrape)
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        box = panel["gridPos"]
        assert box["x"] + box["w"] <= 24
        cells = {(x, y) for x in range(box["x"], box["x"] + box["w"]) for y in range(box["y"], box["y"] + box["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    variables = {one["name"]: one for one in BOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w+)", json.dumps(BOARD["panels"])))
    assert used <= set(variables) | {"rate_interval"}
    for one in variables.values():
        if one["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", one["query"]["query"]).groups()
            assert metric in scrape.declared
            assert label in scrape.labels_of(metric)
    check(BOARD["annotations"]["list"][0]["expr"], scrape)


def test_the_handbook_lists_every_figure(scrape):
    with_rare(scrape)
    told = {re.sub(r"_(bucket|count|sum)$", "", name) for name in scrape.declared if name.startswith("loa_")}
    listed = set(re.findall(r"`(loa_\w+)`", HANDBOOK))
    waiting = {f"{name}_age_seconds" for name in listed}
    assert told <= listed | waiting, told - listed - waiting
    assert listed <= told, listed - told


def test_what_is_watched_is_shown():
    """A figure that rings can be looked at: every metric of a rule is on the dashboard."""
    on_board = {name for panel in panels() for one in panel["targets"] for name, _ in named_in(one["expr"]).metrics}
    on_board |= {name for name, _ in named_in(BOARD["annotations"]["list"][0]["expr"]).metrics}
    rung = {name for rule in ALERTS for name, _ in named_in(rule["expr"]).metrics} - set(OWN)
    assert rung <= on_board, rung - on_board


def test_prometheus_reads_the_route_that_there_is():
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    job = config["scrape_configs"][0]
    assert (job["job_name"], job["metrics_path"]) == ("loa", "/api/v1/metrics")
    assert "credentials_file" in job["authorization"], "no key in the file itself"
    assert config["rule_files"] == ["alerts.yml"]
