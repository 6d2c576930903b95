//! An event as one line of JSON: what `events export` writes and `backtest --from` reads.

use super::bad_line::BadLine;
use crate::{
    model::{Conversation, HistoryEntry, KeptReading, Message, Mode, ThreadDetail, ThreadRow},
    rules::{EventInput, ThreadMessages},
    store::{DecidedEvent, EventKind, StoredEvent},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The version of the line's shape. A change that a reader of this version would misunderstand gets another one.
pub const VERSION: u32 = 1;

/// No event is as late as the last of the year 9999: after it a year of delays still has dates.
const LAST_SECOND: i64 = 253_370_764_800;

/// All that rules see of an event, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    /// [`VERSION`].
    pub version: u32,
    /// The id of the decision that was made on it; unique.
    pub id: String,
    /// What made rules run.
    pub kind: EventKind,
    /// When rules were evaluated.
    pub time: Timestamp,
    /// The workspace's name.
    pub workspace: String,
    /// The revision of the rules that decided; empty where no rules did.
    #[serde(default)]
    pub revision: String,
    /// The rules that matched then, in order.
    #[serde(default)]
    pub matched: Vec<String>,
    /// The newest inbound message, where the decision names it.
    #[serde(default)]
    pub message_id: Option<String>,
    /// The workspace's mode.
    #[serde(default)]
    pub mode: Mode,
    /// The modes that operators lowered rules to.
    #[serde(default)]
    pub overrides: BTreeMap<String, Mode>,
    /// Whether the lead was known to have opted out; `None` where nobody knew.
    #[serde(default)]
    pub lead_opted_out: Option<bool>,
    /// Whether a reply to what may be automatic mail was held.
    #[serde(default = "holds")]
    pub hold_uncertain: bool,
    /// The thread as the list showed it.
    pub row: ThreadRow,
    /// The thread as its own endpoint showed it, if it was read.
    #[serde(default)]
    pub thread: Option<ThreadDetail>,
    /// The messages, oldest first, if they were read.
    #[serde(default)]
    pub messages: Option<Vec<Message>>,
    /// What they say, as far as that is known. It does not count for other messages, nor for another version of the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<KeptReading>,
    /// Earlier actions of this thread and this lead.
    #[serde(default)]
    pub history: Option<Vec<HistoryEntry>>,
    /// Whether stand-ins replace people and domains.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
}

fn holds() -> bool {
    true
}

impl From<DecidedEvent> for EventLine {
    fn from(decided: DecidedEvent) -> Self {
        let StoredEvent {
            revision,
            at,
            workspace,
            ceiling,
            row,
            detail,
            messages,
            reading,
            history,
            overrides,
            lead_opted_out,
            hold_uncertain,
            read_later,
        } = decided.event;
        // The evaluation of then did without it; others may need it.
        let read_later = read_later.map(|read| *read).unwrap_or_default();
        let (detail, messages) = (detail.or(read_later.detail), messages.or(read_later.messages));
        let reading = reading.or(read_later.reading);
        Self {
            version: VERSION,
            id: decided.decision,
            kind: decided.kind,
            time: at,
            workspace,
            revision,
            matched: decided.matched,
            message_id: decided.message_id,
            mode: ceiling,
            overrides,
            lead_opted_out,
            hold_uncertain,
            row,
            thread: detail,
            messages: messages.map(Conversation::into_messages),
            reading,
            history,
            redacted: false,
        }
    }
}

impl EventLine {
    /// Reads a line. Each has an end, but for the last one of a file.
    ///
    /// # Errors
    /// It is none, or of a newer program.
    pub fn from_json(line: &str) -> Result<Self, BadLine> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        // Some editors put a mark before the text.
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        // A line that stops within a text must not be told as one with a wrong character in it.
        let (line, is_last) = (line.trim_end_matches(['\r', '\n']), !line.ends_with('\n'));
        match serde_json::from_str::<Self>(line) {
            Ok(event) if event.version <= VERSION => event.checked(),
            read => match serde_json::from_str::<Version>(line) {
                Ok(Version { version }) if version > VERSION => Err(BadLine::Newer(version)),
                _ => Err(match read.err() {
                    Some(error) if error.is_eof() && is_last && !line.is_empty() => BadLine::CutOff,
                    Some(error) => error.into(),
                    None => BadLine::Unreadable(String::new()),
                }),
            },
        }
    }

    /// An event that can be played: it has a name, and a time that leaves room for what waits.
    ///
    /// # Errors
    /// It is none.
    pub fn checked(self) -> Result<Self, BadLine> {
        let said = [("id", &self.id), ("row.id", &self.row.id), ("workspace", &self.workspace)];
        if let Some((empty, _)) = said.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(BadLine::Empty(empty));
        }
        match self.time >= Timestamp::UNIX_EPOCH && self.time.as_second() < LAST_SECOND {
            true => Ok(self),
            false => Err(BadLine::Time),
        }
    }

    /// Writes it, without the end of the line.
    ///
    /// # Errors
    /// Never in earnest: all of it is text and numbers.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// The messages for an evaluation, with what is known of what they say. They are taken out: nobody needs them twice.
    pub fn take_messages(&mut self) -> Option<ThreadMessages> {
        let (messages, reading) = (self.messages.take()?, self.reading.take());
        Some(ThreadMessages::with_reading(Conversation::in_order(messages), reading))
    }

    /// Puts messages back that were taken out.
    pub fn put_messages(&mut self, messages: Option<ThreadMessages>, reading: Option<KeptReading>) {
        self.messages = messages.map(|messages| messages.into_conversation().into_messages());
        self.reading = reading;
    }

    /// Reads all messages, as far as that was not done, and keeps what they say.
    pub fn read_messages(&mut self) {
        let messages = self.take_messages();
        let reading = messages.as_ref().map(ThreadMessages::keep_whole_reading);
        self.put_messages(messages, reading);
    }

    /// What an evaluation takes.
    pub fn input<'a>(
        &'a self,
        messages: Option<&'a ThreadMessages>,
        overrides: &'a HashMap<String, Mode>,
    ) -> EventInput<'a> {
        EventInput {
            workspace: &self.workspace,
            ceiling: self.mode,
            row: &self.row,
            row_reading: None,
            detail: self.thread.as_ref(),
            messages,
            history: self.history.as_deref(),
            overrides,
            lead_opted_out: self.lead_opted_out,
            hold_uncertain: self.hold_uncertain,
            thorough: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_needs_little_and_says_what_is_wrong() {
        let line = r#"{"version":1,"id":"a","kind":"message","time":"2026-01-05T09:00:00Z","workspace":"acme","row":{"id":"t"}}"#;
        let event = EventLine::from_json(line).unwrap();
        assert_eq!((event.mode, event.hold_uncertain, event.messages.is_none()), (Mode::Live, true, true));
        assert_eq!(EventLine::from_json(&event.to_json().unwrap()).unwrap(), event);
        let newer = line.replace("\"version\":1", "\"version\":2");
        assert_eq!(EventLine::from_json(&newer), Err(BadLine::Newer(2)));
        assert_eq!(EventLine::from_json(&line[..40]), Err(BadLine::CutOff));
        for wrong in ["", "[]", "{\"version\":1}", "{\"version\":\"x\"}", &format!("{}\n", &line[..40])] {
            let found = EventLine::from_json(wrong);
            assert!(matches!(found, Err(BadLine::Unreadable(_))), "{wrong}: {found:?}");
        }
    }
}
