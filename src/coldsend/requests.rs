//! Reads and writes: who may send when, and how often.

use super::budget::Permit;
use super::client::Client;
use super::error::{ApiError, WriteError, WriteOutcome, outcome_of};
use super::ledger::Priority;
use super::transport::{Call, Reading, TransportError, parse};
use serde_json::Value;

impl Client {
    /// A read: once more at most, when the connection broke before an answer.
    pub(super) async fn read(&self, call: Call, priority: Priority) -> Result<Reading, ApiError> {
        let transport = &self.transport;
        let mut first = true;
        let answer = loop {
            let permit = self.acquire_permit(priority).await?;
            match transport.exchange(&transport.reads, call.clone(), permit, self.read_limit).await {
                Ok(answer) => break answer,
                Err(failed) if first && failed.broken => first = false,
                Err(failed) => return Err(failed.error),
            }
        };
        if !(200..300).contains(&answer.status) {
            return Err(transport.refusal(&call, answer));
        }
        let value = parse(call.endpoint, &answer.body?)?;
        if value.get("success") == Some(&Value::Bool(false)) {
            return Err(ApiError::Refused { status: answer.status, detail: transport.detail(&value) });
        }
        Ok(Reading { value, date: answer.date })
    }

    /// A write, sent once. `Ok` is any 2xx, whatever became of its body.
    pub(super) async fn write(&self, call: Call, priority: Priority) -> Result<Result<Reading, ApiError>, WriteError> {
        let transport = &self.transport;
        let permit = self.acquire_permit(priority).await.map_err(WriteError::not_sent)?;
        let answer = match transport.exchange(&transport.writes, call.clone(), permit, None).await {
            Ok(answer) => answer,
            Err(TransportError { error, never_left: true, .. }) => return Err(WriteError::not_sent(error)),
            Err(TransportError { error, .. }) => return Err(WriteError { certainty: WriteOutcome::Unknown, error }),
        };
        match outcome_of(answer.status) {
            WriteOutcome::Applied => {
                let date = answer.date;
                let read =
                    answer.body.and_then(|body| parse(call.endpoint, &body)).map(|value| Reading { value, date });
                if let Err(error) = &read {
                    tracing::warn!(endpoint = call.endpoint, %error, "accepted, but the answer cannot be read");
                }
                Ok(read)
            }
            certainty => Err(WriteError { certainty, error: transport.refusal(&call, answer) }),
        }
    }

    /// A place in the budget for a request. One that would leave although the account is in this process gets none.
    async fn acquire_permit(&self, priority: Priority) -> Result<Permit, ApiError> {
        if self.is_in_process() {
            return Err(ApiError::Invalid { detail: "an account in this process takes no request".to_owned() });
        }
        let permit = self.transport.gate.acquire(priority, self.max_wait).await;
        let permit = permit.map_err(|retry_after| ApiError::BudgetExhausted {
            workspace: self.transport.workspace.clone(),
            retry_after,
        })?;
        self.transport.sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(permit)
    }
}
