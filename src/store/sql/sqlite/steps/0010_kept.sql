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

CREATE INDEX opt_outs_email ON opt_outs (email);
