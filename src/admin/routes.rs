//! The routes: one line for each handler. Method, path and description stand above the handler, so that no route can be
//! served without a description, nor described without being served.

use super::{
    App, actions, audit, auth, controls, decisions, events, explain, hooks, left, metrics, openapi, opt_outs, pages,
    rules, status,
};
use axum::{Router, middleware};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes that need the token or a session.
fn protected() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(pages::rules::rules))
        .routes(routes!(pages::activity::activity))
        .routes(routes!(pages::thread::thread))
        .routes(routes!(pages::queue::queue))
        .routes(routes!(pages::try_page::form))
        .routes(routes!(pages::try_page::submit))
        .routes(routes!(pages::workspace::workspace))
        .routes(routes!(pages::workspace::run_checks))
        .routes(routes!(pages::forms::set_mode))
        .routes(routes!(pages::forms::pause))
        .routes(routes!(pages::forms::resume))
        .routes(routes!(pages::forms::reload))
        .routes(routes!(pages::forms::decide))
        .routes(routes!(pages::forms::thread_done))
        .routes(routes!(pages::forms::add_opt_out))
        .routes(routes!(pages::forms::remove_opt_out))
        .routes(routes!(openapi::document))
        .routes(routes!(status::status))
        .routes(routes!(status::workspaces))
        .routes(routes!(rules::list))
        .routes(routes!(rules::get))
        .routes(routes!(rules::set_mode))
        .routes(routes!(actions::list))
        .routes(routes!(actions::get))
        .routes(routes!(actions::approve))
        .routes(routes!(actions::reject))
        .routes(routes!(actions::retry))
        .routes(routes!(actions::resolve))
        .routes(routes!(left::list))
        .routes(routes!(left::done))
        .routes(routes!(decisions::list))
        .routes(routes!(decisions::get))
        .routes(routes!(explain::explain))
        .routes(routes!(opt_outs::list))
        .routes(routes!(opt_outs::add))
        .routes(routes!(opt_outs::remove))
        .routes(routes!(controls::pause))
        .routes(routes!(controls::resume))
        .routes(routes!(controls::reload))
        .routes(routes!(audit::list))
        .routes(routes!(events::stream))
}

/// The routes that anyone may call; the hook has a token of its own.
fn public() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(status::healthz))
        .routes(routes!(status::readyz))
        .routes(routes!(metrics::metrics))
        .routes(routes!(auth::login_page))
        .routes(routes!(auth::login))
        .routes(routes!(auth::logout))
        .routes(routes!(pages::assets::style))
        .routes(routes!(pages::assets::script))
        .routes(routes!(pages::assets::theme))
        .routes(routes!(pages::assets::icon))
        .routes(routes!(hooks::coldsend))
}

/// The description of all routes. It asks for a token if `needs_token`.
pub(super) fn description(needs_token: bool) -> Value {
    openapi::describe(protected().into_openapi(), public().into_openapi(), needs_token)
}

/// All routes, those that need it behind the guard.
pub(super) fn router(app: &App) -> Router<App> {
    let guard = middleware::from_fn_with_state(app.clone(), auth::guard);
    Router::from(protected()).layer(guard).merge(Router::from(public()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
        let paths = document["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
        })
    }

    #[test]
    fn public_routes_are_described_as_public_and_no_other() {
        let document = description(true);
        let public = public().into_openapi();
        for (path, _, operation) in operations(&document) {
            let is_public = public.paths.paths.contains_key(path);
            assert_eq!(operation.get("security").is_some(), is_public, "{path}");
        }
        assert_eq!(document["security"], serde_json::json!([{ "token": [] }, { "session": [] }]));
        assert_eq!(description(false)["security"], serde_json::json!([]));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(value: &Value, document: &Value) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(target)) = map.get("$ref") {
                        let found = document.pointer(target.trim_start_matches('#'));
                        assert!(found.is_some(), "{target} is nowhere");
                    }
                    map.values().for_each(|value| check(value, document));
                }
                Value::Array(list) => list.iter().for_each(|value| check(value, document)),
                _ => {}
            }
        }
        let document = description(true);
        check(&document, &document);
    }

    #[test]
    fn every_operation_is_complete() {
        let document = description(true);
        let mut ids = BTreeSet::new();
        for (path, method, operation) in operations(&document) {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = parameters.iter().filter(|found| found["in"] == "path");
            let named: BTreeSet<_> = in_path.filter_map(|found| found["name"].as_str()).collect();
            let wanted: BTreeSet<_> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(named, wanted, "{method} {path}");
            for text in parameters.iter().map(|found| &found["description"]).chain([&operation["summary"]]) {
                assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
            }
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{method} {path}");
            assert!(ids.insert(operation["operationId"].to_string()), "{method} {path}");
        }
    }

    /// Schemas are required to be complete where we send them; what you send may leave fields out.
    #[test]
    fn request_bodies_stand_inline() {
        let document = description(true);
        for (path, _, operation) in operations(&document) {
            for content in operation["requestBody"]["content"].as_object().into_iter().flatten() {
                assert_eq!(content.1["schema"].get("$ref"), None, "{path}");
            }
        }
    }
}
