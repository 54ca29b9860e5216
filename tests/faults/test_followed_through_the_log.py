"""One message through the log of a real run: handed over, refused, tried again, taken, received, all by one id."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.living import demo
from tests.processes import until

pytestmark = pytest.mark.faults
TELEMETRY = '[telemetry]\nlog = "json"\nlog_level = "debug"\n'


def lines_of(log: Path, pattern: str) -> list[dict[str, Any]]:
    """What `grep` finds, as the handbook says."""
    found = subprocess.run(("grep", "-E", pattern, str(log)), capture_output=True, text=True, check=False)
    return [json.loads(line) for line in found.stdout.splitlines()]


def test_one_id_from_broadcast_to_pdu_and_back(tmp_path):
    config, log = tmp_path / "config.toml", tmp_path / "demo.log"
    config.write_text(TELEMETRY)
    with demo(tmp_path, "--config", str(config), "--no-people-reply") as town:
        town.town.smsc.post("/_sim/faults", {"status": 0x58, "status_next": 1})
        number = "84900000001"
        message = {"to": number, "channel": "sms.demo", "text": "Thu nghiem"}
        key = {"Idempotency-Key": "one"}
        made = town.api.call("POST", "/messages", json.dumps(message).encode(), headers=key)

        def arrived() -> bool:
            return bool(town.api.get(f"/messages/{made['id']}")["state"] == "delivered")

        until(arrived, 30.0, town.process.tail)
        text = log.read_text("utf-8")

    delivery = int(made["id"])
    found = lines_of(log, rf'"delivery":{delivery}\b')
    story = [(one["event"], one.get("outcome") or one.get("state") or one.get("status")) for one in found]
    assert story == [
        ("handed_over", None),
        ("submit_sm", None),
        ("submit_sm_resp", "0x58"),
        ("answered", "rejected"),
        ("recorded", "retrying"),
        ("handed_over", None),
        ("submit_sm", None),
        ("submit_sm_resp", "0x0"),
        ("answered", "accepted"),
        ("recorded", "accepted"),
        ("recorded", "delivered"),
    ]
    first, second = (one for one in found if one["event"] == "submit_sm")
    assert second["sequence"] > first["sequence"]
    taken = found[7]["provider_id"]
    assert found[8]["provider_id"] == found[10]["provider_id"] == taken
    (receipt,) = [one for one in lines_of(log, rf'"id":"{taken}"') if one["event"] == "deliver_sm"]
    assert receipt["state"] == "delivered"
    in_chunk = [one for one in found if "chunk" in one]
    assert {one["broadcast"] for one in in_chunk} == {in_chunk[0]["broadcast"]}
    assert {one["event"] for one in lines_of(log, rf'"chunk":{in_chunk[0]["chunk"]}\b')} >= {
        "chunk_claimed",
        "chunk_left",
    }
    assert found[0]["to"] == "8490***001"
    assert number not in text, "no whole number"
    assert not re.search(r"\b(?:84|0)9\d{8}\b", text)
