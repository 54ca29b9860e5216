"""Files that broadcasts carry; their bytes lie beside the ledger, under their SHA-256."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE attachment (                 -- one upload; several may have the same bytes
    id INTEGER PRIMARY KEY,
    short TEXT NOT NULL UNIQUE,           -- in the address /t/<short>: 50 random bits
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    media TEXT NOT NULL,
    size INTEGER NOT NULL,                -- bytes
    created_by TEXT NOT NULL,
    created_at REAL NOT NULL,
    collected_at REAL                     -- its bytes were deleted: no broadcast with it ever left
) STRICT;
CREATE INDEX attachment_bytes ON attachment (sha256);
CREATE TABLE broadcast_attachment (
    broadcast_no INTEGER NOT NULL,
    place INTEGER NOT NULL,
    attachment_id INTEGER NOT NULL REFERENCES attachment (id),
    PRIMARY KEY (broadcast_no, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX broadcast_attachment_of ON broadcast_attachment (attachment_id);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement.strip())
