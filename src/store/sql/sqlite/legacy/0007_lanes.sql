-- An action with a target goes to a destination, whatever its kind: a new kind needs no change here.
DROP INDEX actions_ready;
CREATE INDEX actions_ready ON actions (
    workspace,
    target IS NOT NULL,
    CASE WHEN state = 'unknown' OR (state IN ('waiting', 'retrying') AND reason_code = 'unreachable') THEN 2
         WHEN kind = 'reply' THEN 0 ELSE 1 END,
    due_at,
    id
) WHERE due_at IS NOT NULL;
