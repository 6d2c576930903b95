//! What is evaluated: an event, and what has been read of it so far.

use super::{
    RuleSet, definitions::DefinitionFacts, field::TextField, prefilter::LiteralHits, reading::ThreadMessages,
    row_reading::RowReading, rule_index::RuleIndex, said::PhraseHits, script_values::ScriptValues,
    search_text::SearchText,
};
use crate::{
    lists::Lists,
    model::{HistoryEntry, Mode, RuleTrace, ThreadDetail, ThreadRow, non_blank},
    text::{self, AutoReply, PersonName},
};
use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
};

/// Everything that an evaluation looks at. Nothing is fetched: what is not there yet is asked for by [`super::Need`].
#[derive(Debug, Clone, Copy)]
pub struct EventInput<'a> {
    /// The workspace's name.
    pub workspace: &'a str,
    /// The workspace's mode, the ceiling of all its rules.
    pub ceiling: Mode,
    /// The thread as the list shows it.
    pub row: &'a ThreadRow,
    /// What the row's texts say, where that serves more than this evaluation.
    pub row_reading: Option<&'a RowReading>,
    /// The thread as its own endpoint shows it, if it was read.
    pub detail: Option<&'a ThreadDetail>,
    /// The messages, if they were read.
    pub messages: Option<&'a ThreadMessages>,
    /// Earlier actions of this thread and this lead; `None` where nobody knows them (a preview).
    pub history: Option<&'a [HistoryEntry]>,
    /// Modes that were set at run time, by rule; they can only lower.
    pub overrides: &'a HashMap<String, Mode>,
    /// Whether the lead is known to have opted out; `None` where nobody knows.
    pub lead_opted_out: Option<bool>,
    /// Whether a reply to what may be automatic mail is held.
    pub hold_uncertain: bool,
    /// Whether every rule and every condition is evaluated and told, for an explanation; otherwise only rules that can match
    /// are evaluated, up to the first condition that decides, and those that matched or failed are told. The decision is the
    /// same.
    pub thorough: bool,
}

/// An input with what is derived from it, computed at most once.
pub(super) struct Facts<'a> {
    pub(super) input: &'a EventInput<'a>,
    pub(super) now: jiff::Timestamp,
    /// What tells without a search which expressions cannot be found; `None` where each is searched.
    index: Option<&'a RuleIndex>,
    /// The workspace's own texts.
    pub(super) vars: &'a BTreeMap<String, String>,
    /// The workspace's lists.
    pub(super) lists: &'a Lists,
    texts: [OnceCell<SearchText<'a>>; TextField::ALL.len()],
    found: [OnceCell<LiteralHits>; TextField::ALL.len()],
    said: [OnceCell<PhraseHits>; TextField::ALL.len()],
    row_reading: OnceCell<RowReading>,
    opt_out: OnceCell<Option<String>>,
    name: OnceCell<PersonName>,
    pub(super) script_values: ScriptValues,
    /// What each definition of the set came to.
    pub(super) definitions: Box<[DefinitionFacts]>,
    /// What the rule said when the event was first judged, where it is judged again.
    pub(super) earlier: Option<&'a RuleTrace>,
    /// What lists said then still counts.
    pub(super) keeps_rows: bool,
}

impl<'a> Facts<'a> {
    /// The same where the rule was judged on this event before.
    pub(super) fn with_earlier(self, earlier: &'a RuleTrace) -> Self {
        // One rule alone is searched for at once.
        Self { earlier: Some(earlier), index: None, ..self }
    }

    /// The same as if the lists were as they were then.
    pub(super) fn with_earlier_rows(self) -> Self {
        Self { keeps_rows: true, ..self }
    }

    pub(super) fn new(
        input: &'a EventInput<'a>,
        now: jiff::Timestamp,
        index: Option<&'a RuleIndex>,
        set: &'a RuleSet,
    ) -> Self {
        Self {
            input,
            now,
            index,
            vars: set.vars(),
            lists: &set.lists,
            texts: Default::default(),
            found: Default::default(),
            said: Default::default(),
            row_reading: OnceCell::new(),
            opt_out: OnceCell::new(),
            name: OnceCell::new(),
            script_values: ScriptValues::default(),
            definitions: (0..set.definition_count).map(|_| DefinitionFacts::default()).collect(),
            earlier: None,
            keeps_rows: false,
        }
    }

    /// Whether an event is judged again without its messages: the row alone would say less than they did.
    pub(super) fn is_judged_blind(&self) -> bool {
        self.earlier.is_some() && self.input.messages.is_none()
    }

    /// The text of a field as expressions see it, made when the first one asks.
    pub(super) fn search_text(&self, field: TextField, text: &'a str) -> Option<&SearchText<'a>> {
        Some(self.texts.get(field as usize)?.get_or_init(|| SearchText::new(text)))
    }

    /// What of all expressions' texts is in the text of a field, looked for when the first one asks; `None` where nothing is
    /// looked for.
    pub(super) fn literal_hits(&self, field: TextField, text: &'a str) -> Option<&LiteralHits> {
        let prefilter = self.index?.prefilter(field)?;
        let text = self.search_text(field, text)?;
        Some(self.found.get(field as usize)?.get_or_init(|| prefilter.scan(text.as_str())))
    }

    /// Which phrases of all rules are in the text of a field, looked for when the first one asks; `None` where each condition
    /// looks for its own.
    pub(super) fn phrase_hits(&self, field: TextField, text: &'a str) -> Option<&PhraseHits> {
        let index = self.index?.phrases(field)?;
        let text = self.search_text(field, text)?;
        Some(self.said.get(field as usize)?.get_or_init(|| index.scan(text.as_str())))
    }

    /// Automatic mail, judged on what has been read: the message itself, or else the list row.
    pub(super) fn auto_reply(&self) -> Option<&AutoReply> {
        if let Some(messages) = self.input.messages {
            return messages.auto_reply();
        }
        self.row_reading().auto_reply()
    }

    fn row_reading(&self) -> &RowReading {
        let row = self.input.row;
        match self.input.row_reading.filter(|reading| reading.is_of(row)) {
            Some(reading) => reading,
            None => self.row_reading.get_or_init(|| RowReading::new(row)),
        }
    }

    /// The words of an opt-out in subject, preview, or any inbound message that was read.
    pub(super) fn opt_out(&self) -> Option<&str> {
        let found = self.opt_out.get_or_init(|| {
            let row = self.input.row;
            if let Some(found) = self.input.messages.and_then(ThreadMessages::opt_out) {
                return Some(found.to_owned());
            }
            let judged = |subject: &str| self.input.messages.is_some_and(|messages| messages.has_subject(subject));
            let in_subject = || {
                row.subject.as_deref().filter(|subject| !judged(subject))?;
                self.row_reading().opt_out_in_subject()
            };
            let in_preview = || {
                non_blank(row.preview.as_deref()).filter(|preview| !self.is_judged(preview))?;
                self.row_reading().opt_out_in_preview()
            };
            in_preview().or_else(in_subject).map(str::to_owned)
        });
        found.as_deref()
    }

    /// Whether a preview shows a message that was read itself: then it adds nothing but the danger of taking our own
    /// words, quoted or sent ("to unsubscribe, …"), for the lead's.
    fn is_judged(&self, preview: &str) -> bool {
        let Some(messages) = self.input.messages else { return false };
        let Some(last) = messages.conversation().messages().last() else { return false };
        let begins_alike =
            || messages.first_words().iter().zip(preview.split_whitespace()).all(|(own, shown)| own == shown);
        last.outgoing || begins_alike()
    }

    /// The lead's name, as far as a person would say it.
    pub(super) fn lead_name(&self) -> &PersonName {
        self.name.get_or_init(|| {
            let name = self.input.row.lead_name.as_deref().unwrap_or_default();
            text::person_name(name, self.input.row.lead_email.as_deref())
        })
    }

    /// The lead's address, in lower case.
    pub(super) fn lead_address(&self) -> Option<String> {
        non_blank(self.input.row.lead_email.as_deref())
            .map(|email| crate::model::address_of(email).unwrap_or_else(|| email.trim().to_lowercase()))
    }

    /// Whether the newest inbound message is from somebody else than the lead; false while it is not known.
    pub(super) fn sender_is_not_lead(&self) -> bool {
        let Some(message) = self.input.messages.and_then(ThreadMessages::newest_inbound) else { return false };
        let (Some(from), Some(lead)) = (message.from.as_deref(), self.input.row.lead_email.as_deref()) else {
            return false;
        };
        !crate::model::same_address(from, lead)
    }
}
