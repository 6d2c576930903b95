//! The vendor's webhook: a hint that something is new, never data.

use super::{
    App,
    auth::{bearer, note_wrong},
    problem::Problem,
};
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{Extensions, HeaderMap, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Poll a workspace now, because something may be new.
///
/// The body is ignored; it is read so that its size is bounded.
#[utoipa::path(
    post, path = "/hooks/coldsend/{workspace}", operation_id = "hook", tag = "hooks",
    security(("hookBearer" = []), ("hookBasic" = [])),
    params(("workspace" = String, Path, description = "The workspace; it needs a `hook_token`.")),
    request_body(content = inline(serde_json::Value), content_type = "*/*"),
    responses(
        (status = 202, description = "It will be polled."),
        (status = 401, response = Problem),
        (status = 404, response = Problem)
    )
)]
pub(super) async fn coldsend(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
    _body: Bytes,
) -> Result<StatusCode, Problem> {
    let given = bearer(&headers).or_else(|| basic_password(&headers));
    let is_right = app.settings.hook_tokens.matches(&name, given.as_deref());
    let (Some(workspace), Some(is_right)) = (app.whole_engine().workspace(&name), is_right) else {
        return Err(Problem::not_found_named("hook", &name));
    };
    if !is_right {
        if given.is_some_and(|given| !given.is_empty()) {
            note_wrong(&app, &extensions, Some(&name)).await;
        }
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "authenticate with the workspace's `hook_token`, as bearer or basic",
        ));
    }
    app.whole_engine().request_poll(&workspace).await?;
    Ok(StatusCode::ACCEPTED)
}

fn basic_password(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}
