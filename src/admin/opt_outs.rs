//! Leads who want no more mail.

use super::{
    Answer, App,
    actions::{Page, clamped},
    problem::{Asked, Body, Problem},
};
use crate::{model::address_of, store::OptOut};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Wanted {
    workspace: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

pub(super) async fn list(State(app): State<App>, Asked(wanted): Asked<Wanted>) -> Answer<Page<OptOut>> {
    let limit = clamped(wanted.limit.as_deref());
    let offset: u32 = wanted.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let mut items = app.engine.store().opt_outs(wanted.workspace.as_deref(), offset, limit + 1).await?;
    let length = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = (items.len() > length).then(|| (u64::from(offset) + u64::from(limit)).to_string());
    items.truncate(length);
    Ok(Json(Page { items, next }))
}

#[derive(Deserialize)]
pub(super) struct Entry {
    workspace: Option<String>,
    email: String,
    evidence: Option<String>,
}

pub(super) async fn add(
    State(app): State<App>,
    Body(entry): Body<Entry>,
) -> Result<(StatusCode, Json<OptOut>), Problem> {
    let workspace = match &entry.workspace {
        Some(name) => app.engine.workspace(name).ok_or_else(|| Problem::unknown("workspace", name))?,
        None => app.engine.workspaces().first().ok_or_else(|| Problem::unknown("workspace", ""))?,
    };
    let Some(email) = address_of(&entry.email) else {
        return Err(Problem::bad(format!("`{}` is no address", entry.email)));
    };
    let evidence = entry.evidence.filter(|text| !text.trim().is_empty());
    let opt_out = OptOut {
        workspace: workspace.name().to_owned(),
        email: email.clone(),
        since: app.engine.now(),
        evidence: evidence.unwrap_or_else(|| "entered by hand".to_owned()),
    };
    app.engine.store().add_opt_out(&opt_out).await?;
    // An earlier entry stays: what is told is what is kept.
    let kept = app.engine.store().opt_out(workspace.name(), &email).await?.unwrap_or(opt_out);
    Ok((StatusCode::CREATED, Json(kept)))
}

#[derive(Deserialize)]
pub(super) struct Of {
    workspace: Option<String>,
}

pub(super) async fn remove(
    State(app): State<App>,
    Path(email): Path<String>,
    Asked(of): Asked<Of>,
) -> Result<StatusCode, Problem> {
    if app.engine.store().remove_opt_out(of.workspace.as_deref(), &email).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::unknown("opt-out of", &email))
}
