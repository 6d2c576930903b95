//! How mail was read: as explanations tell it, and as it is kept with an event, so that whoever decides it again need not read
//! it again.

use super::SharedList;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use utoipa::ToSchema;

/// One thing that speaks for automatic mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignalTrace {
    /// What it is, such as `subject_prefix` or `fast_answer`.
    pub kind: String,
    /// `certain` makes the mail automatic; `possible` leaves it to a person.
    pub certainty: String,
    /// The words, the address or the time that gave it away.
    pub words: String,
    /// What it means, in a sentence.
    pub text: String,
}

/// A part of a message that was taken as quoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotedTrace {
    /// The part as it was written; long ones are cut.
    pub text: String,
    /// Why it counts as quoted.
    pub why: String,
}

/// How the newest inbound message was read; empty where it was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MailReading {
    /// What was taken as quoted, in order.
    #[schema(value_type = Vec<QuotedTrace>)]
    pub quoted: SharedList<QuotedTrace>,
    /// Everything that speaks for automatic mail, certain signals first.
    pub signals: Vec<SignalTrace>,
    /// The language that the lead writes in, as its ISO 639-1 code; `None` where it cannot be told.
    pub language: Option<String>,
    /// The words of an opt-out.
    pub opt_out_words: Option<String>,
}

/// What the messages of an event say. It counts only for the messages and the program that its `stamp` stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptReading {
    /// Which messages were read, and by which version of the reader: one text for both.
    pub stamp: String,
    /// The new text of each message, in their order; `None` where it was not asked for.
    pub texts: Vec<Option<KeptText>>,
    /// How the newest inbound message was read, and the words of an opt-out in any inbound one.
    pub mail: MailReading,
    /// The automatic mail that the newest inbound message certainly is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_reply: Option<KeptAutoReply>,
    /// The first words of the newest inbound message, where it has no plain text to begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_words: Option<String>,
}

/// Automatic mail; its first signal says how it was recognised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptAutoReply {
    /// `out_of_office`, `bounce` or `robot`.
    pub kind: String,
    /// The day on which the person is back, where the mail states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_on: Option<Date>,
}

/// The new text of a message. In JSON two numbers, or the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptText {
    /// It stands in the message's plain text, from one byte to another.
    Part(usize, usize),
    /// The text.
    Whole(String),
}

impl Serialize for KeptText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Part(start, end) => (start, end).serialize(serializer),
            Self::Whole(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for KeptText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = KeptText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, or two numbers")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<KeptText, E> {
                Ok(KeptText::Whole(text.to_owned()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<KeptText, E> {
                Ok(KeptText::Whole(text))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut numbers: A) -> Result<KeptText, A::Error> {
                let (start, end, more) =
                    (numbers.next_element()?, numbers.next_element()?, numbers.next_element::<de::IgnoredAny>()?);
                match (start, end, more) {
                    (Some(start), Some(end), None) => Ok(KeptText::Part(start, end)),
                    _ => Err(de::Error::custom("a part of a text is two numbers")),
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_two_numbers_or_itself() {
        let json = r#"{"stamp":"s","texts":[null,[0,3],"new"],"mail":{"quoted":[],"signals":[],"language":"en","opt_out_words":null},"auto_reply":{"kind":"robot"}}"#;
        let reading: KeptReading = serde_json::from_str(json).unwrap();
        let texts = [None, Some(KeptText::Part(0, 3)), Some(KeptText::Whole("new".to_owned()))];
        assert_eq!(reading.texts, texts);
        assert_eq!(serde_json::to_string(&reading).unwrap(), json);
        for wrong in ["[0]", "[0,1,2]", "[-1,1]", "[0,1.5]", "5", "{}", "[\"a\",\"b\"]"] {
            assert!(serde_json::from_str::<KeptText>(wrong).is_err(), "{wrong}");
        }
    }
}
