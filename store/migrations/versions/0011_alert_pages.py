"""Which broadcasts have a page for the people, and who put it there."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE alert_page (
            broadcast_no INTEGER PRIMARY KEY,
            published_by TEXT NOT NULL,
            published_at REAL NOT NULL,
            withdrawn_by TEXT NOT NULL DEFAULT '',
            withdrawn_at REAL
        ) STRICT
        """
    )
