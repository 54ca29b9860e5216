"""Migrations that rewrite rows: what was in the ledger before them is found after them."""

import importlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from store.migrate import migrate, upgrade
from store.provider_ids import packed
from tests.ledgers import ON_POSTGRESQL, ledger_url, rows

IDS = ["1f00ab34cd56ef78", "123456789", "1F00AB34", "8b3c2f1e-9d7a-4c55-8f7e-1a2b3c4d5e6f", "tin số 1", "00", "0"]
INSERT = "INSERT INTO receipt (pmid, account, delivery_id, part) VALUES (?, ?, ?, ?)"
FOUND = "SELECT pmid, account, delivery_id, part FROM receipt ORDER BY delivery_id"


def test_provider_ids_are_packed_where_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        assert upgrade(connection, str(path), "0015") == "0015"
    engine.dispose()
    with closing(sqlite3.connect(path)) as old, old:
        old.executemany(INSERT, [(one, 1, n, 0) for n, one in enumerate(IDS)])
    migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as new:
        assert new.execute(FOUND).fetchall() == [(packed(one), 1, n, 0) for n, one in enumerate(IDS)]
        index = new.execute("EXPLAIN QUERY PLAN SELECT pmid FROM receipt WHERE delivery_id BETWEEN 1 AND 2").fetchall()
        assert "receipt_delivery" in str(index)


@pytest.mark.skipif(not ON_POSTGRESQL, reason="what PostgreSQL computes by itself")
def test_postgresql_packs_them_alike(tmp_path: Path) -> None:
    ledger_url(tmp_path)
    step = importlib.import_module("store.migrations.versions.0016_short_provider_ids")
    rows(tmp_path, "CREATE TABLE old (pmid TEXT, delivery_id BIGINT)")
    for n, one in enumerate(IDS):
        rows(tmp_path, "INSERT INTO old VALUES (?, ?)", (one, n))
    rows(tmp_path, step.POSTGRESQL.replace("ALTER TABLE receipt", "ALTER TABLE old"))
    assert [row[0] for row in rows(tmp_path, "SELECT pmid FROM old ORDER BY delivery_id")] == [packed(o) for o in IDS]


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite's rows are as they were")
def test_narrower_deliveries_are_the_same_ones(tmp_path: Path) -> None:
    url = ledger_url(tmp_path)
    step = importlib.import_module("store.migrations.versions.0017_partitions")
    rows(tmp_path, "DROP TABLE delivery")
    for sql in step.POSTGRESQL[2:4]:
        rows(tmp_path, sql)
    rows(tmp_path, "CREATE TABLE delivery_7 PARTITION OF delivery FOR VALUES FROM (7000) TO (8000)")
    before = [(n, 84_900_000_000 + n, 5, 1, 2, 3, 4, 2**31 - 1, 1_790_000_000, n) for n in (1, 7000, 7001, 9000)]
    columns = "id, recipient, status, account, attempts, cause, parts, parts_done, sent_at, done_at"
    for row in before:
        rows(tmp_path, f"INSERT INTO delivery ({columns}) VALUES ({', '.join('?' * 10)})", row)
    rows(tmp_path, "UPDATE alembic_version SET version_num = '0019'")
    migrate(url)
    assert rows(tmp_path, f"SELECT {columns} FROM delivery ORDER BY id") == before
    assert rows(tmp_path, "SELECT id FROM delivery_7 ORDER BY id") == [(7000,), (7001,)]
    narrow = "SELECT pg_column_size(delivery.*) FROM delivery WHERE id = 1"
    assert rows(tmp_path, narrow) == [(72,)]
    names = "SELECT indexname FROM pg_indexes WHERE tablename LIKE 'delivery%' AND indexname LIKE '%pkey' ORDER BY 1"
    assert {"delivery_7_pkey", "delivery_pkey", "delivery_rest_pkey"} <= {row[0] for row in rows(tmp_path, names)}
