"""Who is on duty, what an exercise gave, and what left without an approval."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROSTER = """
CREATE TABLE duty_shift (
    id INTEGER PRIMARY KEY,
    staff_id INTEGER NOT NULL REFERENCES staff (id),
    duty TEXT NOT NULL,                   -- officer, approver
    starts_at REAL NOT NULL,
    ends_at REAL NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    made_by TEXT NOT NULL,
    created_at REAL NOT NULL,
    removed_by TEXT NOT NULL DEFAULT '',
    removed_at REAL
) STRICT;
CREATE INDEX duty_shift_time ON duty_shift (ends_at) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX duty_shift_once ON duty_shift (staff_id, duty, starts_at, ends_at) WHERE removed_at IS NULL;
CREATE TABLE shift_swap (                 -- somebody asks another to take a shift
    id INTEGER PRIMARY KEY,
    shift_id INTEGER NOT NULL REFERENCES duty_shift (id),
    from_staff INTEGER NOT NULL REFERENCES staff (id),
    to_staff INTEGER NOT NULL REFERENCES staff (id),
    state TEXT NOT NULL DEFAULT 'asked',  -- asked, accepted, declined, withdrawn
    note TEXT NOT NULL DEFAULT '',
    asked_by TEXT NOT NULL,
    asked_at REAL NOT NULL,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at REAL
) STRICT;
CREATE UNIQUE INDEX shift_swap_open ON shift_swap (shift_id) WHERE state = 'asked';
CREATE TABLE handover (                   -- signed by who goes, read by who comes, then never changed
    id INTEGER PRIMARY KEY,
    opened_by TEXT NOT NULL,
    opened_at REAL NOT NULL,
    items TEXT NOT NULL,                  -- JSON: the open items as they were when it was drafted
    note TEXT NOT NULL,
    signed_by TEXT NOT NULL DEFAULT '',
    signed_at REAL,
    read_by TEXT NOT NULL DEFAULT '',
    read_at REAL
) STRICT;
CREATE INDEX handover_signed ON handover (signed_at);
CREATE TABLE roster_feed (                -- the secret calendar address of a person, as its hash
    token_hash TEXT PRIMARY KEY,
    staff_id INTEGER NOT NULL REFERENCES staff (id),
    created_at REAL NOT NULL,
    revoked_at REAL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX roster_feed_of ON roster_feed (staff_id) WHERE revoked_at IS NULL;
"""

EXERCISES = """
CREATE TABLE exercise_result (            -- how it stood when the time to answer was over; never changed
    broadcast_no INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    answered INTEGER NOT NULL,
    total INTEGER NOT NULL,
    units TEXT NOT NULL                   -- JSON: per unit answered, state, seconds, channel, person
) STRICT;
"""

BREAK_GLASS = """
CREATE TABLE break_glass (                -- what one officer sent alone, and what became of the review
    broadcast_no INTEGER PRIMARY KEY,
    content_hash TEXT NOT NULL,
    sent_by TEXT NOT NULL,
    at REAL NOT NULL,
    reason TEXT NOT NULL,
    ground TEXT NOT NULL,                 -- unanswered, hoa-toc: why it was allowed
    review_at REAL NOT NULL,              -- when a review is asked for
    reviewed_by TEXT NOT NULL DEFAULT '',
    reviewed_at REAL,
    verdict TEXT NOT NULL DEFAULT '',     -- right, wrong
    review_note TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX break_glass_open ON break_glass (review_at) WHERE reviewed_at IS NULL;
CREATE TABLE break_glass_told (           -- which leaders were told, on which address
    broadcast_no INTEGER NOT NULL,
    channel TEXT NOT NULL,
    value TEXT NOT NULL,
    name TEXT NOT NULL,
    at REAL NOT NULL,
    delivery_id INTEGER,                  -- NULL: that channel is switched off
    PRIMARY KEY (broadcast_no, channel, value)
) STRICT, WITHOUT ROWID;
"""


def upgrade() -> None:
    for script in (ROSTER, EXERCISES, BREAK_GLASS):
        for statement in script.split(";\n"):
            if statement.strip():
                op.execute(statement.strip())
