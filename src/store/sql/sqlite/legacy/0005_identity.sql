-- What tells a new message from an old one: the ids of the inbound messages that were read (a JSON list, the newest ones),
-- and the server's time at which the row was last dealt with. NULL where nothing was read, or no time was told.
ALTER TABLE threads ADD COLUMN inbound_seen TEXT;
ALTER TABLE threads ADD COLUMN looked_at INTEGER;

-- Decisions without an evaluation: a person must look at the thread.
CREATE INDEX decisions_problem ON decisions (at) WHERE json_extract(trace, '$.problem') IS NOT NULL;

-- Whether another workspace has the same thread.
CREATE INDEX threads_by_id ON threads (thread_id);
