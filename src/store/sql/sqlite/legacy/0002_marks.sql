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
