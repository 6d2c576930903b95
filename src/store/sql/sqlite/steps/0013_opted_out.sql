-- Mail from leads who had opted out is marked when it is decided on.
UPDATE decisions SET problem = 1 WHERE NOT problem AND id IN (
    SELECT d.id FROM opt_outs o CROSS JOIN workspaces w ON w.name = o.workspace
    CROSS JOIN decisions d INDEXED BY decisions_lead ON d.lead_email = o.email AND d.workspace = w.id AND d.at >= o.since);
