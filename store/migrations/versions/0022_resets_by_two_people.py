"""A new password, or no second factor any more, for somebody who approves or administers is decided by two
administrators."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ASKED = """
CREATE TABLE reset_request (              -- a sign-in of somebody who approves waits for a second administrator
    id INTEGER PRIMARY KEY,
    staff_id INTEGER NOT NULL REFERENCES staff (id),
    what TEXT NOT NULL,                   -- password, second_factor
    asked_by TEXT NOT NULL,
    asked_at REAL NOT NULL,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at REAL,
    granted INTEGER NOT NULL DEFAULT 0
) STRICT
"""


def upgrade() -> None:
    op.execute(ASKED)
    op.execute("CREATE UNIQUE INDEX reset_open ON reset_request (staff_id, what) WHERE decided_at IS NULL")
