"""The ledger over TLS, with certificates made here: who is let in, over what, and what is said to whom is not."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from store.engine import Ledger, LedgerError, Tx
from store.migrate import migrate
from store.opening import ledger_at
from store.postgres_tx import PostgresTx
from tests.certificates import authority, signed
from tests.cluster import OWNER, Cluster, NoServer
from tests.processes import loa

HBA = """local all all trust
hostssl all tls_user 127.0.0.1/32 scram-sha-256
hostssl all all 127.0.0.1/32 trust
"""
"""Nobody comes in over the network without TLS."""


class Secured:
    """A server that takes TLS only. `url` is its address by a name."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.ours, self.strangers = cluster, folder / "ours.crt", folder / "strangers.crt"

    def url(self, host: str = "localhost", user: str = "loa", **options: str) -> str:
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        return f"postgresql://{user}@{host}:{self.cluster.port}/postgres?{query}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("certificates of ours")  # a space, as paths may have
    authority(folder, "ours")
    authority(folder, "strangers")
    signed(folder, "ours")
    try:
        cluster = Cluster(ssl="on")
    except NoServer as missing:
        if os.environ.get("LOA_TEST_STRICT") == "1":
            raise
        pytest.skip(str(missing))
    data = cluster.folder / "data"
    for name in ("server.crt", "server.key"):
        shutil.copy(folder / name, data / name)
        (data / name).chmod(0o600)
        if os.geteuid() == 0:
            os.chown(data / name, pwd.getpwnam(OWNER).pw_uid, pwd.getpwnam(OWNER).pw_gid)
    (data / "pg_hba.conf").write_text(HBA)
    try:
        cluster.start()
        yield Secured(cluster, folder)
    finally:
        cluster.remove()


def over_tls(tx: Tx) -> bool:
    return bool(tx.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()[0])


async def each_way(ledger: Ledger) -> list[bool]:
    ledger.open()
    try:
        async with ledger.lock("a"):
            return [
                await ledger.write(over_tls),
                await ledger.write(over_tls, beside=True),
                await ledger.write_presence(over_tls),
                await ledger.read(over_tls),
            ]
    finally:
        await ledger.close()


async def test_every_connection_is_encrypted_and_the_server_is_who_it_says(server: Secured, tmp_path: Path) -> None:
    url = server.url(sslmode="verify-full", sslrootcert=str(server.ours))
    migrate(url)
    assert await each_way(ledger_at(url, tmp_path)) == [True] * 4


async def test_encrypted_without_asking_who_it_is(server: Secured, tmp_path: Path) -> None:
    assert await each_way(ledger_at(server.url(sslmode="require"), tmp_path)) == [True] * 4
    assert await each_way(ledger_at(server.url("127.0.0.1", sslmode="require"), tmp_path)) == [True] * 4


def refusals(server: Secured) -> dict[str, tuple[str, str, str]]:
    """Case → (URL, key, a word of the detail)."""
    ours, others = str(server.ours), str(server.strangers)
    return {
        "another name": (server.url("127.0.0.1", sslmode="verify-full", sslrootcert=ours), "ledger_tls", "mismatch"),
        "another authority": (server.url(sslmode="verify-full", sslrootcert=others), "ledger_tls", "issuer"),
        "no authority": (
            server.url(sslmode="verify-full", sslrootcert="/nowhere.crt"),
            "ledger_tls",
            "sslrootcert=/nowhere",
        ),
        "in the clear": (server.url(sslmode="disable"), "ledger_not_usable", "pg_hba.conf"),
        "no such mode": (server.url(sslmode="always"), "ledger_not_usable", "sslmode"),
        "no number": (server.url(statement_cache_size="many"), "ledger_url", ""),
        "no password": (server.url(user="tls_user", sslmode="require"), "ledger_not_usable", "password"),
    }


CASES = (
    "another name",
    "another authority",
    "no authority",
    "in the clear",
    "no such mode",
    "no number",
    "no password",
)


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_named(server: Secured, tmp_path: Path, case: str) -> None:
    """By whatever asks first: the migration, an opened ledger, a command that only looks."""
    url, key, word = refusals(server)[case]
    for ask in (migrate, lambda url: ledger_at(url, tmp_path).open(), look):
        with pytest.raises(LedgerError) as refused:
            ask(url)
        assert refused.value.key == key
        assert word in refused.value.params.get("detail", "")


def look(url: str) -> None:
    from store.opening import reading

    with reading(url) as tx:
        assert isinstance(tx, PostgresTx)


@pytest.mark.parametrize("case", CASES)
def test_the_service_says_it_in_one_sentence_and_does_not_start(server: Secured, tmp_path: Path, case: str) -> None:
    url, _, word = refusals(server)[case]
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\nurl = "{url}"\nfiles = "{tmp_path}/files"\n[web]\nport = 0\n')
    done = loa("run", "--config", str(config))
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert word in done.stderr


async def test_a_server_without_tls_is_not_talked_to_when_tls_is_wanted(tmp_path: Path) -> None:
    try:
        plain = Cluster()
        plain.start()
    except NoServer as missing:
        pytest.skip(str(missing))
    try:
        for ask in (migrate, lambda url: ledger_at(url, tmp_path).open()):
            with pytest.raises(LedgerError) as refused:
                ask(f"{plain.url()}?sslmode=require")
            assert refused.value.key == "ledger_tls"
    finally:
        plain.remove()
