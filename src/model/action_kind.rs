//! The kinds of actions, and the kinds of destinations that forwards go to.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Hands every kind of destination to the macro `$then`: its name, and its word in rules, configuration and records,
/// which is also the name of its module in `destinations`. A new kind is one line here.
macro_rules! destination_kinds {
    ($then:ident) => {
        $then! {
            Slack = slack,
            Email = email,
            Webhook = webhook,
            Log = log,
        }
    };
}
pub(crate) use destination_kinds;

macro_rules! declare_destination_kinds {
    ($($kind:ident = $word:ident,)*) => {
        /// What kind of destination a forward goes to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum DestinationKind {
            $(#[doc = concat!("`", stringify!($word), "`; see its file in `destinations`.")] $kind,)*
        }

        impl DestinationKind {
            /// Every kind, in the order in which people are told of them.
            pub const ALL: [Self; [$(stringify!($word)),*].len()] = [$(Self::$kind),*];

            /// The kind as rules, configurations and programs write it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => stringify!($word),)*
                }
            }
        }
    };
}
destination_kinds!(declare_destination_kinds);

impl fmt::Display for DestinationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DestinationKind {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownName(text.to_owned()))
    }
}

/// What an action does. Serialized as its word: `reply`, `slack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum ActionKind {
    /// Answers the lead in the thread.
    Reply,
    /// Stars the thread.
    Star,
    /// Takes the star away.
    Unstar,
    /// Marks the thread as read.
    MarkRead,
    /// Tells a destination of such a kind.
    Forward(DestinationKind),
}

impl ActionKind {
    /// The kinds that are requests to ColdSend.
    const API_WRITES: [Self; 4] = [Self::Reply, Self::Star, Self::Unstar, Self::MarkRead];

    /// Every kind.
    pub const ALL: [Self; Self::API_WRITES.len() + DestinationKind::ALL.len()] = {
        let mut all = [Self::Reply; Self::API_WRITES.len() + DestinationKind::ALL.len()];
        let mut index = 0;
        while index < all.len() {
            all[index] = match index.checked_sub(Self::API_WRITES.len()) {
                None => Self::API_WRITES[index],
                Some(index) => Self::Forward(DestinationKind::ALL[index]),
            };
            index += 1;
        }
        all
    };

    /// The kind as rules and programs write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Star => "star",
            Self::Unstar => "unstar",
            Self::MarkRead => "mark_read",
            Self::Forward(destination) => destination.as_str(),
        }
    }

    /// Whether it is a request to ColdSend; the others go to a destination.
    pub fn is_api_write(self) -> bool {
        match self {
            Self::Reply | Self::Star | Self::Unstar | Self::MarkRead => true,
            Self::Forward(_) => false,
        }
    }

    /// Whether it sends a text to somebody; the others only change the thread.
    pub fn sends_text(self) -> bool {
        match self {
            Self::Reply | Self::Forward(_) => true,
            Self::Star | Self::Unstar | Self::MarkRead => false,
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<ActionKind> for &'static str {
    fn from(kind: ActionKind) -> Self {
        kind.as_str()
    }
}

/// A name that stands for no kind or state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is unknown")]
pub struct UnknownName(pub String);

impl FromStr for ActionKind {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownName(text.to_owned()))
    }
}

impl TryFrom<String> for ActionKind {
    type Error = UnknownName;
    fn try_from(text: String) -> Result<Self, UnknownName> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for kind in ActionKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let json = serde_json::to_value(kind).unwrap();
            assert_eq!(json, kind.as_str());
            assert_eq!(serde_json::from_value::<ActionKind>(json).unwrap(), kind);
            assert_eq!(kind.is_api_write(), !matches!(kind, ActionKind::Forward(_)));
        }
        assert!("fax".parse::<ActionKind>().is_err());
    }
}
