-- Erasures that are not finished.
CREATE TABLE erasures (
    id         TEXT PRIMARY KEY,
    address    TEXT NOT NULL,        -- '' once all else is done
    workspaces TEXT,                 -- a list of names; NULL for all
    at         INTEGER NOT NULL,
    holder     TEXT NOT NULL         -- the process that was at it last
) WITHOUT ROWID;
