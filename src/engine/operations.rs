//! What operators do and ask: approve, reject, retry, resolve, pause, resume, apply, explain, check.

pub(super) mod apply;
pub(super) mod approvals;
pub(super) mod explain;
pub(super) mod health;
pub(super) mod pauses;
pub(super) mod sample;
pub(super) mod timeline;
pub(super) mod traces;

use super::{Executor, Intake, shared::Shared};
use std::sync::Arc;

/// Does what an operator asks. It decides as intake does and foresees as execution does, so it asks both.
#[derive(Clone)]
pub struct Operator {
    shared: Arc<Shared>,
    intake: Intake,
    executor: Executor,
    compiled: Arc<traces::CompiledRules>,
}

impl Operator {
    pub(super) fn new(shared: Arc<Shared>, intake: Intake, executor: Executor) -> Self {
        Self { shared, intake, executor, compiled: Arc::default() }
    }
}
