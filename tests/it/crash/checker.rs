//! Compares what the simulated world received with what the store says.

use super::fixture::KillPoint;
use reply_router::{
    model::{Action, ActionKind, ActionState, AttemptOutcome, DestinationKind},
    simulator::{AcceptedReply, ReceivedMail, SlackMessage, Thread, WebhookCall},
    store::DecisionRecord,
};
use std::{collections::HashSet, fmt};

/// All that can be seen from outside, each with its workspace's name, and all that is in the store.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct World {
    pub(super) actions: Vec<Action>,
    pub(super) decisions: Vec<DecisionRecord>,
    pub(super) accepted: Vec<(String, AcceptedReply)>,
    pub(super) threads: Vec<(String, Thread)>,
    pub(super) slack: Vec<(String, SlackMessage)>,
    pub(super) webhooks: Vec<(String, WebhookCall)>,
    pub(super) mail: Vec<ReceivedMail>,
}

/// What came of a place.
#[derive(Debug, Default)]
pub(super) struct Tally {
    place: String,
    leads: usize,
    accepted: usize,
    duplicates: usize,
    lost: usize,
    quarantined: usize,
    repeated: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, leads, accepted, duplicates, lost, quarantined, repeated } = self;
        let kills = leads - 1;
        write!(f, "{place:<16} kills {kills:>3}  leads {leads:>3}  accepted {accepted:>3}  duplicates {duplicates}  ")?;
        write!(f, "lost {lost}  quarantined {quarantined:>3}  forwards repeated {repeated:>3}")
    }
}

impl World {
    fn deliveries(&self, action: &Action) -> usize {
        let (name, id) = (&action.workspace, action.id.0.as_str());
        match action.kind {
            ActionKind::Forward(DestinationKind::Log) => panic!("a line is no request"),
            ActionKind::Forward(DestinationKind::Slack) => {
                self.slack.iter().filter(|(of, one)| of == name && one.payload.to_string().contains(id)).count()
            }
            ActionKind::Forward(DestinationKind::Webhook) => {
                self.webhooks.iter().filter(|(of, one)| of == name && one.header("webhook-id") == Some(id)).count()
            }
            ActionKind::Forward(DestinationKind::Email) => self.mail.iter().filter(|one| one.raw.contains(id)).count(),
            _ => 0,
        }
    }

    /// Nothing was received that no action in the store stands for, and no text twice.
    pub(super) fn nothing_unknown(&self, wrong: &mut Vec<String>) {
        let known: usize = self.actions.iter().map(|action| self.deliveries(action)).sum();
        let received = self.slack.len() + self.webhooks.len() + self.mail.len();
        if known != received {
            wrong.push(format!("{received} forwards were received, {known} of them with the id of an action"));
        }
        let texts: HashSet<_> = self.accepted.iter().map(|(_, reply)| &reply.body).collect();
        if texts.len() != self.accepted.len() {
            wrong.push(format!("{} replies with {} texts", self.accepted.len(), texts.len()));
        }
    }
}

/// Checks every lead of a workspace. The last lead's service was left alone.
pub(super) fn check(spot: &KillPoint, world: &World, leads: usize, wrong: &mut Vec<String>) -> Tally {
    let mut tally = Tally { place: spot.name.clone(), leads, ..Tally::default() };
    let threads: Vec<_> = world.threads.iter().filter(|(name, _)| *name == spot.name).map(|(_, one)| one).collect();
    if threads.len() != leads {
        wrong.push(format!("{}: {} threads for {leads} leads", spot.name, threads.len()));
    }
    for (number, thread) in threads.into_iter().enumerate() {
        let mut found = Vec::new();
        let lead = Lead { spot, world, thread, undisturbed: number + 1 == leads };
        lead.check(&mut tally, &mut found);
        if !found.is_empty() {
            wrong.push(format!("{} of {}: {}\n  {:?}", thread.lead_email, spot.name, found.join("; "), lead.actions()));
        }
    }
    tally
}

struct Lead<'a> {
    spot: &'a KillPoint,
    world: &'a World,
    thread: &'a Thread,
    undisturbed: bool,
}

impl<'a> Lead<'a> {
    fn actions(&self) -> Vec<&'a Action> {
        let of = |action: &&Action| action.workspace == self.spot.name && action.thread_id == self.thread.id;
        self.world.actions.iter().filter(of).collect()
    }

    fn check(&self, tally: &mut Tally, wrong: &mut Vec<String>) {
        let of = |record: &&DecisionRecord| record.workspace == self.spot.name && record.thread_id == self.thread.id;
        let decisions = self.world.decisions.iter().filter(of).count();
        let actions = self.actions();
        let mut kinds: Vec<_> = actions.iter().map(|action| action.kind).collect();
        let mut wanted = self.spot.kinds.clone();
        kinds.sort();
        wanted.sort();
        if decisions != 1 || kinds != wanted {
            wrong.push(format!("{decisions} decisions, {kinds:?}"));
        }
        if decisions == 0 {
            tally.lost += 1;
        }
        for action in &actions {
            if !action.state.is_settled() && action.state != ActionState::Held {
                wrong.push(format!("{} is {}", action.kind, action.state));
            }
            if action.state != ActionState::Done && action.reason.is_none() {
                wrong.push(format!("{} is {} without a reason", action.kind, action.state));
            }
            if self.undisturbed && action.state != ActionState::Done {
                wrong.push(format!("{} is {}, though nothing went wrong", action.kind, action.state));
            }
            match action.kind {
                ActionKind::Reply => self.reply(action, tally, wrong),
                ActionKind::Star => self.star(action, wrong),
                ActionKind::MarkRead => self.mark_read(action, &actions, wrong),
                _ => self.forward(action, tally, wrong),
            }
        }
    }

    fn reply(&self, action: &Action, tally: &mut Tally, wrong: &mut Vec<String>) {
        let ours = |(name, reply): &&(String, AcceptedReply)| {
            *name == self.spot.name && reply.thread_id == self.thread.id && reply.to == self.thread.lead_email
        };
        let accepted = self.world.accepted.iter().filter(ours).count();
        tally.accepted += accepted;
        tally.duplicates += accepted.saturating_sub(1);
        if accepted > 1 {
            wrong.push(format!("{accepted} replies were accepted"));
        }
        if (action.state == ActionState::Done) != (accepted == 1) {
            wrong.push(format!("the reply is {} with {accepted} accepted", action.state));
        }
        if action.state == ActionState::Quarantined {
            tally.quarantined += 1;
            // Only what was on its way when the program was killed.
            if action.attempts.last().is_none_or(|attempt| attempt.outcome != AttemptOutcome::Interrupted) {
                wrong.push("the reply is quarantined, and was not on its way".to_owned());
            }
        } else if accepted == 0 {
            tally.lost += 1;
            wrong.push("the reply is lost".to_owned());
        }
        if let Some(wanted) = self.spot.reply_ends.filter(|wanted| !self.undisturbed && *wanted != action.state) {
            wrong.push(format!("the reply is {}, not {wanted}", action.state));
        }
    }

    fn star(&self, action: &Action, wrong: &mut Vec<String>) {
        let right = match action.state {
            ActionState::Done => self.thread.is_starred,
            ActionState::Quarantined => true,
            _ => false,
        };
        if !right {
            wrong.push(format!("the star is {}, the thread's is {}", action.state, self.thread.is_starred));
        }
    }

    fn forward(&self, action: &Action, tally: &mut Tally, wrong: &mut Vec<String>) {
        let times = self.world.deliveries(action);
        tally.repeated += times.saturating_sub(1);
        // Each delivery is one of the tries on record.
        if action.state != ActionState::Done || times == 0 || times > action.attempts.len() {
            let tries = action.attempts.len();
            wrong.push(format!("{} is {}, received {times} times in {tries} tries", action.kind, action.state));
        }
    }

    fn mark_read(&self, action: &Action, all: &[&Action], wrong: &mut Vec<String>) {
        let others = all.iter().filter(|other| other.kind != ActionKind::MarkRead);
        let well = others.clone().all(|other| other.state == ActionState::Done);
        let wanted = if well { ActionState::Done } else { ActionState::Cancelled };
        if action.state != wanted || self.thread.is_read != well {
            wrong.push(format!("mark_read is {}, the thread read: {}", action.state, self.thread.is_read));
        }
    }
}
