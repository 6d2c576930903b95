-- What may be left for people: few among all that was suppressed. Its condition is the one in left.rs.
CREATE INDEX actions_left ON actions (id) WHERE state IN ('suppressed', 'cancelled')
    AND ((kind = 'mark_read' AND reason_code = 'other_action') OR (kind = 'reply' AND reason_code IN
        ('opt_out', 'lead_cap', 'repeat', 'too_old', 'rule_removed', 'rule_no_longer_matches')));
