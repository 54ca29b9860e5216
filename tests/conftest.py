"""The setting in which tests run: `LOA_TEST_LEDGER` and `LOA_TEST_LANES` (tests/ledgers.py, tests/redis_stand.py).

`LOA_TEST_NOTES=FOLDER` notes which files of tests opened a ledger or lanes, `LOA_TEST_ONLY=FOLDER` runs only those.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import ledgers
from tests.cluster import Cluster, NoServer

settings.register_profile("loa", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("LOA_TEST_STRICT") else "loa")
"""Of properties: no timing fails one. Where a change is judged they try the same examples each time."""

SERVER = pytest.StashKey[Cluster]()
SQLITE_FILE = "sqlite_file: about the file of SQLite and its locks; left out where the ledger is on PostgreSQL"
NOTES = "LOA_TEST_NOTES"
ONLY = "LOA_TEST_ONLY"
_noted: set[str] = set()


def pytest_configure(config: pytest.Config) -> None:
    """One server for the whole run, started before the processes that share it; it ends with this one."""
    config.addinivalue_line("markers", SQLITE_FILE)
    if not ledgers.ON_POSTGRESQL or ledgers.SERVER in os.environ:
        return
    try:
        cluster = Cluster()
        cluster.start()
    except NoServer as missing:
        raise pytest.UsageError(str(missing)) from missing
    os.environ[ledgers.SERVER] = cluster.url()
    config.stash[SERVER] = cluster


def pytest_unconfigure(config: pytest.Config) -> None:
    cluster = config.stash.get(SERVER, None)
    if cluster is not None:
        cluster.remove()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    about = pytest.mark.skip(reason="about the file of SQLite")
    for item in items:
        if ledgers.ON_POSTGRESQL and item.get_closest_marker("sqlite_file"):
            item.add_marker(about)
    if folder := os.environ.get(ONLY):
        wanted = {line for note in Path(folder).iterdir() for line in note.read_text("utf-8").splitlines()}
        left_out = [item for item in items if _file_of(item) not in wanted]
        items[:] = [item for item in items if _file_of(item) in wanted]
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    before = ledgers.asked
    done = yield
    folder = os.environ.get(NOTES)
    if folder and ledgers.asked > before and _file_of(item) not in _noted:
        _noted.add(_file_of(item))
        with Path(folder, f"{os.getpid()}.txt").open("a", encoding="utf-8") as note:
            note.write(f"{_file_of(item)}\n")
    return done


def _file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


@pytest.fixture(autouse=True)
def _databases_of_a_test() -> Iterator[None]:
    """They go with it; those of wider fixtures were made before and stay as long as their server."""
    before = len(ledgers.made)
    yield
    ledgers.drop_since(before)
