"""Second factors, sessions that their owner can see and end, privileges by two people, and a chained audit log."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE second_factor (
        staff_id INTEGER PRIMARY KEY REFERENCES staff (id),
        secret TEXT NOT NULL,                 -- base32 (RFC 4648), as the telephone's app holds it
        confirmed_at REAL,                    -- NULL until a first code was right: it does not count before
        last_step INTEGER NOT NULL DEFAULT 0  -- time step of the last code that was taken: no code opens twice
    ) STRICT
    """,
    """
    CREATE TABLE recovery_code (
        staff_id INTEGER NOT NULL REFERENCES staff (id),
        code_hash TEXT NOT NULL,
        used_at REAL,
        PRIMARY KEY (staff_id, code_hash)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE privilege_request (          -- a higher role waits for a second administrator
        id INTEGER PRIMARY KEY,
        staff_id INTEGER NOT NULL REFERENCES staff (id),
        role TEXT NOT NULL,
        asked_by TEXT NOT NULL,
        asked_at REAL NOT NULL,
        decided_by TEXT NOT NULL DEFAULT '',
        decided_at REAL,
        granted INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "CREATE UNIQUE INDEX privilege_open ON privilege_request (staff_id) WHERE decided_at IS NULL",
    "ALTER TABLE web_session ADD COLUMN stage TEXT NOT NULL DEFAULT 'full'",  # 'password': the second factor is missing
    "ALTER TABLE web_session ADD COLUMN address TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE web_session ADD COLUMN agent TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE audit ADD COLUMN chain TEXT NOT NULL DEFAULT ''",  # SHA-256 over this line and the line before
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
