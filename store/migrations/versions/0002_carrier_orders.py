"""Carrier orders: what carriers are asked to send to all their subscribers in an area, and what they answered."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE carrier_order (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,            -- NM1126-01: what people say on the phone
    state TEXT NOT NULL,
    mode TEXT NOT NULL,                   -- actual, exercise: an exercise never leaves the house
    draft TEXT NOT NULL,                  -- JSON: what the officer filled in
    content TEXT NOT NULL,                -- JSON: what the hash is over: text, areas, window, signer, carriers
    content_hash TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 1,
    created_by TEXT NOT NULL,
    created_at REAL NOT NULL,
    submitted_by TEXT NOT NULL DEFAULT '',
    submitted_at REAL,
    approved_by TEXT NOT NULL DEFAULT '',
    approved_at REAL,
    approved_hash TEXT NOT NULL DEFAULT '',
    sent_at REAL,                         -- the last carrier has it
    ended_at REAL,
    reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX carrier_order_open ON carrier_order (state)
    WHERE state NOT IN ('archived', 'cancelled', 'rejected');
CREATE TABLE carrier_order_carrier (      -- one carrier's copy, made when the order is approved
    order_id INTEGER NOT NULL REFERENCES carrier_order (id),
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    phone TEXT NOT NULL,
    note TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,           -- of the carrier's page; kept as it is because it is printed on each copy
    handed_at REAL,                       -- since when the carrier surely has it
    handed_by TEXT NOT NULL DEFAULT '',   -- 'mail', or who handed it over by other means
    acknowledged_at REAL,
    acknowledged_by TEXT NOT NULL DEFAULT '',
    acknowledged_via TEXT NOT NULL DEFAULT '',  -- page, phone
    silent_at REAL,                       -- when its silence was raised as an alarm
    sent INTEGER, delivered INTEGER, failed INTEGER,  -- subscribers, as the carrier counted them
    finished_at REAL,
    reported_at REAL,
    report_note TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (order_id, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE carrier_order_mail (         -- the outbox: a letter is here before it leaves
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    kind TEXT NOT NULL,                   -- order, cancel
    state TEXT NOT NULL,                  -- queued, sending, retrying, sent, refused, unknown, dropped
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try_at REAL NOT NULL,
    at REAL NOT NULL,                     -- of the last change
    says TEXT NOT NULL DEFAULT ''         -- the mail server's own words
) STRICT;
CREATE INDEX carrier_order_mail_due ON carrier_order_mail (next_try_at) WHERE state IN ('queued', 'retrying');
CREATE INDEX carrier_order_mail_of ON carrier_order_mail (order_id, place);
CREATE TABLE carrier_order_call (         -- who rang whom, when, with what result; never changed
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    at REAL NOT NULL,
    caller TEXT NOT NULL,
    spoke_to TEXT NOT NULL,
    result TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT;
CREATE INDEX carrier_order_call_of ON carrier_order_call (order_id, id);
CREATE TABLE carrier_order_event (        -- the timeline; never changed
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX carrier_order_event_of ON carrier_order_event (order_id, id);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement.strip())


def downgrade() -> None:
    for table in ("event", "call", "mail", "carrier"):
        op.execute(f"DROP TABLE carrier_order_{table}")
    op.execute("DROP TABLE carrier_order")
