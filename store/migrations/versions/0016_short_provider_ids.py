"""Provider ids in half the room: what is written in hexadecimal digits is kept as the bytes it means.

The form is that of `store.provider_ids` on the day of this migration, written out here because that may change.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BATCH = 10_000
"""Rows in memory at once."""

POSTGRESQL = r"""
ALTER TABLE receipt ALTER COLUMN pmid TYPE BYTEA USING CASE
    WHEN pmid ~ '^([0-9a-f]{2})*$' THEN '\xff'::bytea || decode(pmid, 'hex')
    WHEN pmid ~ '^[0-9a-f]+$' THEN '\xfe'::bytea || decode('0' || pmid, 'hex')
    ELSE convert_to(pmid, 'UTF8') END
"""
SQLITE = """
CREATE TABLE receipt_short (
    pmid BLOB NOT NULL, account INTEGER NOT NULL, delivery_id INTEGER NOT NULL, part INTEGER NOT NULL,
    PRIMARY KEY (pmid, account)
) STRICT, WITHOUT ROWID
"""


def upgrade() -> None:
    op.execute("UPDATE schema_floor SET revision = '0016'")  # a program before this one would not find its receipts
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRESQL)
        return
    op.execute(SQLITE)
    bind = op.get_bind()
    rows = bind.execute(text("SELECT pmid, account, delivery_id, part FROM receipt"))
    insert = text("INSERT INTO receipt_short VALUES (:pmid, :account, :delivery_id, :part)")
    while some := rows.mappings().fetchmany(BATCH):
        bind.execute(insert, [{**row, "pmid": packed(row["pmid"])} for row in some])
    op.execute("DROP TABLE receipt")
    op.execute("ALTER TABLE receipt_short RENAME TO receipt")
    op.execute("CREATE INDEX receipt_delivery ON receipt (delivery_id)")


def packed(written: str) -> bytes:
    odd = len(written) % 2
    try:
        raw = bytes.fromhex("0" * odd + written)
    except ValueError:
        return written.encode()
    return (b"\xff", b"\xfe")[odd] + raw if raw.hex()[odd:] == written else written.encode()
