-- Processes that run meanwhile go on: what they write without a hash gets it later.
ALTER TABLE threads ADD COLUMN IF NOT EXISTS lead BIGINT;
CREATE INDEX IF NOT EXISTS threads_lead ON threads (lead);
