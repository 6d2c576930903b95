-- What rules were evaluated on, and the rules themselves, once for each revision. Decisions made before this have their whole
-- traces, and no event.

CREATE TABLE rule_revisions (
    id       INTEGER PRIMARY KEY,
    revision TEXT NOT NULL UNIQUE,
    body     BLOB NOT NULL          -- all that the rules were made of
);

CREATE TABLE decision_events (
    decision INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,      -- the rules that were active
    base     INTEGER,               -- the decision on whose event this one's body builds; NULL for none
    depth    INTEGER NOT NULL,      -- so many others are read before it
    body     BLOB NOT NULL          -- compressed with what the trace and the base say; see events.rs
);
