//! Tests of `rules`, seen from outside.

mod candidates;
mod conditions;
mod decisions;
mod definitions;
mod kept;
mod lint;
mod listed;
mod lists;
mod loading;
mod sandbox;
mod says;
mod scripts;
mod sources;
mod spellings;

use reply_router::{
    model::{Conversation, Decision, DestinationKind, HistoryEntry, Message, Mode, ThreadDetail, ThreadRow},
    rules::{EventInput, LoadContext, Need, RuleSet, ThreadMessages, evaluate_timed, hours::OpeningHours},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A Monday, 09:00 UTC.
const NOW: &str = "2026-01-05T09:00:00Z";

fn context() -> LoadContext {
    let destinations = [
        ("sales-hot", DestinationKind::Slack),
        ("account-team", DestinationKind::Email),
        ("crm", DestinationKind::Webhook),
    ];
    let days = [jiff::civil::Weekday::Monday];
    let evening = OpeningHours::new(&days, 20 * 60, 21 * 60, jiff::tz::TimeZone::UTC, BTreeSet::new()).unwrap();
    let day = OpeningHours::new(&days, 8 * 60, 18 * 60, jiff::tz::TimeZone::UTC, BTreeSet::new()).unwrap();
    LoadContext {
        destinations: destinations.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect(),
        hours: BTreeMap::from([("evening".to_owned(), evening), ("office".to_owned(), day)]),
        ..LoadContext::default()
    }
}

fn rules(text: &str) -> RuleSet {
    RuleSet::parse(&[("rules/a.yaml", text)], &context()).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"))
}

/// An event with everything that a test may want to change.
#[derive(Debug, Clone)]
struct Case {
    row: ThreadRow,
    detail: Option<ThreadDetail>,
    messages: Option<Conversation>,
    history: Option<Vec<HistoryEntry>>,
    overrides: HashMap<String, Mode>,
    opted_out: Option<bool>,
    ceiling: Mode,
    thorough: bool,
}

impl Case {
    /// Only the row is known.
    fn row() -> Self {
        let row = ThreadRow {
            id: "thread-1".to_owned(),
            lead_email: Some("Jane@Acme.example".to_owned()),
            lead_name: Some("Jane Doe".to_owned()),
            campaign_name: Some("Q1 Product Launch".to_owned()),
            subject: Some("Re: A demo".to_owned()),
            preview: Some("Sure, a call on Tuesday?".to_owned()),
            last_message_at: Some("2026-01-05T08:00:00Z".parse().unwrap()),
            is_read: Some(false),
            is_starred: Some(false),
            reply_count: Some(2),
            category: Some("Meeting Request".to_owned()),
            ..ThreadRow::default()
        };
        Self {
            row,
            detail: None,
            messages: None,
            history: None,
            overrides: HashMap::new(),
            opted_out: None,
            ceiling: Mode::Live,
            thorough: true,
        }
    }

    /// The row, the thread and the messages are known; the lead's answer is this.
    fn full(body: &str) -> Self {
        let mut case = Self::row();
        case.detail = Some(ThreadDetail {
            row: case.row.clone(),
            campaign_id: Some("0b0e6d3a-7d0c-4a4e-9e55-0d4c0a7f1f10".to_owned()),
            inbox_email: Some("sam@us.example".to_owned()),
            ai_category: Some("interested".to_owned()),
            ai_confidence: Some(0.9),
            tags: vec!["vip".to_owned(), "emea".to_owned()],
            ..ThreadDetail::default()
        });
        let ours = Message {
            id: "m1".to_owned(),
            from: Some("sam@us.example".to_owned()),
            text: Some("15 minutes for a demo?".to_owned()),
            outgoing: true,
            ..Message::default()
        };
        let theirs = Message {
            id: "m2".to_owned(),
            from: Some("Jane Doe <jane@acme.example>".to_owned()),
            subject: Some("Re: A demo".to_owned()),
            text: Some(body.to_owned()),
            ..Message::default()
        };
        case.messages = Some(Conversation::new(vec![ours, theirs]));
        case
    }

    fn newest(mut self, change: impl Fn(&mut Message)) -> Self {
        let mut messages = self.messages.take().unwrap_or_default().messages().to_vec();
        if let Some(last) = messages.last_mut() {
            change(last);
        }
        self.messages = Some(Conversation::new(messages));
        self
    }

    fn evaluate(&self, set: &RuleSet) -> Result<Decision, Need> {
        self.evaluate_timed(set, &mut |_| {})
    }

    fn evaluate_timed(&self, set: &RuleSet, through_with: &mut dyn FnMut(usize)) -> Result<Decision, Need> {
        let messages = self.messages.clone().map(ThreadMessages::new);
        let decision = self.evaluate_on(set, messages.as_ref(), through_with);
        // Whoever has what was read of the messages decides the same; where a script is stopped by the clock, not at the same
        // place.
        let is_stopped = |decision: &&Decision| {
            let mut errors = decision.rules.iter().filter_map(|rule| rule.error.as_deref());
            errors.any(|error| error.contains("was stopped after") && error.ends_with(" ms"))
        };
        if let (Some(messages), Some(decision)) = (&messages, decision.as_ref().ok().filter(|found| !is_stopped(found)))
        {
            let kept = crate::kept_reading::carried(messages.keep_reading());
            let again = ThreadMessages::with_reading(messages.conversation().clone(), Some(kept));
            assert_eq!(self.evaluate_on(set, Some(&again), &mut |_| {}).as_ref(), Ok(decision));
        }
        decision
    }

    fn evaluate_on(
        &self,
        set: &RuleSet,
        messages: Option<&ThreadMessages>,
        through_with: &mut dyn FnMut(usize),
    ) -> Result<Decision, Need> {
        let input = EventInput {
            workspace: "acme",
            ceiling: self.ceiling,
            row: &self.row,
            row_reading: None,
            detail: self.detail.as_ref(),
            messages,
            history: self.history.as_deref(),
            overrides: &self.overrides,
            lead_opted_out: self.opted_out,
            hold_uncertain: true,
            thorough: self.thorough,
        };
        evaluate_timed(set, &input, NOW.parse().unwrap(), through_with)
    }

    fn decide(&self, text: &str) -> Decision {
        self.evaluate(&rules(text)).unwrap_or_else(|need| panic!("needs {need:?}: {text}"))
    }
}

/// Each action as `rule kind would reason`.
fn told(decision: &Decision) -> Vec<String> {
    let told = decision.actions.iter().map(|action| {
        let reason = action.reason.as_ref().map_or("-", |reason| reason.code.as_str());
        format!("{} {} {} {reason}", action.rule, action.kind, action.would.as_str())
    });
    told.collect()
}
