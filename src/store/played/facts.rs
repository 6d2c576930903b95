//! What is asked before an action leaves.

use super::{
    records::{Number, Recorded, Records},
    stored,
};
use crate::{
    model::{ActionKind, HistoryEntry, Payload},
    store::{SentFilter, SentWindow, WHOLE_HISTORY},
};
use jiff::Timestamp;

/// The living and past actions in a thread or for a lead that count against `repeat`, newest first.
pub(super) fn history(records: &Records, workspace: &str, thread: &str, lead: Option<&str>) -> Vec<HistoryEntry> {
    let of_lead = lead.map(|lead| records.numbers_of_lead(workspace, lead)).unwrap_or_default();
    let in_thread = records.numbers_in_thread(workspace, thread);
    let mut numbers: Vec<Number> = in_thread.iter().chain(of_lead).copied().collect();
    numbers.sort_unstable();
    numbers.dedup();
    let counts = |number: &Number| records.recorded(*number).filter(|recorded| recorded.place.is_some());
    let mut found: Vec<&Recorded> = numbers.iter().filter_map(counts).collect();
    found.sort_by_key(|recorded| std::cmp::Reverse(recorded.action.created_at));
    found.truncate(WHOLE_HISTORY as usize);
    found.into_iter().map(entry).collect()
}

fn entry(Recorded { action, .. }: &Recorded) -> HistoryEntry {
    HistoryEntry {
        action: action.id.clone(),
        rule: action.rule.clone(),
        kind: action.kind,
        target: action.target.clone(),
        thread_id: action.thread_id.clone(),
        message_id: action.message_id.clone(),
        lead_email: action.lead_email.clone(),
        state: action.state,
        created_at: action.created_at,
        body: match (&action.kind, &action.payload) {
            (ActionKind::Reply, Payload::Reply { text, html, .. }) => text.clone().or_else(|| html.clone()),
            _ => None,
        },
        words: None,
    }
}

/// When the counted actions left, oldest first. The lead's address is in lower case.
pub(super) fn sent(records: &Records, workspace: &str, filter: &SentFilter<'_>, window: SentWindow) -> Vec<Timestamp> {
    let (since, newest) = (stored(window.since), window.newest as usize);
    let mut times: Vec<Timestamp> = match filter.lead_email {
        Some(lead) => {
            let numbers = records.numbers_of_lead(workspace, lead).iter();
            let counted = numbers.filter_map(|number| {
                let Recorded { action, place: Some(_) } = records.recorded(*number)? else { return None };
                let is_asked_for = action.kind == filter.kind && filter.rule.is_none_or(|rule| action.rule == rule);
                action.sent_at.filter(|at| is_asked_for && *at > since)
            });
            let mut times: Vec<Timestamp> = counted.collect();
            times.sort_unstable_by(|left, right| right.cmp(left));
            times.truncate(newest);
            times
        }
        None => {
            let sent = records.sent(workspace, filter.kind, filter.rule);
            sent.take_while(|at| *at > since).take(newest).collect()
        }
    };
    times.reverse();
    times
}
