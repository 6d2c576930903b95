//! How values are found in lists: by conditions, templates and scripts.

use super::{
    condition::Need,
    event::Facts,
    field::{Cost, GlobField, TextField},
};
use crate::diagnostics::Location;
use crate::lists::{List, Match, Row};
use crate::model::RowTrace;

/// `{ in: NAME }`: a field whose value has a row in one of some lists.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The field.
    pub field: ListedField,
    /// The lists.
    pub lists: Vec<ListName>,
}

/// A field whose value may be in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedField {
    /// A short value.
    Short(GlobField),
    /// A text, which is in a list if all of it is a key.
    Text(TextField),
}

/// The name of a list, and where it is written.
#[derive(Debug, Clone)]
pub struct ListName {
    /// The name.
    pub name: String,
    /// Where it is written.
    pub at: Location,
}

impl ListedField {
    /// How its values are found.
    pub(super) fn by(self) -> Match {
        match self {
            Self::Short(GlobField::Category | GlobField::AiCategory | GlobField::ManualCategory) => Match::Words,
            Self::Short(GlobField::LeadEmail | GlobField::LeadDomain | GlobField::Inbox | GlobField::From) => {
                Match::Domain
            }
            Self::Short(_) | Self::Text(_) => Match::Whole,
        }
    }

    /// What it costs to know; of a campaign the name, which the row tells.
    pub(super) fn cost(self) -> Cost {
        match self {
            Self::Short(field) => field.cost(),
            Self::Text(field) => field.cost(),
        }
    }
}

impl Listed {
    /// The names of the lists.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(|list| list.name.as_str())
    }

    /// Whether it asks for a row in this list.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The first of the lists with a row for the value, and that row.
    pub(super) fn find<'a>(&self, facts: &Facts<'a>) -> Result<Option<(&str, Row<'a>)>, Need> {
        let by = self.field.by();
        let values = self.field.values(facts)?;
        let lists = || self.names().filter_map(|name| Some((name, facts.lists.get(name)?)));
        Ok(values.iter().find_map(|value| lists().find_map(|(name, list)| Some((name, list.find(value, by)?)))))
    }

    /// The value that is looked for, and the row that it has.
    pub(super) fn trace(&self, facts: &Facts<'_>) -> (Option<String>, Option<(usize, usize)>, Option<RowTrace>) {
        let values = self.field.values(facts).unwrap_or_default();
        let shown = (!values.is_empty()).then(|| values.join(", "));
        let Ok(Some((list, row))) = self.find(facts) else { return (shown, None, None) };
        let span = shown.as_deref().and_then(|shown| Some((shown.find(row.key())?, row.key().len())));
        let trace = RowTrace { list: list.to_owned(), key: row.key().to_owned(), line: row.line() };
        (shown, span.map(|(start, length)| (start, start + length)), Some(trace))
    }
}

/// The row of a value of which only the text is known: of an address or a domain also what it is part of.
pub(super) fn find_value<'l>(list: &'l List, value: &str) -> Option<Row<'l>> {
    list.find(value, Match::Guess)
}
