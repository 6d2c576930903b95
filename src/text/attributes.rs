//! The attributes of a start tag, as far as they say something of a mail.

use std::ops::Range;

/// The attributes that are kept; the others mean nothing here.
const KEPT: [&str; 11] =
    ["id", "class", "style", "type", "cite", "alt", "hidden", "name", "title", "data-signatureblock", "data-smartmail"];
/// A value is kept up to this many bytes.
const LONGEST_VALUE: usize = 4096;

/// What a start tag says: the first value of each kept attribute, ASCII letters in lower case.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    // All values after each other, and where each one is, so that a tag costs no allocation.
    values: String,
    places: Vec<(&'static str, Range<usize>)>,
    // The value that comes next belongs to the last of `places`.
    takes_value: bool,
}

impl Attributes {
    /// The attribute's value, empty where it has none; `None` when the tag does not have it.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, place) = self.places.iter().find(|(known, _)| *known == name)?;
        self.values.get(place.clone())
    }

    /// Whether the tag says nothing of a mail.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether the tag has the attribute.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Forgets everything, for the next tag.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.places.clear();
        self.takes_value = false;
    }

    /// Begins an attribute. What a tag says twice, it says the first time.
    pub(super) fn set_name(&mut self, name: &[u8]) {
        let kept = KEPT.into_iter().find(|kept| kept.as_bytes() == name).filter(|kept| !self.has(kept));
        self.takes_value = kept.is_some();
        if let Some(name) = kept {
            self.places.push((name, self.values.len()..self.values.len()));
        }
    }

    /// Gives the attribute begun last its value.
    pub(super) fn set_value(&mut self, value: &[u8]) {
        if !std::mem::take(&mut self.takes_value) {
            return;
        }
        let Some((_, place)) = self.places.last_mut() else { return };
        let value = value.get(..LONGEST_VALUE).unwrap_or(value);
        self.values.push_str(&String::from_utf8_lossy(value));
        place.end = self.values.len();
        if let Some(value) = self.values.get_mut(place.clone()) {
            value.make_ascii_lowercase();
        }
    }
}
