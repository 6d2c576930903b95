//! What tests put into the engine. The module exists only under the feature `test-hooks`; [`super::failpoint`] is where the
//! engine calls it.

use crate::model::Action;
use async_trait::async_trait;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as written here; the environment of a process under test uses it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }
        }
    };
}

named! {
    /// A place between two steps. What happened before it is on disk or on the network; what follows is not.
    Failpoint {
        /// Changed rows are queued on disk.
        RowsQueued,
        /// The rules are evaluated; nothing is written.
        Evaluated,
        /// The decision and its actions are on disk.
        DecisionWritten,
        /// The guard lets an action go; its intent is not written.
        GuardPassed,
        /// The guard blocks an action; that is not written.
        GuardBlocked,
        /// The intent is on disk; no request has left.
        IntentWritten,
        /// The response to a request is known; the outcome is not written.
        ResponseReceived,
        /// The outcome is on disk.
        OutcomeWritten,
        /// An unconfirmed reply was looked for in the thread; the result is not written.
        ReplyLookedUp,
        /// A transaction of an erasure is on disk; others follow, unless it was the last.
        ErasureStep,
    }
}

named! {
    /// A bug that breaks a promise. Tests inject it to prove that they would notice.
    Mutation {
        /// A reply with an unknown outcome is sent again.
        RetryUnknown,
        /// A reply that is not in the thread is sent again.
        RetryAbsent,
        /// A reply is sent whatever the guard says.
        SkipGuard,
        /// The request leaves before the intent is on disk.
        LateIntent,
        /// The star is toggled without reading its state.
        BlindStar,
        /// An older message with the same text confirms a reply.
        TrustOldText,
        /// Actions in flight when the process died are left so.
        SkipRecovery,
        /// A thread is marked as read whatever became of its other actions.
        AlwaysMarkRead,
        /// A pause blocks nothing.
        IgnorePause,
        /// Opt-outs, the cap for each lead and the cap for each hour are not checked.
        SkipStoreCheck,
        /// A thread that cannot be read is no longer pending.
        DropUnreadable,
        /// A failed forward is not tried again.
        NoForwardRetry,
    }
}

/// What a test does at failpoints, and which mutations it makes.
#[async_trait]
pub trait TestHooks: Send + Sync {
    /// Called at each failpoint; the flow goes on when it returns. `action` is the one concerned, if any.
    async fn hit(&self, failpoint: Failpoint, action: Option<&Action>);

    /// Whether the engine has this bug.
    fn is_mutated(&self, _mutation: Mutation) -> bool {
        false
    }
}
