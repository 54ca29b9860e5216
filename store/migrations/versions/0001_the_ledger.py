"""The ledger: directory, access, broadcasts, deliveries, receipts, roll-call, inbox.

Written so that PostgreSQL can follow: no AUTOINCREMENT, no SQLite-only type in a column that another engine lacks;
`STRICT` and `WITHOUT ROWID` are the SQLite forms of "typed" and "clustered by key".
Times are epoch seconds (REAL) where people read them and whole seconds (INTEGER) in the hot row.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DIRECTORY = """
CREATE TABLE person (
    id INTEGER PRIMARY KEY,
    unit_code TEXT NOT NULL,              -- '' for provincial members
    role TEXT NOT NULL,                   -- chairman, deputy, secretary, duty, member
    name TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL
) STRICT;
CREATE UNIQUE INDEX person_place ON person (unit_code, role, name) WHERE active = 1;
CREATE TABLE address (                    -- immutable: a changed number is a new row
    id INTEGER PRIMARY KEY,
    person_id INTEGER NOT NULL REFERENCES person (id),
    channel TEXT NOT NULL,                -- family: sms, zalo, telegram
    value TEXT NOT NULL,                  -- '84…' digits, provider's user id
    place INTEGER NOT NULL DEFAULT 0,     -- order of preference inside the channel
    active INTEGER NOT NULL DEFAULT 1,
    proved_at REAL,                       -- last time that something surely arrived or came from there
    created_at REAL NOT NULL
) STRICT;
CREATE UNIQUE INDEX address_value ON address (channel, value) WHERE active = 1;
CREATE INDEX address_person ON address (person_id);
CREATE TABLE unit_group (name TEXT PRIMARY KEY, title TEXT NOT NULL, created_at REAL NOT NULL) STRICT;
CREATE TABLE unit_group_member (
    name TEXT NOT NULL REFERENCES unit_group (name), unit_code TEXT NOT NULL, PRIMARY KEY (name, unit_code)
) STRICT, WITHOUT ROWID;
CREATE TABLE number_list (                -- a version of a list never changes once a broadcast uses it
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,                   -- '' for a list that was made for one broadcast
    size INTEGER NOT NULL DEFAULT 0,
    digest TEXT NOT NULL DEFAULT '',      -- SHA-256 over the numbers in order
    complete INTEGER NOT NULL DEFAULT 0,  -- 0 while an import is running
    current INTEGER NOT NULL DEFAULT 0,   -- the version that the name means
    created_at REAL NOT NULL
) STRICT;
CREATE UNIQUE INDEX number_list_current ON number_list (name) WHERE current = 1;
CREATE TABLE number_list_entry (
    list_id INTEGER NOT NULL, msisdn INTEGER NOT NULL, PRIMARY KEY (list_id, msisdn)
) STRICT, WITHOUT ROWID;
CREATE TABLE opt_out (msisdn INTEGER PRIMARY KEY, at REAL NOT NULL, source TEXT NOT NULL) STRICT;
"""

ACCESS = """
CREATE TABLE staff (                      -- who may sign in
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL DEFAULT '',
    role TEXT NOT NULL,                   -- officer, approver, admin, viewer
    password_hash TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1,
    created_at REAL NOT NULL
) STRICT;
CREATE TABLE api_key (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,        -- SHA-256 of the key; the key itself is shown once
    active INTEGER NOT NULL DEFAULT 1,
    created_at REAL NOT NULL
) STRICT;
CREATE TABLE web_session (
    token_hash TEXT PRIMARY KEY,
    staff_id INTEGER NOT NULL REFERENCES staff (id),
    csrf TEXT NOT NULL,
    mode TEXT NOT NULL DEFAULT 'actual',  -- what new messages are made for: actual, exercise
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
    owner TEXT NOT NULL, key TEXT NOT NULL,
    request_hash TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL, created_at REAL NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
"""

BROADCAST = """
CREATE TABLE broadcast (
    no INTEGER PRIMARY KEY,               -- delivery ids are no << 24 | ordinal
    code TEXT NOT NULL UNIQUE,            -- TB0825-07: what people type
    state TEXT NOT NULL,
    mode TEXT NOT NULL,
    kind TEXT NOT NULL,                   -- alert, directive, notice, update, cancel; single: answers and the like
    urgency TEXT NOT NULL,
    title TEXT NOT NULL,
    content TEXT NOT NULL,                -- JSON: template, blanks or free text, texts per form
    audience TEXT NOT NULL,               -- the expression as typed
    frozen TEXT NOT NULL DEFAULT '{}',    -- JSON: counts, gaps and digests of the audience at submit
    plan TEXT NOT NULL DEFAULT '{}',      -- JSON: channels and escalation steps
    duplicate_ok INTEGER NOT NULL DEFAULT 0,
    valid_until REAL NOT NULL,
    fire_at REAL,
    supersedes INTEGER,
    superseded_by INTEGER,
    version INTEGER NOT NULL DEFAULT 1,
    content_hash TEXT NOT NULL DEFAULT '',
    created_by TEXT NOT NULL,
    created_at REAL NOT NULL,
    submitted_by TEXT NOT NULL DEFAULT '',
    submitted_at REAL,
    approved_by TEXT NOT NULL DEFAULT '',
    approved_at REAL,
    approved_hash TEXT NOT NULL DEFAULT '',
    started_at REAL,
    planned_at REAL,                      -- every delivery of the first step is written
    sent_at REAL,
    ended_at REAL,
    reason TEXT NOT NULL DEFAULT '',
    next_ordinal INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX broadcast_open ON broadcast (state) WHERE state NOT IN ('closed', 'cancelled', 'expired', 'rejected');
CREATE TABLE broadcast_event (            -- the timeline, and what live pages follow
    id INTEGER PRIMARY KEY,
    broadcast_no INTEGER NOT NULL,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX broadcast_event_of ON broadcast_event (broadcast_no, id);
CREATE TABLE audience_member (            -- people, in their frozen order
    broadcast_no INTEGER NOT NULL, place INTEGER NOT NULL,
    unit_code TEXT NOT NULL, person_id INTEGER NOT NULL, person_name TEXT NOT NULL, role TEXT NOT NULL,
    channel TEXT NOT NULL, address_id INTEGER NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (broadcast_no, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE audience_list (
    broadcast_no INTEGER NOT NULL, list_id INTEGER NOT NULL, PRIMARY KEY (broadcast_no, list_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE rollcall (
    broadcast_no INTEGER NOT NULL,
    unit_code TEXT NOT NULL,
    state TEXT NOT NULL,
    person_id INTEGER,
    person_name TEXT NOT NULL DEFAULT '',
    via TEXT NOT NULL DEFAULT '',
    at REAL,
    seconds REAL,
    note TEXT NOT NULL DEFAULT '',
    by_staff TEXT NOT NULL DEFAULT '',
    level INTEGER NOT NULL DEFAULT 0,     -- last escalation step that was taken
    next_at REAL,                         -- when the next step falls due; NULL: none
    PRIMARY KEY (broadcast_no, unit_code)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollcall_due ON rollcall (next_at) WHERE next_at IS NOT NULL;
"""

DELIVERY = """
CREATE TABLE chunk (                      -- a chunk IS an id range: id .. last_id
    id INTEGER PRIMARY KEY,               -- the id of its first delivery
    last_id INTEGER NOT NULL,
    broadcast_no INTEGER NOT NULL,
    channel TEXT NOT NULL,                -- the route: a channel's name in the wiring
    step INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,     -- 0 queued, 1 claimed, 2 done, 3 cancelled
    owner TEXT NOT NULL DEFAULT '',
    token INTEGER NOT NULL DEFAULT 0,     -- fencing: every later write of the claimer carries it
    lease_until REAL NOT NULL DEFAULT 0,
    hwm INTEGER NOT NULL,                 -- ids below it may have left
    next_try_at REAL NOT NULL DEFAULT 0,
    c_queued INTEGER NOT NULL DEFAULT 0, c_sending INTEGER NOT NULL DEFAULT 0, c_retrying INTEGER NOT NULL DEFAULT 0,
    c_unknown INTEGER NOT NULL DEFAULT 0, c_accepted INTEGER NOT NULL DEFAULT 0, c_delivered INTEGER NOT NULL DEFAULT 0,
    c_seen INTEGER NOT NULL DEFAULT 0, c_failed INTEGER NOT NULL DEFAULT 0, c_expired INTEGER NOT NULL DEFAULT 0,
    c_skipped INTEGER NOT NULL DEFAULT 0, c_cancelled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX chunk_of ON chunk (broadcast_no);
CREATE INDEX chunk_open ON chunk (state, next_try_at) WHERE state < 2;
CREATE TABLE delivery (                   -- the hot row: narrow, updated in place, only a primary key
    id INTEGER PRIMARY KEY,
    recipient INTEGER NOT NULL,           -- MSISDN, or address id where `direct` has a row; 0 for a group
    status INTEGER NOT NULL DEFAULT 0,
    account INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    cause INTEGER NOT NULL DEFAULT 0,
    parts INTEGER NOT NULL DEFAULT 0,
    parts_done INTEGER NOT NULL DEFAULT 0,-- bit per delivered part
    sent_at INTEGER NOT NULL DEFAULT 0,
    done_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE cause (                      -- our reason and the provider's own code, verbatim
    id INTEGER PRIMARY KEY, reason TEXT NOT NULL, code TEXT NOT NULL, UNIQUE (reason, code)
) STRICT;
CREATE TABLE channel_account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE receipt (                    -- provider id → delivery; insert-only, ids rise
    pmid TEXT NOT NULL, account INTEGER NOT NULL, delivery_id INTEGER NOT NULL, part INTEGER NOT NULL,
    PRIMARY KEY (pmid, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_delivery ON receipt (delivery_id);
CREATE TABLE receipt_orphan (             -- a receipt that overtook the answer to its send
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL, pmid TEXT NOT NULL, keys TEXT NOT NULL,
    state TEXT NOT NULL, code TEXT NOT NULL, at REAL NOT NULL, came_at REAL NOT NULL
) STRICT;
CREATE INDEX receipt_orphan_pmid ON receipt_orphan (pmid);
CREATE TABLE direct (                     -- deliveries to people and groups: hundreds of rows a broadcast
    delivery_id INTEGER PRIMARY KEY,
    broadcast_no INTEGER NOT NULL,
    unit_code TEXT NOT NULL,              -- '' for a group post
    person_id INTEGER NOT NULL,           -- 0 for a group post
    person_name TEXT NOT NULL,
    channel TEXT NOT NULL,
    value TEXT NOT NULL,
    step INTEGER NOT NULL,
    UNIQUE (broadcast_no, channel, value, step)
) STRICT;
CREATE INDEX direct_unit ON direct (broadcast_no, unit_code);
CREATE TABLE single (                     -- a message to one address with a text of its own: answers, POST /messages
    delivery_id INTEGER PRIMARY KEY,
    value TEXT NOT NULL,
    text TEXT NOT NULL,
    inbox_id INTEGER,                     -- what it answers
    made_by TEXT NOT NULL,
    valid_until REAL NOT NULL
) STRICT;
CREATE UNIQUE INDEX single_answer ON single (inbox_id) WHERE inbox_id IS NOT NULL;
CREATE TABLE delivery_event (             -- every step of direct deliveries; only unhappy steps of listed numbers
    id INTEGER PRIMARY KEY,
    delivery_id INTEGER NOT NULL,
    at REAL NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    code TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX delivery_event_of ON delivery_event (delivery_id);
"""

INBOX = """
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    chat TEXT NOT NULL,
    text TEXT NOT NULL,
    payload TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    is_group INTEGER NOT NULL,
    reply_to TEXT NOT NULL,
    at REAL NOT NULL,
    came_at REAL NOT NULL,
    raw BLOB NOT NULL,
    priority INTEGER NOT NULL DEFAULT 2,  -- 0: a cry for help, handled before everything else
    state TEXT NOT NULL DEFAULT 'new',    -- new, answered, acknowledged, human, ignored, closed
    intent TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',        -- why it is in the human queue or was not answered
    unit_code TEXT NOT NULL DEFAULT '',
    person_id INTEGER,
    broadcast_no INTEGER,
    handled_at REAL,
    handled_by TEXT NOT NULL DEFAULT '',  -- the officer who dealt with it; '' for our own answers
    UNIQUE (channel, event_id)
) STRICT;
CREATE INDEX inbox_new ON inbox (priority, id) WHERE state = 'new';
CREATE INDEX inbox_sender ON inbox (sender, id);
CREATE INDEX inbox_menu ON inbox (sender, came_at) WHERE note = 'menu';
CREATE INDEX inbox_human ON inbox (id) WHERE state = 'human';
CREATE TABLE conversation (               -- what we last asked somebody, so that "2" means something
    channel TEXT NOT NULL, sender TEXT NOT NULL,
    asked TEXT NOT NULL, expires_at REAL NOT NULL,
    PRIMARY KEY (channel, sender)
) STRICT, WITHOUT ROWID;
CREATE TABLE alarm (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    kind TEXT NOT NULL,                   -- rescue, channel_down, …
    subject TEXT NOT NULL,                -- what it is about: an inbox id, a channel's name
    detail TEXT NOT NULL DEFAULT '{}',
    taken_by TEXT NOT NULL DEFAULT '',
    taken_at REAL
) STRICT;
CREATE UNIQUE INDEX alarm_open ON alarm (kind, subject) WHERE taken_at IS NULL;
CREATE TABLE channel_state (key TEXT PRIMARY KEY, value BLOB NOT NULL, updated_at REAL NOT NULL) STRICT, WITHOUT ROWID;
"""


def upgrade() -> None:
    for script in (DIRECTORY, ACCESS, BROADCAST, DELIVERY, INBOX):
        for statement in script.split(";\n"):
            if statement.strip():
                op.execute(statement.strip())
