-- The id of an action is told by its decision's and its place; earlier ones keep their own. Of a workspace, replies are counted
-- alone.
ALTER TABLE actions RENAME TO actions_before;
CREATE TABLE actions (
    id              INTEGER PRIMARY KEY,
    uid             BLOB,            -- NULL where its decision's and its place tell it; see `action_id` in action_rows.rs
    workspace       INTEGER NOT NULL,
    thread          INTEGER NOT NULL,
    claim           INTEGER,         -- what it does to which message, while it lives; see `claim` in actions.rs
    rule            INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    target          TEXT,
    state           TEXT NOT NULL,
    reason_code     TEXT,
    reason_text     TEXT,
    lane            INTEGER NOT NULL,
    urgency         INTEGER NOT NULL,
    due_at          INTEGER,
    sent_at         INTEGER,
    updated_at      INTEGER NOT NULL,
    message_at      INTEGER,
    approved        INTEGER NOT NULL,
    outgoing_before TEXT,            -- JSON; NULL for none
    attempts        TEXT,            -- see attempts.rs; NULL for none
    version         INTEGER NOT NULL
);
INSERT INTO actions (id, uid, workspace, thread, claim, rule, position, kind, target, state, reason_code, reason_text, lane, urgency, due_at,
    sent_at, updated_at, message_at, approved, outgoing_before, attempts, version)
SELECT id, uid, workspace, thread, claim, rule, position, kind, target, state, reason_code, reason_text, lane, urgency, due_at,
    sent_at, updated_at, message_at, approved, outgoing_before, attempts, version
FROM actions_before ORDER BY id;
DROP TABLE actions_before;
CREATE UNIQUE INDEX actions_uid ON actions (uid) WHERE uid IS NOT NULL;
-- The promise "never the same twice", kept by the database itself.
CREATE UNIQUE INDEX actions_thread ON actions (thread, claim);
-- What is due comes in the order in which it is carried out.
CREATE INDEX actions_due ON actions (workspace, lane, urgency, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX actions_state ON actions (state);
CREATE INDEX actions_rule_state ON actions (rule, state);
CREATE INDEX actions_kind ON actions (kind);
CREATE INDEX actions_sent ON actions (workspace, sent_at) WHERE kind = 'reply' AND sent_at IS NOT NULL;
CREATE INDEX actions_sent_by_rule ON actions (rule, sent_at) WHERE sent_at IS NOT NULL;
-- What may be left for people: few among all that was suppressed. Its condition is the one in left.rs.
CREATE INDEX actions_left ON actions (id) WHERE state IN ('suppressed', 'cancelled')
    AND ((kind = 'mark_read' AND reason_code = 'other_action') OR (kind = 'reply' AND reason_code IN
        ('opt_out', 'lead_cap', 'repeat', 'too_old', 'rule_removed', 'rule_no_longer_matches')));
