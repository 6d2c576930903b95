//! The fields that conditions compare, and what reading each of them costs.

use super::pattern::Fold;

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $(#[doc = $told:literal] $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $(#[doc = $told] $variant),+ }

        impl $name {
            /// Every field of this sort.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The field as rules write it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// What it is, in a sentence.
            pub fn describe(self) -> &'static str {
                match self { $(Self::$variant => $told.trim_ascii()),+ }
            }
        }
    };
}

fields! {
    /// Fields that are compared with globs.
    GlobField {
        /// The effective category.
        Category = "category",
        /// The campaign's name, or its id where the value is a UUID.
        Campaign = "campaign",
        /// The lead's address.
        LeadEmail = "lead_email",
        /// The domain of the lead's address.
        LeadDomain = "lead_domain",
        /// The address (or id) of the inbox.
        Inbox = "inbox",
        /// The thread's tags.
        Tags = "tags",
        /// The AI's category.
        AiCategory = "ai_category",
        /// A person's category.
        ManualCategory = "manual_category",
        /// The address of the newest inbound message.
        From = "from",
        /// The names of the files of the newest inbound message.
        Attachment = "attachment",
        /// The workspace's name.
        Workspace = "workspace",
        /// The language that the lead writes in, as its two-letter code such as `de`; none where it cannot be told.
        LeadLanguage = "lead_language",
    }
}

fields! {
    /// Fields that regular expressions are searched in.
    TextField {
        /// The lead's name.
        LeadName = "lead_name",
        /// The conversation's subject.
        Subject = "subject",
        /// The beginning of the last message.
        Preview = "preview",
        /// What the lead wrote anew in the newest inbound message.
        Body = "body",
        /// The newest inbound message whole.
        FullBody = "full_body",
        /// All messages.
        History = "history",
    }
}

fields! {
    /// Fields that are compared with numbers.
    NumberField {
        /// How many replies the API counts.
        ReplyCount = "reply_count",
        /// How sure the AI was.
        AiConfidence = "ai_confidence",
        /// How many messages the thread has.
        MessageCount = "message_count",
        /// How many of them are inbound.
        InboundCount = "inbound_count",
        /// How many of them are ours.
        OutboundCount = "outbound_count",
    }
}

fields! {
    /// Fields that are yes or no.
    FlagField {
        /// Somebody has read the thread.
        IsRead = "is_read",
        /// The thread is starred.
        IsStarred = "is_starred",
        /// The newest inbound message has a file.
        HasAttachment = "has_attachment",
        /// The newest inbound message is automatic mail.
        AutoReply = "auto_reply",
        /// Somebody asked not to be written to.
        OptOut = "opt_out",
    }
}

/// How much an answer costs; the order is from cheap to dear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// The list row tells.
    Row,
    /// One request for the thread.
    Thread,
    /// One request for the messages.
    Messages,
}

impl GlobField {
    /// Which differences between its values do not count.
    pub(super) fn fold(self) -> Fold {
        match self {
            Self::Category | Self::AiCategory | Self::ManualCategory => Fold::CaseAndSeparators,
            Self::LeadDomain | Self::LeadEmail | Self::From | Self::Inbox => Fold::Domain,
            Self::Campaign | Self::Workspace | Self::Tags | Self::Attachment | Self::LeadLanguage => Fold::Case,
        }
    }

    /// What it costs to know it; of a campaign the name.
    pub fn cost(self) -> Cost {
        match self {
            Self::Category | Self::Campaign | Self::LeadEmail | Self::LeadDomain | Self::Workspace => Cost::Row,
            Self::Inbox | Self::Tags | Self::AiCategory | Self::ManualCategory => Cost::Thread,
            Self::From | Self::Attachment | Self::LeadLanguage => Cost::Messages,
        }
    }
}

impl TextField {
    /// What it costs to know it.
    pub fn cost(self) -> Cost {
        match self {
            Self::LeadName | Self::Subject | Self::Preview => Cost::Row,
            Self::Body | Self::FullBody | Self::History => Cost::Messages,
        }
    }
}

impl NumberField {
    /// What it costs to know it.
    pub fn cost(self) -> Cost {
        match self {
            Self::ReplyCount => Cost::Row,
            Self::AiConfidence => Cost::Thread,
            Self::MessageCount | Self::InboundCount | Self::OutboundCount => Cost::Messages,
        }
    }

    /// Whether it is a count: a whole number, zero or more.
    pub(super) fn is_count(self) -> bool {
        match self {
            Self::ReplyCount | Self::MessageCount | Self::InboundCount | Self::OutboundCount => true,
            Self::AiConfidence => false,
        }
    }

    /// Whether there may be none of it, so that no bounds hold.
    pub(super) fn may_be_absent(self) -> bool {
        match self {
            Self::ReplyCount | Self::AiConfidence => true,
            Self::MessageCount | Self::InboundCount | Self::OutboundCount => false,
        }
    }
}

impl FlagField {
    /// What it costs to know it.
    pub fn cost(self) -> Cost {
        match self {
            Self::IsRead | Self::IsStarred => Cost::Row,
            Self::HasAttachment | Self::AutoReply | Self::OptOut => Cost::Messages,
        }
    }

    /// Whether it may be neither yes nor no.
    pub(super) fn may_be_absent(self) -> bool {
        match self {
            Self::IsRead | Self::IsStarred => true,
            Self::HasAttachment | Self::AutoReply | Self::OptOut => false,
        }
    }
}
