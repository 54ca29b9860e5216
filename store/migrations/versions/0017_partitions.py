"""On PostgreSQL deliveries and the receipt map lie in partitions, so that a night's work is on small fresh tables
whatever was sent in the years before; the map notes the day of its rows on both engines.

`delivery`: a partition for each broadcast to a long list, `delivery_rest` for the others. `receipt`: one a day,
`receipt_rest` for days that nobody made one for. They are made when a broadcast is planned (`store.partitions`) and
kept: what was sent is the office's record. Pages are filled by half, so that the two updates of a delivery's life find
room beside it.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

POSTGRESQL = (
    "ALTER TABLE delivery RENAME TO delivery_whole",
    "ALTER TABLE delivery_whole RENAME CONSTRAINT delivery_pkey TO delivery_whole_pkey",
    """
    CREATE TABLE delivery (
        id int8 NOT NULL,
        recipient int8 NOT NULL,
        parts_done int8 NOT NULL DEFAULT 0,
        sent_at int8 NOT NULL DEFAULT 0,
        done_at int8 NOT NULL DEFAULT 0,
        account int4 NOT NULL DEFAULT 0,
        cause int4 NOT NULL DEFAULT 0,
        status int2 NOT NULL DEFAULT 0,
        attempts int2 NOT NULL DEFAULT 0,
        parts int2 NOT NULL DEFAULT 0,
        PRIMARY KEY (id)
    ) PARTITION BY RANGE (id)
    """,
    "CREATE TABLE delivery_rest PARTITION OF delivery DEFAULT WITH (fillfactor = 50)",
    "INSERT INTO delivery (id, recipient, parts_done, sent_at, done_at, account, cause, status, attempts, parts)"
    " SELECT id, recipient, parts_done, sent_at, done_at, account, cause, status, attempts, parts FROM delivery_whole",
    "DROP TABLE delivery_whole",
    "ALTER TABLE receipt RENAME TO receipt_whole",
    "ALTER TABLE receipt_whole RENAME CONSTRAINT receipt_pkey TO receipt_whole_pkey",
    "DROP INDEX receipt_delivery",
    """
    CREATE TABLE receipt (
        delivery_id int8 NOT NULL,
        account int4 NOT NULL,
        day int2 NOT NULL DEFAULT 0,
        part int2 NOT NULL,
        pmid bytea NOT NULL,
        PRIMARY KEY (pmid, account, day)
    ) PARTITION BY LIST (day)
    """,
    # The map grows in the order of deliveries, nearly: a summary of its pages finds a range of them.
    "CREATE INDEX receipt_delivery ON receipt USING brin (delivery_id) WITH (pages_per_range = 16, autosummarize = on)",
    "CREATE TABLE receipt_rest PARTITION OF receipt DEFAULT",
    "INSERT INTO receipt (delivery_id, account, part, pmid) SELECT delivery_id, account, part, pmid FROM receipt_whole",
    "DROP TABLE receipt_whole",
)


def upgrade() -> None:
    op.execute("UPDATE schema_floor SET revision = '0017'")  # a program before this one would map no receipt
    if op.get_bind().dialect.name == "postgresql":
        for statement in POSTGRESQL:
            op.execute(statement)
        return
    op.execute("ALTER TABLE receipt ADD COLUMN day INTEGER NOT NULL DEFAULT 0")  # since 1970-01-01, UTC
