"""Messages to one address may carry buttons, and what an approver was shown is kept, so that the next version can say
what differs."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE single ADD COLUMN buttons TEXT NOT NULL DEFAULT ''")  # JSON: [[label, payload], …]
    op.execute("ALTER TABLE approval_request ADD COLUMN shown TEXT NOT NULL DEFAULT ''")
