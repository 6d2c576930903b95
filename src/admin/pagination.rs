//! What all lists share: pages, and how a query asks for one.

use super::problem::{Problem, QueryParams};
use crate::model::ActionState;
use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Type,
        schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType},
    },
};

const DEFAULT_LIMIT: u32 = 50;
const MAX_ITEMS: u32 = 10_000;

/// A page of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    /// The `cursor` of the following page; `None` on the last one.
    pub next: Option<String>,
}

/// By hand, so that a page of `Rule` is called `RulePage` and refers to `Rule`; give each page an alias for it.
impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("The `cursor` of the following page; null on the last one."));
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        ObjectBuilder::new().property("items", items).required("items").property("next", next).into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// Which page of a list whose items have UUIDs, from the query.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CursorPaging {
    /// `next` of the page before.
    #[param(rename = "cursor", format = "uuid")]
    pub before: Option<String>,
    /// Clamped to 1 to 10,000, never refused.
    #[param(value_type = Option<i64>, default = 50)]
    pub limit: u32,
}

/// Which page of a list whose items have no id, from the query.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OffsetPaging {
    /// `next` of the page before.
    #[param(rename = "cursor", value_type = Option<String>, pattern = "^[0-9]{1,9}$")]
    pub first: u32,
    /// Clamped to 1 to 10,000, never refused.
    #[param(value_type = Option<i64>, default = 50)]
    pub limit: u32,
}

/// Of which workspace alone something is shown, from the query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WorkspaceFilter {
    /// Of this workspace alone; of all that you see if left out.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
}

impl WorkspaceFilter {
    /// The workspace, if one is named.
    pub(super) fn name(&self) -> Option<String> {
        self.workspace.clone()
    }
}

/// The workspace that a query, a body or a form names, for each field of this kind: an empty name is none, as if it were left
/// out. What that means for whoever asks, and whether they may, each route says.
pub(super) fn workspace_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(deserializer).map(non_empty)
}

#[derive(Deserialize)]
struct PagingParams {
    cursor: Option<String>,
    limit: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for CursorPaging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let QueryParams(params) = QueryParams::<PagingParams>::from_request_parts(parts, state).await?;
        Ok(Self { before: cursor(params.cursor)?, limit: clamp_limit(params.limit.as_deref()) })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OffsetPaging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let QueryParams(params) = QueryParams::<PagingParams>::from_request_parts(parts, state).await?;
        Ok(Self { first: offset(params.cursor)?, limit: clamp_limit(params.limit.as_deref()) })
    }
}

/// Makes a page of one row more than was asked for.
pub(super) fn page<T>(mut items: Vec<T>, limit: u32, id: impl Fn(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(id);
    Page { items, next }
}

/// Makes a page of what begins at a place, where rows are told apart by nothing else.
pub(super) fn page_at<T>(items: Vec<T>, first: u32, limit: u32) -> Page<T> {
    page(items, limit, |_| (u64::from(first) + u64::from(limit)).to_string())
}

/// The cursor of such a list.
pub(super) fn offset(value: Option<String>) -> Result<u32, Problem> {
    let digits = |text: &str| text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    match non_empty(value) {
        None => Ok(0),
        Some(text) if digits(&text) => text.parse().map_err(|_| bad_cursor(&text)),
        Some(text) => Err(bad_cursor(&text)),
    }
}

/// A limit is clamped, never refused.
fn clamp_limit(limit: Option<&str>) -> u32 {
    let Some(text) = limit else { return DEFAULT_LIMIT };
    match text.trim().parse::<i128>() {
        Ok(number) => u32::try_from(number.clamp(1, i128::from(MAX_ITEMS))).unwrap_or(MAX_ITEMS),
        Err(_) => DEFAULT_LIMIT,
    }
}

/// A filter that is there and says something.
pub(super) fn non_empty(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

/// The cursor of a list whose rows are named by UUIDs.
pub(super) fn cursor(value: Option<String>) -> Result<Option<String>, Problem> {
    let cursor = non_empty(value)
        .map(|text| uuid::Uuid::parse_str(&text).map(|id| id.to_string()).map_err(|_| bad_cursor(&text)));
    cursor.transpose()
}

fn bad_cursor(text: &str) -> Problem {
    Problem::bad_request(format!("`{text}` is not a cursor: send the `next` of the previous page"))
}

/// One state, or several with commas between.
pub(super) fn states(value: Option<String>) -> Result<Vec<ActionState>, Problem> {
    let text = value.unwrap_or_default();
    let states = text.split(',').filter(|name| !name.is_empty()).map(|name| {
        let names = ActionState::ALL.map(ActionState::as_str).join(", ");
        name.parse().map_err(|_| Problem::bad_request(format!("unknown state `{name}`; use one of {names}")))
    });
    states.collect()
}
