"""The doctor's lines about the ledger: in a file, and on a server that several processes share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loa.doctor import checks
from store import workers
from store.migrate import migrate
from store.revisions import own_revision
from store.workers import Worker
from tests import ledgers
from tests.cluster import Cluster, NoServer
from tests.ledgers import execute_at

Lines = dict[str, dict[str, Any]]


def looked(folder: Path, url: str) -> Lines:
    """Check → its line."""
    config = folder / "config.toml"
    config.write_text(f'[store]\nurl = "{url}"\nfiles = "{folder}/files"\n', "utf-8")
    return {one["check"]: one for one in checks(config)}


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    try:
        made = Cluster()
        made.start()
    except NoServer as missing:
        if os.environ.get("LOA_TEST_STRICT") == "1":
            raise
        pytest.skip(str(missing))
    yield made
    made.remove()


@pytest.fixture
def url(server: Cluster, request: pytest.FixtureRequest) -> str:
    name = f"d{abs(hash(request.node.name))}"
    execute_at(server.url(), f"CREATE DATABASE {name}")
    return server.url(name)


def process(role: str, until: float) -> Worker:
    return Worker(role, role, role, "máy 1", 1, "", "0.1.0", workers.READY, 0.0, 0.0, until)


def test_a_ledger_of_this_program(tmp_path: Path) -> None:
    found = looked(tmp_path, ledgers.ledger_url(tmp_path / "data"))
    assert found["schema"]["ok"]
    assert own_revision() in found["schema"]["says"]
    assert {"audit", "second_factor", "attachments", "paths"} <= set(found)


def test_a_ledger_that_is_not_there_yet(tmp_path: Path) -> None:
    found = looked(tmp_path, f"sqlite:///{tmp_path}/data/loa.db")
    assert found["schema"]["ok"]
    assert "loa run" in found["schema"]["says"]
    assert found["sqlite"]["ok"]
    assert "postgresql" not in found


def test_a_broken_file_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "loa.db").write_bytes(b"no ledger" * 1_000)
    found = looked(tmp_path, f"sqlite:///{tmp_path}/data/loa.db")
    assert not found["ledger"]["ok"]
    assert found["ledger"]["mend"]
    assert "audit" not in found


def test_a_server_and_its_empty_database(tmp_path: Path, url: str) -> None:
    found = looked(tmp_path, url)
    assert found["postgresql"]["ok"]
    assert "PostgreSQL 1" in found["postgresql"]["says"]
    assert "loa run" in found["schema"]["says"]
    assert "sqlite" not in found


def test_which_processes_run_and_which_are_missing(tmp_path: Path, url: str) -> None:
    migrate(url)
    assert not looked(tmp_path, url)["processes"]["ok"]
    for role in ("web", "scheduler"):
        register(url, process(role, 4e9))
    register(url, process("worker", 1.0))  # ended without a word
    found = looked(tmp_path, url)["processes"]
    assert (found["ok"], "scheduler 1, web 1" in found["says"], "worker" in found["says"]) == (False, True, True)
    register(url, process("worker", 4e9))
    found = looked(tmp_path, url)
    assert found["processes"]["ok"]
    assert "máy chạy web" in found["service"]["says"]


def register(url: str, one: Worker) -> None:
    execute_at(
        url,
        "INSERT INTO worker (id, name, role, machine, pid, born, version, state, clock_off, started_at, expires_at)"
        f" VALUES ('{one.id}', '{one.name}', '{one.role}', '', 1, '', '', 'ready', 0, 0, {one.expires_at})"
        " ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at",
    )


def test_older_newer_and_too_new(tmp_path: Path, url: str) -> None:
    migrate(url)
    said = []
    for sql in (
        "UPDATE alembic_version SET version_num = '0017'",
        "UPDATE alembic_version SET version_num = '0999'",
        "UPDATE schema_floor SET revision = '0998'",
    ):
        execute_at(url, sql)
        found = looked(tmp_path, url)
        said.append((found["schema"]["ok"], "0017" in found["schema"]["says"], "0999" in found["schema"]["says"]))
    assert said == [(True, True, False), (True, False, True), (False, False, True)]
    assert "audit" not in found


def test_a_server_that_may_lose_what_it_took_is_not_well(tmp_path: Path, url: str) -> None:
    found = looked(tmp_path, url)["durable"]
    assert not found["ok"]
    assert "fsync" in found["says"]


def test_a_server_that_is_away_is_one_line_without_the_password(tmp_path: Path) -> None:
    found = looked(tmp_path, "postgresql://loa:geheim@127.0.0.1:1/so_cai")
    assert not found["postgresql"]["ok"]
    assert "postgresql://127.0.0.1:1/so_cai" in found["postgresql"]["says"]
    assert "geheim" not in str(found)
    assert {"schema", "processes", "audit", "durable"}.isdisjoint(found)
