"""Where somebody who approves may command from is decided by two administrators."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ASKED = """
CREATE TABLE address_request (            -- an address of somebody who approves waits for a second administrator
    id INTEGER PRIMARY KEY,
    staff_id INTEGER NOT NULL REFERENCES staff (id),
    channel TEXT NOT NULL,                -- family
    value TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at REAL NOT NULL,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at REAL,
    granted INTEGER NOT NULL DEFAULT 0
) STRICT
"""


def upgrade() -> None:
    op.execute(ASKED)
    op.execute("CREATE UNIQUE INDEX address_open ON address_request (channel, value) WHERE decided_at IS NULL")
