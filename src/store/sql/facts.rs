//! What is asked before an action leaves.

use super::{
    action_rows::{action_id, payload},
    addresses::AddressKey,
    codec::{OwnedUid, micros, parse, timestamp},
    connection::{Connection, params},
    controls::find_opt_out,
    kept::kept_id,
    names::find_workspace,
    threads::find_thread,
};
use crate::{
    model::{ActionKind, ActionState, HistoryEntry, OptOutScope, Payload},
    store::{ForeignUse, LeadFacts, ReplyFacts, ReplyQuestion, SentFilter, SentWindow, StoreError, WHOLE_HISTORY},
};
use jiff::Timestamp;

/// The living and past actions in a thread or for a lead that count against `repeat`.
pub(super) const HISTORY: &str =
    "SELECT a.uid, (SELECT name FROM names WHERE id = a.rule), a.kind, a.target, t.thread_id,
       d.message_id, d.lead_email, a.state, d.at,
       CASE a.kind WHEN 'reply' THEN (SELECT body FROM action_payloads p WHERE p.id = a.id) END, NULL, NULL, d.uid, a.id
     FROM (SELECT id FROM decisions WHERE thread = ?2 UNION SELECT id FROM decisions INDEXED BY decisions_lead
       WHERE lead_email = ?3 AND workspace = ?1) o
     CROSS JOIN decisions d ON d.id = o.id CROSS JOIN actions a ON a.id >= d.id << 16 AND a.id < (d.id + 1) << 16
     CROSS JOIN threads t ON t.id = a.thread
     WHERE a.claim IS NOT NULL
     UNION ALL
     SELECT NULL, (SELECT name FROM names WHERE id = k.rule), k.kind, k.target, t.thread_id, k.message_id,
       CASE WHEN k.lead = ?5 THEN ?3 END, k.state, k.at, NULL, k.words, k.id, NULL, NULL
     FROM (SELECT id FROM kept_actions WHERE thread = ?2 UNION SELECT id FROM kept_actions INDEXED BY kept_actions_lead
       WHERE lead = ?5 AND workspace = ?1) o
     CROSS JOIN kept_actions k ON k.id = o.id CROSS JOIN threads t ON t.id = k.thread
     ORDER BY 9 DESC LIMIT ?4";

pub(super) const SENT_TO_LEAD: &str = "SELECT a.sent_at FROM decisions d INDEXED BY decisions_lead
     CROSS JOIN actions a ON a.id >= d.id << 16 AND a.id < (d.id + 1) << 16
     WHERE d.lead_email = ?4 AND d.workspace = ?1 AND a.kind = ?2 AND a.sent_at > ?3 AND a.claim IS NOT NULL
     AND (?5 IS NULL OR a.rule = (SELECT id FROM names WHERE name = ?5))
     UNION ALL
     SELECT k.sent_at FROM kept_actions k INDEXED BY kept_actions_lead WHERE k.lead = ?7 AND k.workspace = ?1 AND k.kind = ?2
     AND k.sent_at > ?3 AND (?5 IS NULL OR k.rule = (SELECT id FROM names WHERE name = ?5)) ORDER BY 1 DESC LIMIT ?6";
/// Its index is the rule's: other kinds of the rule's actions stand between those that are counted.
pub(super) const SENT_BY_RULE: &str = "SELECT * FROM (SELECT sent_at FROM actions INDEXED BY actions_sent_by_rule
       WHERE workspace = ?1 AND rule = (SELECT id FROM names WHERE name = ?5) AND kind = ?2 AND sent_at > ?3
       AND claim IS NOT NULL AND ?4 IS NULL AND ?7 IS NULL ORDER BY sent_at DESC LIMIT ?6) here
     UNION ALL
     SELECT * FROM (SELECT sent_at FROM kept_actions INDEXED BY kept_actions_sent_by_rule
       WHERE workspace = ?1 AND rule = (SELECT id FROM names WHERE name = ?5) AND kind = ?2 AND sent_at > ?3
       ORDER BY sent_at DESC LIMIT ?6) kept
     ORDER BY 1 DESC LIMIT ?6";
/// What was removed is a day old at least, and the workspace's replies are counted by the hour. Of other kinds nobody asks it,
/// and there is no index.
pub(super) const SENT: &str = "SELECT sent_at FROM actions INDEXED BY actions_sent
     WHERE workspace = ?1 AND kind = 'reply' AND sent_at > ?3 AND claim IS NOT NULL AND ?4 IS NULL
     AND ?5 IS NULL AND ?7 IS NULL
     ORDER BY sent_at DESC LIMIT ?6";

/// A lead's address in lower case, and its hash.
#[derive(Clone, Copy)]
pub(super) struct Lead<'a> {
    pub(super) email: &'a str,
    pub(super) hash: Option<&'a [u8]>,
}

/// What is known of the lead, and of what was done in the thread.
pub(super) fn of_lead(
    connection: &Connection,
    key: &AddressKey,
    (workspace, opt_outs): (&str, OptOutScope),
    thread_id: &str,
    lead: Option<Lead<'_>>,
) -> Result<LeadFacts, StoreError> {
    let opt_out =
        lead.map(|lead| find_opt_out(connection, key, (workspace, opt_outs), lead.email)).transpose()?.flatten();
    let history = match find_workspace(connection, workspace)? {
        Some(workspace) => history(connection, workspace, thread_id, lead)?,
        None => Vec::new(),
    };
    Ok(LeadFacts { history, opt_out })
}

/// What is known of a reply that is about to leave.
pub(super) fn of_reply(
    connection: &Connection,
    key: &AddressKey,
    question: &ReplyQuestion,
) -> Result<ReplyFacts, StoreError> {
    let lead = question.lead_email.as_deref().map(str::to_lowercase);
    let hash = key.hash_of(connection, lead.as_deref())?;
    let lead = lead.as_deref().map(|email| Lead { email, hash: hash.as_deref() });
    let mut facts = ReplyFacts {
        foreign_use: find_foreign_use(connection, &question.workspace)?,
        lead: of_lead(connection, key, (&question.workspace, question.opt_outs), &question.thread_id, lead)?,
        ..ReplyFacts::default()
    };
    let Some(workspace) = find_workspace(connection, &question.workspace)? else { return Ok(facts) };
    let all = SentFilter { kind: ActionKind::Reply, lead_email: None, rule: None };
    if let Some(Lead { email, hash }) = lead {
        let to_lead = SentFilter { lead_email: Some(email), ..all };
        facts.to_lead = sent(connection, workspace, &to_lead, hash, question.to_lead)?;
    }
    if let Some(window) = question.of_workspace {
        facts.of_workspace = sent(connection, workspace, &all, None, window)?;
    }
    if let Some(window) = question.by_rule {
        let by_rule = SentFilter { rule: Some(&question.rule), ..all };
        facts.by_rule = sent(connection, workspace, &by_rule, None, window)?;
    }
    Ok(facts)
}

/// Whether another service was seen on the workspace's account.
pub(super) fn find_foreign_use(connection: &Connection, workspace: &str) -> Result<Option<ForeignUse>, StoreError> {
    let mut query = connection.prepare_cached("SELECT since, evidence FROM foreign_use WHERE workspace = ?")?;
    let found: Option<(i64, String)> =
        query.query_optional(params![workspace], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let of = |(since, evidence)| Ok(ForeignUse { workspace: workspace.to_owned(), since: timestamp(since)?, evidence });
    found.map(of).transpose()
}

fn history(
    connection: &Connection,
    workspace: i64,
    thread_id: &str,
    lead: Option<Lead<'_>>,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let thread = find_thread(connection, workspace, thread_id)?;
    let mut query = connection.prepare_cached(HISTORY)?;
    let mut rows = query.query(params![
        workspace,
        thread,
        lead.map(|lead| lead.email),
        WHOLE_HISTORY,
        lead.and_then(|lead| lead.hash),
    ])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let body = row.optional_bytes(9)?.map(payload).transpose()?;
        entries.push(HistoryEntry {
            action: match row.get::<Option<i64>>(11)? {
                Some(number) => kept_id(number),
                None => action_id(row.get(0)?, &row.get::<OwnedUid>(12)?.0, row.get(13)?)?,
            },
            rule: row.get(1)?,
            kind: parse::<ActionKind>(row.text(2)?)?,
            target: row.get(3)?,
            thread_id: row.get(4)?,
            message_id: row.get(5)?,
            lead_email: row.get(6)?,
            state: parse::<ActionState>(row.text(7)?)?,
            created_at: timestamp(row.get(8)?)?,
            body: match body {
                Some(Payload::Reply { text, html, .. }) => text.or(html),
                _ => None,
            },
            words: row.get(10)?,
        });
    }
    Ok(entries)
}

/// When the counted actions left, oldest first. `hash` is that of the lead, if the filter names one.
pub(super) fn sent(
    connection: &Connection,
    workspace: i64,
    filter: &SentFilter<'_>,
    hash: Option<&[u8]>,
    window: SentWindow,
) -> Result<Vec<Timestamp>, StoreError> {
    let query = match (filter.lead_email, filter.rule) {
        (Some(_), _) => SENT_TO_LEAD,
        (None, Some(_)) => SENT_BY_RULE,
        (None, None) if filter.kind == ActionKind::Reply => SENT,
        (None, None) => {
            return Err(StoreError::Database(format!("{} of all rules are not counted", filter.kind.as_str())));
        }
    };
    let mut query = connection.prepare_cached(query)?;
    let SentFilter { kind, lead_email, rule } = filter;
    let values = params![workspace, kind.as_str(), micros(window.since), lead_email, rule, window.newest, hash];
    let mut rows = query.query(values)?;
    let mut times = Vec::new();
    while let Some(row) = rows.next()? {
        times.push(timestamp(row.get(0)?)?);
    }
    times.reverse();
    Ok(times)
}
