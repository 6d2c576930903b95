-- Mail from leads who had opted out is marked when it is decided on.
UPDATE decisions SET problem = TRUE WHERE NOT problem AND id IN (
    SELECT d.id FROM opt_outs o JOIN workspaces w ON w.name = o.workspace
    JOIN decisions d ON d.lead_email = o.email AND d.workspace = w.id AND d.at >= o.since);
