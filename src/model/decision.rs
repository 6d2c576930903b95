//! Decisions: what all rules together said about an event, and why.

use super::{ActionKind, MailReading, Payload, Reason, Timing, UnknownName};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};
use utoipa::ToSchema;

/// How much of a rule is carried out. The order is from least to most, so that the lower of two wins by `min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Not evaluated.
    Off,
    /// Decided and recorded only.
    Shadow,
    /// Replies wait for approval; the rest is done.
    Draft,
    /// Everything is done.
    #[default]
    Live,
}

impl Mode {
    /// Every mode, from least to most.
    pub const ALL: [Self; 4] = [Self::Off, Self::Shadow, Self::Draft, Self::Live];

    /// The mode as rules write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Shadow => "shadow",
            Self::Draft => "draft",
            Self::Live => "live",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|mode| mode.as_str() == text);
        found.ok_or_else(|| UnknownName(text.to_owned()))
    }
}

/// What happens to an action as far as the decision can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlannedOutcome {
    /// It is carried out as soon as the guard agrees.
    Done,
    /// It waits for a person.
    Held,
    /// It waits for its time.
    Waiting,
    /// It is not done.
    Suppressed,
    /// It cannot be done, for example because its template does not render.
    Failed,
}

impl PlannedOutcome {
    /// The outcome as programs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Suppressed => "suppressed",
            Self::Failed => "failed",
        }
    }

    /// The outcome as people read it: nothing has happened yet.
    pub fn describe(self, kind: ActionKind) -> &'static str {
        let is_sent = kind.sends_text();
        match self {
            Self::Done if is_sent => "would be sent",
            Self::Done => "would be done",
            Self::Held => "would be held",
            Self::Waiting => "would wait",
            Self::Suppressed if is_sent => "would not be sent",
            Self::Suppressed => "would not be done",
            Self::Failed => "would fail",
        }
    }
}

/// What a decision plans for an action, as people read it: the outcome, and why. An action in shadow says what a live rule
/// would do, which is what its reason's text begins with.
pub fn describe_planned(
    kind: ActionKind,
    would: PlannedOutcome,
    reason: Option<(&str, &str)>,
) -> (String, Option<String>) {
    let text = reason.map(|(code, text)| if text.is_empty() { code.replace('_', " ") } else { text.to_owned() });
    match (reason, text) {
        (Some(("shadow", _)), Some(text)) if text.starts_with("would ") => match text.split_once(": ") {
            Some((outcome, why)) => (outcome.to_owned(), Some(why.to_owned())),
            None => (text, None),
        },
        (Some(("shadow", _)), _) => ("only recorded (shadow)".to_owned(), None),
        (_, text) => (would.describe(kind).to_owned(), text),
    }
}

/// One condition of a rule: what it wanted, what it saw, whether it held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConditionTrace {
    /// Where it stands in the rule: `when.not.body`.
    pub path: String,
    /// What the rule asks for, as written.
    pub wanted: String,
    /// The value that was there; long text is an excerpt around the match.
    pub seen: Option<String>,
    /// Whether it held by itself (a `not` around it is not applied); `None` when it was not evaluated.
    pub held: Option<bool>,
    /// The matching part, as byte offsets in `seen`.
    pub span: Option<(usize, usize)>,
    /// The phrase that was found, where the rule asks for phrases (`says`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub phrase: Option<PhraseTrace>,
    /// The row that was found, where the rule asks for one in a list (`in`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub row: Option<RowTrace>,
}

/// A row of a list that a value was found in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RowTrace {
    /// The list.
    pub list: String,
    /// The row's key, as keys are compared.
    pub key: String,
    /// The line of its file on which the row begins, from 1; 0 in a built-in list.
    pub line: usize,
}

impl RowTrace {
    /// Where the row stands, for people.
    pub fn place(&self) -> String {
        match self.line {
            0 => "built in".to_owned(),
            line => format!("line {line}"),
        }
    }
}

impl ConditionTrace {
    /// Whether it is the use of a definition (`is`), whose conditions follow: it saw nothing by itself.
    pub fn is_use(&self) -> bool {
        let mut parts = self.path.rsplit('.');
        match parts.next() {
            Some("is") => true,
            Some(last) => last.starts_with("any[") && last.ends_with(']') && parts.next() == Some("is"),
            None => false,
        }
    }
}

/// A phrase of a rule that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PhraseTrace {
    /// The phrase, as written.
    pub phrase: String,
    /// Where it is written: `FILE:LINE:COLUMN`.
    pub place: String,
    /// The words that it found, as the lead wrote them, on one line.
    pub words: String,
}

/// What a rule's script did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScriptTrace {
    /// Whether it let the rule match; `None` when it failed.
    pub result: Option<bool>,
    /// The variables that it gave to the templates.
    #[schema(value_type = HashMap<String, serde_json::Value>)]
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// Why it failed.
    pub error: Option<String>,
}

/// One action in a rule's trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionTrace {
    /// What it does.
    pub kind: ActionKind,
    /// Its destination, for forwards.
    pub target: Option<String>,
    /// Whom it is for, beside the destination's own: a channel, or addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// What happens to it.
    pub would: PlannedOutcome,
    /// Why.
    pub reason: Option<Reason>,
}

/// What one rule said about an event; `A` is what is told of each of its actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleTrace<A = ActionTrace> {
    /// The rule's name.
    pub name: String,
    /// The file that it stands in.
    pub file: String,
    /// The line of its `name`, from 1.
    pub line: usize,
    /// Its mode after the workspace's ceiling and overrides.
    pub mode: Mode,
    /// Whether it matched; false also where it was not reached, see `stopped_by`.
    pub matched: bool,
    /// The earlier rule with `stop: true` that kept it from being evaluated.
    pub stopped_by: Option<String>,
    /// Why it did not match although its conditions held (automatic mail), or why it could not be evaluated.
    pub note: Option<String>,
    /// The error that made it not match.
    pub error: Option<String>,
    /// Its conditions, in the order in which the rule lists them.
    pub conditions: Vec<ConditionTrace>,
    /// Its script, where it has one that was run.
    pub script: Option<ScriptTrace>,
    /// What it captured.
    pub captures: BTreeMap<String, String>,
    /// Its actions, if it matched.
    pub actions: Vec<A>,
}

impl RuleTrace {
    /// The same with something else told of each action.
    pub fn map_actions<B>(self, map: impl Fn(&ActionTrace) -> B) -> RuleTrace<B> {
        RuleTrace {
            name: self.name,
            file: self.file,
            line: self.line,
            mode: self.mode,
            matched: self.matched,
            stopped_by: self.stopped_by,
            note: self.note,
            error: self.error,
            conditions: self.conditions,
            script: self.script,
            captures: self.captures,
            actions: self.actions.iter().map(map).collect(),
        }
    }
}

/// One effect that a decision plans.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedAction {
    /// The rule that plans it.
    pub rule: String,
    /// The mode in which the rule acted.
    pub mode: Mode,
    /// Its place in the rule's `then`, from 0.
    pub position: u32,
    /// What it does.
    pub kind: ActionKind,
    /// Its destination, for forwards.
    pub target: Option<String>,
    /// What happens to it.
    pub would: PlannedOutcome,
    /// Why.
    pub reason: Option<Reason>,
    /// What is sent.
    pub payload: Payload,
    /// When it may be sent.
    pub timing: Timing,
    /// The rule has a `from` condition: a colleague of the lead may be answered.
    pub any_sender: bool,
    /// The rule asks for automatic mail.
    pub any_auto_reply: bool,
}

/// What all rules together said about an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What rules saw as `body`; `None` if the messages were not read.
    pub body: Option<String>,
    /// Whether the message is an auto-reply, as far as was read.
    pub auto_reply: Option<bool>,
    /// The words of an opt-out that were found, as far as was read.
    pub opt_out: Option<String>,
    /// How the newest inbound message was read.
    pub reading: MailReading,
    /// Each rule, in order.
    pub rules: Vec<RuleTrace>,
    /// What is to be done, in order; suppressed ones included.
    pub actions: Vec<PlannedAction>,
}

impl Decision {
    /// The names of the rules that matched, in order.
    pub fn matched(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter(|rule| rule.matched).map(|rule| rule.name.as_str())
    }
}
