//! What many sequences came to.

use super::{snapshot::Snapshot, transition::Transition};
use reply_router::model::{ActionKind, ActionState};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

#[derive(Debug, Clone, Default)]
pub(crate) struct RunStats {
    pub(crate) sequences: usize,
    pub(crate) transitions: usize,
    pub(crate) crashes: usize,
    pub(crate) messages: usize,
    pub(crate) accepted: usize,
    /// Replies beyond the first to a message.
    pub(crate) duplicates: usize,
    /// Newest messages without a decision.
    pub(crate) lost: usize,
    /// By kind and last attempt.
    pub(crate) quarantined: BTreeMap<String, usize>,
    pub(crate) replies: BTreeMap<&'static str, usize>,
}

impl RunStats {
    pub(crate) fn add(&mut self, transitions: &[Transition], end: &Snapshot) {
        self.sequences += 1;
        self.transitions += transitions.len();
        self.crashes += end.crashes;
        let messages = end.threads.iter().flat_map(|thread| &thread.messages);
        self.messages += messages.filter(|message| !message.outgoing).count();
        self.accepted += end.accepted.len();
        let answered = |reply| end.answered(reply).map(|message| message.id.as_str());
        let distinct: BTreeSet<_> = end.accepted.iter().map(|reply| (&reply.thread_id, answered(reply))).collect();
        self.duplicates += end.accepted.len() - distinct.len();
        self.lost += end.undecided().len();
        for action in &end.actions {
            if action.kind == ActionKind::Reply {
                *self.replies.entry(action.state.as_str()).or_default() += 1;
            }
            if action.state == ActionState::Quarantined {
                let last = action.attempts.last();
                let why = last.map_or("never tried".to_owned(), |attempt| match attempt.status {
                    Some(status) => format!("{} {status}", attempt.outcome),
                    None => attempt.outcome.to_string(),
                });
                let clock = if end.clock_was_set { ", clock set" } else { "" };
                let sent = if action.kind != ActionKind::Reply || !end.is_accepted(action) { "" } else { ", accepted" };
                *self.quarantined.entry(format!("{} {why}{sent}{clock}", action.kind)).or_default() += 1;
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.sequences += other.sequences;
        self.transitions += other.transitions;
        self.crashes += other.crashes;
        self.messages += other.messages;
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.lost += other.lost;
        for (why, count) in other.quarantined {
            *self.quarantined.entry(why).or_default() += count;
        }
        for (state, count) in other.replies {
            *self.replies.entry(state).or_default() += count;
        }
    }
}

impl fmt::Display for RunStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |counts: Vec<String>| if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
        write!(
            f,
            "sequences {}, transitions {}, crashes {}, messages {}, replies accepted {}, duplicates {}, lost {}; \
             reply records: {}; quarantined: {}",
            self.sequences,
            self.transitions,
            self.crashes,
            self.messages,
            self.accepted,
            self.duplicates,
            self.lost,
            list(self.replies.iter().map(|(state, count)| format!("{state} {count}")).collect()),
            list(self.quarantined.iter().map(|(why, count)| format!("{why} {count}")).collect()),
        )
    }
}
