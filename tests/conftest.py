"""The setting in which the tests run: `LOA_TEST_LEDGER` (see tests/ledgers.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import ledgers
from tests.cluster import Cluster, NoServer

SERVER = pytest.StashKey[Cluster]()


SQLITE_FILE = "sqlite_file: about the file of SQLite and its locks; left out where the ledger is on PostgreSQL"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    about = pytest.mark.skip(reason="about the file of SQLite")
    for item in items:
        if ledgers.ON_POSTGRESQL and item.get_closest_marker("sqlite_file"):
            item.add_marker(about)


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


@pytest.fixture(autouse=True)
def _databases_of_a_test() -> Iterator[None]:
    """They go with it; those of wider fixtures were made before and stay as long as their server."""
    before = len(ledgers.made)
    yield
    ledgers.drop_since(before)
