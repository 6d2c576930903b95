//! What Slack's error words mean for us: whether another attempt makes sense, and what a person should do.

use super::super::{delivery::DeliveryError, sanitize::one_line};
use std::time::Duration;

/// The error of an API method that answered `ok: false`.
pub(super) fn api_error(
    code: &str,
    needed: Option<&str>,
    channel: &str,
    retry_after: Option<Duration>,
) -> DeliveryError {
    let channel = one_line(channel, 80);
    let refused = |what: String| DeliveryError::refused(format!("Slack said `{}`: {what}", word(code)));
    let unauthorized = |what: &str| DeliveryError::unauthorized(format!("Slack said `{}`: {what}", word(code)));
    match code {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
            refused("too many messages for now".to_owned()).retryable(retry_after)
        }
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" | "team_added_to_org" => {
            refused("Slack has trouble of its own".to_owned()).retryable(retry_after)
        }
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            unauthorized("the bot token is wrong, revoked or expired; install the app again and set the new `token`")
        }
        "not_allowed_token_type" => unauthorized("this kind of token cannot post; use a bot token (xoxb-…)"),
        "missing_scope" | "no_permission" => {
            let scope = needed.map_or_else(|| "chat:write".to_owned(), word);
            unauthorized(&format!("the app lacks the scope `{scope}`; add it and install the app again"))
        }
        "access_denied"
        | "org_login_required"
        | "ekm_access_denied"
        | "enterprise_is_restricted"
        | "team_access_not_granted" => {
            unauthorized("the Slack workspace does not let this app in; ask its administrator")
        }
        "channel_not_found" => refused(format!(
            "there is no channel {channel} that the bot can see; check `channel`, and invite the bot if it is private"
        )),
        "not_in_channel" => refused(format!("the bot is not in {channel}; type `/invite @bot` there")),
        "is_archived" | "channel_is_archived" => refused(format!("{channel} is archived; choose another `channel`")),
        "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel"
        | "restricted_action_non_threadable_channel" => {
            refused(format!("posting to {channel} is restricted; allow the app to post there"))
        }
        _ => refused("the message was not posted".to_owned()),
    }
}

/// What to do about the word with which an incoming webhook says no. The answer itself is never shown.
pub(super) fn webhook_hint(body: &[u8]) -> Option<&'static str> {
    Some(match std::str::from_utf8(body).ok()?.trim() {
        "no_service" | "no_service_id" | "no_team" | "no_active_hooks" | "invalid_token" | "team_disabled" => {
            "the webhook was removed, disabled or mistyped; make a new one in Slack and set `webhook_url`"
        }
        "channel_not_found" => "the webhook's channel is gone; make a new webhook in Slack",
        "channel_is_archived" => "the webhook's channel is archived; make a new webhook in Slack",
        "action_prohibited" | "posting_to_general_channel_denied" => {
            "an administrator restricts posting to the channel; ask for it or choose another channel"
        }
        "invalid_payload" | "invalid_blocks" | "no_text" => "Slack cannot read the message",
        "user_not_found" => "the webhook's user is gone; make a new webhook in Slack",
        _ => return None,
    })
}

/// A word as Slack's documentation has them; anything else is not shown, for it could be what we sent.
fn word(code: &str) -> String {
    let known_form = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | ':' | '.' | ',');
    if !code.is_empty() && code.len() <= 60 && code.chars().all(known_form) {
        code.to_owned()
    } else {
        "an unknown error".to_owned()
    }
}
