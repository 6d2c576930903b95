//! The ColdSend endpoints: keys and scopes, limits, reading; `reply` holds the writing.

use super::fault::Endpoint;
use super::html;
use super::options::{ReplyCount, RowOrder, TotalCount};
use super::outcome::{Outcome, Refusal};
use super::query::Query;
use super::reply;
use super::state::{Shared, State};
use super::thread::{StoredMessage, Thread};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A request to the API, taken apart.
#[derive(Debug)]
pub(super) struct ApiRequest<'a> {
    pub(super) endpoint: Endpoint,
    /// Below the base.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// An answer: a status, a JSON body, and the headers of the limit.
#[derive(Debug)]
pub(super) struct ApiResponse {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// Answers a request and carries it out.
pub(super) fn handle(shared: &Shared, request: &ApiRequest<'_>) -> ApiResponse {
    let mut headers = Vec::new();
    let outcome = admit(shared, request, &mut headers).and_then(|account| dispatch(shared, request, account));
    match outcome {
        Ok(body) => ApiResponse { status: StatusCode::OK, body, headers },
        Err(refusal) => ApiResponse { status: refusal.status, body: refusal.body, headers },
    }
}

/// Key, limits and scope, in this order; the key's account.
fn admit(shared: &Shared, request: &ApiRequest<'_>, headers: &mut Vec<(&'static str, String)>) -> Result<u32, Refusal> {
    let unauthorized = |detail| Refusal::text(StatusCode::UNAUTHORIZED, detail);
    let sent = request.key.ok_or_else(|| unauthorized("API key required. Send it in the X-API-Key header."))?;
    let known = shared.options.keys.iter().find(|key| key.key == sent);
    let known = known.ok_or_else(|| unauthorized("Invalid or revoked API key"))?;
    if let Some(limits) = shared.options.rate_limits {
        let now = shared.now();
        let budget = shared.write(|state| state.usage.entry(known.key.clone()).or_default().take(limits, now));
        headers.push(("x-ratelimit-limit", budget.limit.to_string()));
        headers.push(("x-ratelimit-remaining", budget.remaining.to_string()));
        headers.push(("x-ratelimit-reset", budget.reset.to_string()));
        if !budget.allowed {
            let detail = "Rate limit exceeded. Retry after 60 seconds.";
            return Err(Refusal::text(StatusCode::TOO_MANY_REQUESTS, detail));
        }
    }
    let required = match request.endpoint {
        Endpoint::List | Endpoint::Thread | Endpoint::Messages => "replies:read",
        Endpoint::Reply => "replies:create",
        Endpoint::Read | Endpoint::Star => "replies:update",
        _ => return Ok(known.account),
    };
    if known.scopes.iter().any(|scope| scope == required || scope == "replies:all" || scope == "*") {
        return Ok(known.account);
    }
    let body = json!({
        "detail": format!("Insufficient permissions. Required scopes: {required}"),
        "error": "insufficient_scopes", "required": [required], "granted": known.scopes,
    });
    Err(Refusal { status: StatusCode::FORBIDDEN, body })
}

fn dispatch(shared: &Shared, request: &ApiRequest<'_>, account: u32) -> Outcome {
    let now = shared.now();
    // `/replies/threads/{id}/…`
    let id = request.path.split('/').nth(3).unwrap_or_default();
    match request.endpoint {
        Endpoint::List => list(shared, request.query, now, account),
        Endpoint::Thread => shared.read(|state| find(state, id).map(|thread| detail(shared, thread, now))),
        Endpoint::Messages => shared.read(|state| messages(state, id, request.query, now)),
        Endpoint::Reply => {
            shared.read(|state| find(state, id).map(|_| ()))?;
            reply::accept(shared, id, request.body, now)
        }
        Endpoint::Read => {
            shared.read(|state| find(state, id).map(|_| ()))?;
            shared.write(|state| reply::mark_read(state, id, now).ok_or_else(Refusal::no_thread))
        }
        Endpoint::Star => {
            shared.read(|state| find(state, id).map(|_| ()))?;
            shared.write(|state| reply::toggle_star(state, id).ok_or_else(Refusal::no_thread))
        }
        _ => {
            let known = ["GET", "POST", "PATCH"].iter().any(|method| {
                let path = format!("{}{}", super::API_BASE, request.path);
                Endpoint::of(method, &path).is_some_and(|endpoint| endpoint != Endpoint::AnyApi)
            });
            Err(if known {
                Refusal::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
            } else {
                Refusal::text(StatusCode::NOT_FOUND, "Not Found")
            })
        }
    }
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Thread, Refusal> {
    match state.thread(id) {
        Some(thread) => Ok(thread),
        None if Uuid::parse_str(id).is_ok() => Err(Refusal::no_thread()),
        None => {
            let wrong =
                super::query::validation_error(&["path", "thread_id"], "Input should be a valid UUID", "uuid_parsing");
            Err(Refusal::invalid(json!([wrong])))
        }
    }
}

fn list(shared: &Shared, query: &str, now: Timestamp, account: u32) -> Outcome {
    let mut query = Query::parse(query);
    // Larger numbers would be whole numbers too; this is where a database's offset ends.
    let page = query.number("page", 1, 1_000_000_000);
    let limit = query.number("limit", 20, 100);
    let campaign = query.uuid("campaign_id");
    let (read, starred) = (query.flag("is_read"), query.flag("is_starred"));
    let category = query.text("category");
    query.finish().map_err(Refusal::invalid)?;

    shared.read(|state| {
        let mut rows: Vec<&Thread> = ordered(state, shared.options.order, now);
        rows.retain(|thread| {
            thread.account == account
                && campaign.as_ref().is_none_or(|id| thread.campaign_id.as_ref() == Some(id))
                && read.is_none_or(|read| thread.is_read == read)
                && starred.is_none_or(|starred| thread.is_starred == starred)
                && category.as_deref().is_none_or(|wanted| thread.category() == Some(wanted))
        });
        let skipped = usize::try_from((page - 1).saturating_mul(limit)).unwrap_or(usize::MAX);
        let shown = rows.iter().skip(skipped).take(usize::try_from(limit).unwrap_or(usize::MAX));
        let conversations: Vec<Value> = shown.map(|thread| row(shared, thread, now)).collect();
        let threads = || state.threads.iter().filter(|thread| thread.account == account);
        let count = |holds: fn(&Thread) -> bool| threads().filter(|thread| holds(thread)).count();
        let total = match shared.options.total_count {
            TotalCount::All => rows.len(),
            TotalCount::Page => conversations.len(),
            TotalCount::SoFar => skipped.min(rows.len()) + conversations.len(),
            TotalCount::Zero => 0,
        };
        Ok(json!({
            "success": true, "conversations": conversations, "total_count": total, "page": page, "limit": limit,
            "unread_count": count(|thread| !thread.is_read), "starred_count": count(|thread| thread.is_starred),
        }))
    })
}

/// The threads that the list shows: a thread is in the inbox as soon as it has a message.
fn ordered(state: &State, order: RowOrder, now: Timestamp) -> Vec<&Thread> {
    if order == RowOrder::NewestFirst {
        return state.threads.newest_first(now);
    }
    let time = |thread: &Thread| thread.last(now).map(|message| message.at);
    let mut rows: Vec<&Thread> = state.threads.iter().filter(|thread| time(thread).is_some()).collect();
    match order {
        RowOrder::NewestFirst => {}
        RowOrder::OldestFirst => rows.sort_by_key(|thread| (time(thread), thread.id.as_str())),
        RowOrder::ByCreation => rows.reverse(),
        RowOrder::ById => rows.sort_by(|left, right| left.id.cmp(&right.id)),
        RowOrder::Shuffled => {
            let mut random = state.request_number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            for last in (1..rows.len()).rev() {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                rows.swap(last, (random % (last as u64 + 1)) as usize);
            }
        }
    }
    rows
}

fn reply_count(shared: &Shared, thread: &Thread, now: Timestamp) -> usize {
    let both = shared.options.reply_count == ReplyCount::BothDirections;
    thread.visible(now).filter(|message| both || !message.outgoing).count()
}

fn row(shared: &Shared, thread: &Thread, now: Timestamp) -> Value {
    let last = thread.last(now);
    json!({
        "thread_id": thread.id, "lead_id": thread.lead_id, "inbox_id": thread.inbox_id,
        "lead_email": thread.lead_email, "lead_name": thread.lead_name, "campaign_name": thread.campaign_name,
        "subject": thread.subject, "last_message_preview": last.map(preview),
        "last_message_at": last.map(|message| message.at.to_string()),
        "is_read": thread.is_read, "is_starred": thread.is_starred,
        "reply_count": reply_count(shared, thread, now), "category": thread.category(),
    })
}

/// The first 150 characters of the message's text, white space folded.
fn preview(message: &StoredMessage) -> String {
    let text = match message.text.as_deref().filter(|text| !text.trim().is_empty()) {
        Some(text) => text.to_owned(),
        None => html::to_text(message.html.as_deref().unwrap_or_default()),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(150).collect()
}

fn detail(shared: &Shared, thread: &Thread, now: Timestamp) -> Value {
    let first = thread.visible(now).next();
    json!({
        "success": true, "thread_id": thread.id, "lead_id": thread.lead_id, "lead_email": thread.lead_email,
        "lead_name": thread.lead_name, "campaign_name": thread.campaign_name, "campaign_id": thread.campaign_id,
        "from_address": first.map_or(&thread.inbox_email, |message| &message.from),
        "to_address": first.map_or(&thread.lead_email, |message| &message.to),
        "subject": thread.subject, "created_at": first.map(|message| message.at.to_string()),
        "is_read": thread.is_read, "is_starred": thread.is_starred,
        "reply_count": reply_count(shared, thread, now),
        "inbox_id": thread.inbox_id, "inbox_email": thread.inbox_email, "category": thread.category(),
        "ai_category": thread.ai_category, "ai_confidence": thread.ai_confidence,
        "manual_category": thread.manual_category, "tags": thread.tags, "is_archived": false,
        "archived_domain_name": null, "archived_inbox_email": null, "archived_at": null,
    })
}

fn messages(state: &State, id: &str, query: &str, now: Timestamp) -> Outcome {
    let mut query = Query::parse(query);
    let page = query.number("page", 1, 1_000_000_000);
    let limit = query.number("limit", 50, 100);
    query.finish().map_err(Refusal::invalid)?;
    let thread = find(state, id)?;
    let all: Vec<&StoredMessage> = thread.visible(now).collect();
    let total = all.len() as u64;
    let pages = total.div_ceil(limit);
    let skipped = usize::try_from((page - 1).saturating_mul(limit)).unwrap_or(usize::MAX);
    let shown = all.into_iter().skip(skipped).take(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(json!({
        "success": true, "message": "Messages retrieved successfully", "thread_id": thread.id,
        "messages": shown.map(message).collect::<Vec<_>>(), "total_count": total, "page": page, "limit": limit,
        "total_pages": pages, "has_next": page < pages, "has_prev": page > 1 && pages > 0,
    }))
}

fn message(message: &StoredMessage) -> Value {
    let attachments: Vec<Value> = message
        .attachments
        .iter()
        .map(|file| {
            let path = format!("attachments/{}/{}", message.id, file.filename);
            json!({
                "filename": file.filename, "content_type": file.content_type, "size_bytes": file.size_bytes,
                "gcs_path": path, "url": format!("https://files.coldsend.example/{path}"),
            })
        })
        .collect();
    json!({
        "reply_id": message.id, "from_email": message.from, "to_email": message.to, "subject": message.subject,
        "body_text": message.text, "body_html": message.html, "is_outgoing": message.outgoing,
        "is_read": message.is_read, "created_at": message.at.to_string(), "message_id": message.message_id,
        "attachments": attachments,
    })
}
