//! What the pages are made up with, compiled in.

use axum::{http::header, response::IntoResponse};

pub(in crate::admin) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../assets/style.css"))
}

pub(in crate::admin) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../assets/pages.js"))
}

pub(in crate::admin) async fn icon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml")], include_str!("../assets/icon.svg"))
}

/// Runs before anything is painted, so that the chosen colours do not flash.
pub(in crate::admin) async fn theme() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../assets/theme.js"))
}
