-- Erasures that are not finished.
CREATE TABLE erasures (
    id         TEXT COLLATE "C" PRIMARY KEY,
    address    TEXT COLLATE "C" NOT NULL,
    workspaces TEXT COLLATE "C",
    at         BIGINT NOT NULL,
    holder     TEXT COLLATE "C" NOT NULL
);
