//! What operators do and ask: approve, reject, retry, resolve, pause, resume, apply, explain, check.

pub(super) mod apply;
pub(super) mod approvals;
pub(super) mod explain;
pub(super) mod health;
pub(super) mod sample;
pub(super) mod timeline;
