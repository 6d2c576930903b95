-- What the admin server asks for, so that no answer grows slower with the store.

-- Who put a switch as it is.
ALTER TABLE rule_modes ADD COLUMN by TEXT NOT NULL DEFAULT '';
ALTER TABLE pauses ADD COLUMN by TEXT NOT NULL DEFAULT '';

-- The campaign, for filters.
ALTER TABLE decisions ADD COLUMN campaign TEXT COLLATE NOCASE;
ALTER TABLE actions ADD COLUMN campaign TEXT COLLATE NOCASE;
UPDATE decisions SET campaign = json_extract(trace, '$.campaign');
UPDATE actions SET campaign = (SELECT campaign FROM decisions WHERE decisions.id = actions.decision_id);

-- Each filter finds the newest in the order of an index.
CREATE INDEX decisions_campaign ON decisions (campaign, id);
CREATE INDEX decisions_lead ON decisions (lead_email, id);
CREATE INDEX decisions_workspace ON decisions (workspace, id);
CREATE INDEX decisions_matched ON decisions (id) WHERE matched <> '[]';
CREATE INDEX decisions_unmatched ON decisions (id) WHERE matched = '[]';
CREATE INDEX decision_rules_id ON decision_rules (rule, decision_id);
CREATE INDEX decision_rules_at ON decision_rules (at, rule);
CREATE INDEX actions_campaign ON actions (campaign, id);
CREATE INDEX actions_lead_id ON actions (lead_email, id);
CREATE INDEX actions_kind ON actions (kind, id);
CREATE INDEX actions_workspace ON actions (workspace, id);
CREATE INDEX actions_rule_state ON actions (rule, state, id);
CREATE INDEX actions_state_decision ON actions (state, decision_id);
CREATE INDEX actions_created ON actions (created_at, rule, kind, state, reason_code);
DROP INDEX actions_decision;
CREATE INDEX actions_decision ON actions (decision_id, state);
CREATE INDEX opt_outs_since ON opt_outs (since DESC, workspace, email);

-- How often each rule matched and what became of its actions, by the hour since 1970 in which the decision was made; hour -1
-- is all time. Kept by triggers, in the transaction of what they count, so that no count can be off.
CREATE TABLE match_hours (
    hour    INTEGER NOT NULL,
    rule    TEXT NOT NULL,
    count   INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (hour, rule)
) WITHOUT ROWID;

CREATE TABLE action_hours (
    hour      INTEGER NOT NULL,
    rule      TEXT NOT NULL,
    workspace TEXT NOT NULL,
    kind      TEXT NOT NULL,
    state     TEXT NOT NULL,
    reason    TEXT NOT NULL,         -- '' for none
    count     INTEGER NOT NULL,
    PRIMARY KEY (hour, rule, workspace, kind, state, reason)
) WITHOUT ROWID;

INSERT INTO match_hours SELECT at / 3600000000, rule, count(*), max(at) FROM decision_rules GROUP BY 1, 2;
INSERT INTO match_hours SELECT -1, rule, sum(count), max(last_at) FROM match_hours GROUP BY rule;
INSERT INTO action_hours
    SELECT created_at / 3600000000, rule, workspace, kind, state, coalesce(reason_code, ''), count(*)
    FROM actions GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO action_hours
    SELECT -1, rule, workspace, kind, state, reason, sum(count) FROM action_hours GROUP BY 2, 3, 4, 5, 6;

CREATE TRIGGER decision_rules_counted AFTER INSERT ON decision_rules BEGIN
    INSERT INTO match_hours (hour, rule, count, last_at)
        VALUES (-1, NEW.rule, 1, NEW.at), (NEW.at / 3600000000, NEW.rule, 1, NEW.at)
        ON CONFLICT (hour, rule) DO UPDATE SET count = count + 1, last_at = max(last_at, excluded.last_at);
END;

CREATE TRIGGER actions_counted AFTER INSERT ON actions BEGIN
    INSERT INTO action_hours (hour, rule, workspace, kind, state, reason, count)
        VALUES (-1, NEW.rule, NEW.workspace, NEW.kind, NEW.state, coalesce(NEW.reason_code, ''), 1),
               (NEW.created_at / 3600000000, NEW.rule, NEW.workspace, NEW.kind, NEW.state,
                coalesce(NEW.reason_code, ''), 1)
        ON CONFLICT (hour, rule, workspace, kind, state, reason) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER actions_recounted AFTER UPDATE OF state, reason_code ON actions
WHEN OLD.state <> NEW.state OR OLD.reason_code IS NOT NEW.reason_code BEGIN
    UPDATE action_hours SET count = count - 1
        WHERE hour IN (-1, OLD.created_at / 3600000000) AND rule = OLD.rule AND workspace = OLD.workspace
        AND kind = OLD.kind AND state = OLD.state AND reason = coalesce(OLD.reason_code, '');
    INSERT INTO action_hours (hour, rule, workspace, kind, state, reason, count)
        VALUES (-1, NEW.rule, NEW.workspace, NEW.kind, NEW.state, coalesce(NEW.reason_code, ''), 1),
               (NEW.created_at / 3600000000, NEW.rule, NEW.workspace, NEW.kind, NEW.state,
                coalesce(NEW.reason_code, ''), 1)
        ON CONFLICT (hour, rule, workspace, kind, state, reason) DO UPDATE SET count = count + 1;
    DELETE FROM action_hours
        WHERE hour IN (-1, OLD.created_at / 3600000000) AND rule = OLD.rule AND workspace = OLD.workspace
        AND kind = OLD.kind AND state = OLD.state AND reason = coalesce(OLD.reason_code, '') AND count = 0;
END;

-- What happened, in order, for those who follow it; the oldest go.
CREATE TABLE changes (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    what        TEXT NOT NULL,       -- decision | action
    at          INTEGER NOT NULL,
    workspace   TEXT NOT NULL,
    thread_id   TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    action_id   TEXT,
    rule        TEXT,
    kind        TEXT,
    state       TEXT,
    reason      TEXT,
    matched     TEXT
);

CREATE TRIGGER decisions_told AFTER INSERT ON decisions BEGIN
    INSERT INTO changes (what, at, workspace, thread_id, decision_id, matched)
        VALUES ('decision', NEW.at, NEW.workspace, NEW.thread_id, NEW.id, NEW.matched);
    DELETE FROM changes WHERE seq <= (SELECT max(seq) FROM changes) - 10000;
END;

CREATE TRIGGER actions_told AFTER INSERT ON actions BEGIN
    INSERT INTO changes (what, at, workspace, thread_id, decision_id, action_id, rule, kind, state, reason)
        VALUES ('action', NEW.updated_at, NEW.workspace, NEW.thread_id, NEW.decision_id, NEW.id, NEW.rule, NEW.kind,
                NEW.state, NEW.reason_code);
END;

CREATE TRIGGER actions_retold AFTER UPDATE OF state, reason_code ON actions
WHEN OLD.state <> NEW.state OR OLD.reason_code IS NOT NEW.reason_code BEGIN
    INSERT INTO changes (what, at, workspace, thread_id, decision_id, action_id, rule, kind, state, reason)
        VALUES ('action', NEW.updated_at, NEW.workspace, NEW.thread_id, NEW.decision_id, NEW.id, NEW.rule, NEW.kind,
                NEW.state, NEW.reason_code);
    DELETE FROM changes WHERE seq <= (SELECT max(seq) FROM changes) - 10000;
END;

-- Who changed what.
CREATE TABLE audit (
    id         TEXT PRIMARY KEY,     -- a UUID version 7
    at         INTEGER NOT NULL,
    who        TEXT NOT NULL,        -- token | session | loopback | nobody
    remote     TEXT,
    what       TEXT NOT NULL,
    target     TEXT,
    details    TEXT NOT NULL,        -- a JSON object
    request_id TEXT
) WITHOUT ROWID;
CREATE INDEX audit_what ON audit (what, id);
CREATE INDEX audit_target ON audit (target, id);
