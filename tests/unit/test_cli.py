"""The command line without a service: JSON on stdout, one sentence on stderr, exits 0, 1 and 2."""

import csv
import sqlite3
import subprocess
import sys

import orjson
import pytest
from python_calamine import CalamineWorkbook

from broadcasts.export import UnknownKind, write_export
from loa.cli.office import operator
from loa.settings_sections import ROOT
from store.migrate import migrate
from web.locale import Catalogue

SAY = Catalogue("vi").say


def loa(*arguments, stdin="", **environment):
    """Run the command as a shell would."""
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment}
    code = "from loa.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    given = {"input": stdin.encode(), "capture_output": True, "timeout": 60}
    return subprocess.run(command, cwd=ROOT, env=env, umask=0o022, **given)


def lines(done):
    return [orjson.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/data/loa.db"\n')
    return path


def test_counting_a_text_in_both_forms():
    accented, bare = (lines(loa("text", "count", *flag, "Bão số 5 – cấp 13"))[0] for flag in ([], ["--unaccented"]))
    assert (accented["encoding"], accented["segments"]) == ("UCS-2", 1)
    assert bare["encoding"] == "GSM-7"
    assert bare["text"] == "Bao so 5 - cap 13"
    assert {"from": "–", "to": "-"} in bare["changes"]
    assert lines(loa("text", "count", "-", stdin="a" * 161))[0]["parts"] == [153, 8]


def test_numbers_one_a_line():
    done = lines(loa("number", "-", stdin="0912 345 678\n01685123456\n0237 3 777 777\nabc\n"))
    assert [one["e164"] for one in done] == ["+84912345678", "+84385123456", "+842373777777", None]
    assert done[2]["reason"] == "landline"
    assert done[3]["reason"]
    assert all(set(one) >= {"input", "e164", "carrier_hint", "reason"} for one in done)


def test_units_and_answers_of_a_table(tmp_path):
    table = tmp_path / "t.tsv"
    table.write_text('text\twhat\nx.hauloc\t1\n"dong tien"\t2\n', encoding="utf-8")
    found = lines(loa("units", "find", "--tsv", str(table)))
    assert [(one["ask"], len(one["units"])) for one in found] == [(False, 1), (True, 2)]
    asked = lines(loa("ask", "cuu voi nuoc ngap"))[0]
    assert set(asked) == {"text", "intent", "argument", "reply"}
    assert asked["intent"] == "CUUHO"
    assert "112" in asked["reply"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing-like-it"],
        ["send", "--text", "x"],
        ["send", "--to", "all-units", "--text", "x", "--urgency", "nhanh"],
        ["send", "--to", "all-units", "--text", "x", "--valid-for", "bald"],
        ["send", "--to", "all-units", "--text", "x", "--set", "no-equals"],
        ["units", "find"],
        ["demo", "--speed", "0"],
        ["user", "add", "x"],
    ],
)
def test_wrong_usage_is_2_without_a_traceback(arguments, config):
    done = loa(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["status"], "Không thấy dịch vụ"),
        (["send", "--to", "all-units", "--file", "/no/such/file"], "/no/such/file"),
        (["units", "find", "--tsv", "/no/such/file"], "/no/such/file"),
        (["import", "people", "/no/such/file"], "/no/such/file"),
        (["run", "--role", "web"], "PostgreSQL"),
    ],
)
def test_what_fails_says_why_in_one_sentence(config, arguments, says, tmp_path):
    done = loa(*arguments, LOA_DATA=str(tmp_path), LOA_CONFIG=str(config))
    assert done.returncode == 1
    assert done.stdout == b""
    assert says in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert len(done.stderr.decode().strip().splitlines()) == 1


def test_the_callers_language():
    assert "service" in loa("status", LOA_DATA="/nowhere", LANG="en_GB.UTF-8").stderr.decode()


@pytest.mark.parametrize(
    ("text", "says"),
    [("[web]\nprot = 1", "web.prot"), ("[web\n", "config.toml"), ("[store]\nurl = 'mysql://x'", "mysql")],
)
def test_a_wrong_config_stops_the_start_with_one_sentence(tmp_path, text, says):
    path = tmp_path / "config.toml"
    path.write_text(text)
    done = loa("run", "--config", str(path))
    assert done.returncode == 1
    assert says in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_people_and_keys_before_the_service_runs(config, tmp_path):
    added = lines(loa("user", "add", "canbo", "--role", "officer", "--config", str(config)))[0]
    assert added["user"] == "canbo"
    assert len(added["password"]) >= 12
    assert lines(loa("key", "add", "may", "--role", "viewer", "--config", str(config)))[0]["api_key"].startswith("loa_")
    again = loa("key", "add", "canbo", "--role", "viewer", "--config", str(config))
    assert again.returncode == 1
    assert b"Traceback" not in again.stderr
    with sqlite3.connect(tmp_path / "data" / "loa.db") as connection:
        stored = connection.execute("SELECT password_hash FROM staff").fetchone()[0]
    assert stored.startswith("$argon2")


def test_the_machines_operator_is_the_way_out_of_a_lost_sign_in(config, tmp_path):
    """Where the second administrator who would have to agree is the one who lost it."""
    given = ("--config", str(config))
    first = lines(loa("user", "add", "quantri", "--role", "admin", *given))[0]["password"]
    with sqlite3.connect(tmp_path / "data" / "loa.db") as connection:
        before = connection.execute("SELECT password_hash FROM staff").fetchone()
        connection.execute("INSERT INTO second_factor (staff_id, secret, confirmed_at) VALUES (1, 'x', 1)")
    said = lines(loa("user", "reset", "quantri", *given))[0]
    assert (said["user"], said["waiting"]) == ("quantri", False)
    assert said["password"] not in (None, first)
    assert lines(loa("user", "reset", "quantri", "--second-factor", *given))[0]["password"] is None
    with sqlite3.connect(tmp_path / "data" / "loa.db") as connection:
        assert connection.execute("SELECT password_hash FROM staff").fetchone() != before
        assert connection.execute("SELECT count(*) FROM second_factor").fetchone() == (0,)
        done = connection.execute("SELECT actor, action FROM audit ORDER BY id").fetchall()
    assert done == [(operator(), "add_staff"), (operator(), "password_reset"), (operator(), "second_factor_reset")]
    unknown = loa("user", "reset", "nobody", *given)
    assert unknown.returncode == 1
    assert "nobody" in unknown.stderr.decode()
    assert b"Traceback" not in unknown.stderr


def test_a_backup_is_whole_and_comes_back(config, tmp_path):
    ledger = tmp_path / "data" / "loa.db"
    ledger.parent.mkdir()
    migrate(f"sqlite:///{ledger}")
    with sqlite3.connect(ledger) as connection:
        connection.execute("INSERT INTO delivery (id, recipient) VALUES (1, 84900000001)")
    connection.close()
    copy = tmp_path / "copy.db"
    assert lines(loa("backup", str(copy), "--config", str(config)))[0]["rows"] == 1
    assert loa("backup", str(copy), "--config", str(config)).returncode == 1
    with sqlite3.connect(ledger) as connection:
        connection.execute("DELETE FROM delivery")
    connection.close()
    assert lines(loa("restore", str(copy), "--config", str(config)))[0]["rows"] == 1
    with sqlite3.connect(ledger) as connection:
        assert connection.execute("SELECT count(*) FROM delivery").fetchone()[0] == 1
    copy.write_bytes(b"no ledger" * 1000)
    assert loa("restore", str(copy), "--config", str(config)).returncode == 1


def test_what_is_written_is_its_owners_alone(config, tmp_path):
    """Ledger, journals, backups and copies hold people's numbers; a container and cron have a umask of 022."""
    kept, copy = tmp_path / "kept", tmp_path / "kept" / "copy.loa"
    kept.mkdir()
    given = ("--config", str(config))
    loa("user", "add", "canbo", "--role", "officer", *given)
    made = loa("backup", str(copy), *given)
    assert made.returncode == 0, made.stderr
    assert loa("restore", str(copy), *given).returncode == 0
    assert loa("move", f"sqlite:///{tmp_path}/data/loa.db", f"sqlite:///{kept}/moved.db", *given).returncode == 0
    written = [path for folder in (tmp_path / "data", kept) for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"loa.db", "copy.loa", "moved.db"}
    assert [path.name for path in written if path.stat().st_mode & 0o077] == []


VIEW = {"code": "TB1126-01", "title": "Bão số 5"}
ROLLCALL = [
    {"unit": "14758", "name": "Phường Hàm Rồng", "district": "TP", "state": "acknowledged", "person": "=1+1",
     "via": "sms", "at": "2026-11-22T02:00:00+07:00", "seconds": 31.5, "level": 0, "by_staff": "", "note": "@x"},
]  # fmt: skip
DELIVERIES = [
    {"id": 16777216, "unit": "14758", "person": "x", "channel": "sms.a", "step": 0, "state": "delivered", "reason": "",
     "provider_id": "-1", "provider_code": "", "parts": 1, "at": None, "to": "8490***001"},
]  # fmt: skip


def test_exports_hold_everything_and_no_formulas(tmp_path):
    sheet, table, whole = (tmp_path / f"x.{kind}" for kind in ("xlsx", "csv", "json"))
    assert write_export(sheet, VIEW, ROLLCALL, iter(DELIVERIES), SAY) == 2
    book = CalamineWorkbook.from_path(str(sheet))
    rows = [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]
    assert rows[0][2][1] == "Phường Hàm Rồng"
    assert rows[0][2][4] == "=1+1"  # a text, not a formula
    assert rows[1][2][0] == "16777216"
    assert write_export(table, VIEW, ROLLCALL, iter(()), SAY) == 1
    with table.open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.reader(file))
    assert read[1][4] == "'=1+1"
    assert read[1][10] == "'@x"
    assert read[1][3] == SAY("state.ack.acknowledged")
    assert write_export(whole, VIEW, ROLLCALL, iter(DELIVERIES), SAY) == 2
    assert orjson.loads(whole.read_bytes())["deliveries"] == DELIVERIES
    paper = tmp_path / "x.pdf"
    view = VIEW | {"rollcall": {"acknowledged": 1}, "texts": {"chat": "BÃO SỐ 5 <b>\nĐề nghị"}}
    assert write_export(paper, view, ROLLCALL * 166, iter(()), SAY) == 166
    assert paper.read_bytes().startswith(b"%PDF")
    with pytest.raises(UnknownKind):
        write_export(tmp_path / "x.doc", VIEW, ROLLCALL, iter(()), SAY)
