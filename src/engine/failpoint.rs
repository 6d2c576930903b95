//! Where tests look in: named places between the steps of the work, at which a test can hold the service up, end it, or
//! let the world change; and mistakes that a test plants to see that it would be caught. Nothing of this acts in a
//! release build.

use super::shared::Shared;
use crate::model::Action;
use async_trait::async_trait;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

named! {
    /// A place between two steps. What happened before it is on disk or on the network; what follows is not.
    Failpoint {
        /// Changed rows are in line, on disk.
        RowsQueued = "rows_queued",
        /// The rules have said what to do; nothing of it is written.
        Evaluated = "judged",
        /// The decision and its actions are on disk.
        DecisionWritten = "decision_written",
        /// The guard let an action go; its intent is not written.
        GuardPassed = "guarded",
        /// The guard holds an action back; that is not written.
        GuardBlocked = "refused",
        /// The intent is on disk; nothing has left.
        IntentWritten = "intent_written",
        /// The answer to a request is known; the outcome is not written.
        ResponseReceived = "answered",
        /// The outcome is on disk.
        OutcomeWritten = "outcome_written",
        /// An unclear reply was looked for; what was seen is not written.
        ReplyLookedUp = "looked_for",
    }
}

named! {
    /// A mistake that would break a promise.
    Mutation {
        /// A reply that may have left is tried again.
        RetryUnknown = "unknown_is_retried",
        /// A reply that was never seen is tried again.
        RetryAbsent = "absent_is_retried",
        /// Nobody looks at the thread before a reply.
        SkipGuard = "guard_skipped",
        /// The intent is not on disk when the request leaves.
        LateIntent = "intent_late",
        /// The star is toggled without looking.
        BlindStar = "star_blind",
        /// An older message with the same text proves a reply.
        TrustOldText = "old_text_proves",
        /// What was in flight when the process died is left there.
        SkipRecovery = "no_recovery",
        /// A thread is marked as read whatever became of the other actions.
        AlwaysMarkRead = "read_anyway",
        /// A pause holds nothing back.
        IgnorePause = "pause_ignored",
        /// The lead's opt-out, cap and the hour's cap are not asked for.
        SkipStoreCheck = "store_not_asked",
        /// A thread that cannot be read is taken out of the line.
        DropUnreadable = "unread_is_settled",
        /// A forward that failed is not tried again.
        NoForwardRetry = "forward_once",
    }
}

/// What a test puts in.
#[async_trait]
pub trait TestHooks: Send + Sync {
    /// The work stands at this place and goes on when this returns. `action` is the one concerned, where there is one.
    async fn hit(&self, step: Failpoint, action: Option<&Action>);

    /// Whether this mistake is made.
    fn is_mutated(&self, _mistake: Mutation) -> bool {
        false
    }
}

impl Shared {
    pub(super) async fn failpoint(&self, step: Failpoint, action: Option<&Action>) {
        if cfg!(debug_assertions)
            && let Some(probe) = &self.hooks
        {
            probe.hit(step, action).await;
        }
    }

    pub(super) fn is_mutated(&self, mistake: Mutation) -> bool {
        cfg!(debug_assertions) && self.hooks.as_ref().is_some_and(|probe| probe.is_mutated(mistake))
    }
}
