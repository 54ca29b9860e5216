"""Schedules and their occurrences, urging in report rounds, and channels that are down."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEDULES = """
CREATE TABLE schedule (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,                   -- broadcast, digest, round, path_test, …
    rule TEXT NOT NULL,                   -- JSON: when, as people chose it
    payload TEXT NOT NULL,                -- JSON: what is made of it
    state TEXT NOT NULL,                  -- waiting (for approval), active, paused, ended
    next_fire REAL,                       -- the occurrence that is due next; NULL: none
    late_for REAL NOT NULL,               -- seconds after which a missed occurrence is no longer made up for
    content_hash TEXT NOT NULL DEFAULT '',
    approved_hash TEXT NOT NULL DEFAULT '',
    approved_by TEXT NOT NULL DEFAULT '',
    approved_at REAL,
    created_by TEXT NOT NULL,
    created_at REAL NOT NULL,
    ended_at REAL,
    ended_by TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX schedule_due ON schedule (next_fire) WHERE next_fire IS NOT NULL;
CREATE TABLE schedule_fire (              -- one row an occurrence, whoever fires it: the key is what makes it once
    schedule_id INTEGER NOT NULL REFERENCES schedule (id),
    due REAL NOT NULL,
    at REAL NOT NULL,                     -- when it was claimed, or noted as missed
    state TEXT NOT NULL,                  -- running, done, failed, missed, void
    tries INTEGER NOT NULL DEFAULT 1,
    next_try REAL,                        -- running: when it may be tried again
    result TEXT NOT NULL DEFAULT '{}',    -- JSON: what was made, or why not
    PRIMARY KEY (schedule_id, due)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_fire_running ON schedule_fire (next_try) WHERE state = 'running';
"""

URGING = """
CREATE TABLE round_moment (               -- when the late units of a round are urged: each moment happens once
    round_id INTEGER NOT NULL REFERENCES report_round (id),
    due REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'due',    -- due, done, missed
    at REAL,
    units INTEGER NOT NULL DEFAULT 0,     -- how many were late then
    PRIMARY KEY (round_id, due)
) STRICT, WITHOUT ROWID;
CREATE INDEX round_moment_due ON round_moment (due) WHERE state = 'due';
CREATE TABLE urging (                     -- one late unit at one moment, and how far its chain is
    round_id INTEGER NOT NULL,
    due REAL NOT NULL,                    -- the moment
    unit_code TEXT NOT NULL,
    level INTEGER NOT NULL DEFAULT -1,    -- last step that was taken
    next_at REAL,                         -- when the next step falls due; NULL: none
    deliveries TEXT NOT NULL DEFAULT '[]',-- JSON: [channel, address, delivery id] of each message
    PRIMARY KEY (round_id, due, unit_code)
) STRICT, WITHOUT ROWID;
CREATE INDEX urging_due ON urging (next_at) WHERE next_at IS NOT NULL;
"""

OUTAGES = """
CREATE TABLE channel_outage (             -- a channel that nothing passes through; ended_at NULL: still
    channel TEXT NOT NULL,
    since REAL NOT NULL,
    reason TEXT NOT NULL,                 -- the key of what its probe said
    ended_at REAL,
    PRIMARY KEY (channel, since)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX channel_outage_open ON channel_outage (channel) WHERE ended_at IS NULL;
"""


def upgrade() -> None:
    for script in (SCHEDULES, URGING, OUTAGES):
        for statement in script.split(";\n"):
            if statement.strip():
                op.execute(statement.strip())
