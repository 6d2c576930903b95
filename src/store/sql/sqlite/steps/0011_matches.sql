-- Matches are counted by workspace.
CREATE TEMP TABLE counted_before AS SELECT hour, rule, count, last_at FROM match_hours;
DROP TABLE match_hours;
CREATE TABLE match_hours (
    hour      INTEGER NOT NULL,
    rule      INTEGER NOT NULL,
    workspace INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (hour, rule, workspace)
) WITHOUT ROWID;

-- Of several workspaces: what decisions that are still there say.
INSERT INTO match_hours (hour, rule, workspace, count, last_at)
SELECT d.at / 3600000000, n.id, d.workspace, count(*), max(d.at)
FROM decisions d CROSS JOIN json_each(d.matched) m JOIN names n ON n.name = m.value
WHERE (SELECT count(*) FROM workspaces) > 1
GROUP BY 1, 2, 3;
INSERT INTO match_hours (hour, rule, workspace, count, last_at)
SELECT -1, rule, workspace, CAST(sum(count) AS BIGINT), max(last_at) FROM match_hours GROUP BY rule, workspace;

-- What is left of each count: of the only workspace, or of nobody knows which.
INSERT INTO match_hours (hour, rule, workspace, count, last_at)
SELECT hour, rule, CASE (SELECT count(*) FROM workspaces) WHEN 1 THEN (SELECT min(id) FROM workspaces) ELSE 0 END, rest, last_at
FROM (SELECT c.hour, c.rule, c.last_at, c.count - (SELECT CAST(coalesce(sum(m.count), 0) AS BIGINT) FROM match_hours m
    WHERE m.hour = c.hour AND m.rule = c.rule) AS rest FROM counted_before c) counted
WHERE rest > 0;
DROP TABLE counted_before;
