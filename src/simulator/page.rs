//! The pages.
use super::route::answer;
use super::state::Shared;
use axum::http::StatusCode;
use axum::response::Response;

pub(super) fn answer_page(_shared: &Shared, _path: &str) -> Response {
    answer(StatusCode::OK, "text/html; charset=utf-8", "simulator")
}
