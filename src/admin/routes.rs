//! The routes: one line for each handler. Method, path and description stand above the handler, so that no route can be
//! served without a description, nor described without being served.

use super::{
    App, access::Needs, actions, audit, auth, backtest, controls, decisions, events, explain, forget, hooks, left,
    metrics, openapi, opt_outs, pages, rules, status, under_way,
};
use axum::{Router, extract::DefaultBodyLimit, middleware, routing::MethodRouter};
use serde_json::Value;
use utoipa::openapi::{OpenApi as Document, extensions::ExtensionsBuilder};
use utoipa_axum::{
    PathItemExt,
    router::{OpenApiRouter, UtoipaMethodRouter},
};

/// A route, as far as it was asked for: to serve it takes nothing of its description, which is far larger.
struct Route {
    path: fn() -> String,
    methods: fn() -> MethodRouter<App>,
    description: fn() -> UtoipaMethodRouter<App>,
    /// How large a body may be, in bytes, if not as large as everywhere.
    body_limit: Option<usize>,
}

/// The route of a handler, of which method, path and description stand above it.
macro_rules! route {
    ($($handler:ident)::+) => {
        Route {
            path: || utoipa_axum::routes!(@path [path()] of $($handler)::+),
            methods: || {
                let methods = utoipa_axum::routes!(@path [methods()] of $($handler)::+);
                methods.iter().fold(MethodRouter::new(), |all, method| all.on(method.to_method_filter(), $($handler)::+))
            },
            description: || utoipa_axum::routes!($($handler)::+),
            body_limit: None,
        }
    };
}

impl Route {
    /// The same for bodies up to so many bytes.
    fn within(self, limit: usize) -> Self {
        Self { body_limit: Some(limit), ..self }
    }

    /// Its handler, by method. Whatever it changes, it carries out to its end.
    fn served(&self) -> MethodRouter<App> {
        let methods = (self.methods)().route_layer(middleware::from_fn(under_way::to_its_end));
        match self.body_limit {
            Some(limit) => methods.layer(DefaultBodyLimit::max(limit)),
            None => methods,
        }
    }
}

/// The routes that ask who calls. Each says here what it needs of them; which workspaces they see, [`ScopedEngine`] says,
/// through which alone a handler reads.
///
/// [`ScopedEngine`]: super::ScopedEngine
fn protected() -> Vec<(Needs, Route)> {
    const VIEWER: Needs = Needs::VIEWER;
    const APPROVER: Needs = Needs::APPROVER;
    const ADMIN: Needs = Needs::ADMIN;
    const WHOLE_SERVICE: Needs = Needs::WholeService;
    vec![
        (VIEWER, route!(pages::rules::rules)),
        (VIEWER, route!(pages::activity::activity)),
        (VIEWER, route!(pages::thread::thread)),
        (VIEWER, route!(pages::queue::queue)),
        (VIEWER, route!(pages::try_page::form)),
        (VIEWER, route!(pages::try_page::submit)),
        (VIEWER, route!(pages::backtest::page)),
        (APPROVER, route!(pages::backtest::submit).within(backtest::BODY_LIMIT)),
        (APPROVER, route!(pages::backtest::cancel)),
        (VIEWER, route!(pages::workspace::workspace)),
        (ADMIN, route!(pages::workspace::run_checks)),
        (ADMIN, route!(pages::forget::forget)),
        (WHOLE_SERVICE, route!(pages::forms::set_mode)),
        (APPROVER, route!(pages::forms::pause)),
        (APPROVER, route!(pages::forms::resume)),
        (WHOLE_SERVICE, route!(pages::forms::reload)),
        (APPROVER, route!(pages::forms::decide)),
        (APPROVER, route!(pages::forms::thread_done)),
        (APPROVER, route!(pages::forms::add_opt_out)),
        (APPROVER, route!(pages::forms::remove_opt_out)),
        (VIEWER, route!(openapi::document)),
        (VIEWER, route!(status::status)),
        (VIEWER, route!(status::workspaces)),
        (VIEWER, route!(rules::list)),
        (VIEWER, route!(rules::get)),
        (WHOLE_SERVICE, route!(rules::set_mode)),
        (VIEWER, route!(backtest::list)),
        (APPROVER, route!(backtest::start).within(backtest::BODY_LIMIT)),
        (VIEWER, route!(backtest::read)),
        (VIEWER, route!(backtest::get)),
        (APPROVER, route!(backtest::remove)),
        (APPROVER, route!(backtest::cancel)),
        (VIEWER, route!(backtest::report)),
        (VIEWER, route!(actions::list)),
        (VIEWER, route!(actions::get)),
        (APPROVER, route!(actions::approve)),
        (APPROVER, route!(actions::reject)),
        (APPROVER, route!(actions::retry)),
        (APPROVER, route!(actions::resolve)),
        (VIEWER, route!(left::list)),
        (APPROVER, route!(left::done)),
        (VIEWER, route!(decisions::list)),
        (VIEWER, route!(decisions::get)),
        (VIEWER, route!(explain::explain)),
        (VIEWER, route!(opt_outs::list)),
        (APPROVER, route!(opt_outs::add)),
        (APPROVER, route!(opt_outs::remove)),
        (ADMIN, route!(forget::forget)),
        (VIEWER, route!(opt_outs::export)),
        (APPROVER, route!(opt_outs::import).within(opt_outs::MAX_TABLE)),
        (APPROVER, route!(controls::pause)),
        (APPROVER, route!(controls::resume)),
        (WHOLE_SERVICE, route!(controls::reload)),
        (VIEWER, route!(audit::list)),
        (VIEWER, route!(events::stream)),
    ]
}

/// The routes that anyone may call; the hook has a token of its own.
fn public() -> Vec<Route> {
    vec![
        route!(status::healthz),
        route!(status::readyz),
        route!(metrics::metrics),
        route!(auth::login_page),
        route!(auth::login),
        route!(auth::logout),
        route!(pages::assets::style),
        route!(pages::assets::script),
        route!(pages::assets::theme),
        route!(pages::assets::icon),
        route!(hooks::coldsend),
    ]
}

/// The description of all routes. It asks for a token if `needs_token`.
pub(super) fn description(needs_token: bool) -> Value {
    let protected = protected().into_iter().map(|(needs, route)| described(needs, (route.description)()));
    openapi::describe(document(protected), public_document(), needs_token)
}

fn public_document() -> Document {
    document(public().into_iter().map(|route| (route.description)()))
}

fn document(routes: impl Iterator<Item = UtoipaMethodRouter<App>>) -> Document {
    routes.fold(OpenApiRouter::default(), OpenApiRouter::routes).into_openapi()
}

/// A route whose description says what it needs.
fn described(needs: Needs, (schemas, mut paths, methods): UtoipaMethodRouter<App>) -> UtoipaMethodRouter<App> {
    for operation in openapi::operations(&mut paths) {
        let declared = ExtensionsBuilder::new().add(openapi::ROLE, needs.as_str()).build();
        operation.extensions.get_or_insert_default().merge(declared);
    }
    (schemas, paths, methods)
}

/// All routes, those that need it behind the guard. A route lets nobody pass who lacks what it needs.
pub(super) fn router(app: &App) -> Router<App> {
    let guard = middleware::from_fn_with_state(app.clone(), auth::guard);
    let protected = protected().into_iter().fold(Router::new(), |router, (needs, route)| {
        let check = middleware::from_fn(move |request, next| auth::authorize(needs, request, next));
        router.route(&(route.path)(), route.served().route_layer(check))
    });
    let public = public().into_iter();
    let public = public.fold(Router::new(), |router, route| router.route(&(route.path)(), route.served()));
    protected.layer(guard).merge(public)
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
        let public = public_document();
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
