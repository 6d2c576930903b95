//! A rule as it was written, in types that cannot be wrong.

use super::{
    definitions::Use,
    field::{Cost, FlagField, GlobField, NumberField, TextField},
    listed::Listed,
    pattern::{Bounds, Glob, Pattern, SpanBounds},
    said::Said,
    script::Script,
    template::TemplateRef,
};
use crate::diagnostics::Location;
use crate::model::{ActionKind, Attachment, Mode, Timing};
use std::sync::Arc;

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, unique in the set.
    pub name: String,
    /// What it is for, in its author's words.
    pub description: Option<String>,
    /// The file that it stands in, as it was named when loading.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
    /// How much of it is carried out.
    pub mode: Mode,
    /// What must hold.
    pub when: Condition,
    /// Its conditions, in the order in which they are written; [`Condition::Test`] points into them.
    pub tests: Vec<Predicate>,
    /// The script that must also agree.
    pub script: Option<Script>,
    /// Texts that it looks for in `body` for the templates itself; its definitions have their own.
    pub captures: Vec<Capture>,
    /// What it does, in order.
    pub actions: Vec<ActionDef>,
    /// Whether later rules are left out when it matches.
    pub stop: bool,
    /// Where its name stands.
    pub(super) at: Location,
    /// What the rule says of itself without being run.
    pub(super) mentions: References,
}

/// What a rule's conditions, script and templates speak about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct References {
    /// `auto_reply` anywhere: the guard against automatic mail is left to the rule.
    pub auto_reply: bool,
    /// It asks for automatic mail, so that it may be answered.
    pub wants_auto_reply: bool,
    /// A `from` condition: a colleague of the lead may be answered.
    pub from: bool,
    /// Its conditions capture something for the templates.
    pub captures: bool,
    /// Its templates print what only the thread endpoint tells.
    pub thread_in_templates: bool,
    /// Its conditions are too many for all that may be odd about them to be found.
    pub too_large: bool,
    /// It has an action that carries text of the messages.
    pub carries_text: bool,
}

/// A tree of conditions.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Holds for everything.
    Always,
    /// All must hold.
    All(Vec<Condition>),
    /// One must hold.
    Any(Vec<Condition>),
    /// Must not hold.
    Not(Box<Condition>),
    /// One test, by its index in [`Rule::tests`].
    Test(usize),
    /// A definition must hold.
    Is(Box<Use>),
}

/// One condition: a field and the values it may have.
#[derive(Debug, Clone)]
pub struct Predicate {
    /// Where it stands: `when.not.body`.
    pub path: String,
    /// What it asks for, as written.
    pub wanted: String,
    /// The comparison.
    pub check: Matcher,
}

/// A field with the values that fit it.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// A short value: any of the globs.
    Glob(GlobField, Vec<Glob>),
    /// Text: any of the regular expressions is found in it.
    Text(TextField, Vec<Pattern>),
    /// Text: any of the phrases is found in it.
    Says(TextField, Said),
    /// A value or a text that has a row in a list.
    Listed(Listed),
    /// A number: any of the bounds hold.
    Number(NumberField, Vec<Bounds<f64>>),
    /// The time since the last message: any of the bounds hold.
    Age(Vec<SpanBounds>),
    /// A yes or no: is this.
    Flag(FlagField, bool),
    /// `auto_reply: any`: holds always, and lets automatic mail through.
    AnyAutoReply,
    /// A definition, by its number, and what it costs: what its conditions, which follow, came to. It is decided by
    /// [`Condition::Is`].
    Is(usize, Cost),
    /// The script of a definition.
    Script(Arc<Script>),
}

impl Matcher {
    /// What the check needs at most.
    pub fn cost(&self) -> Cost {
        match self {
            Self::Glob(field, globs) => match field {
                GlobField::Campaign if globs.iter().any(is_id) => Cost::Thread,
                _ => field.cost(),
            },
            Self::Text(field, _) | Self::Says(field, _) => field.cost(),
            Self::Listed(listed) => listed.field.cost(),
            Self::Number(field, _) => field.cost(),
            Self::Flag(field, _) => field.cost(),
            Self::Age(_) | Self::AnyAutoReply => Cost::Row,
            Self::Is(_, cost) => *cost,
            Self::Script(script) if script.needs_messages => Cost::Messages,
            Self::Script(script) if script.needs_thread => Cost::Thread,
            Self::Script(_) => Cost::Row,
        }
    }

    /// Whether it may need this to be read.
    pub(super) fn may_need(&self, cost: Cost) -> bool {
        match self {
            Self::Script(script) if cost == Cost::Thread => script.needs_thread,
            other => other.cost() == cost,
        }
    }
}

/// Whether a value of `campaign` names it by id rather than by name.
pub(super) fn is_id(glob: &Glob) -> bool {
    matches!(glob, Glob::Like(text) if text.as_str().len() == 36 && uuid::Uuid::try_parse(text.as_str()).is_ok())
}

/// A text that is looked for in `body`.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Its name in templates: `captures.NAME`.
    pub name: String,
    /// What is looked for.
    pub pattern: CapturePattern,
}

/// What a capture looks for.
#[derive(Debug, Clone)]
pub enum CapturePattern {
    /// An expression: its first group, or the whole match where it has none.
    Regex(Pattern),
    /// Phrases: the words that the first of them finds.
    Says(Said),
}

/// One action of a rule.
#[derive(Debug, Clone)]
pub struct ActionDef {
    /// What it does.
    pub kind: ActionKind,
    /// The destination's name, for forwards.
    pub target: Option<String>,
    /// When, and how often.
    pub timing: Timing,
    /// What is sent.
    pub content: Content,
    /// Where it stands.
    pub(super) at: Location,
}

/// What an action sends.
#[derive(Debug, Clone, Default)]
pub enum Content {
    /// Nothing of its own.
    #[default]
    None,
    /// A reply; at least one of the bodies is there.
    Reply {
        /// The plain-text body.
        text: Option<TemplateRef>,
        /// The HTML body.
        html: Option<TemplateRef>,
        /// Files that go with it.
        attachments: Vec<Attachment>,
    },
    /// A forward.
    Notice {
        /// The rule's own text.
        text: Option<TemplateRef>,
        /// The rule's own subject, for e-mail.
        subject: Option<TemplateRef>,
        /// Whom it is for, beside the destination's own.
        recipients: Vec<TemplateRef>,
    },
}

impl Rule {
    /// The conditions in one line: `category: interested; not.body: lawyer`.
    pub fn when_summary(&self) -> String {
        let mut parts: Vec<String> =
            self.tests.iter().map(|test| format!("{}: {}", short(&test.path), test.wanted)).collect();
        if self.script.is_some() {
            parts.push("script".to_owned());
        }
        if parts.is_empty() { "always".to_owned() } else { parts.join("; ") }
    }

    /// Whether a `from` condition names the sender, so that a colleague of the lead may be answered.
    pub fn any_sender(&self) -> bool {
        self.mentions.from
    }

    /// Whether it asks for automatic mail.
    pub fn any_auto_reply(&self) -> bool {
        self.mentions.wants_auto_reply
    }
}

fn short(path: &str) -> &str {
    path.strip_prefix("when.").unwrap_or(path)
}
