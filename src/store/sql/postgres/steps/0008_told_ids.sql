-- The id of an action is told by its decision's and its place; earlier ones keep their own.
ALTER TABLE actions ALTER COLUMN uid DROP NOT NULL;
ALTER TABLE actions DROP CONSTRAINT actions_uid_key;
CREATE UNIQUE INDEX actions_uid ON actions (uid) WHERE uid IS NOT NULL;
-- Of a workspace, replies are counted alone.
DROP INDEX actions_sent;
CREATE INDEX actions_sent ON actions (workspace, sent_at) WHERE kind = 'reply' AND sent_at IS NOT NULL;
DROP INDEX actions_sent_by_rule;
CREATE INDEX actions_sent_by_rule ON actions (rule, sent_at) WHERE sent_at IS NOT NULL;
