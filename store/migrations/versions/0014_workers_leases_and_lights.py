"""Which processes are alive, what each of them holds, and what channels say of themselves to other processes."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE worker (
            id TEXT PRIMARY KEY,         -- the owner of its claims and leases
            name TEXT NOT NULL,          -- as people call it: role@host
            role TEXT NOT NULL,
            machine TEXT NOT NULL,       -- boot and process namespace: where its number means anything
            pid INTEGER NOT NULL,
            born TEXT NOT NULL,          -- when the system started it: a number may be used again
            version TEXT NOT NULL,
            state TEXT NOT NULL,         -- ready, draining
            clock_off REAL NOT NULL,     -- seconds that its clock is ahead of the ledger's
            started_at REAL NOT NULL,
            expires_at REAL NOT NULL     -- by the ledger's clock
        ) STRICT
        """
    )
    op.execute(
        """
        CREATE TABLE lease (
            name TEXT PRIMARY KEY,
            owner TEXT NOT NULL,         -- '': nobody
            token INTEGER NOT NULL,      -- rises with every change of hands
            expires_at REAL NOT NULL     -- by the ledger's clock
        ) STRICT
        """
    )
    op.execute(
        """
        CREATE TABLE light (
            channel TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            state TEXT NOT NULL,
            key TEXT NOT NULL,
            params TEXT NOT NULL,        -- JSON
            proven_at REAL,
            at REAL NOT NULL             -- by the ledger's clock
        ) STRICT
        """
    )
    op.execute(
        """
        CREATE TABLE schema_floor (
            revision TEXT PRIMARY KEY    -- the oldest schema whose programs still run on this one
        ) STRICT
        """
    )
    op.execute("INSERT INTO schema_floor (revision) VALUES ('0014')")
