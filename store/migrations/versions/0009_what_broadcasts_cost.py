"""What each broadcast cost, by account: counted with the very outcomes, so that a later price list changes nothing."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CHARGE = """
CREATE TABLE charge (                     -- a handful of rows a broadcast
    broadcast_no INTEGER NOT NULL,
    account INTEGER NOT NULL,             -- channel_account.id
    messages INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    vnd REAL NOT NULL,                    -- by the account's price at that moment
    told_messages INTEGER NOT NULL,       -- of how many the provider said what it charged
    told_vnd REAL NOT NULL,
    PRIMARY KEY (broadcast_no, account)
) STRICT, WITHOUT ROWID
"""


def upgrade() -> None:
    op.execute(CHARGE)
