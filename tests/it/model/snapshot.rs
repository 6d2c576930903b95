//! What can be seen from outside at one time: the simulator's logs and threads, the store. Nothing of the engine.

use super::actors::{Actors, OPT_OUT, is_step};
use jiff::Timestamp;
use reply_router::store::prelude::*;
use reply_router::{
    model::{Action, ActionKind, ActionState, DestinationKind},
    simulator::{AcceptedReply, LoggedRequest, Simulator, StoredMessage, Thread},
    store::{ActionFilter, DecisionFilter, DecisionRecord, SqlStore},
};
use std::collections::HashSet;

pub(crate) struct Snapshot {
    pub(crate) at: Timestamp,
    pub(crate) threads: Vec<Thread>,
    pub(crate) requests: Vec<LoggedRequest>,
    pub(crate) accepted: Vec<AcceptedReply>,
    /// What forwards arrived: when, of which kind, and the text with the action's id somewhere in it.
    pub(crate) forwards: Vec<(Timestamp, ActionKind, String)>,
    /// Oldest first.
    pub(crate) actions: Vec<Action>,
    pub(crate) decisions: Vec<DecisionRecord>,
    /// The leads whose opt-out is remembered.
    pub(crate) opted_out: HashSet<String>,
    pub(crate) is_paused: bool,
    pub(crate) paused_at: Option<Timestamp>,
    /// How many intents were on disk before that pause.
    pub(crate) on_their_way: usize,
    pub(crate) clock_was_set: bool,
    pub(crate) crashes: usize,
    pub(crate) toggles: Vec<(String, Timestamp)>,
    pub(crate) touched: HashSet<reply_router::model::ActionId>,
    pub(crate) categories: Vec<(String, Timestamp, Option<&'static str>)>,
    pub(crate) broken: Option<String>,
    pub(crate) old: HashSet<String>,
}

impl Snapshot {
    pub(crate) async fn capture(simulator: &Simulator, scene: &Actors, store: &SqlStore) -> Self {
        let mut actions = store.actions(&ActionFilter { limit: 10_000, ..ActionFilter::default() }).await.unwrap();
        actions.reverse();
        let decisions = store.decisions(&DecisionFilter { limit: 10_000, ..DecisionFilter::default() }).await.unwrap();
        let opted_out = store.opt_outs(None, 0, 100).await.unwrap();
        let is_paused = !store.pauses().await.unwrap().is_empty();
        let mut forwards = Vec::new();
        forwards.extend(
            simulator
                .slack()
                .into_iter()
                .map(|m| (m.at, ActionKind::Forward(DestinationKind::Slack), m.payload.to_string())),
        );
        forwards.extend(
            simulator.mail().into_iter().map(|mail| (mail.at, ActionKind::Forward(DestinationKind::Email), mail.raw)),
        );
        forwards.extend(simulator.webhooks().into_iter().map(|call| {
            (
                call.at,
                ActionKind::Forward(DestinationKind::Webhook),
                call.header("webhook-id").unwrap_or_default().to_owned(),
            )
        }));
        let journal = scene.journal.lock().unwrap();
        Self {
            at: scene.clock.now(),
            threads: scene.workspace.threads(),
            requests: scene.workspace.requests(),
            accepted: scene.workspace.accepted_replies(),
            forwards,
            actions,
            decisions,
            opted_out: opted_out.into_iter().map(|opt_out| opt_out.email).collect(),
            is_paused,
            paused_at: journal.paused_at,
            on_their_way: journal.on_their_way,
            clock_was_set: journal.clock_was_set,
            crashes: journal.crashes,
            toggles: journal.toggles.clone(),
            touched: journal.touched.clone(),
            categories: journal.categories.clone(),
            broken: journal.broken.clone(),
            old: journal.old.clone(),
        }
    }

    pub(crate) fn thread(&self, id: &str) -> &Thread {
        self.threads.iter().find(|thread| thread.id == id).expect("no thread is ever removed")
    }

    /// The last whole look at the thread's messages before then.
    pub(crate) fn read_before(&self, thread: &str, at: Timestamp) -> Option<Timestamp> {
        let path = format!("/replies/threads/{thread}/messages");
        let looks = self.requests.iter().filter(|request| request.path == path && request.status == Some(200));
        looks.map(|request| request.at).filter(|look| *look < at).max()
    }

    /// The category that the list showed for a thread when it was last read before then.
    pub(crate) fn shown_category(&self, thread: &str, at: Timestamp) -> Option<&'static str> {
        let is_list = |request: &&LoggedRequest| request.path == "/replies" && request.status == Some(200);
        let listed = self.requests.iter().filter(is_list).map(|request| request.at).filter(|list| *list < at).max()?;
        let of_thread = self.categories.iter().filter(|(id, since, _)| id == thread && *since < listed);
        of_thread.max_by_key(|(_, since, _)| *since)?.2
    }

    /// The lead's newest message at a time.
    pub(crate) fn newest_inbound(&self, thread: &str, at: Timestamp) -> Option<&StoredMessage> {
        let inbound = self.thread(thread).messages.iter().filter(|message| !message.outgoing && message.at < at);
        inbound.max_by_key(|message| message.at)
    }

    /// The message that a reply is about: the one that its text names, else the newest when the guard looked.
    pub(crate) fn answered(&self, reply: &AcceptedReply) -> Option<&StoredMessage> {
        match cited_message(reply.body.as_deref()) {
            Some(id) => self.thread(&reply.thread_id).messages.iter().find(|message| message.id == id),
            None => self.newest_inbound(&reply.thread_id, self.read_before(&reply.thread_id, reply.at)?),
        }
    }

    /// Whether a reply to the action's message was accepted.
    pub(crate) fn is_accepted(&self, action: &Action) -> bool {
        self.accepted.iter().any(|reply| {
            reply.thread_id == action.thread_id
                && self.answered(reply).is_some_and(|message| Some(&message.id) == action.message_id.as_ref())
        })
    }

    /// Whether an action's forward arrived, and how often.
    pub(crate) fn deliveries(&self, action: &Action) -> usize {
        self.forwards.iter().filter(|(_, kind, text)| *kind == action.kind && text.contains(&action.id.0)).count()
    }

    /// What left after a time: writes to the API, whatever became of them, and forwards that arrived.
    pub(crate) fn sent_since(&self, at: Timestamp) -> usize {
        let writes = self.requests.iter().filter(|request| request.method != "GET" && request.at > at).count();
        writes + self.forwards.iter().filter(|(arrived, ..)| *arrived > at).count()
    }

    /// Whether nobody wrote in a thread since before the service ever ran.
    pub(crate) fn is_as_old(&self, thread: &Thread) -> bool {
        let inbound = thread.messages.iter().filter(|message| !message.outgoing);
        self.old.contains(&thread.id) && inbound.count() == 1
    }

    /// The newest messages of threads that have no decision; older ones may have been overtaken.
    pub(crate) fn undecided(&self) -> Vec<&str> {
        let is_decided =
            |message: &str| self.decisions.iter().any(|decision| decision.message_id.as_deref() == Some(message));
        let newest = self.threads.iter().filter(|thread| !self.is_as_old(thread)).filter_map(|thread| {
            let inbound = thread.messages.iter().filter(|message| !message.outgoing);
            Some(inbound.max_by_key(|message| message.at)?.id.as_str())
        });
        newest.filter(|message| !is_decided(message)).collect()
    }

    pub(crate) fn action(&self, id: &reply_router::model::ActionId) -> Option<&Action> {
        self.actions.iter().find(|action| action.id == *id)
    }

    /// The actions that are in this state now and were not before.
    pub(crate) fn entered(&self, state: ActionState, before: Option<&Self>) -> Vec<&Action> {
        let was = |action: &Action| before.and_then(|before| before.action(&action.id)).map(|action| action.state);
        self.actions.iter().filter(|action| action.state == state && was(action) != Some(state)).collect()
    }
}

/// The message that a text of ours names.
pub(crate) fn cited_message(text: Option<&str>) -> Option<&str> {
    let text = text?;
    let from = text.rfind('[')? + 1;
    text.get(from..)?.split(']').next()
}

/// Whether a person on our side wrote it by hand.
pub(crate) fn is_from_person(message: &StoredMessage) -> bool {
    message.outgoing && !message.through_api && !is_step(message.text.as_deref())
}

/// Whether a message is the lead's wish for no more mail.
pub(crate) fn is_opt_out(message: &StoredMessage) -> bool {
    !message.outgoing && message.text.as_deref() == Some(OPT_OUT)
}

/// An action in a line.
pub(crate) fn describe(action: &Action) -> String {
    let Action { kind, rule, state, message_id, due_at, .. } = action;
    let tries: Vec<_> = action.attempts.iter().map(|attempt| (&attempt.outcome, attempt.status)).collect();
    let reason = action.reason.as_ref().map(|reason| (reason.code.as_str(), &reason.text));
    format!("{kind} of {rule} is {state} {reason:?} due {due_at:?} for {message_id:?} after {tries:?}")
}
