//! What several pages show in the same way: times, counts, actions.

use crate::{
    admin::ScopedEngine,
    engine::retry_effect,
    model::{Action, ActionState, Payload, ReasonCode},
    text,
};
use askama::filters::{Html, HtmlSafe, escape};
use jiff::Timestamp;
use std::fmt;

/// A time as pages carry it: UTC, which the script turns into the viewer's zone; the exact one stays as the title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeTag(pub(super) Timestamp);

impl fmt::Display for TimeTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (iso, utc) = (self.0.strftime("%Y-%m-%dT%H:%M:%SZ"), self.0.strftime("%Y-%m-%d %H:%M:%S UTC"));
        write!(f, "<time datetime=\"{iso}\" title=\"{utc}\">{utc}</time>")
    }
}

/// Digits, dashes and the tags around them.
impl HtmlSafe for TimeTag {}

/// A sentence as the program writes it: names between backticks are shown as code, without their backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SentenceTag(pub(super) String);

impl fmt::Display for SentenceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_str();
        while let Some((before, behind)) = rest.split_once('`') {
            let Some((name, after)) = behind.split_once('`') else { break };
            let (Ok(before), Ok(name)) = (escape(before, Html), escape(name, Html));
            write!(f, "{before}<code>{name}</code>")?;
            rest = after;
        }
        let Ok(rest) = escape(rest, Html);
        write!(f, "{rest}")
    }
}

/// Every part is escaped.
impl HtmlSafe for SentenceTag {}

/// For templates, of what is a text elsewhere too.
pub(super) fn sentence(text: &str) -> SentenceTag {
    SentenceTag(text.to_owned())
}

/// A piece of text, marked or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextPart {
    pub(super) text: String,
    pub(super) marked: bool,
}

/// Splits the text at the edges of the marked ranges; `ranges` may overlap and be in any order.
pub(super) fn parts(text: &str, mut ranges: Vec<(usize, usize)>) -> Vec<TextPart> {
    ranges.retain(|(start, end)| start < end && text.get(*start..*end).is_some());
    ranges.sort_unstable();
    let (mut out, mut at) = (Vec::new(), 0);
    let mut push = |from: usize, to: usize, marked: bool| {
        if let Some(text) = text.get(from..to).filter(|text| !text.is_empty()) {
            out.push(TextPart { text: text.to_owned(), marked });
        }
    };
    for (start, end) in ranges {
        if end <= at {
            continue;
        }
        push(at, start, false);
        push(start.max(at), end, true);
        at = end;
    }
    push(at, text.len(), false);
    out
}

/// A state, how many, and its words.
pub(super) struct Count {
    pub(super) state: &'static str,
    pub(super) count: u64,
}

/// How a state is called on the pages: what it means for the reader.
pub(super) fn state_label(state: &str) -> &str {
    match state {
        "held" => "needs approval",
        "quarantined" => "unconfirmed",
        "unknown" => "being checked",
        "in_flight" => "sending",
        other => other,
    }
}

/// One try of an action.
pub(super) struct AttemptRow {
    pub(super) at: TimeTag,
    pub(super) outcome: String,
    pub(super) status: Option<u16>,
}

/// An action, wherever it is shown.
pub(super) struct ActionCard {
    pub(super) id: String,
    pub(super) workspace: String,
    pub(super) kind: &'static str,
    pub(super) target: Option<String>,
    pub(super) lead: String,
    pub(super) rule: String,
    pub(super) state: &'static str,
    pub(super) reason: Option<SentenceTag>,
    /// It is held only because its rule is in draft mode.
    pub(super) ordinary: bool,
    pub(super) due: Option<TimeTag>,
    pub(super) due_word: &'static str,
    pub(super) created: TimeTag,
    pub(super) sent: Option<TimeTag>,
    pub(super) attempts: Vec<AttemptRow>,
    pub(super) text: String,
    /// It has an HTML form, which an edit drops.
    pub(super) has_html: bool,
    pub(super) attachments: Vec<String>,
    pub(super) thread_path: String,
    pub(super) if_retried: &'static str,
    pub(super) approved: bool,
    /// Its workspace is not in the configuration: nothing is sent.
    pub(super) stopped: bool,
    /// The sender: name and address; empty if not looked up.
    pub(super) who: String,
    /// The lead's message, if looked up.
    pub(super) message: Option<String>,
    /// Only its beginning is known, because the messages were not read.
    pub(super) is_excerpt: bool,
    pub(super) subject: Option<String>,
}

impl From<Action> for ActionCard {
    fn from(action: Action) -> Self {
        let attempts = action.attempts.iter().map(|attempt| AttemptRow {
            at: TimeTag(attempt.at),
            outcome: attempt.outcome.as_str().replace('_', " "),
            status: attempt.status,
        });
        let (has_html, attachments) = match &action.payload {
            Payload::Reply { html, attachments, .. } => {
                (html.is_some(), attachments.iter().map(|file| file.filename.clone()).collect())
            }
            _ => (false, Vec::new()),
        };
        let target = action.describe_target();
        Self {
            attempts: attempts.collect(),
            text: display_text(&action.payload),
            has_html,
            attachments,
            kind: action.kind.as_str(),
            state: action.state.as_str(),
            reason: action.reason.as_ref().map(|reason| SentenceTag(reason_text(reason))),
            ordinary: action.reason.as_ref().is_none_or(|reason| reason.code == ReasonCode::Draft),
            due: action.due_at.filter(|_| !action.state.is_settled()).map(TimeTag),
            due_word: due_label(action.state),
            created: TimeTag(action.created_at),
            sent: action.sent_at.map(TimeTag),
            thread_path: encoded(&action.thread_id),
            if_retried: retry_effect(&action).unwrap_or_default(),
            approved: action.approved,
            id: action.id.0,
            workspace: action.workspace,
            target,
            lead: action.lead_email.unwrap_or_else(|| "unknown lead".to_owned()),
            rule: action.rule,
            stopped: false,
            who: String::new(),
            message: None,
            is_excerpt: false,
            subject: None,
        }
    }
}

/// The sender of a message: the lead by name and address, or somebody else.
pub(super) fn writer(name: Option<&str>, lead: Option<&str>, from: Option<&str>) -> String {
    let somebody_else =
        from.filter(|from| lead.is_some_and(|lead| !from.to_lowercase().contains(&lead.to_lowercase())));
    match (somebody_else, name, lead) {
        (Some(from), _, Some(lead)) => format!("{from}, not the lead {lead}"),
        (_, Some(name), Some(lead)) => format!("{name} <{lead}>"),
        (_, _, Some(lead)) => lead.to_owned(),
        (_, Some(name), None) => name.to_owned(),
        (_, None, None) => from.unwrap_or("unknown sender").to_owned(),
    }
}

/// What happens when an action is due.
pub(super) fn due_label(state: ActionState) -> &'static str {
    if state == ActionState::Held { "expires" } else { "next" }
}

/// The text of a reason; its code if it has none.
pub(super) fn reason_text(reason: &crate::model::Reason) -> String {
    if reason.text.is_empty() { reason.code.as_str().replace('_', " ") } else { reason.text.clone() }
}

/// The text of a payload, for display and editing.
pub(super) fn display_text(payload: &Payload) -> String {
    match payload {
        Payload::Reply { text: None, html: Some(html), .. } => text::full_text(None, Some(html)),
        other => other.preview_text().unwrap_or_default().to_owned(),
    }
}

/// A part of a path.
pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The workspaces that a page can be filtered for, and the one that it is.
pub(super) struct WorkspaceChoice {
    pub(super) names: Vec<(String, bool)>,
    pub(super) chosen: Option<String>,
}

impl WorkspaceChoice {
    pub(super) fn new(engine: &ScopedEngine, chosen: Option<String>) -> Self {
        let names = engine.workspaces().iter().map(|found| found.name().to_owned()).collect::<Vec<_>>();
        let with = |name: String| {
            let is_chosen = chosen.as_deref() == Some(name.as_str());
            (name, is_chosen)
        };
        Self { names: names.into_iter().map(with).collect(), chosen }
    }

    /// Whether there is something to choose.
    pub(super) fn are_several(&self) -> bool {
        self.names.len() > 1
    }

    /// The filter as the whole query of a link; empty without one.
    pub(super) fn query(&self) -> String {
        self.link('?')
    }

    /// The filter as one more parameter of a link; empty without one.
    pub(super) fn and_query(&self) -> String {
        self.link('&')
    }

    fn link(&self, before: char) -> String {
        let link = |name: &String| format!("{before}workspace={}", encoded(name));
        self.chosen.as_ref().map(link).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_sentence_are_code_and_all_is_escaped() {
        for (text, shown) in [
            ("`acme` has <it>", "<code>acme</code> has &#60;it&#62;"),
            ("is `<b>` or `c`.", "is <code>&#60;b&#62;</code> or <code>c</code>."),
            ("a ` alone", "a ` alone"),
            ("", ""),
        ] {
            assert_eq!(SentenceTag(text.to_owned()).to_string(), shown);
        }
    }

    #[test]
    fn what_is_marked_is_cut_out_whatever_the_ranges() {
        let shown = |ranges: &[(usize, usize)]| {
            let mark = |part: TextPart| if part.marked { format!("[{}]", part.text) } else { part.text };
            parts("a call, öh", ranges.to_vec()).into_iter().map(mark).collect::<String>()
        };
        assert_eq!(shown(&[]), "a call, öh");
        assert_eq!(shown(&[(2, 6)]), "a [call], öh");
        assert_eq!(shown(&[(4, 7), (2, 6)]), "a [call][,] öh");
        assert_eq!(shown(&[(0, 99), (9, 10), (6, 2)]), "a call, öh", "outside, inside a character, and backwards");
    }

    #[test]
    fn a_time_is_one_element_with_the_exact_one_beside_it() {
        let at: Timestamp = "2026-07-15T12:00:00.5Z".parse().unwrap();
        let wanted =
            "<time datetime=\"2026-07-15T12:00:00Z\" title=\"2026-07-15 12:00:00 UTC\">2026-07-15 12:00:00 UTC</time>";
        assert_eq!(TimeTag(at).to_string(), wanted);
    }
}
