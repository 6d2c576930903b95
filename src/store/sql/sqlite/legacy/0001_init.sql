-- Times are microseconds since 1970 in UTC. JSON columns hold the model's serde form.

CREATE TABLE threads (
    workspace      TEXT NOT NULL,
    thread_id      TEXT NOT NULL,
    row            TEXT,             -- the list row that was last dealt with; NULL while the first one is pending
    newest_inbound TEXT,             -- the newest inbound message that was seen, where the messages were read
    pending_row    TEXT,             -- a row that differs and has not been dealt with
    pending_since  INTEGER,
    first_seen_at  INTEGER NOT NULL,
    PRIMARY KEY (workspace, thread_id)
) WITHOUT ROWID;
CREATE INDEX threads_pending ON threads (workspace, pending_since) WHERE pending_since IS NOT NULL;

CREATE TABLE decisions (
    id         TEXT PRIMARY KEY,
    workspace  TEXT NOT NULL,
    thread_id  TEXT NOT NULL,
    message_id TEXT,
    lead_email TEXT,
    at         INTEGER NOT NULL,
    event      TEXT NOT NULL,
    matched    TEXT NOT NULL,
    trace      TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX decisions_thread ON decisions (thread_id, id);
CREATE INDEX decisions_at ON decisions (at);

CREATE TABLE decision_rules (
    rule        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    decision_id TEXT NOT NULL,
    PRIMARY KEY (rule, at, decision_id)
) WITHOUT ROWID;

CREATE TABLE actions (
    id              TEXT PRIMARY KEY,
    workspace       TEXT NOT NULL,
    decision_id     TEXT NOT NULL,
    thread_id       TEXT NOT NULL,
    message_id      TEXT,
    message_key     TEXT NOT NULL,
    lead_email      TEXT,
    rule            TEXT NOT NULL,
    position        INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    target          TEXT,
    state           TEXT NOT NULL,
    reason_code     TEXT,
    reason_text     TEXT,
    payload         TEXT NOT NULL,
    timing          TEXT NOT NULL,
    any_sender      INTEGER NOT NULL,
    any_auto_reply  INTEGER NOT NULL,
    approved        INTEGER NOT NULL,
    message_at      INTEGER,
    outgoing_before TEXT NOT NULL,
    attempts        TEXT NOT NULL,
    due_at          INTEGER,
    sent_at         INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL
) WITHOUT ROWID;

-- The promise "never the same twice", kept by the database itself: one living reply for an inbound message whatever the
-- rules are called, one of each other kind and target, and one webhook call for each rule.
CREATE UNIQUE INDEX actions_once ON actions (
    workspace, thread_id, message_key, kind,
    CASE WHEN kind = 'reply' THEN '' ELSE coalesce(target, '') END,
    CASE WHEN kind = 'webhook' THEN rule ELSE '' END
) WHERE state NOT IN ('failed', 'suppressed', 'cancelled');

CREATE INDEX actions_due ON actions (workspace, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX actions_state ON actions (state, id);
CREATE INDEX actions_thread ON actions (thread_id, id);
CREATE INDEX actions_lead ON actions (workspace, lead_email, kind, sent_at);
CREATE INDEX actions_rule ON actions (rule, id);
CREATE INDEX actions_decision ON actions (decision_id);
CREATE INDEX actions_sent ON actions (workspace, kind, sent_at) WHERE sent_at IS NOT NULL;

CREATE TABLE opt_outs (
    workspace TEXT NOT NULL,
    email     TEXT NOT NULL,
    since     INTEGER NOT NULL,
    evidence  TEXT NOT NULL,
    PRIMARY KEY (workspace, email)
) WITHOUT ROWID;

CREATE TABLE workspaces (
    name  TEXT PRIMARY KEY,
    state TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE rule_modes (
    rule  TEXT PRIMARY KEY,
    mode  TEXT NOT NULL,
    since INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE pauses (
    workspace TEXT PRIMARY KEY,      -- '' for everything
    since     INTEGER NOT NULL,
    reason    TEXT NOT NULL
) WITHOUT ROWID;
