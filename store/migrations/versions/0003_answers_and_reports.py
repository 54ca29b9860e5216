"""What answers are made of, damage reports in rounds, and officers who write from their own telephones."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CONTENT = """
CREATE TABLE content (                    -- never changed but for its end: the rows are the history
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                   -- weather, rain, storm, flood, landslide, evacuation, reservoir, river, …
    scope TEXT NOT NULL,                  -- '' for the province, a unit's code, or group:NAME
    subject TEXT NOT NULL DEFAULT '',     -- what it is about, as people write it: a river, a dyke, a place
    fields TEXT NOT NULL,                 -- JSON: text, short, phone, level, …
    source TEXT NOT NULL,
    issued_at REAL NOT NULL,
    valid_until REAL NOT NULL,
    author TEXT NOT NULL,
    created_at REAL NOT NULL,
    ended_at REAL,                        -- withdrawn by an officer before its time
    ended_by TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX content_valid ON content (valid_until) WHERE ended_at IS NULL;
"""

REPORTS = """
CREATE TABLE report_round (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,            -- "chiều 26/8"; "ngày 26/8/2026" for the round of a day without one
    opens_at REAL NOT NULL,
    deadline REAL NOT NULL,
    daily INTEGER NOT NULL DEFAULT 0,     -- made by the first report of a day
    made_by TEXT NOT NULL,
    created_at REAL NOT NULL
) STRICT;
CREATE INDEX report_round_time ON report_round (opens_at);
CREATE TABLE damage_report (              -- the newest of a unit that is not withdrawn counts
    id INTEGER PRIMARY KEY,
    round_id INTEGER NOT NULL REFERENCES report_round (id),
    unit_code TEXT NOT NULL,
    at REAL NOT NULL,
    figures TEXT NOT NULL,                -- JSON: field code → [value, persons], as decimal text or null
    nil INTEGER NOT NULL DEFAULT 0,
    person_id INTEGER,
    person_name TEXT NOT NULL,
    via TEXT NOT NULL,
    inbox_id INTEGER,
    state TEXT NOT NULL DEFAULT 'given',  -- given, confirmed (the sender read it back), withdrawn
    state_at REAL NOT NULL
) STRICT;
CREATE INDEX damage_report_of ON damage_report (round_id, unit_code, id);
CREATE UNIQUE INDEX damage_report_message ON damage_report (inbox_id) WHERE inbox_id IS NOT NULL;
"""

OFFICERS = """
CREATE TABLE staff_address (              -- from where a member of staff may command by message
    channel TEXT NOT NULL,                -- family: sms, zalo, telegram
    value TEXT NOT NULL,
    staff_id INTEGER NOT NULL REFERENCES staff (id),
    created_at REAL NOT NULL,
    PRIMARY KEY (channel, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE approval_request (           -- who was asked by message for which version
    broadcast_no INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    staff_id INTEGER NOT NULL REFERENCES staff (id),
    version INTEGER NOT NULL,
    asked_at REAL NOT NULL,
    wrong INTEGER NOT NULL DEFAULT 0,     -- wrong codes that this person typed for it
    used_at REAL,
    PRIMARY KEY (broadcast_no, content_hash, staff_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE office_secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""


def upgrade() -> None:
    for script in (CONTENT, REPORTS, OFFICERS):
        for statement in script.split(";\n"):
            if statement.strip():
                op.execute(statement.strip())
