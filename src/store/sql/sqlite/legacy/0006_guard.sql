-- Workspaces on whose account another service acts: their replies are held until somebody resumes them.
CREATE TABLE foreign_use (
    workspace TEXT PRIMARY KEY,
    since     INTEGER NOT NULL,
    evidence  TEXT NOT NULL
) WITHOUT ROWID;

-- What campaigns send before a lead writes: hashes of pairs of words, no text. The newest are kept.
CREATE TABLE campaign_steps (
    workspace  TEXT NOT NULL,
    thread_id  TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sender     TEXT,
    words      TEXT NOT NULL,        -- a JSON array of numbers
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (workspace, thread_id, message_id)
) WITHOUT ROWID;
CREATE INDEX campaign_steps_seen ON campaign_steps (workspace, seen_at);

-- The outgoing messages that a thread ended with when it was last read: one of the same second as a later inbound message
-- is no answer to it.
CREATE TABLE last_outgoing (
    workspace TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    messages  TEXT NOT NULL,         -- a JSON array of ids
    PRIMARY KEY (workspace, thread_id)
) WITHOUT ROWID;
