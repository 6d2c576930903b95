//! The replies of this service in a thread, and how to know them among its messages.

use crate::{
    model::{Action, ActionKind, ActionState, Message, Payload},
    store::{ActionFilter, Store, StoreError},
    text::{fingerprint, has_fingerprint, html_to_text, is_same_reply},
};

/// A thread with more replies than this is no thread.
const MAX_REPLIES: u32 = 1_000;

/// The replies in the thread that are in one of these states; all if none is given, with those that are kept without their
/// text.
pub(in crate::engine) async fn replies(
    store: &dyn Store,
    workspace: &str,
    thread_id: &str,
    states: &[ActionState],
) -> Result<Vec<Action>, StoreError> {
    let filter = ActionFilter {
        workspace: Some(workspace.to_owned()),
        thread: Some(thread_id.to_owned()),
        kind: Some(ActionKind::Reply),
        states: states.to_vec(),
        limit: MAX_REPLIES,
        ..ActionFilter::default()
    };
    let mut found = store.actions(&filter).await?;
    if states.is_empty() {
        found.extend(store.kept_replies(workspace, thread_id).await?);
    }
    Ok(found)
}

/// The fingerprint of what a reply sends; `None` for other kinds.
pub(in crate::engine) fn body_fingerprint(payload: &Payload) -> Option<String> {
    match payload {
        Payload::Reply { text, html, .. } => text.as_deref().or(html.as_deref()).map(fingerprint),
        _ => None,
    }
}

/// Whether a message is what this reply sent, in its last try or in an earlier one with another text.
pub(in crate::engine) fn was_sent_by(action: &Action, message: &Message) -> bool {
    let left = action.sent_at.is_some() || !action.attempts.is_empty();
    left && (matches_text(action, message) || matches_attempt(action, message))
}

/// Whether a message has the text that the reply sends now.
pub(in crate::engine) fn matches_text(action: &Action, message: &Message) -> bool {
    let Payload::Reply { text, html, .. } = &action.payload else { return false };
    let same = |sent: &str| is_same_reply(sent, message.text.as_deref(), message.html.as_deref());
    text.as_deref().is_some_and(same) || html.as_deref().is_some_and(|html| same(&html_to_text(html)))
}

/// Whether a message has the text of one of the reply's tries. An operator may have edited it since.
pub(in crate::engine) fn matches_attempt(action: &Action, message: &Message) -> bool {
    let marks = action.attempts.iter().filter_map(|attempt| attempt.body.as_deref());
    marks.into_iter().any(|mark| has_fingerprint(mark, message.text.as_deref(), message.html.as_deref()))
}
