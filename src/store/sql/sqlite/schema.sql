-- The store. Times are microseconds since 1970 in UTC. JSON columns hold the model's serde form; blobs are the same
-- compressed (codec.rs).
--
-- Hot and cold apart: what is due, and where it stands, is in `actions`, whose rows are narrow; what is sent is written once
-- into `action_payloads`. An action's key is its decision's, shifted by 16 bits, plus its place: all actions of a decision
-- are neighbours, and those of one decision are found without an index. An index for each query that exists, none for one
-- that does not: plans/tests.rs asks the database which one it takes.

CREATE TABLE workspaces (
    id    INTEGER PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE,
    state TEXT                      -- JSON; NULL before the first poll
);

-- Names of rules and campaigns, kept once.
CREATE TABLE names (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE INDEX names_any_case ON names (name COLLATE NOCASE);

CREATE TABLE threads (
    id               INTEGER PRIMARY KEY,
    workspace        INTEGER NOT NULL,
    thread_id        TEXT NOT NULL,
    row              TEXT,           -- the list row that was last dealt with (known_rows.rs); NULL while the first one is pending
    newest_inbound   TEXT,           -- the newest inbound message that was seen, where the messages were read
    inbound_seen     TEXT,           -- the ids of the inbound messages that were read, the newest ones
    looked_at        INTEGER,        -- the server's time at which the row was last dealt with
    pending_row      TEXT,           -- a row that differs and has not been dealt with
    pending_since    INTEGER,
    pending_due      INTEGER,        -- when it is ready, if not since it came
    pending_failures INTEGER NOT NULL DEFAULT 0,
    last_outgoing    TEXT,           -- the outgoing messages that the thread ended with when it was last read
    first_seen_at    INTEGER NOT NULL,
    lead             INTEGER         -- a keyed hash of the lead's address; 0 for none, NULL where it was not computed yet
);
-- A thread without any row is only named by a decision: nothing is known of it.
CREATE UNIQUE INDEX threads_by_id ON threads (thread_id, workspace);
CREATE INDEX threads_of_workspace ON threads (workspace);
CREATE INDEX threads_lead ON threads (lead);
CREATE INDEX threads_ready ON threads (workspace, pending_failures > 0, coalesce(pending_due, pending_since))
    WHERE pending_since IS NOT NULL;

CREATE TABLE decisions (
    id         INTEGER PRIMARY KEY,
    uid        NOT NULL UNIQUE,      -- a UUID as 16 bytes, or any other text as it is
    workspace  INTEGER NOT NULL,
    thread     INTEGER NOT NULL,
    message_id TEXT,
    lead_email TEXT,
    campaign   INTEGER,
    at         INTEGER NOT NULL,
    event      TEXT NOT NULL,
    matched    TEXT NOT NULL,        -- the names of the rules, in order
    problem    INTEGER NOT NULL,     -- whether nothing could be evaluated, or the lead had opted out: people look at it
    message_at INTEGER,
    trace      BLOB NOT NULL
);
CREATE INDEX decisions_thread ON decisions (thread);
CREATE INDEX decisions_lead ON decisions (lead_email) WHERE lead_email IS NOT NULL;
CREATE INDEX decisions_campaign ON decisions (campaign) WHERE campaign IS NOT NULL;
CREATE INDEX decisions_workspace ON decisions (workspace);
CREATE INDEX decisions_at ON decisions (at);
CREATE INDEX decisions_matched ON decisions (id) WHERE matched <> '[]';
CREATE INDEX decisions_unmatched ON decisions (id) WHERE matched = '[]';
CREATE INDEX decisions_problem ON decisions (at) WHERE problem;

-- What rules were evaluated on, beside what they said: lists read decisions by the thousand and events not at all, and small
-- rows leave little of a page empty.
CREATE TABLE decision_events (
    decision INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,      -- the rules that were active
    base     INTEGER,               -- the decision on whose event this one's body builds; NULL for none
    depth    INTEGER NOT NULL,      -- so many others are read before it
    body     BLOB NOT NULL          -- compressed with what the trace and the base say; see events.rs
);

-- All that the rules of each revision were made of, once.
CREATE TABLE rule_revisions (
    id       INTEGER PRIMARY KEY,
    revision TEXT NOT NULL UNIQUE,
    body     BLOB NOT NULL          -- all that the rules were made of
);

CREATE TABLE decision_rules (
    rule     INTEGER NOT NULL,
    decision INTEGER NOT NULL,
    PRIMARY KEY (rule, decision)
) WITHOUT ROWID;

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

CREATE TABLE action_payloads (
    id   INTEGER PRIMARY KEY,        -- the action's
    body BLOB NOT NULL
);

-- What is left of actions whose decision was removed: what "never the same twice", `repeat` and caps ask for, without a text
-- or an address. See kept.rs.
CREATE TABLE kept_actions (
    id              INTEGER PRIMARY KEY,
    workspace       INTEGER NOT NULL,
    thread          INTEGER NOT NULL,
    claim           INTEGER NOT NULL,
    rule            INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    target          TEXT,
    state           TEXT NOT NULL,
    message_id      TEXT,
    lead            BLOB,            -- a keyed hash of the address
    words           TEXT,            -- the fingerprint of what a reply said
    at              INTEGER NOT NULL, -- when it was decided
    sent_at         INTEGER,
    outgoing_before TEXT,
    attempts        TEXT
);
CREATE UNIQUE INDEX kept_actions_thread ON kept_actions (thread, claim);
CREATE INDEX kept_actions_lead ON kept_actions (lead) WHERE lead IS NOT NULL;
CREATE INDEX kept_actions_sent_by_rule ON kept_actions (rule, kind, sent_at) WHERE sent_at IS NOT NULL;

-- The key of the hashes of addresses: random, made with the store.
CREATE TABLE address_key (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    secret BLOB NOT NULL
);

-- An address is an address, a whole domain (`*@acme.example`), or the keyed hash of an address that was erased.
CREATE TABLE opt_outs (
    workspace TEXT NOT NULL,
    email     TEXT NOT NULL,
    since     INTEGER NOT NULL,
    evidence  TEXT NOT NULL,
    PRIMARY KEY (workspace, email)
) WITHOUT ROWID;
CREATE INDEX opt_outs_since ON opt_outs (since DESC, workspace, email);
CREATE INDEX opt_outs_email ON opt_outs (email);

CREATE TABLE rule_modes (
    rule  TEXT PRIMARY KEY,
    mode  TEXT NOT NULL,
    since INTEGER NOT NULL,
    by    TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE pauses (
    workspace TEXT PRIMARY KEY,      -- '' for everything
    since     INTEGER NOT NULL,
    reason    TEXT NOT NULL,
    by        TEXT NOT NULL
) WITHOUT ROWID;

-- How many intents were ever written, and which store this is. The same stands beside the file: a store that knows of fewer
-- was restored from a backup, and what left since then is not in it.
CREATE TABLE marks (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    store   TEXT NOT NULL,
    intents INTEGER NOT NULL
);

-- The addresses that the workspaces send from, as their outgoing messages show them.
CREATE TABLE own_addresses (
    email TEXT PRIMARY KEY
) WITHOUT ROWID;

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

-- How often each rule matched in each workspace and what became of its actions, by the hour since 1970 in which the decision
-- was made; hour -1 is all time, whether or not it is still there, and hour -2 what of it was removed. Written once for each
-- commit, in the transaction of what they count, so that no count can be off.
CREATE TABLE match_hours (
    hour      INTEGER NOT NULL,
    rule      INTEGER NOT NULL,
    workspace INTEGER NOT NULL,      -- 0 where matches were counted before workspaces were told apart
    count     INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (hour, rule, workspace)
) WITHOUT ROWID;

CREATE TABLE action_hours (
    hour      INTEGER NOT NULL,
    rule      INTEGER NOT NULL,
    workspace INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    state     TEXT NOT NULL,
    reason    TEXT NOT NULL,         -- '' for none
    count     INTEGER NOT NULL,
    PRIMARY KEY (hour, rule, workspace, kind, state, reason)
) WITHOUT ROWID;

-- What happened, in order, for those who follow it: one row for each commit. The oldest go.
CREATE TABLE changes (
    last  INTEGER PRIMARY KEY,       -- the number of the last change in it
    first INTEGER NOT NULL,
    body  BLOB NOT NULL              -- a list
);

-- Who changed what.
CREATE TABLE audit (
    id         TEXT PRIMARY KEY,     -- a UUID version 7
    at         INTEGER NOT NULL,
    who        TEXT NOT NULL,        -- token | session | loopback | nobody
    remote     TEXT,
    what       TEXT NOT NULL,
    target     TEXT,
    details    TEXT NOT NULL,        -- a JSON object
    request_id TEXT
) WITHOUT ROWID;
CREATE INDEX audit_what ON audit (what, id);
CREATE INDEX audit_target ON audit (target, id);

-- Erasures that are not finished: whoever was interrupted goes on.
CREATE TABLE erasures (
    id         TEXT PRIMARY KEY,
    address    TEXT NOT NULL,        -- '' once all else is done
    workspaces TEXT,                 -- a list of names; NULL for all
    at         INTEGER NOT NULL,
    holder     TEXT NOT NULL         -- the process that was at it last
) WITHOUT ROWID;
