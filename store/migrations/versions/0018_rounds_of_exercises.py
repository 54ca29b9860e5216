"""A round of damage reports is real or an exercise, and a report that somebody put into the other one says where."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE report_round ADD COLUMN mode TEXT NOT NULL DEFAULT 'actual'")  # actual, exercise
    op.execute("ALTER TABLE damage_report ADD COLUMN moved_to INTEGER")  # the report that counts in its place
