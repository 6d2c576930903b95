-- What is looked up for each message and action is found by its thread or lead, however large the workspace is.
CREATE INDEX actions_of_thread ON actions (workspace, thread_id, id);
CREATE INDEX actions_rule_sent ON actions (workspace, rule, kind, sent_at) WHERE sent_at IS NOT NULL;

-- What is due comes in the order in which it is carried out; the class of an action is explained beside the query.
CREATE INDEX actions_ready ON actions (
    workspace,
    kind IN ('slack', 'email', 'webhook'),
    CASE WHEN state = 'unknown' OR (state IN ('waiting', 'retrying') AND reason_code = 'unreachable') THEN 2
         WHEN kind = 'reply' THEN 0 ELSE 1 END,
    due_at,
    id
) WHERE due_at IS NOT NULL;

-- When a thread in line is ready to be looked at, if not since it came: it waits for a category, or could not be read.
ALTER TABLE threads ADD COLUMN pending_due INTEGER;
-- How often in a row it could not be read.
ALTER TABLE threads ADD COLUMN pending_failures INTEGER NOT NULL DEFAULT 0;
CREATE INDEX threads_ready ON threads (workspace, pending_failures > 0, coalesce(pending_due, pending_since))
    WHERE pending_since IS NOT NULL;
