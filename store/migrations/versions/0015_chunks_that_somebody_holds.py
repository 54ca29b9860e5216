"""Which chunks somebody holds is looked up every few seconds, among all that ever were."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX chunk_held ON chunk (owner) WHERE owner <> ''")
