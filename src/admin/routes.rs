//! The table of routes: what is served under which path, and what of it needs a token.

use super::{
    App, actions, audit, auth, controls, decisions, events, explain, hooks, left, metrics, openapi, opt_outs, pages,
    rules, status,
};
use axum::{
    Router,
    handler::Handler,
    http::Method,
    middleware,
    routing::{MethodFilter, on},
};

/// Routes, and their list: a router does not tell what is in it, and the description of the routes must be complete.
#[derive(Default)]
pub(super) struct RouteTable {
    router: Router<App>,
    listed: Vec<(Method, &'static str)>,
}

impl RouteTable {
    fn route<H, T>(mut self, filter: MethodFilter, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.router = self.router.route(path, on(filter, handler));
        self.listed.push((method, path));
        self
    }

    fn get<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.route(MethodFilter::GET, Method::GET, path, handler)
    }

    fn post<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.route(MethodFilter::POST, Method::POST, path, handler)
    }

    fn delete<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.route(MethodFilter::DELETE, Method::DELETE, path, handler)
    }
}

/// What needs the token or a session.
pub(super) fn protected() -> RouteTable {
    RouteTable::default()
        .get("/", pages::rules)
        .get("/activity", pages::activity)
        .get("/threads/{id}", pages::thread)
        .get("/queue", pages::queue)
        .get("/try", pages::try_form)
        .post("/try", pages::try_rules)
        .get("/workspace", pages::workspace)
        .post("/workspace/check", pages::run_checks)
        .post("/rules/{name}/mode", pages::set_mode)
        .post("/pause", pages::pause)
        .post("/resume", pages::resume)
        .post("/reload", pages::reload)
        .post("/actions/{id}/{decision}", pages::decide)
        .post("/left/{id}/done", pages::thread_done)
        .post("/opt-outs", pages::add_opt_out)
        .post("/opt-outs/remove", pages::remove_opt_out)
        .get("/openapi.json", openapi::document)
        .get("/api/v1/status", status::status)
        .get("/api/v1/rules", rules::list)
        .get("/api/v1/rules/{name}", rules::one)
        .post("/api/v1/rules/{name}/mode", rules::set_mode)
        .get("/api/v1/actions", actions::list)
        .get("/api/v1/actions/{id}", actions::get)
        .post("/api/v1/actions/{id}/approve", actions::approve)
        .post("/api/v1/actions/{id}/reject", actions::reject)
        .post("/api/v1/actions/{id}/retry", actions::retry)
        .post("/api/v1/actions/{id}/resolve", actions::resolve)
        .get("/api/v1/left", left::list)
        .post("/api/v1/left/{id}/done", left::done)
        .get("/api/v1/decisions", decisions::list)
        .get("/api/v1/decisions/{id}", decisions::one)
        .get("/api/v1/threads/{id}/explain", explain::explain)
        .get("/api/v1/opt-outs", opt_outs::list)
        .post("/api/v1/opt-outs", opt_outs::add)
        .delete("/api/v1/opt-outs/{email}", opt_outs::remove)
        .post("/api/v1/pause", controls::pause)
        .post("/api/v1/resume", controls::resume)
        .post("/api/v1/reload", controls::reload)
        .get("/api/v1/audit", audit::list)
        .get("/api/v1/events", events::stream)
}

/// What anybody may ask for; the hook has a token of its own.
pub(super) fn public() -> RouteTable {
    RouteTable::default()
        .get("/healthz", status::healthz)
        .get("/readyz", status::readyz)
        .get("/metrics", metrics::metrics)
        .get("/login", auth::login_page)
        .post("/login", auth::login)
        .post("/logout", auth::logout)
        .get("/assets/style.css", pages::style)
        .get("/assets/pages.js", pages::script)
        .get("/assets/theme.js", pages::theme)
        .get("/assets/icon.svg", pages::icon)
        .post("/hooks/coldsend/{workspace}", hooks::coldsend)
}

/// Everything, with the guard before what is guarded.
pub(super) fn all(app: &App) -> Router<App> {
    protected().router.layer(middleware::from_fn_with_state(app.clone(), auth::guard)).merge(public().router)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::openapi;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn the_description_names_every_route_and_no_other() {
        let document: Value = serde_json::from_str(openapi::DOCUMENT).unwrap();
        let served: BTreeSet<String> = [protected(), public()]
            .iter()
            .flat_map(|table| &table.listed)
            .map(|(method, path)| format!("{} {path}", method.as_str().to_lowercase()))
            .collect();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                described.insert(format!("{method} {path}"));
            }
        }
        assert_eq!(described, served);
    }

    #[test]
    fn what_is_open_is_described_as_open() {
        let document: Value = serde_json::from_str(openapi::DOCUMENT).unwrap();
        let security = |(method, path): &(Method, &'static str)| {
            document["paths"][*path][method.as_str().to_lowercase()].get("security").cloned()
        };
        for route in &protected().listed {
            assert_eq!(security(route), None, "{route:?} has a security of its own");
        }
        for route in &public().listed {
            assert!(security(route).is_some(), "{route:?} is described as guarded");
        }
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
        let document: Value = serde_json::from_str(openapi::DOCUMENT).unwrap();
        check(&document, &document);
    }

    #[test]
    fn every_placeholder_is_described() {
        let document: Value = serde_json::from_str(openapi::DOCUMENT).unwrap();
        for (_, path) in protected().listed.iter().chain(&public().listed) {
            let parameters = document["paths"][*path]["parameters"].as_array().cloned().unwrap_or_default();
            let named: BTreeSet<_> = parameters.iter().filter_map(|found| found["name"].as_str()).collect();
            let wanted: BTreeSet<_> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(named, wanted, "{path}");
        }
    }
}
