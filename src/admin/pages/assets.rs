//! What the pages are made up with, compiled in.

use axum::{http::header, response::IntoResponse};

/// Get the style sheet of the pages.
#[utoipa::path(
    get, path = "/assets/style.css", tag = "pages",
    responses((status = 200, description = "A style sheet.", content_type = "text/css", body = String))
)]
pub(in crate::admin) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../assets/style.css"))
}

/// Get the script of the pages.
#[utoipa::path(
    get, path = "/assets/pages.js", tag = "pages",
    responses((status = 200, description = "A script.", content_type = "text/javascript", body = String))
)]
pub(in crate::admin) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../assets/pages.js"))
}

/// Get the icon of the pages.
#[utoipa::path(
    get, path = "/assets/icon.svg", tag = "pages",
    responses((status = 200, description = "An image.", content_type = "image/svg+xml", body = String))
)]
pub(in crate::admin) async fn icon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml")], include_str!("../assets/icon.svg"))
}

/// Get the script that sets the colours.
///
/// It runs before anything is painted, so that the chosen colours do not flash.
#[utoipa::path(
    get, path = "/assets/theme.js", tag = "pages",
    responses((status = 200, description = "A script.", content_type = "text/javascript", body = String))
)]
pub(in crate::admin) async fn theme() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../assets/theme.js"))
}
