//! What the pages are made up with, compiled in.

use axum::{http::header, response::IntoResponse};

pub(in crate::admin) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../assets/style.css"))
}

pub(in crate::admin) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../assets/pages.js"))
}

/// Runs before anything is painted, so that the chosen colours do not flash.
pub(in crate::admin) async fn theme() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../assets/theme.js"))
}
