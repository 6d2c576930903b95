-- Processes tell what is in their configuration, and which alerts were sent.
ALTER TABLE replicas ADD COLUMN workspaces TEXT COLLATE "C" NOT NULL DEFAULT '[]';
CREATE TABLE alerts (
    key TEXT COLLATE "C" PRIMARY KEY,
    at  BIGINT NOT NULL
);
