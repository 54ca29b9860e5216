"""How an account becomes a person's address, who is in which group, and when each address was last proved."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE address ADD COLUMN proved_by TEXT NOT NULL DEFAULT ''",  # delivered, seen, inbound, enrolled
    "ALTER TABLE address ADD COLUMN blocked_at REAL",  # its owner blocked us, or the provider refuses it for good
    """
    CREATE TABLE enrol_code (                 -- the code itself is derived from the office's secret, never stored
        id INTEGER PRIMARY KEY,
        person_id INTEGER NOT NULL REFERENCES person (id),
        channel TEXT NOT NULL,                -- family: zalo, telegram
        serial INTEGER NOT NULL,              -- which of this person's codes of the family
        code_hash TEXT NOT NULL UNIQUE,
        made_by TEXT NOT NULL,
        made_at REAL NOT NULL,
        expires_at REAL NOT NULL,
        sent_at REAL,                         -- when we sent it to the person's registered telephone
        used_at REAL,
        ended_at REAL,                        -- withdrawn, or replaced by a newer one
        UNIQUE (person_id, channel, serial)
    ) STRICT
    """,
    "CREATE INDEX enrol_code_live ON enrol_code (person_id, channel) WHERE used_at IS NULL AND ended_at IS NULL",
    """
    CREATE TABLE enrolment (                  -- an account that named a right code
        id INTEGER PRIMARY KEY,
        code_id INTEGER NOT NULL REFERENCES enrol_code (id),
        person_id INTEGER NOT NULL REFERENCES person (id),
        channel TEXT NOT NULL,                -- whose ids `value` is one of: a family, or a channel with ids of its own
        value TEXT NOT NULL,
        route TEXT NOT NULL,                  -- the channel that it came by
        chat TEXT NOT NULL,                   -- where an answer goes
        account_name TEXT NOT NULL,
        asked_at REAL NOT NULL,
        inbox_id INTEGER NOT NULL UNIQUE,
        state TEXT NOT NULL DEFAULT 'pending',-- pending, confirmed, refused, revoked
        decided_by TEXT NOT NULL DEFAULT '',
        decided_at REAL,
        reason TEXT NOT NULL DEFAULT '',
        address_id INTEGER REFERENCES address (id)
    ) STRICT
    """,
    "CREATE UNIQUE INDEX enrolment_pending ON enrolment (channel, value) WHERE state = 'pending'",
    "CREATE INDEX enrolment_person ON enrolment (person_id)",
    """
    CREATE TABLE group_member (               -- accounts seen in a group
        channel TEXT NOT NULL,                -- as in enrolment
        chat TEXT NOT NULL,
        value TEXT NOT NULL,
        name TEXT NOT NULL,
        how TEXT NOT NULL,                    -- listed, joined, spoke, left
        seen_at REAL NOT NULL,
        left_at REAL,
        PRIMARY KEY (channel, chat, value)
    ) STRICT, WITHOUT ROWID
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
