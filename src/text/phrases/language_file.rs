//! The files that languages are written in.

use super::grammar::{self, Lists, Phrase};
use super::topic::Topic;
use crate::text::normal::normalize;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A language's file.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    /// The language's name, in English.
    #[serde(rename = "language")]
    pub(super) _language: String,
    /// January to December, each with all its forms; a date may cut them short.
    #[serde(default)]
    pub(super) months: Vec<Vec<String>>,
    /// Monday to Sunday, each with how it begins.
    #[serde(default)]
    pub(super) weekdays: Vec<Vec<String>>,
    /// Lists that phrases may name.
    #[serde(default)]
    pub(super) words: Lists,
    #[serde(flatten)]
    pub(super) topics: BTreeMap<Topic, Vec<Entry>>,
}

/// What stands beside phrases to test them; a program has no use for it.
#[cfg(test)]
type Sentences = Vec<String>;
#[cfg(not(test))]
type Sentences = serde::de::IgnoredAny;

/// Phrases of a topic: one alone, or some with sentences.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Entry {
    Phrase(String),
    Block(Block),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Block {
    phrases: Vec<String>,
    /// Sentences in which at least one of the phrases is found; each phrase in at least one.
    #[serde(default, rename = "finds")]
    pub(super) _finds: Sentences,
    /// Sentences in which none is.
    #[serde(default, rename = "misses")]
    pub(super) _misses: Sentences,
}

impl File {
    /// Reads a file and its phrases.
    ///
    /// # Errors
    /// It is no such file, or a phrase is none.
    pub(super) fn read(yaml: &str) -> Result<(Self, Vec<(Topic, Phrase)>), String> {
        let file: Self = serde_yaml::from_str(yaml).map_err(|error| error.to_string())?;
        let mut phrases = Vec::new();
        for (topic, entries) in &file.topics {
            for phrase in entries.iter().flat_map(Entry::phrases) {
                let read = parse(phrase, &file.words).map_err(|error| format!("{topic:?}: {error}"))?;
                phrases.push((*topic, read));
            }
        }
        Ok((file, phrases))
    }
}

impl Entry {
    /// Its phrases.
    pub(super) fn phrases(&self) -> &[String] {
        match self {
            Self::Phrase(phrase) => std::slice::from_ref(phrase),
            Self::Block(block) => &block.phrases,
        }
    }
}

/// Reads a phrase of a file that has these lists.
///
/// # Errors
/// What is wrong with it, in words for the person who wrote the file.
pub(super) fn parse(text: &str, lists: &Lists) -> Result<Phrase, String> {
    grammar::read(normalize(text.trim()).as_str(), Some(lists)).map_err(|mistake| mistake.message)
}

impl Topic {
    /// Whether a phrase of it is a line, or a part of one, and never goes on in the next.
    pub(super) fn is_of_line(self) -> bool {
        (Self::HeaderFrom..=Self::SignOff).contains(&self) || self == Self::ContactLabel
    }
}
