//! The routes: one line for each handler. Method, path and description stand above the handler, so that no route can be
//! served without a description, nor described without being served.

use super::{
    App, access::Needs, actions, audit, auth, backtest, controls, decisions, events, explain, forget, hooks, left,
    metrics, openapi, opt_outs, pages, rules, status,
};
use axum::{Router, extract::DefaultBodyLimit, middleware};
use serde_json::Value;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouter},
    routes,
};

/// The routes that ask who calls. Each says here what it needs of them; which workspaces they see, [`ScopedEngine`] says,
/// through which alone a handler reads.
///
/// [`ScopedEngine`]: super::ScopedEngine
fn protected() -> OpenApiRouter<App> {
    const VIEWER: Needs = Needs::VIEWER;
    const APPROVER: Needs = Needs::APPROVER;
    const ADMIN: Needs = Needs::ADMIN;
    const WHOLE_SERVICE: Needs = Needs::WholeService;
    let table = [
        (VIEWER, routes!(pages::rules::rules)),
        (VIEWER, routes!(pages::activity::activity)),
        (VIEWER, routes!(pages::thread::thread)),
        (VIEWER, routes!(pages::queue::queue)),
        (VIEWER, routes!(pages::try_page::form)),
        (VIEWER, routes!(pages::try_page::submit)),
        (VIEWER, routes!(pages::backtest::page)),
        (APPROVER, large(routes!(pages::backtest::submit))),
        (APPROVER, routes!(pages::backtest::cancel)),
        (VIEWER, routes!(pages::workspace::workspace)),
        (ADMIN, routes!(pages::workspace::run_checks)),
        (ADMIN, routes!(pages::forget::forget)),
        (WHOLE_SERVICE, routes!(pages::forms::set_mode)),
        (APPROVER, routes!(pages::forms::pause)),
        (APPROVER, routes!(pages::forms::resume)),
        (WHOLE_SERVICE, routes!(pages::forms::reload)),
        (APPROVER, routes!(pages::forms::decide)),
        (APPROVER, routes!(pages::forms::thread_done)),
        (APPROVER, routes!(pages::forms::add_opt_out)),
        (APPROVER, routes!(pages::forms::remove_opt_out)),
        (VIEWER, routes!(openapi::document)),
        (VIEWER, routes!(status::status)),
        (VIEWER, routes!(status::workspaces)),
        (VIEWER, routes!(rules::list)),
        (VIEWER, routes!(rules::get)),
        (WHOLE_SERVICE, routes!(rules::set_mode)),
        (VIEWER, routes!(backtest::list)),
        (APPROVER, large(routes!(backtest::start))),
        (VIEWER, routes!(backtest::read)),
        (VIEWER, routes!(backtest::get)),
        (APPROVER, routes!(backtest::remove)),
        (APPROVER, routes!(backtest::cancel)),
        (VIEWER, routes!(backtest::report)),
        (VIEWER, routes!(actions::list)),
        (VIEWER, routes!(actions::get)),
        (APPROVER, routes!(actions::approve)),
        (APPROVER, routes!(actions::reject)),
        (APPROVER, routes!(actions::retry)),
        (APPROVER, routes!(actions::resolve)),
        (VIEWER, routes!(left::list)),
        (APPROVER, routes!(left::done)),
        (VIEWER, routes!(decisions::list)),
        (VIEWER, routes!(decisions::get)),
        (VIEWER, routes!(explain::explain)),
        (VIEWER, routes!(opt_outs::list)),
        (APPROVER, routes!(opt_outs::add)),
        (APPROVER, routes!(opt_outs::remove)),
        (ADMIN, routes!(forget::forget)),
        (VIEWER, routes!(opt_outs::export)),
        (APPROVER, routes!(opt_outs::import)),
        (APPROVER, routes!(controls::pause)),
        (APPROVER, routes!(controls::resume)),
        (WHOLE_SERVICE, routes!(controls::reload)),
        (VIEWER, routes!(audit::list)),
        (VIEWER, routes!(events::stream)),
    ];
    table.into_iter().fold(OpenApiRouter::default(), |router, (needs, route)| router.routes(guarded(needs, route)))
}

/// A route that lets nobody pass who lacks what it needs, and whose description says so.
fn guarded(needs: Needs, (schemas, mut paths, methods): UtoipaMethodRouter<App>) -> UtoipaMethodRouter<App> {
    for operation in openapi::operations(&mut paths) {
        let declared = ExtensionsBuilder::new().add(openapi::ROLE, needs.as_str()).build();
        operation.extensions.get_or_insert_default().merge(declared);
    }
    let check = middleware::from_fn(move |request, next| auth::authorize(needs, request, next));
    (schemas, paths, methods.route_layer(check))
}

/// A route to which whole files are sent.
fn large((schemas, paths, methods): UtoipaMethodRouter<App>) -> UtoipaMethodRouter<App> {
    (schemas, paths, methods.layer(DefaultBodyLimit::max(backtest::BODY_LIMIT)))
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
    use std::{collections::BTreeSet, path::Path};

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

    /// A route is public, or says which role it needs; and these are all that are public.
    #[test]
    fn every_route_declares_who_may_call_it() {
        let document = description(true);
        let mut open = Vec::new();
        for (path, method, operation) in operations(&document) {
            match operation[openapi::ROLE].as_str() {
                Some(role) => assert!(
                    ["viewer", "approver", "admin", "admin of all workspaces"].contains(&role),
                    "{method} {path}: {role}"
                ),
                None => open.push(path.as_str()),
            }
        }
        open.sort_unstable();
        open.dedup();
        assert_eq!(
            open,
            [
                "/assets/icon.svg",
                "/assets/pages.js",
                "/assets/style.css",
                "/assets/theme.js",
                "/healthz",
                "/hooks/coldsend/{workspace}",
                "/login",
                "/logout",
                "/metrics",
                "/readyz"
            ]
        );
    }

    /// Handlers read through `ScopedEngine`; only what belongs to nobody's workspaces reads past it.
    #[test]
    fn nothing_but_probes_metrics_hooks_and_the_audit_log_reads_past_the_scope() {
        fn sources(folder: &Path, found: &mut BTreeSet<(String, &'static str)>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    sources(&path, found);
                    continue;
                }
                let name = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src/admin")).unwrap();
                let name = name.to_string_lossy().into_owned();
                // This file has these words for the test alone.
                if name.ends_with(".rs") && !name.starts_with("scoped/") && name != "routes.rs" {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let words = ["whole_engine()", ".store()", "shared().workspace", "shared().intake"];
                    let used = words.into_iter().filter(|word| text.contains(word));
                    found.extend(used.map(|word| (name.clone(), word)));
                }
            }
        }
        let mut found = BTreeSet::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin"), &mut found);
        let found: Vec<_> = found.iter().map(|(name, word)| (name.as_str(), *word)).collect();
        assert_eq!(
            found,
            [
                ("audit.rs", ".store()"),
                ("audit.rs", "whole_engine()"),
                ("hooks.rs", "whole_engine()"),
                ("metrics.rs", ".store()"),
                ("metrics.rs", "whole_engine()"),
                ("status.rs", ".store()"),
                ("status.rs", "whole_engine()"),
            ]
        );
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
