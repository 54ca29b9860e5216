"""What units say of a document's course, proofs of each channel, and what the watch has found."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCRIPT = """
CREATE TABLE document_status (            -- codes that no other table tells: 02, 04, 05, 06, 13, 15, 16
    broadcast_no INTEGER NOT NULL,
    unit_code TEXT NOT NULL,
    code TEXT NOT NULL,
    at REAL NOT NULL,
    person TEXT NOT NULL,                 -- who said it, or who recalled
    via TEXT NOT NULL,                    -- the channel; officer: noted by hand
    note TEXT NOT NULL DEFAULT '',        -- to whom it was assigned, why it was refused
    PRIMARY KEY (broadcast_no, unit_code, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE link_test (                  -- a real message to an address of our own
    id INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    at REAL NOT NULL,
    delivery_id INTEGER NOT NULL,
    made_by TEXT NOT NULL                 -- who pressed, or loa
) STRICT;
CREATE INDEX link_test_of ON link_test (channel, at);
CREATE TABLE watch_finding (              -- one thing that is wrong, from when until when, and when people were told
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    params TEXT NOT NULL,                 -- JSON: what its sentence needs
    since REAL NOT NULL,
    seen_at REAL NOT NULL,
    told_at REAL,
    ended_at REAL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
"""


def upgrade() -> None:
    for statement in SCRIPT.split(";\n"):
        if statement.strip():
            op.execute(statement.strip())
