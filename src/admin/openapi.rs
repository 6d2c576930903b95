//! The description of the routes for programs, as OpenAPI 3.1. It derives from the handlers' `utoipa::path` attributes
//! and from the types that they name; what holds for all routes is said here, once.

use super::{
    App,
    events::{ActionEvent, DecisionEvent},
    problem::Problem,
    routes,
};
use crate::engine::ExplainedAction;
use crate::model::ActionKind;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeMap, sync::OnceLock};
use utoipa::{
    IntoResponses, OpenApi, PartialSchema, ToSchema,
    openapi::{
        HeaderBuilder, ObjectBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder, Type,
        content::ContentBuilder,
        path::{Operation, Paths},
        response::Response,
        schema::Schema,
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Reply Router",
        description = "Times are RFC 3339 in UTC. Errors are `application/problem+json`. Every response carries \
                       `x-request-id`; one that you send is kept. `x-role` says which role an operation needs (`403` \
                       without it); workspaces that you may not see do not exist for you (`404`, and absent from lists). \
                       On a loopback address without `admin.token` and `admin.users` you need no token.",
        license(name = "MIT", identifier = "MIT")
    ),
    security(("token" = []), ("session" = [])),
    tags(
        (name = "service"),
        (name = "rules"),
        (name = "backtest"),
        (name = "actions"),
        (name = "decisions"),
        (name = "opt-outs"),
        (name = "probes"),
        (name = "hooks"),
        (name = "pages")
    ),
    components(schemas(DecisionEvent, ActionEvent, ExplainedAction), responses(Problem))
)]
struct Api;

/// The description, made when somebody first asks for it. Whether a token is needed changes with the configuration.
#[derive(Debug, Default)]
pub(super) struct Description {
    with_token: OnceLock<String>,
    without: OnceLock<String>,
}

impl Description {
    pub(super) fn text(&self, needs_token: bool) -> &str {
        let made = if needs_token { &self.with_token } else { &self.without };
        made.get_or_init(|| routes::description(needs_token).to_string())
    }
}

/// The field of an operation that says what it needs of whoever calls.
pub(super) const ROLE: &str = "x-role";

/// The description of all routes. A public route needs no token unless it names a security of its own; without a
/// configured token (`needs_token` is false) no route does.
pub(super) fn describe(protected: Document, mut public: Document, needs_token: bool) -> Value {
    for operation in operations(&mut public.paths) {
        operation.security.get_or_insert_default();
    }
    let mut document = Api::openapi();
    document.merge(protected);
    document.merge(public);
    for operation in operations(&mut document.paths) {
        let responses = &mut operation.responses.responses;
        responses.insert("default".to_owned(), Ref::from_response_name("Problem").into());
        for (status, response) in responses {
            if let (Ok(status), RefOr::T(response)) = (StatusCode::from_bytes(status.as_bytes()), response)
                && response.description.is_empty()
            {
                response.description = status.canonical_reason().unwrap_or_default().to_owned();
            }
        }
    }
    let mut document = json!(document);
    if let Some(info) = document.get_mut("info") {
        info["summary"] = json!("Reads the replies to cold e-mail campaigns and acts on them by rules.");
    }
    if !needs_token {
        document["security"] = json!([]);
    }
    if let Some(components) = document.get_mut("components") {
        components["securitySchemes"] = security_schemes();
        // Request bodies stand inline, so that every schema here is of something that we send.
        require_nullable(components.get_mut("schemas").unwrap_or(&mut Value::Null));
    }
    for path in document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten() {
        for operation in path.1.as_object_mut().into_iter().flatten() {
            relax_body(operation.1);
        }
    }
    unwrap_lines(&mut document);
    document
}

/// The operations of these paths.
pub(super) fn operations(paths: &mut Paths) -> impl Iterator<Item = &mut Operation> {
    paths.paths.values_mut().flat_map(|item| [&mut item.get, &mut item.post, &mut item.delete]).flatten()
}

fn security_schemes() -> Value {
    json!({
        "token": { "type": "http", "scheme": "bearer", "description": "Your own token of `admin.users`, or `admin.token`, for programs." },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": super::auth::COOKIE,
            "description": "For browsers, by `/login`.",
        },
        "hookBearer": { "type": "http", "scheme": "bearer", "description": "The workspace's `hook_token`." },
        "hookBasic": {
            "type": "http",
            "scheme": "basic",
            "description": "Any user name; the workspace's `hook_token` as the password.",
        },
    })
}

/// In what we send, a field that may be null is always there: `null` is written out. What is left out instead is declared
/// as `nullable = false`.
fn require_nullable(schema: &mut Value) {
    let is_nullable = |schema: &Value| {
        let types = schema.get("type").and_then(Value::as_array);
        let choices = schema.get("oneOf").and_then(Value::as_array);
        types.is_some_and(|types| types.contains(&json!("null")))
            || choices.is_some_and(|choices| choices.contains(&json!({ "type": "null" })))
    };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let named = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_required = |name: &str, schema: &Value| named.contains(&json!(name)) || is_nullable(schema);
        let required = properties.iter().filter(|(name, schema)| is_required(name, schema)).map(|(name, _)| name);
        schema["required"] = required.cloned().collect();
    }
    match schema {
        Value::Object(map) => map.values_mut().for_each(require_nullable),
        Value::Array(items) => items.iter_mut().for_each(require_nullable),
        _ => {}
    }
}

/// You may leave a body out where no field of it is required.
fn relax_body(operation: &mut Value) {
    let Some(body) = operation.get_mut("requestBody") else { return };
    let contents = body.get("content").and_then(Value::as_object).into_iter().flatten();
    let is_required = contents.map(|(_, content)| &content["schema"]["required"]).any(Value::is_array);
    body["required"] = json!(is_required);
}

/// The texts are doc comments, whose lines end where the code's do.
fn unwrap_lines(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "summary" => {
                        *text = text.replace('\n', " ").trim_end_matches('.').to_owned();
                    }
                    Value::String(text) if key == "description" => *text = text.replace('\n', " "),
                    _ => unwrap_lines(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_lines),
        _ => {}
    }
}

/// Get this description.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi", tag = "service",
    responses((status = 200, body = Object))
)]
pub(super) async fn document(State(app): State<App>) -> impl IntoResponse {
    let needs_token = !app.settings.access.current().is_open();
    ([(header::CONTENT_TYPE, "application/json")], app.description.text(needs_token).to_owned())
}

/// A page.
pub(super) enum HtmlPage {}

impl IntoResponses for HtmlPage {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let content = ContentBuilder::new().schema(Some(String::schema())).build();
        let response = ResponseBuilder::new().description("A page.").content("text/html", content).build();
        BTreeMap::from([("200".to_owned(), response.into())])
    }
}

/// A redirect to a page.
pub(super) enum RedirectToPage {}

impl IntoResponses for RedirectToPage {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let location = HeaderBuilder::new().schema(Some(String::schema())).build();
        let response = ResponseBuilder::new().description("To a page.").header("Location", location).build();
        BTreeMap::from([("303".to_owned(), response.into())])
    }
}

impl PartialSchema for ActionKind {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.map(Self::as_str);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl ToSchema for ActionKind {
    fn name() -> Cow<'static, str> {
        "ActionKind".into()
    }
}
