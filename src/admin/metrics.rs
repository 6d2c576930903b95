//! Prometheus metrics, counted in the store at the time of the request.

use super::{App, problem::Problem};
use crate::engine::WorkspacePhase;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::PrometheusBuilder;

pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let engine = &app.engine;
    let store = engine.store();
    let matches = store.match_counts(None).await?;
    let actions = store.action_counts(None).await?;
    let queue = store.queue(None).await?;
    let pauses = store.pauses().await?;
    // A recorder for this answer alone: every figure is what the store says now.
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        metrics::gauge!("reply_router_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        for (rule, count) in matches {
            metrics::counter!("reply_router_rule_matches_total", "rule" => rule).absolute(count);
        }
        for count in actions {
            metrics::gauge!(
                "reply_router_rule_actions",
                "rule" => count.rule,
                "state" => count.state.as_str(),
                "reason" => count.reason.unwrap_or_default()
            )
            .set(as_gauge(count.count));
        }
        for (state, count) in queue {
            metrics::gauge!("reply_router_actions", "state" => state.as_str()).set(as_gauge(count));
        }
        for workspace in engine.workspaces() {
            let name = workspace.name().to_owned();
            let status = workspace.status();
            let budget = workspace.client().budget();
            let up = f64::from(u8::from(status.phase == WorkspacePhase::Polling && status.last_poll.is_some()));
            let paused = pauses.iter().any(|pause| pause.workspace.as_deref().is_none_or(|found| found == name));
            metrics::gauge!("reply_router_poll_up", "workspace" => name.clone()).set(up);
            metrics::gauge!("reply_router_paused", "workspace" => name.clone()).set(f64::from(u8::from(paused)));
            if let Some(at) = status.last_poll {
                metrics::gauge!("reply_router_last_poll_timestamp_seconds", "workspace" => name.clone())
                    .set(at.as_duration().as_secs_f64());
            }
            for (window, left) in [("minute", budget.minute_left), ("hour", budget.hour_left)] {
                metrics::gauge!(
                    "reply_router_api_budget_left", "workspace" => name.clone(), "window" => window
                )
                .set(f64::from(left));
            }
        }
    });
    let text = handle.render();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Exact up to 2^53, more than any store holds.
#[allow(clippy::cast_precision_loss)]
fn as_gauge(count: u64) -> f64 {
    count as f64
}
